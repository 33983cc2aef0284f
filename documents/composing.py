"""YAML text to nodes. Safe on hostile text: no aliases, no tags, no deep nesting, no key that means more than it shows.

Built from the parser's events without recursion: PyYAML's own composer expands aliases and recurses as deep as the text
says. JSON is read as well.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from documents.nodes import Entries, Items, Node, Place, Scalar
from documents.problems import Problems

LARGEST = 256 * 1024  # bytes of UTF-8
DEEPEST = 48
# PyYAML's parser in Python reads another language: it refuses `{en: Where?}` and tabs in JSON, both of which are YAML.
_LOADER: Any = yaml.CSafeLoader

# All but what YAML takes (yaml.org/spec/1.2.2, chapter 5.1).
_NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# How JSON may write what is outside of Unicode's first plane, which YAML does not know.
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
# Stands for what is refused.
_NOTHING = Scalar(Place(1, 1), "", plain=True)


def compose(text: str, problems: Problems) -> Node:
    """The document's root; an empty Scalar if there is nothing in it.

    Raises InvalidDefinition, with all that is in `problems`, unless it is one YAML document that can be read. A key
    that comes twice is only noted, and the first one kept, so that the rest can still be checked.
    """
    text = text.removeprefix("\ufeff")
    _check_text(text, problems)
    if text.lstrip().startswith("{"):
        text = _PAIR.sub(_joined, text)
    composer = _Composer(problems)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(each for each in (error.context, error.problem) if each)
        at = _place(mark) if mark else Place(1, 1)
        raise problems.stop(at, f"this is not YAML: {reason}{_hint(reason)}") from None
    except yaml.YAMLError as error:
        raise problems.stop(Place(1, 1), f"this is not YAML: {str(error).splitlines()[0]}") from None
    if composer.refused:
        problems.raise_any()
    return composer.root


def _check_text(text: str, problems: Problems) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        raise problems.stop(Place(1, 1), f"this has {size} bytes, at most {LARGEST} are allowed; shorten or split it")
    if found := _NO_TEXT.search(text):
        line, column = text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start())
        sign = f"the character U+{ord(found[0]):04X}"
        raise problems.stop(
            Place(line, column),
            f"this is not YAML: {sign} is in it; control characters and halves of a pair are not allowed",
        )


class _Composer:
    """The open collections are on a list of its own, so that no nesting can exhaust Python's stack."""

    def __init__(self, problems: Problems) -> None:
        self.root: Node = Scalar(Place(1, 1), "", plain=True)
        self.refused = False
        self._problems = problems
        self._open: list[Entries | Items] = []
        self._keys: list[Scalar | None] = []  # of each open mapping, the key that waits for its value
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()
            return
        at = _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            self._check(event, at)
            self._put(_scalar(event, at))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check(event, at)
            self._begin(Entries(at) if isinstance(event, yaml.MappingStartEvent) else Items(at))
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(at, f"alias *{event.anchor} is not allowed; write the value out")
            self._put(_NOTHING)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._problems.stop(at, "a second document begins; one is all there may be")

    def _check(self, event: Any, at: Place) -> None:
        if event.anchor is not None:
            self._refuse(at, f"anchor &{event.anchor} is not allowed; leave it out")
        if event.tag is not None:
            self._refuse(at, f"tag {event.tag} is not allowed; leave it out")

    def _begin(self, node: Entries | Items) -> None:
        if len(self._open) >= DEEPEST:
            raise self._problems.stop(node.at, f"nested more than {DEEPEST} deep")
        self._put(node)
        self._open.append(node)
        self._keys.append(None)

    def _put(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Items):
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = self._key(node)
        else:
            self._keys[-1] = None
            self._entry(parent, key, node)

    def _key(self, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            hint = '; a text that begins with "{{" needs quotes' if isinstance(node, Entries) else ""
            self._refuse(node.at, f"a key must be plain text{hint}")
            return _NOTHING
        if node.plain and node.text == "<<":
            self._refuse(node.at, "merge key <<: write the values out; merges are not read")
            return _NOTHING
        return node

    def _entry(self, parent: Entries, key: Scalar, node: Node) -> None:
        if key is _NOTHING:
            return
        if key.text in parent.keys:
            first = parent.keys[key.text].at.line
            self._problems.add(key.at, f"{key.text!r} is here twice, first in line {first}; keep one")
            return
        parent.keys[key.text] = key
        parent.values[key.text] = node

    def _refuse(self, at: Place, message: str) -> None:
        self.refused = True
        self._problems.add(at, message)


def _scalar(event: Any, at: Place) -> Scalar:
    plain = not event.style  # None, or "" from the C parser
    start, end, quotes = event.start_mark, event.end_mark, 0 if plain else 1
    exact = start.line == end.line and end.column - start.column == len(event.value) + 2 * quotes
    return Scalar(at, event.value, plain, quotes if exact else None)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _joined(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))


def _hint(reason: str) -> str:
    if "mapping values are not allowed" in reason:
        return '; quote a text that has ": " in it'
    if "\\t" in reason or "found character that cannot start any token" in reason:
        return "; indent with spaces, and quote texts that begin with a sign"
    return ""
