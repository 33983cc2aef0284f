"""Questions with their answers inside prose: a heading that asks, or lines marked Q and A."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from knowledge.importing.chunking import SIZES, plain
from knowledge.importing.content import Block
from knowledge.text import language

# A longer answer is better found by its parts, as passages.
LONGEST = {name: 3 * high for name, (_, high) in SIZES.items()}

_ASKED = re.compile(r"(?:\*\*)?(?:Q(?:uestion)?\s*\d{0,3}|问题?\s*\d{0,3})\s*[:：.、](?:\*\*)?\s*(?=\S)", re.I)
_ANSWERED = re.compile(r"(?:\*\*)?(?:A(?:nswer)?\s*\d{0,3}|答案?|回答)\s*\d{0,3}\s*[:：.、](?:\*\*)?\s*(?=\S)", re.I)
_QUESTION_WORDS = re.compile(
    r"(?:如何|怎么|怎样|为什么|为何|什么是|是否|能否|可否)|.*(?:怎么办|吗|呢|(?:如何|怎么|怎样)(?:处理|解决|操作))$"
    r"|(?:how (?:do|does|can|to|long|much|many)|what (?:is|are|if|happens)|why|where (?:is|are|do|can)"
    r"|can i|do i|when (?:do|will))\b",
    re.I,
)


class Asked(Struct, frozen=True):
    question: str
    answer: tuple[Block, ...]


def is_question(text: str) -> bool:
    """Ends with a question mark, or is worded as a question."""
    bare = text.strip().rstrip("”\"'」*）) ")
    return bare.endswith(("?", "？")) or bool(_QUESTION_WORDS.match(bare))


def heading_asks(heading: str) -> str:
    """The question that a heading asks, without 'Q:'; empty if it asks none."""
    marked = _ASKED.match(heading)
    question = heading[marked.end() :].strip() if marked else heading.strip()
    return question if marked or is_question(question) else ""


def short_enough(blocks: Sequence[Block]) -> bool:
    text = "\n".join(plain(each) for each in blocks)
    return len(text) <= LONGEST[language(text)]


def unmarked(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The answer's blocks without the 'A:' before the first."""
    if not blocks or blocks[0].kind == "table" or not (marked := _ANSWERED.match(blocks[0].text)):
        return tuple(blocks)
    first = blocks[0]
    return (Block(first.kind, first.text[marked.end() :], first.level, where=first.where), *blocks[1:])


def pairs(blocks: Sequence[Block]) -> tuple[list[Asked], list[Block]]:
    """Pairs of 'Q: ...' and 'A: ...' among the blocks, and the blocks that belong to none.

    An answer goes on until the next question. A question that nothing marked as its answer follows stays prose.
    """
    lines = [line for block in blocks for line in _lines(block)]
    found: list[Asked] = []
    rest: list[Block] = []
    at = 0
    while at < len(lines):
        asked = _ASKED.match(lines[at].text) if lines[at].kind in ("paragraph", "item") else None
        if not asked or at + 1 == len(lines) or not _ANSWERED.match(lines[at + 1].text):
            rest.append(lines[at])
            at += 1
            continue
        end = at + 2
        while end < len(lines) and not _ASKED.match(lines[end].text):
            end += 1
        found.append(Asked(lines[at].text[asked.end() :].strip(), unmarked(lines[at + 1 : end])))
        at = end
    return (found, rest) if found else ([], list(blocks))


def _lines(block: Block) -> list[Block]:
    """A paragraph that holds both marks, as a block for each line."""
    if block.kind not in ("paragraph", "item") or "\n" not in block.text:
        return [block]
    lines = block.text.split("\n")
    if not any(_ASKED.match(line) or _ANSWERED.match(line) for line in lines):
        return [block]
    return [Block(block.kind, line, block.level, where=block.where) for line in lines if line.strip()]
