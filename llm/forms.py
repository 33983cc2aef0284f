"""Reads the fields of one YAML mapping: types, ranges, unknown keys. Problems are noted and a default goes on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from documents.hints import did_you_mean
from documents.nodes import Entries, Items, Node, Scalar, is_empty, number_of, plain_value, truth_of
from documents.problems import Problems

_GROUPING = re.compile(r"(?<=[0-9])_")  # 1_000


class Form:
    """Ask for each field by its key, then `done()` complains about every key that nobody asked for."""

    def __init__(self, node: Node, what: str, problems: Problems) -> None:
        self.node = node
        self._what = what
        self._problems = problems
        self._asked: set[str] = set()
        self._values: dict[str, Node] = {}
        self._keys: dict[str, Scalar] = {}
        if isinstance(node, Entries):
            self._values, self._keys = node.values, node.keys
        elif not is_empty(node):
            problems.add(node.at, f"{what or 'the document'}: must be a mapping of keys to values")

    def node_of(self, key: str) -> Node | None:
        """None if the key is absent or has no value."""
        self._asked.add(key)
        node = self._values.get(key)
        return None if node is None or is_empty(node) else node

    def complain(self, key: str, message: str) -> None:
        self._problems.add(self._values.get(key, self.node).at, f"{self._at(key)}: {message}")

    def text(self, key: str, default: str = "") -> str:
        node = self.node_of(key)
        if node is None:
            return default
        if not isinstance(node, Scalar):
            self.complain(key, "must be text")
            return default
        return node.text

    def choice(self, key: str, allowed: Collection[str], default: str) -> str:
        text = self.text(key, default)
        if text in allowed or text == default:
            return text
        self.complain(key, f"{text!r} is none of {', '.join(sorted(allowed))}{did_you_mean(text, allowed)}")
        return default

    def number(self, key: str, default: float, *, least: float = 0.0, most: float = 1e12) -> float:
        node = self.node_of(key)
        if node is None:
            return default
        number = number_of(_GROUPING.sub("", node.text)) if isinstance(node, Scalar) and node.plain else None
        if number is None:
            self.complain(key, "must be a number")
            return default
        if not least <= number <= most:
            self.complain(key, f"must be from {least:g} to {most:g}, not {number:g}")
            return default
        return float(number)

    def whole(self, key: str, default: int, *, least: int = 0, most: int = 10**12) -> int:
        number = self.number(key, default, least=least, most=most)
        if number != int(number):
            self.complain(key, f"must be a whole number, not {number:g}")
            return default
        return int(number)

    def truth(self, key: str, default: bool) -> bool:
        node = self.node_of(key)
        if node is None:
            return default
        truth = truth_of(node.text) if isinstance(node, Scalar) and node.plain else None
        if truth is None:
            self.complain(key, "must be true or false")
            return default
        return truth

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        node = self.node_of(key)
        if node is None:
            return ()
        if isinstance(node, Scalar):
            return (node.text,)
        if not isinstance(node, Items):
            self.complain(key, "must be text or a list of texts")
            return ()
        found: list[str] = []
        for item in node.items:
            if isinstance(item, Scalar) and not is_empty(item):
                found.append(item.text)
            else:
                self._problems.add(item.at, f"{self._at(key)}: must be a list of texts")
        return tuple(found)

    def entries(self, key: str) -> Iterator[tuple[str, Node]]:
        node = self.node_of(key)
        if isinstance(node, Entries):
            yield from node.values.items()
        elif node is not None:
            self.complain(key, "must be a mapping of keys to values")

    def items(self, key: str) -> Iterator[Node]:
        node = self.node_of(key)
        if isinstance(node, Items):
            yield from node.items
        elif node is not None:
            self.complain(key, "must be a list")

    def form(self, key: str) -> Form:
        """The mapping under a key; an empty one if the key is absent."""
        node = self.node_of(key)
        return Form(node if node is not None else Entries(self.node.at), self._at(key), self._problems)

    def json(self, key: str) -> dict[str, Any] | None:
        """The mapping under a key as plain data, whatever is in it; None if the key is absent."""
        node = self.node_of(key)
        if node is None:
            return None
        if not isinstance(node, Entries):
            self.complain(key, "must be a mapping")
            return None
        return {name: plain_value(value, self._problems) for name, value in node.values.items()}

    def done(self, **instead: str) -> None:
        """`instead`: what to say of a key that people are known to write."""
        for key, node in self._keys.items():
            if key in self._asked:
                continue
            hint = f"; {instead[key]}" if key in instead else did_you_mean(key, self._asked)
            self._problems.add(node.at, f"{self._what}: unknown key {key!r}{hint}".removeprefix(": "))

    def _at(self, key: str) -> str:
        return f"{self._what}: {key}" if self._what else key
