"""Lines of printed pages to blocks: what is a heading, where a paragraph ends, what is said on every page."""

from __future__ import annotations

import re
from collections import Counter

from msgspec import Struct

from knowledge.importing.content import Block
from knowledge.importing.plain import join

_BULLET = re.compile(r"(?:[-*•·●○■▪‣–]|\d{1,2}[.)、](?!\d)|[（(]\d{1,2}[)）])\s*(?=\S)")
_EDGE_NUMBER = re.compile(r"^\d+|\d+$")
# A line of a table of contents: dots that lead to a page number.
_LEADER = re.compile(r"(?:\.\s?|…\s?|·\s?){5,}\s*[\divxlc]*$")
_STOPS = tuple("。！？；：.!?;:")
# Lines at the top and the bottom of a page that may be said on all of them.
_MARGIN_LINES = 2
_LONGEST_HEADING = 80


class Line(Struct, frozen=True):
    """One printed line. Sizes are in points, `top` measured from the page's foot; zeros where unknown."""

    text: str
    left: float
    right: float
    top: float
    height: float
    where: str


def set_blocks(pages: list[list[Line]]) -> list[Block]:
    """Blocks over page ends. Lines set clearly larger than the body are headings, larger ones of higher level."""
    pages = _without_margins(pages)
    lines = [line for page in pages for line in page if not _LEADER.search(line.text[-80:])]
    body = _body_height(lines)
    sizes = sorted({_size(line) for line in lines if _is_large(line, body)}, reverse=True)
    width = max((line.right - line.left for line in lines), default=0.0)
    blocks: list[Block] = []
    group: list[Line] = []

    def flush() -> None:
        if group:
            blocks.append(_block(group, body, sizes))
        group.clear()

    for line in lines:
        if group and not _goes_on(group[-1], line, body, width):
            flush()
        group.append(line)
    flush()
    return blocks


def _block(group: list[Line], body: float, sizes: list[float]) -> Block:
    text = group[0].text
    for line in group[1:]:
        if text.endswith("-") and line.text[:1].islower():
            text = text[:-1] + line.text
        else:
            text += join(text, line.text) + line.text
    where = group[0].where
    if _is_large(group[0], body) and len(text) <= 2 * _LONGEST_HEADING:
        return Block("heading", text, level=min(6, sizes.index(_size(group[0])) + 1), where=where)
    if _BULLET.match(group[0].text):
        return Block("item", text, level=1, where=where)
    return Block("paragraph", text, where=where)


def _goes_on(before: Line, line: Line, body: float, width: float) -> bool:
    """Whether `line` belongs to the paragraph of `before`."""
    if _is_large(before, body) or _is_large(line, body):
        return _size(before) == _size(line) and _is_large(line, body) and 0 < before.top - line.top < 2 * line.height
    if _BULLET.match(line.text):
        return False
    ended = before.text.endswith(_STOPS)
    short = before.right - before.left < 0.75 * width
    if line.where != before.where or line.top > before.top:
        # A new page or column: only an unfinished sentence goes on.
        return not ended and not short
    if before.height and before.top - line.top > 1.8 * before.height:
        return False
    return not (ended and short) and not (short and not ended and len(before.text) < 12)


def _size(line: Line) -> float:
    return round(line.height * 2) / 2


def _is_large(line: Line, body: float) -> bool:
    return (
        bool(body)
        and line.height > 1.15 * body
        and len(line.text) <= _LONGEST_HEADING
        and any(char.isalpha() for char in line.text)
        and not line.text.endswith(("。", "；", ";", ","))
    )


def _body_height(lines: list[Line]) -> float:
    """The height in which most characters are set."""
    heights: Counter[float] = Counter()
    for line in lines:
        heights[_size(line)] += len(line.text)
    return heights.most_common(1)[0][0] if heights else 0.0


def _without_margins(pages: list[list[Line]]) -> list[list[Line]]:
    """Pages without page numbers and the running titles that a third of them share at top or foot."""
    shared = Counter(key for page in pages for key in set(_margin(page).values()))
    least = max(3, len(pages) / 3)
    kept: list[list[Line]] = []
    for page in pages:
        margin = _margin(page)
        kept.append([line for line in page if id(line) not in margin or shared[margin[id(line)]] < least])
    return kept


def _margin(page: list[Line]) -> dict[int, str]:
    """The lines that may be said on every page, by identity, as they would be said there.

    Only of the outermost lines the number at either end does not count: further in, numbers tell lines apart.
    """
    ordered = sorted(page, key=lambda line: -line.top)
    inner = {id(line): line.text for line in (*ordered[:_MARGIN_LINES], *ordered[-_MARGIN_LINES:])}
    outer = {id(line): _EDGE_NUMBER.sub("#", line.text) for line in (*ordered[:1], *ordered[-1:])}
    return inner | outer
