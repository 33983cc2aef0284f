"""The nodes of a YAML document, and what a plain scalar means: YAML 1.2's core schema, less infinity and octals.

Source: yaml.org/spec/1.2.2, chapter 10.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct, field

from documents.problems import Problems

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")


class Place(NamedTuple):
    """Both from 1; the column in characters."""

    line: int
    column: int


class Scalar(Struct, gc=False):
    """`plain`: written without quotes, so that `true` and `12` are a truth and a number.

    `offset`: characters between its place and its text; None where lines or escapes lie within, so that a place in the
    text is none in the document.
    """

    at: Place
    text: str
    plain: bool
    offset: int | None = None


class Items(Struct):
    at: Place
    items: list[Node] = field(default_factory=list)


class Entries(Struct):
    """A mapping. Keys are always text: `no:` is Norwegian, not false. No key comes twice."""

    at: Place
    keys: dict[str, Scalar] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        return self.values.get(key)

    def pairs(self) -> Iterator[tuple[Scalar, Node]]:
        """Each key with its value, in the document's order."""
        return zip(self.keys.values(), self.values.values(), strict=True)


Node = Scalar | Items | Entries


def is_empty(node: Node) -> bool:
    """Nothing is written there, or null."""
    return isinstance(node, Scalar) and node.plain and node.text in _NULLS


def truth_of(text: str) -> bool | None:
    """Of a plain scalar's text; None for what is neither true nor false. `yes` and `off` are words."""
    return _TRUTHS.get(text)


def number_of(text: str) -> int | float | None:
    """Of a plain scalar's text; None for what is no number, infinite if it is too large a one."""
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else None


def plain_value(node: Node, problems: Problems) -> Any:
    """The node as JSON has it. A number too large for JSON is told, and null stands in for it."""
    if isinstance(node, Entries):
        return {key: plain_value(value, problems) for key, value in node.values.items()}
    if isinstance(node, Items):
        return [plain_value(item, problems) for item in node.items]
    if not node.plain:
        return node.text
    if node.text in _NULLS:
        return None
    if (truth := truth_of(node.text)) is not None:
        return truth
    number = number_of(node.text)
    if number in (float("inf"), float("-inf")):
        problems.add(node.at, f"{node.text[:40]} is too large a number")
        return None
    return node.text if number is None else number
