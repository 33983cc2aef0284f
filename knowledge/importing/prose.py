"""A page of prose to entries: the questions it answers, and passages of all else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from knowledge.importing import questions
from knowledge.importing.boilerplate import merged, without_repeats
from knowledge.importing.chunking import Chunk, chunks, joined
from knowledge.importing.columns import recognise
from knowledge.importing.content import Block, Listed, Placed, Prose
from knowledge.importing.ids import EntryIds
from knowledge.importing.making import entry_of, joined_path
from knowledge.importing.outline import Section, sections
from knowledge.importing.pictures import with_telling_pictures
from knowledge.importing.rows import Row
from knowledge.importing.tables import read_rows

_SAYS_SOMETHING = re.compile(r"\w")


def read_prose(name: str, prose: Prose, ids: EntryIds, title: str) -> Listed:
    """The page's entries in order, with their places. `title`: the document's, first in every passage's path."""
    entries: list[Placed] = []
    passages: list[Placed] = []
    skipped = list(prose.skipped)
    for section in without_repeats(sections(prose.blocks, title)):
        rest: list[Block] = []
        for block in with_telling_pictures(section, title):
            if block.kind == "table" and _holds_questions(block):
                listed = read_rows(_rows(block, _place(name, section, block)), ids, [title])
                entries += listed.entries
                skipped += listed.skipped
            else:
                rest.append(block)
        for placed in _of_section(name, section, rest, ids, title):
            (entries if placed.entry.kind == "faq" else passages).append(placed)
    return Listed((*entries, *merged(passages)), (), tuple(skipped), prose.notes)


def _of_section(name: str, section: Section, blocks: Sequence[Block], ids: EntryIds, title: str) -> Iterator[Placed]:
    above = section.path[-2] if len(section.path) > 1 else title
    asked = questions.heading_asks(section.path[-1] if section.path else title) if section.leaf else ""
    if asked and blocks and questions.short_enough(blocks):
        answer = joined(questions.unmarked(blocks))
        if _SAYS_SOMETHING.search(answer):
            entry = entry_of(ids.derived(asked), asked, answer, topic=above)
            yield Placed(_place(name, section, blocks[0]), entry)
            return
    pairs, rest = questions.pairs(blocks)
    for pair in pairs:
        topic = section.path[-1] if section.path else title
        entry = entry_of(ids.derived(pair.question), pair.question, joined(pair.answer), topic=topic)
        yield Placed(_place(name, section, pair.answer[0]), entry)
    for chunk in chunks(rest):
        if _SAYS_SOMETHING.search(chunk.text):
            question = joined_path([title, *section.path])
            entry = entry_of(ids.derived(*section.path), question, chunk.text, topic=title, kind="passage")
            yield Placed(_place(name, section, chunk), entry)


def _holds_questions(block: Block) -> bool:
    columns = recognise(block.rows[0])
    return columns is not None and not columns.labelled


def _rows(block: Block, where: str) -> list[Row]:
    return [Row(f"{where} table row {number}", cells) for number, cells in enumerate(block.rows, start=1)]


def _place(name: str, section: Section, at: Block | Chunk) -> str:
    """The page it is on; where the format has no pages, the heading it is under."""
    if at.where:
        return f"{name} {at.where}"
    return joined_path([name, section.path[-1]]) if section.path else name
