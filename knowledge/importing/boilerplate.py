"""What a document says again and again: kept once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from knowledge.importing.content import Block, Placed
from knowledge.importing.making import entry_of
from knowledge.importing.outline import Section
from knowledge.text import normalise

_OFTEN = 3
# Shorter paragraphs ("Steps:") are repeated because they are needed each time.
_LEAST = 20
# Headings that one repeated text is still found by.
_MOST_HEADINGS = 20


def without_repeats(sections: Sequence[Section]) -> list[Section]:
    """Drops paragraphs said three times or more, but for the first, where their section says more than that."""
    counts = Counter(key for section in sections for block in section.blocks if (key := _key(block)))
    seen: set[str] = set()
    kept: list[Section] = []
    for section in sections:
        blocks: list[Block] = []
        for block in section.blocks:
            key = _key(block)
            if not (key and counts[key] >= _OFTEN and key in seen):
                blocks.append(block)
            if key:
                seen.add(key)
        kept.append(msgspec.structs.replace(section, blocks=tuple(blocks) or section.blocks))
    return kept


def merged(passages: Sequence[Placed]) -> list[Placed]:
    """Passages of one text, three or more, become the first of them; the headings of the others lead to it too."""
    groups: dict[str, list[Placed]] = {}
    for placed in passages:
        _, side = placed.entry.side("en")
        groups.setdefault(normalise(side.answer), []).append(placed)
    kept: list[Placed] = []
    for group in groups.values():
        if len(group) < _OFTEN:
            kept += group
            continue
        entry = group[0].entry
        spoken, side = entry.side("en")
        others = [each.entry.side("en")[1].question for each in group[1 : _MOST_HEADINGS + 1]]
        again = entry_of(entry.id, side.question, side.answer, others, topic=entry.topic, spoken=spoken, kind="passage")
        kept.append(Placed(group[0].where, again))
    position = {placed.entry.id: number for number, placed in enumerate(passages)}
    return sorted(kept, key=lambda placed: position[placed.entry.id])


def _key(block: Block) -> str:
    return normalise(block.text) if block.kind == "paragraph" and len(block.text) >= _LEAST else ""
