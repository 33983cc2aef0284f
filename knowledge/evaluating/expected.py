"""What an expected value means: which entries, or which documents, are right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from knowledge.evaluating.question_file import Asked, QuestionsInvalid
from knowledge.importing.ids import document_id
from knowledge.passages import bare

_LISTED = 5  # values that match nothing, in the message
_COMPARED = 20_000  # names among which the nearest is looked for


class Known(Struct, frozen=True):
    """An entry as far as an expected value can name it: `questions` is its own in each language."""

    id: str
    questions: tuple[str, ...]
    document: str
    source: str
    title: str


class Wanted(Struct, frozen=True):
    """Ids of the right entries and documents. Both empty: it must not be answered, or nothing here is right."""

    entries: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()

    @property
    def by_document(self) -> bool:
        """Ranks count distinct documents."""
        return bool(self.documents)

    def holds(self, entry: str, document: str) -> bool:
        return entry in self.entries or document in self.documents


class Inventory:
    """Everything that expected values can name."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._entries: set[str] = set()
        self._documents: set[str] = set()
        self._entries_by_name: dict[str, set[str]] = {}
        self._documents_by_path: dict[str, set[str]] = {}
        self._documents_by_title: dict[str, set[str]] = {}
        for each in known:
            self._entries.add(each.id)
            for name in (*_suffixes(each.id), *filter(None, map(bare, each.questions))):
                self._entries_by_name.setdefault(name, set()).add(each.id)
            if each.document not in self._documents:
                self._documents.add(each.document)
                for path in {*_tails(each.document), *_tails(each.source)}:
                    self._documents_by_path.setdefault(path, set()).add(each.document)
                self._documents_by_title.setdefault(bare(each.title), set()).add(each.document)

    def __len__(self) -> int:
        """Entries."""
        return len(self._entries)

    def find(self, value: str) -> Wanted:
        """What `value` names: an id, else every entry of that question and every document of that path or title.

        Raises Ambiguous if a part of a path fits several documents.
        """
        if value in self._entries:
            return Wanted(entries=frozenset({value}))
        path = document_id(value)
        if path in self._documents:
            return Wanted(documents=frozenset({path}))
        entries = self._entries_by_name.get(value.lstrip(".…"), set()) | self._entries_by_name.get(bare(value), set())
        documents = self._documents_by_path.get(path, set())
        if len(documents) > 1 and not entries:
            raise Ambiguous(value, sorted(documents))
        if not documents:
            documents = self._documents_by_title.get(bare(value), set())
        return Wanted(frozenset(entries), frozenset(documents))

    def nearest(self, value: str) -> str:
        """The name most like `value`, to show; empty if none is."""
        names = [*self._entries, *self._documents][:_COMPARED]
        return next(iter(difflib.get_close_matches(value, names, n=1)), "")


class Ambiguous(QuestionsInvalid):
    """An expected value fits several documents."""

    def __init__(self, value: str, documents: Sequence[str]) -> None:
        super().__init__(
            f"{value!r} fits {len(documents)} documents ({', '.join(documents[:3])}); give more of the path"
        )


def resolve(asked: Sequence[Asked], inventories: Sequence[Inventory]) -> list[list[Wanted]]:
    """For each inventory, what is right for each question.

    Raises QuestionsInvalid if a value matches nothing in any of them: a typing error would look like a miss.
    """
    unknown: dict[str, str] = {}
    found: list[list[Wanted]] = [[] for _ in inventories]
    for question in asked:
        seen: set[str] = set()
        for inventory, own in zip(inventories, found, strict=True):
            parts = {value: _find(inventory, value, question.where) for value in question.expected}
            if Wanted() in parts.values() and (whole := inventory.find(" | ".join(question.expected))) != Wanted():
                # A title may have the mark that stands between several.
                parts = dict.fromkeys(question.expected, whole)
            seen.update(value for value, part in parts.items() if part != Wanted())
            own.append(
                Wanted(
                    frozenset().union(*(part.entries for part in parts.values())),
                    frozenset().union(*(part.documents for part in parts.values())),
                )
            )
        unknown |= {value: question.where for value in question.expected if value not in seen and value not in unknown}
    if unknown:
        raise QuestionsInvalid(_unknown(unknown, inventories[0]))
    return found


def _find(inventory: Inventory, value: str, where: str) -> Wanted:
    try:
        return inventory.find(value)
    except Ambiguous as error:
        raise QuestionsInvalid(f"{where}: expected {error.detail}") from error


def _unknown(unknown: dict[str, str], inventory: Inventory) -> str:
    told = []
    for value, where in list(unknown.items())[:_LISTED]:
        near = inventory.nearest(value)
        told.append(f"  {where}: {value!r}" + (f" (is it {near!r}?)" if near else ""))
    more = f"\n  and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else ""
    values = "1 expected value is" if len(unknown) == 1 else f"{len(unknown)} expected values are"
    return (
        f"{values} nowhere in the knowledge ({len(inventory):,} entries):\n"
        + "\n".join(told)
        + more
        + "\nGive an entry's id, its question or title word for word, or a document's path, file name or title; "
        "write 'none' for what must not be answered."
    )


def _suffixes(entry: str) -> Iterator[str]:
    """Of "docs/faq.csv#12": "#12", "12" and "faq.csv#12"."""
    before, mark, after = entry.rpartition("#")
    if mark:
        yield after
        yield f"#{after}"
        yield from (f"{tail}#{after}" for tail in _tails(before))


def _tails(path: str) -> set[str]:
    """The path, and what is left of it when folders are taken from its front."""
    parts = path.replace("\\", "/").split("/")
    return {"/".join(parts[at:]) for at in range(len(parts)) if parts[at]}
