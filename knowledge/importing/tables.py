"""Rows to entries: questions with answers, labelled utterances, or plain facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from knowledge.importing.columns import Columns
from knowledge.importing.content import Listed, Placed, Skipped
from knowledge.importing.ids import EntryIds
from knowledge.importing.making import entry_of, joined_path
from knowledge.importing.rows import Row, find_header
from knowledge.text import Language, language, normalise

_SPLIT = re.compile(r"\n|\||;;|；；")
_TAGS = re.compile(r"[,，;；|、\n]")


def read_rows(rows: Sequence[Row], ids: EntryIds, path: Sequence[str]) -> Listed:
    """Entries of one table. `path`: the title above it, and the sheet's name if there are several.

    Rows that lack a question or an answer are skipped, each with its place.
    """
    rows = [row for row in rows if any(row.cells)]
    if not rows:
        return Listed(())
    header = find_header(rows)
    above = rows[: header.first - 1] if header.columns and not header.guessed else []
    skipped = [Skipped(row.where, "stands above the header row; move it into the table if it matters") for row in above]
    body = rows[header.first :]
    if header.columns is None:
        return Listed(tuple(_facts(rows[0] if header.first else None, body, ids, path)))
    if header.columns.labelled:
        return _labelled(header.columns, body, ids)
    found = _questions(header.columns, body, ids)
    notes = list(found.notes)
    if header.guessed:
        left_out = ", and left out column 3" if any(row.cell(2) for row in body) else ""
        reason = f"no header row: took column 1 as question and column 2 as answer{left_out}; name them in a first row"
        notes.insert(0, Skipped(rows[0].where, reason))
    return Listed(found.entries, found.tags, (*skipped, *found.skipped), tuple(notes))


class _Draft(Struct):
    """One entry while its rows come in."""

    where: str
    id: str
    topic: str
    question: str
    answer: str
    language: Language
    paraphrases: list[str] = msgspec.field(default_factory=list)


def _questions(columns: Columns, rows: Sequence[Row], ids: EntryIds) -> Listed:
    drafts: dict[tuple[str, str, str, str], _Draft] = {}
    tags: dict[str, None] = {}
    skipped: list[Skipped] = []
    for row in rows:
        question, answer = row.cell(columns.question), row.cell(columns.answer)
        if not question or not answer:
            missing = "question" if not question else "answer"
            skipped.append(Skipped(row.where, f"has no {missing}; write it or delete the row"))
            continue
        spoken = _language(row.cell(columns.language), f"{question} {answer}")
        tags.update(dict.fromkeys(each.strip() for each in _TAGS.split(row.cell(columns.tags)) if each.strip()))
        key = (normalise(question), normalise(answer), row.cell(columns.id), spoken)
        draft = drafts.setdefault(
            key, _Draft(row.where, ids.own(row.cell(columns.id)), row.cell(columns.topic), question, answer, spoken)
        )
        for column in columns.paraphrases:
            draft.paraphrases += [each.strip() for each in _SPLIT.split(row.cell(column)) if each.strip()]
    entries = list(_entries(drafts.values(), ids, skipped))
    return Listed(tuple(entries), tuple(tags), tuple(skipped))


def _entries(drafts: Iterable[_Draft], ids: EntryIds, skipped: list[Skipped]) -> Iterator[Placed]:
    """Two rows of one id in two languages are two sides of one entry; in one language the second is skipped."""
    made: dict[str, Placed] = {}
    for draft in drafts:
        entry = entry_of("", draft.question, draft.answer, draft.paraphrases, topic=draft.topic, spoken=draft.language)
        if not draft.id:
            name = ids.derived(draft.question)
        elif draft.id not in made and ids.claim(draft.id):
            name = draft.id
        elif draft.id in made and getattr(made[draft.id].entry, draft.language) is None:
            before = made[draft.id]
            both = msgspec.structs.replace(before.entry, **{draft.language: getattr(entry, draft.language)})
            made[draft.id] = Placed(before.where, both)
            continue
        else:
            taken = f" by {made[draft.id].where}" if draft.id in made else ""
            skipped.append(Skipped(draft.where, f"its id {draft.id!r} is taken{taken}; choose another"))
            continue
        made[name] = Placed(draft.where, msgspec.structs.replace(entry, id=name))
    yield from made.values()


def _labelled(columns: Columns, rows: Sequence[Row], ids: EntryIds) -> Listed:
    """One entry a label, with its utterances as paraphrases."""
    groups: dict[str, list[Row]] = {}
    skipped: list[Skipped] = []
    for row in rows:
        if row.cell(columns.question) and row.cell(columns.label):
            groups.setdefault(row.cell(columns.label), []).append(row)
        else:
            skipped.append(Skipped(row.where, "has no text or no label; write it or delete the row"))
    entries: list[Placed] = []
    for label, group in groups.items():
        said = list(dict.fromkeys(row.cell(columns.question) for row in group))
        question = label.replace("_", " ").strip()
        question = question[:1].upper() + question[1:]
        answers = list(dict.fromkeys(row.cell(columns.answer) for row in group if row.cell(columns.answer)))
        skipped += [
            Skipped(row.where, f"answers the label {label!r} otherwise than a row before it; keep one of them")
            for row in group
            if row.cell(columns.answer) not in ("", *answers[:1])
        ]
        name = label if ids.claim(label) else ids.derived(label)
        answer = answers[0] if answers else question
        spoken = _language(group[0].cell(columns.language), " ".join(said[:50]))
        entries.append(Placed(group[0].where, entry_of(name, question, answer, said, topic="", spoken=spoken)))
    return Listed(tuple(entries), (), tuple(skipped))


def _facts(header: Row | None, rows: Sequence[Row], ids: EntryIds, path: Sequence[str]) -> Iterator[Placed]:
    """A passage a row, 'column: value' in lines, named by its first cell."""
    firsts = [next(filter(None, row.cells)) for row in rows]
    unique = len(set(firsts)) == len(firsts)
    for row, first in zip(rows, firsts, strict=True):
        lines = [
            f"{name}: {cell}" if (name := header.cell(at) if header else "") else cell
            for at, cell in enumerate(row.cells)
            if cell
        ]
        answer = "\n".join(lines)
        # A repeated first cell tells rows apart no better than their place would.
        own = ids.derived(*path[1:], first) if unique else ids.derived(*path[1:], answer)
        question = joined_path([*path, first])
        entry = entry_of(own, question, answer, (), topic="", spoken=language(answer), kind="passage")
        yield Placed(row.where, entry)


def _language(told: str, text: str) -> Language:
    """The language a column tells, else that of the text."""
    told = told.casefold()
    if told.startswith(("zh", "cn", "chinese", "中", "汉", "简", "繁")):
        return "zh"
    return "en" if told.startswith(("en", "英")) else language(text)
