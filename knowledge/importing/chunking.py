"""A section's blocks to passages of a size that retrieval likes, cut between blocks, then between sentences."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from knowledge.importing import sentences
from knowledge.importing.content import Block
from knowledge.text import Language, language

# Characters of a passage, from and to. A Chinese character says about as much as two Latin letters.
SIZES: dict[Language, tuple[int, int]] = {"en": (300, 700), "zh": (150, 400)}

# Characters of a line that is repeated where the list below it is cut.
_LONGEST_INTRODUCTION = 40
_FENCE = "```"
_CELL = " | "


class Chunk(Struct, frozen=True):
    """`where`: the place of its first block; empty where the format has no places."""

    text: str
    where: str


class _Unit(Struct, frozen=True):
    """What is not cut further. `glue` joins it to the unit before; `header` must stand above it in its chunk.

    `opens`: it begins a new thought, so a cut before it is a good one.
    """

    text: str
    where: str
    glue: str = "\n"
    header: str = ""
    fenced: bool = False
    opens: bool = False


def chunks(blocks: Sequence[Block]) -> list[Chunk]:
    """Passages of one section, which hold all of its text. A section under the upper size is one passage.

    A passage may pass the upper size only by a repeated table header, a repeated line above a list, or the marks
    around code.
    """
    prose = "\n".join(plain(each) for each in blocks if each.kind != "code")
    low, high = SIZES[language(prose)]
    units: list[_Unit] = []
    introduction, before = "", ""
    for block in blocks:
        found = list(_units(block, high))
        if block.kind == "item":
            found = [msgspec.structs.replace(unit, header=introduction) for unit in found]
        elif block.kind == "paragraph":
            introduction = block.text if _titles_a_list(block.text) else ""
            found[:1] = [msgspec.structs.replace(found[0], opens=before in ("item", "table"))]
        units += found
        before = block.kind
    return [Chunk(_rendered(group), group[0].where) for group in _groups(units, low, high)]


def joined(blocks: Sequence[Block]) -> str:
    """The blocks as one text, however long."""
    return _rendered([unit for block in blocks for unit in _units(block, sys.maxsize)])


def plain(block: Block) -> str:
    """The block's text; of a table, its rows as lines."""
    return "\n".join(row_text(row) for row in block.rows) if block.kind == "table" else block.text


def row_text(row: Iterable[str]) -> str:
    return _CELL.join(" ".join(cell.split()) for cell in row)


def _units(block: Block, high: int) -> Iterator[_Unit]:
    if block.kind == "table":
        yield from _table(block, high)
    elif block.kind == "code":
        yield from _code(block, high)
    elif len(block.text) <= high:
        yield _Unit(block.text, block.where)
    else:
        for number, piece in enumerate(_pieces(block.text, high)):
            yield _Unit(piece, block.where, glue="" if number else "\n")


def _pieces(text: str, high: int) -> list[str]:
    """Sentences that say something, each short enough for a passage."""
    return [piece for piece in sentences.within(text, high) if piece.strip()]


def _table(block: Block, high: int) -> Iterator[_Unit]:
    header, *rows = [row_text(row) for row in block.rows]
    if len(header) > high // 2 or not rows:
        rows, header = [header, *rows], ""
    for row in rows:
        for piece in _pieces(row, high - len(header)):
            yield _Unit(piece.strip(), block.where, header=header)


def _code(block: Block, high: int) -> Iterator[_Unit]:
    lines: list[str] = []
    size = 0
    for line in block.text.split("\n"):
        for piece in [line[at : at + high] for at in range(0, len(line), high)] or [""]:
            if lines and size + len(piece) + 1 > high:
                yield _Unit("\n".join(lines), block.where, fenced=True)
                lines, size = [], 0
            lines.append(piece)
            size += len(piece) + 1
    yield _Unit("\n".join(lines), block.where, fenced=True)


def _groups(units: list[_Unit], low: int, high: int) -> list[list[_Unit]]:
    """Even groups: as many as are needed, none over `high`, an introduction never parted from what it introduces."""
    total = sum(len(unit.text) + 1 for unit in units)
    if total <= high:
        return [units] if units else []
    # Units do not fill a passage to the brim.
    target = max(low, total / (total // (0.85 * high) + 1))
    groups: list[list[_Unit]] = []
    group: list[_Unit] = []
    size = 0
    for unit in units:
        length = len(unit.text) + 1
        good = size >= low and (size + length / 2 > target or (unit.opens and size > 0.75 * target))
        if group and (good or size + length > high):
            introduction = [group.pop()] if len(group) > 1 and _introduces(group[-1], length, high) else []
            groups.append(group)
            group = introduction
            size = sum(len(each.text) + 1 for each in group)
        group.append(unit)
        size += length
    if group:
        groups.append(group)
    if len(groups) > 1 and size < low / 2 and sum(len(each.text) + 1 for each in groups[-2]) + size <= high:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _titles_a_list(text: str) -> bool:
    """A short line above a list, which the second half of a long list would be lost without."""
    return len(text) <= _LONGEST_INTRODUCTION and not text.endswith((".", "。", "!", "！", "?", "？"))


def _introduces(unit: _Unit, following: int, high: int) -> bool:
    return unit.text.rstrip().endswith((":", "：")) and len(unit.text) + 1 + following <= high


def _rendered(group: list[_Unit]) -> str:
    text = ""
    said: set[str] = set()
    for number, unit in enumerate(group):
        if number:
            text = text + unit.glue if not unit.glue else text.rstrip() + unit.glue
        if unit.header and unit.header not in said:
            text += unit.header + "\n"
        said |= {unit.header, unit.text}
        text += f"{_FENCE}\n{unit.text}\n{_FENCE}" if unit.fenced else unit.text
    return text.strip()
