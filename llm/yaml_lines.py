"""YAML as nodes that know their line and column. Safe on hostile text: no aliases, no tags, no deep nesting."""

from __future__ import annotations

import re
from typing import Any

import yaml
from msgspec import Struct

from schemas.errors import InvalidDefinition

_DEEPEST = 40
_MOST_PROBLEMS = 50
_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?\Z")


class Node(Struct, eq=False):
    """Line and column count from 1."""

    line: int
    column: int


class Scalar(Node, eq=False):
    """`plain`: written without quotes, so that `true` and `12` are a truth and a number."""

    text: str
    plain: bool


class Items(Node, eq=False):
    items: list[Node]


class Entries(Node, eq=False):
    """Keys are always text: `no:` is Norwegian, not false."""

    keys: dict[str, Scalar]
    values: dict[str, Node]


class Problems:
    """What is wrong in one document, collected so that all of it can be mended at once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: list[tuple[int, int, str]] = []

    def add(self, at: Node, message: str) -> None:
        self._found.append((at.line, at.column, message))

    def raise_any(self) -> None:
        """Raises InvalidDefinition with one line for each problem, in the order of the document."""
        if not self._found:
            return
        lines = [f"{self._source}:{line}:{column}: {message}" for line, column, message in sorted(set(self._found))]
        if len(lines) > _MOST_PROBLEMS:
            lines[_MOST_PROBLEMS:] = [f"{self._source}: and {len(lines) - _MOST_PROBLEMS} more"]
        raise InvalidDefinition("\n".join(lines))


def parse(text: str, problems: Problems, *, source: str, limit: int) -> Node:
    """The document's root. Raises InvalidDefinition if it is not one YAML document of at most `limit` bytes.

    Duplicate keys are only noted in `problems`: the rest of the document can still be checked.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise InvalidDefinition(f"{source}: {size} bytes are over the limit of {limit}; split it or shorten it")
    builder = _Builder(problems, source)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise InvalidDefinition(f"{source}:{where}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        reason = getattr(error, "reason", "") or "characters that YAML does not allow"
        raise InvalidDefinition(f"{source}:1:1: not YAML: {reason}") from None
    if builder.root is None:
        raise InvalidDefinition(f"{source}:1:1: the document is empty")
    return builder.root


def plain_value(node: Node) -> Any:
    """The JSON value of a node, by the rules of YAML 1.2's core schema."""
    if isinstance(node, Entries):
        return {key: plain_value(value) for key, value in node.values.items()}
    if isinstance(node, Items):
        return [plain_value(item) for item in node.items]
    assert isinstance(node, Scalar)
    if not node.plain:
        return node.text
    if node.text in ("", "~", "null", "Null", "NULL"):
        return None
    truth = truth_of(node.text)
    if truth is not None:
        return truth
    number = number_of(node.text)
    return node.text if number is None else number


def truth_of(text: str) -> bool | None:
    return {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}.get(text)


def number_of(text: str) -> int | float | None:
    """Finite numbers only; long digit strings are text and not numbers."""
    if len(text) > 32:
        return None
    if _INT.match(text):
        return int(text.replace("_", ""))
    if _FLOAT.match(text):
        number = float(text.replace("_", ""))
        return number if abs(number) != float("inf") else None
    return None


class _Builder:
    """Puts a parser's events together without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, problems: Problems, source: str) -> None:
        self.root: Node | None = None
        self._problems = problems
        self._source = source
        self._open: list[Entries | Items] = []
        self._pending: list[Scalar | None] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refused(line, column, "a second document begins; one is all there may be")
        elif isinstance(event, yaml.AliasEvent):
            raise self._refused(line, column, f"alias *{event.anchor} is not allowed; write the value out")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._pending.pop()
        elif isinstance(event, yaml.NodeEvent):
            if event.tag is not None:
                raise self._refused(line, column, f"tag {event.tag} is not allowed; leave it out")
            self._place(self._node(event, line, column))

    def _node(self, event: Any, line: int, column: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, column, event.value, event.style in (None, ""))
        return Entries(line, column, {}, {}) if isinstance(event, yaml.MappingStartEvent) else Items(line, column, [])

    def _place(self, node: Node) -> None:
        if not self._open:
            self.root = node
        elif isinstance(parent := self._open[-1], Items):
            parent.items.append(node)
        elif (key := self._pending[-1]) is None:
            if not isinstance(node, Scalar):
                raise self._refused(node.line, node.column, "a key must be text")
            self._pending[-1] = node
        else:
            self._pending[-1] = None
            if key.text in parent.keys:
                first = parent.keys[key.text]
                self._problems.add(key, f"key {key.text!r} is a duplicate of line {first.line}; keep one")
            else:
                parent.keys[key.text] = key
                parent.values[key.text] = node
        if isinstance(node, Entries | Items):
            if len(self._open) >= _DEEPEST:
                raise self._refused(node.line, node.column, f"nested more than {_DEEPEST} deep")
            self._open.append(node)
            self._pending.append(None)

    def _refused(self, line: int, column: int, message: str) -> InvalidDefinition:
        return InvalidDefinition(f"{self._source}:{line}:{column}: {message}")
