"""What one tenant knows, searchable while it changes.

One writer, any number of searchers. Entries are numbered as they come and a number is never used
again; a search holds on to one view (which numbers are valid, at which knowledge version), so a
document appears, changes and disappears whole.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge import searching
from knowledge.background import BACKGROUND
from knowledge.embedder import Encoder
from knowledge.entries import Document, Entry
from knowledge.found import Found
from knowledge.scope import EVERYTHING, Label, Scope
from knowledge.tables import New, Tables
from knowledge.text import Language
from knowledge.views import View

Floats = npt.NDArray[np.float32]


class Confirmed(Struct, frozen=True):
    """A person said that the entry answers the question."""

    entry: str
    question: str


Content = Document | Confirmed


class LiveKnowledge:
    """Searches take no lock. `apply` and `train` are for one thread at a time; a lock makes others wait."""

    def __init__(self, encoder: Encoder) -> None:
        """`encoder` makes the vectors of what is added, and of the background now."""
        self._tables = Tables(encoder)
        self._background: Floats = encoder.encode([*BACKGROUND])[:, : encoder.parts[0]]
        self._confirmations: dict[str, Confirmed] = {}
        self._view = View(self._tables, self._background, version=0, limit=0)
        self._writing = threading.Lock()

    @property
    def version(self) -> int:
        """The knowledge version that searches see."""
        return self._view.version

    def __len__(self) -> int:
        """Entries."""
        return len(self._tables.rows)

    def apply(self, version: int, removed: Iterable[str], changed: Mapping[str, Content]) -> None:
        """To knowledge version `version`, seen by searches in one step.

        `removed`: items that are gone; `changed`: items that are new or have new content.
        """
        tables = self._tables
        with self._writing:
            gone = {*removed, *changed}
            touched = self._confirm(gone, changed)
            old = [number for item in sorted(gone) for number in tables.items.get(item, ())]
            new = [
                New(item, Label(document.collection, _languages(entry), document.tags), document.source, entry)
                for item, document in changed.items()
                if isinstance(document, Document)
                for entry in document.entries
            ]
            # An entry that gained or lost a confirmed question comes again, with its other passages.
            for number in sorted({tables.newest[each] for each in touched if each in tables.newest}.difference(old)):
                row = tables.rows[number]
                old.append(number)
                new.append(New(row.item, row.label, row.source, row.entry))
            first = self._view.limit
            tables.insert(first, self._with_confirmed(new))
            self._publish(version, first + len(new), frozenset(old))
            tables.retire(old)
            self._publish(version, first + len(new), frozenset())

    def _publish(self, version: int, limit: int, retired: frozenset[int]) -> None:
        self._view = View(self._tables, self._background, version, limit, retired)

    def _confirm(self, gone: set[str], changed: Mapping[str, Content]) -> set[str]:
        """The entries whose confirmed questions change."""
        before = [known for item in gone if (known := self._confirmations.pop(item, None))]
        after = {item: content for item, content in changed.items() if isinstance(content, Confirmed)}
        self._confirmations |= after
        return {each.entry for each in (*before, *after.values())}

    def _with_confirmed(self, new: Sequence[New]) -> list[New]:
        questions: dict[str, list[str]] = {}
        for each in self._confirmations.values():
            questions.setdefault(each.entry, []).append(each.question)
        return [
            New(each.item, each.label, each.source, each.entry, tuple(questions.get(each.entry.id, ()))) for each in new
        ]

    def train(self) -> bool:
        """Learns the questions anew if they changed, in seconds for thousands; True if they had.

        Until then what was added since is ranked by its other evidence alone.
        """
        return self._tables.examples.train()

    @property
    def languages_learnt(self) -> frozenset[Language]:
        """Those whose questions `train` found enough of."""
        return frozenset(self._tables.examples.heads)

    def search(self, texts: Sequence[str], vectors: Floats, k: int, scope: Scope = EVERYTHING) -> list[Found]:
        """The k best entries for each text. `vectors`: (n, dim), the encoder's, of the same texts."""
        return searching.search(self._view, texts, vectors, k, scope)

    def close(self) -> None:
        """Ends the indexes' upkeep; it can still be searched."""
        self._tables.close()


def _languages(entry: Entry) -> tuple[Language, ...]:
    return tuple(language for language, _ in entry.sides())
