"""Blocks under their headings: sections with the path of headings that leads to each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from msgspec import Struct

from knowledge.importing.content import Block

_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})(?:\s+|(?=[^\s\d.,:%/年月日天个元]))(?=\S)")
_DOTTED = re.compile(r"\A\d{1,2}(?:\.\d{1,2})+\s+(?=\S)")
# A number that only numbers, whatever its siblings do.
_MARKED = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2})*[.、)）](?!\d)|[（(]?[一二三四五六七八九十\d]{1,3}[)）、]|第[一二三四五六七八九十百\d]{1,4}[章节条部]\s)\s*(?=\S)"
)


class Section(Struct, frozen=True):
    """`path`: the headings above and of this section, outermost first, without the document's title.

    `leaf`: no section lies below it.
    """

    path: tuple[str, ...]
    blocks: tuple[Block, ...]
    leaf: bool = True


def title_of(blocks: Sequence[Block]) -> str:
    """The only heading of the highest level, if the page begins with it; else empty."""
    headings = [each for each in blocks if each.kind == "heading" and each.text]
    if not headings or any(each.level <= headings[0].level for each in headings[1:]):
        return ""
    first = blocks.index(headings[0])
    return unnumbered(_DOTTED.sub("", headings[0].text)) if first <= 3 else ""


def sections(blocks: Sequence[Block], title: str) -> list[Section]:
    """The sections that hold text, in order. Headings lose their numbering; `title` is left out of paths.

    A heading with nothing below it, not even a section, is kept as text of the section above.
    """
    nodes: list[_Node] = [_Node(heading=Block("heading"), parent=-1)]
    current = 0
    for block in blocks:
        if block.kind != "heading":
            nodes[current].blocks.append(block)
            continue
        while current and nodes[current].heading.level >= block.level:
            current = nodes[current].parent
        if block.text:
            nodes[current].children.append(len(nodes))
            nodes.append(_Node(heading=block, parent=current))
            current = len(nodes) - 1

    for node in reversed(nodes[1:]):
        if not node.blocks and not node.children and node.heading.text != title:
            above = nodes[node.parent]
            above.kept.append(Block("paragraph", node.heading.text, where=node.heading.where))
    for node in nodes:
        _name_children(nodes, node)
    return [
        Section(_path(nodes, number, title), (*node.blocks, *reversed(node.kept)), not node.children)
        for number, node in enumerate(nodes)
        if node.blocks or node.kept
    ]


class _Node(Struct):
    heading: Block
    parent: int
    name: str = ""
    blocks: list[Block] = msgspec.field(default_factory=list)
    children: list[int] = msgspec.field(default_factory=list)
    kept: list[Block] = msgspec.field(default_factory=list)


def _path(nodes: list[_Node], number: int, title: str) -> tuple[str, ...]:
    names: list[str] = []
    while number > 0:
        name = nodes[number].name
        if name != title and name not in names[-1:]:
            names.append(name)
        number = nodes[number].parent
    return tuple(reversed(names))


def _name_children(nodes: list[_Node], node: _Node) -> None:
    """Takes the numbers off sibling headings if they count: '3 ways to pay' and '7 days to return' do not."""
    texts = [nodes[child].heading.text for child in node.children]
    found = [_NUMBER.match(text) for text in texts]
    last = [int(match.group(1).rsplit(".", 1)[-1]) if match else -1 for match in found]
    steps = [after - before for before, after in pairwise(last)]
    dotted = all(match and "." in match.group(1) for match in found)
    counts = bool(last) and last[0] in (0, 1) and all(step in (0, 1) for step in steps) and (len(last) > 1 or dotted)
    for child, text, match in zip(node.children, texts, found, strict=True):
        nodes[child].name = text[match.end() :] if counts and match else unnumbered(text)


def unnumbered(heading: str) -> str:
    """The heading without '1.', '2)', '三、' or '第四章' before it."""
    match = _MARKED.match(heading)
    return heading[match.end() :] if match else heading
