"""Which descriptions of pictures say something that the text beside them does not."""

from __future__ import annotations

import re

from knowledge.importing.chunking import plain
from knowledge.importing.content import Block
from knowledge.importing.outline import Section
from knowledge.text import normalise

_MARKS = re.compile(r"[\W_]+")


def with_telling_pictures(section: Section, title: str) -> list[Block]:
    """The section's blocks; pictures become paragraphs of what they show, unless headings or text say it already."""
    said = _bare(" ".join([title, *section.path, *(plain(each) for each in section.blocks if each.kind != "picture")]))
    kept: list[Block] = []
    for block in section.blocks:
        if block.kind != "picture":
            kept.append(block)
        elif (shown := _bare(block.text)) and shown not in said:
            said += shown
            kept.append(Block("paragraph", block.text, where=block.where))
    return kept


def _bare(text: str) -> str:
    return _MARKS.sub("", normalise(text))
