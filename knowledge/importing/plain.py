"""Plain text: paragraphs between blank lines, with the headings and lists that people type."""

from __future__ import annotations

import re
from itertools import pairwise

from knowledge.importing.content import Block, Prose

_BULLET = re.compile(r"\s*(?:[-*•·●○■▪‣]|\d{1,3}[.)、]|[（(]\d{1,2}[)）])\s*(?=\S)")
_NUMBERED_HEADING = re.compile(
    r"(?:第[一二三四五六七八九十百\d]{1,4}([章节条部])|[一二三四五六七八九十]{1,3}、|(\d{1,2}(?:\.\d{1,2})*)[.、]?\s+)\s*\S"
)
_RULE = re.compile(r"\s*([=\-_*~#])\1{2,}\s*")
_CHINESE_STOPS = tuple("。！？；：")
_STOPS = tuple("。！？；，、：.!?;,:…")
# Columns from which a line counts as wrapped by a program, not ended by its author.
_WRAPPED = 56
_LONGEST_HEADING = 40


def read(text: str) -> Prose:
    return Prose("", tuple(blocks(text)))


def blocks(text: str) -> list[Block]:
    """Paragraphs, list items, and short lines standing alone that are numbered or underlined as headings."""
    found: list[Block] = []
    for paragraph in re.split(r"\n[ \t]*\n", text.expandtabs(4)):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        if lines:
            found += _paragraph(lines)
    return found


def _paragraph(lines: list[str]) -> list[Block]:
    found: list[Block] = []
    if len(lines) > 1 and _RULE.fullmatch(lines[1]) and len(lines[0].strip()) <= _LONGEST_HEADING:
        found.append(Block("heading", lines[0].strip(), level=1 if "=" in lines[1] else 2))
        lines = lines[2:]
    elif level := _heading_level(lines[0]) if len(lines) == 1 else 0:
        return [Block("heading", lines[0].strip(), level=level)]
    pending: list[str] = []
    kind = "paragraph"

    def flush() -> None:
        if pending:
            found.append(Block("item" if kind == "item" else "paragraph", unwrapped(pending), level=1))
        pending.clear()

    for line in lines:
        if _RULE.fullmatch(line):
            continue
        if _BULLET.match(line):
            flush()
            kind = "item"
        pending.append(line.strip())
    flush()
    return found


def _heading_level(line: str) -> int:
    """0 if it is none."""
    line = line.strip()
    match = _NUMBERED_HEADING.match(line)
    if not match or len(line) > _LONGEST_HEADING or (line.endswith(_STOPS) and not line.endswith(("?", "？"))):
        return 0
    if match.group(2):
        return 1 + match.group(2).count(".") + 1
    return {"部": 1, "章": 1, "节": 2, "条": 3}.get(match.group(1) or "", 2)


def unwrapped(lines: list[str]) -> str:
    """Lines as one text: joined where a program wrapped them, with no space between Chinese characters.

    A program wraps a line when the next word does not fit; an author ends it earlier.
    """
    text = lines[0]
    widest = max(map(_width, lines))
    for before, line in pairwise(lines):
        first = line[:1] if line[:1] >= "\u2e80" else line.split(" ", 1)[0]
        fits = _width(before) + 1 + _width(first) <= widest
        if before.endswith(_CHINESE_STOPS) or fits or _width(before) < _WRAPPED:
            text += "\n" + line
        elif text.endswith("-") and line[:1].islower():
            text = text[:-1] + line
        else:
            text += join(text, line) + line
    return text


def join(before: str, after: str) -> str:
    """What stands between two lines of one sentence: nothing between Chinese characters, else a space."""
    return "" if before[-1:] >= "\u2e80" and after[:1] >= "\u2e80" else " "


def _width(line: str) -> int:
    """Columns on a screen: a Chinese character takes two."""
    return sum(2 if char >= "\u2e80" else 1 for char in line)
