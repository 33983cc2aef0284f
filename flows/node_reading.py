"""Typed values out of a YAML tree. What does not fit is told with its place, and a harmless value stands in for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from documents.hints import known_are
from documents.nodes import Entries, Items, Node, Place, Scalar
from documents.problems import Problems
from flows.definition import NOWHERE, Texts
from flows.expressions import BadExpression, Expression, parse
from flows.texts import Template, parse_template

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
FLOW_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_NAME_RULE = "lower-case letters, digits and underscores, beginning with a letter"
# Narrower than YAML's: an order number such as 00123 stays a text.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?")


class Nodes:
    """Reads nodes for one file."""

    def __init__(self, problems: Problems, languages: tuple[str, ...] = ()) -> None:
        self.problems = problems
        self.languages = languages

    def fields(self, node: Node | None, what: str, known: tuple[str, ...], required: tuple[str, ...] = ()) -> Entries:
        """The mapping, less the keys it should not have."""
        if not isinstance(node, Entries):
            if node is not None:
                self.problems.add(node.at, f"{what} must be a mapping of {', '.join(known)}")
            return Entries(node.at if node else NOWHERE)
        for key, _ in node.pairs():
            if key.text not in known:
                self.problems.add(key.at, f"{what} has no key {key.text!r}{known_are(key.text, known)}")
        for name in required:
            if node.get(name) is None:
                self.problems.add(node.at, f"{what} needs {name!r}")
        return node

    def named(self, node: Node | None, what: str) -> Iterator[tuple[str, Node, Place]]:
        """Name, value and place of each entry of a mapping whose keys an author chooses."""
        if node is None:
            return
        if not isinstance(node, Entries):
            self.problems.add(node.at, f"{what} must be a mapping from names")
            return
        for key, value in node.pairs():
            if not NAME.fullmatch(key.text):
                self.problems.add(key.at, f"{key.text!r} is no name: {_NAME_RULE}")
            yield key.text, value, key.at

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if not isinstance(node, Items):
            self.problems.add(node.at, f"{what} must be a list (lines that begin with '- ')")
            return ()
        return tuple(node.items)

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        if node is None:
            return default
        if not isinstance(node, Scalar) or not node.text.strip():
            self.problems.add(node.at, f"{what} must be a text")
            return default
        return node.text

    def name(self, node: Node | None, what: str) -> str:
        text = self.text(node, what)
        if node and text and not NAME.fullmatch(text):
            self.problems.add(node.at, f"{what} {text!r} is no name: {_NAME_RULE}")
        return text

    def one_of(self, node: Node | None, what: str, known: tuple[str, ...], default: str) -> str:
        text = self.text(node, what, default)
        if node and text not in known:
            self.problems.add(node.at, f"{what} cannot be {text!r}{known_are(text, known)}")
            return default
        return text

    def integer(self, node: Node | None, what: str, default: int, least: int, most: int) -> int:
        if node is None:
            return default
        if isinstance(node, Scalar) and node.text.isascii() and node.text.isdecimal() and len(node.text) < 10:
            value = int(node.text)
            if least <= value <= most:
                return value
        self.problems.add(node.at, f"{what} must be a whole number from {least} to {most}")
        return default

    def flag(self, node: Node | None, what: str) -> bool:
        return self.one_of(node, what, ("true", "false"), "false") == "true"

    def expression(self, node: Node | None, what: str) -> Expression | None:
        if node is None or not (source := self.text(node, what)) or not isinstance(node, Scalar):
            return None
        try:
            return parse(source, node.at.line, node.at.column + (node.offset or 0))
        except BadExpression as error:
            self.problems.add(_place(node, error.offset), f"{what}: {error}")
            return None

    def template(self, node: Node, what: str) -> Template:
        text = self.text(node, what)
        try:
            return parse_template(text, node.at.line, node.at.column + (getattr(node, "offset", 0) or 0))
        except BadExpression as error:
            at = _place(node, error.offset) if isinstance(node, Scalar) else node.at
            self.problems.add(at, f"{what}: {error}")
            return Template(())

    def texts(self, node: Node | None, what: str) -> Texts:
        """A text in each of the flow's languages; in a flow of one language the text alone will do."""
        if node is None:
            return {}
        if isinstance(node, Scalar) and len(self.languages) == 1:
            return {self.languages[0]: self.template(node, what)}
        if not isinstance(node, Entries):
            self.problems.add(node.at, f"{what} must be a mapping from {' and '.join(self.languages)} to texts")
            return {}
        self._complete(node, what)
        return {key.text: self.template(value, f"{what} in {key.text}") for key, value in node.pairs()}

    def phrases(self, node: Node | None, what: str, complete: bool = True) -> dict[str, tuple[str, ...]]:
        """Lists of plain texts by language."""
        if isinstance(node, Items | Scalar) and len(self.languages) == 1:
            return {self.languages[0]: self._list(node, what)}
        if node is None:
            return {}
        if not isinstance(node, Entries):
            self.problems.add(
                node.at, f"{what} must be a mapping from {' and '.join(self.languages)} to lists of texts"
            )
            return {}
        self._complete(node, what, complete)
        return {key.text: self._list(value, f"{what} in {key.text}") for key, value in node.pairs()}

    def _list(self, node: Node, what: str) -> tuple[str, ...]:
        if isinstance(node, Scalar):
            return (self.text(node, what),)
        texts = tuple(self.text(item, f"each of {what}") for item in self.items(node, what))
        if not texts:
            self.problems.add(node.at, f"{what} is empty")
        return tuple(text for text in texts if text)

    def _complete(self, node: Entries, what: str, complete: bool = True) -> None:
        for language in self.languages:
            if complete and node.get(language) is None:
                self.problems.add(node.at, f"{what} has no text in {language!r}, a language of the flow")
        for key, _ in node.pairs():
            if key.text not in self.languages:
                hint = f"; the flow's languages are {', '.join(self.languages)}"
                self.problems.add(key.at, f"{what} has a text in {key.text!r}{hint}")

    def json(self, node: Node, what: str) -> object:
        """JSON in which every text is a Template."""
        match node:
            case Entries():
                return {key.text: self.json(value, what) for key, value in node.pairs()}
            case Items():
                return [self.json(item, what) for item in node.items]
            case Scalar(plain=True, text=("" | "null" | "~")):
                return None
            case Scalar(plain=True, text=("true" | "false") as truth):
                return truth == "true"
            case Scalar(plain=True, text=number) if _NUMBER.fullmatch(number):
                return float(number) if "." in number else int(number)
            case _:
                return self.template(node, what)


def _place(node: Scalar, offset: int) -> Place:
    return node.at if node.offset is None else Place(node.at.line, node.at.column + node.offset + offset)
