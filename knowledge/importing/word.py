"""DOCX: paragraphs, headings, lists, tables and footnotes, in the order of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from knowledge.importing import archives
from knowledge.importing.content import Block, Prose

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted text, field codes, and the older copy of a text box.
_HIDDEN = frozenset({f"{_W}del", f"{_W}moveFrom", f"{_W}instrText", f"{_W}pPr", f"{_W}rPr", _FALLBACK})
_TRANSPARENT = frozenset(f"{_W}{tag}" for tag in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
_HEADING = re.compile(r"(?:heading|标题)\s*(\d)$", re.I)


def read(name: str, data: bytes) -> Prose:
    """Raises Unreadable for an archive that is damaged or a bomb; the library's errors for one that is no Word file."""
    archives.check(name, data)
    # Loading it takes a tenth of a second, which only those who import a Word file should wait for.
    import docx

    document = docx.Document(io.BytesIO(data))
    levels = _levels(document)
    blocks = list(_blocks(document.element.body, levels))
    title = next((block.text for block in blocks if block.kind == "heading" and block.level == 0), "")
    blocks = [block for block in blocks if not (block.kind == "heading" and block.level == 0)]
    return Prose(title, (*blocks, *_footnotes(document)))


def _levels(document: Any) -> dict[str, int]:
    """Style id to heading level: 0 for the title, from 1 for headings. A style inherits from the one it is based on."""
    found: dict[str, int] = {}
    for style in document.styles:
        current, seen = style, 0
        while current is not None and seen < 10:
            name = current.name or ""
            outline = current.element.find(f"{_W}pPr/{_W}outlineLvl")
            if match := _HEADING.match(name):
                found[style.style_id] = int(match.group(1))
                break
            if name in ("Title", "标题"):
                found[style.style_id] = 0
                break
            if outline is not None and outline.get(f"{_W}val", "9") < "9":
                found[style.style_id] = int(outline.get(f"{_W}val")) + 1
                break
            current, seen = getattr(current, "base_style", None), seen + 1
    return found


def _blocks(parent: Any, levels: dict[str, int]) -> Iterator[Block]:
    for element in parent:
        if element.tag == f"{_W}p":
            block = _paragraph(element, levels)
            if block.text:
                yield block
        elif element.tag == f"{_W}tbl":
            rows = tuple(_rows(element))
            if len(rows) == 1 and len(rows[0]) == 1:
                yield Block("paragraph", rows[0][0])
            elif rows:
                yield Block("table", rows=rows)
        elif element.tag in _TRANSPARENT:
            yield from _blocks(element, levels)


def _paragraph(element: Any, levels: dict[str, int]) -> Block:
    text = _text(element)
    style = element.find(f"{_W}pPr/{_W}pStyle")
    outline = element.find(f"{_W}pPr/{_W}outlineLvl")
    style_id = style.get(f"{_W}val", "") if style is not None else ""
    if outline is not None and outline.get(f"{_W}val", "9") < "9":
        return Block("heading", " ".join(text.split()), level=int(outline.get(f"{_W}val")) + 1)
    if style_id in levels:
        return Block("heading", " ".join(text.split()), level=levels[style_id])
    number = element.find(f"{_W}pPr/{_W}numPr")
    if text and (number is not None or style_id.startswith("List")):
        depth = number.find(f"{_W}ilvl") if number is not None else None
        level = int(depth.get(f"{_W}val", "0")) + 1 if depth is not None else 1
        return Block("item", "  " * (level - 1) + "- " + text, level=level)
    return Block("paragraph", text)


def _rows(table: Any) -> Iterator[tuple[str, ...]]:
    """Cells in rows; a cell that goes on from the row above says again what it says."""
    above: list[str] = []
    for row in table.iterchildren(f"{_W}tr", f"{_W}sdt"):
        cells: list[str] = []
        for cell in row.iter(f"{_W}tc"):
            merge = cell.find(f"{_W}tcPr/{_W}vMerge")
            continued = merge is not None and merge.get(f"{_W}val", "continue") == "continue"
            cells.append(above[len(cells)] if continued and len(cells) < len(above) else _text(cell))
        if any(cells):
            above = cells
            yield tuple(cells)


def _text(element: Any) -> str:
    """All that a reader sees of the element, its paragraphs as lines."""
    pieces: list[str] = []
    stack = [iter(element)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag not in _HIDDEN:
            if child.tag == f"{_W}t":
                pieces.append(child.text or "")
            elif child.tag == f"{_W}tab":
                pieces.append(" ")
            elif child.tag in (f"{_W}br", f"{_W}cr", f"{_W}p"):
                pieces.append("\n")
            elif child.tag == f"{_W}noBreakHyphen":
                pieces.append("-")
            stack.append(iter(child))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def _footnotes(document: Any) -> Iterator[Block]:
    from lxml import etree

    for relation in document.part.rels.values():
        if relation.reltype.endswith(("/footnotes", "/endnotes")) and not relation.is_external:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            for note in etree.fromstring(relation.target_part.blob, parser):
                if text := _text(note):
                    yield Block("paragraph", text)
