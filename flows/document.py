"""YAML text as a tree in which every node knows its place.

Built from the parser's events rather than by PyYAML's composer, which would expand aliases and recurse as deep as the
text says. Refused: anchors and aliases, tags, several documents, keys that are no plain words, the same key twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct

from flows.definition import At
from flows.problems import Problems

LARGEST = 256 * 1024  # bytes of UTF-8
_DEEPEST = 24
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(Struct, frozen=True):
    """`offset`: characters between the node's place and its first one; None where lines or escapes lie between."""

    text: str
    quoted: bool
    offset: int | None
    at: At


class Items(Struct, frozen=True):
    nodes: tuple[Node, ...]
    at: At


class Fields(Struct, frozen=True):
    """A mapping. No key comes twice."""

    pairs: tuple[tuple[Scalar, Node], ...]
    at: At

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.pairs if name.text == key), None)


Node = Scalar | Items | Fields


def compose(text: str, problems: Problems) -> Node | None:
    """The document's tree; None if it has none that can be read at all. What is wrong is added to `problems`."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        problems.add(_at_offset(text, error.start), "a lone surrogate: the text is not Unicode")
        return None
    if size > LARGEST:
        problems.add(At(1, 1), f"the flow has {size} bytes, at most {LARGEST} are allowed")
        return None
    try:
        return _Composer(_events(text), problems).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(each for each in (error.context, error.problem) if each)
        problems.add(_at(mark) if mark else At(1, 1), f"this is not YAML: {reason}{_hint(error)}")
    except yaml.YAMLError as error:  # the reader's, before there are marks
        position = getattr(error, "position", 0)
        problems.add(_at_offset(text, position), f"this is not YAML: {getattr(error, 'reason', error)}")
    return None


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


class _Composer:
    def __init__(self, events: Iterator[Any], problems: Problems) -> None:
        self._events = events
        self._problems = problems

    def document(self) -> Node | None:
        for event in self._events:
            match event:
                case yaml.StreamStartEvent() | yaml.DocumentStartEvent():
                    continue
                case yaml.StreamEndEvent():
                    self._problems.add(At(1, 1), "the file is empty")
                    return None
            node = self._node(event, 0)
            next(self._events)  # the document's end
            after = next(self._events)
            if isinstance(after, yaml.DocumentStartEvent):
                self._problems.add(_at(after.start_mark), "a second document; one file is one flow")
            return node
        return None

    def _node(self, event: Any, depth: int) -> Node | None:
        """None for what is refused; it has been told."""
        at = _at(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            self._problems.add(at, f"aliases such as *{event.anchor} are not allowed; write it out")
            return None
        if event.anchor:
            self._problems.add(at, f"anchors such as &{event.anchor} are not allowed")
        if event.tag:
            self._problems.add(at, f"tags such as {event.tag!r} are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            quoted = bool(event.style)  # the C parser says "" of a plain one
            one_line = event.start_mark.line == event.end_mark.line
            plain = one_line and "\\" not in event.value and "'" not in event.value
            return Scalar(event.value, quoted, int(quoted) if plain or (one_line and not quoted) else None, at)
        if depth >= _DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {_DEEPEST}", problem_mark=event.start_mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(at, depth)
        return self._fields(at, depth)

    def _items(self, at: At, depth: int) -> Items:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            if node := self._node(event, depth + 1):
                found.append(node)
        return Items(tuple(found), at)

    def _fields(self, at: At, depth: int) -> Fields:
        pairs: list[tuple[Scalar, Node]] = []
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                if key is not None:
                    hint = '; a text that begins with "{{" needs quotes' if isinstance(key, Fields) else ""
                    self._problems.add(key.at, f"a key must be a plain word{hint}")
                continue
            if key.text in lines:
                self._problems.add(key.at, f"{key.text!r} is here twice, first in line {lines[key.text]}")
                continue
            lines[key.text] = key.at.line
            if value is not None:
                pairs.append((key, value))
        return Fields(tuple(pairs), at)


def _at(mark: Any) -> At:
    return At(mark.line + 1, mark.column + 1)


def _at_offset(text: str, offset: int) -> At:
    before = text[:offset]
    return At(before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _hint(error: yaml.MarkedYAMLError) -> str:
    if "mapping values are not allowed" in str(error.problem):
        return '; quote a text that has ": " in it'
    if "\\t" in str(error.problem) or "found character that cannot start any token" in str(error.problem):
        return "; indent with spaces, and quote texts that begin with a sign"
    return ""
