"""The language of guards and templates: read here, computed in `evaluating`. Nothing in it reaches Python.

    slots.reason == "damaged" and (order.total <= 100 or lower(order.status) in ["shipped", "delivered"])
    slots.note is missing

`or`, `and`, `not`, one comparison (== != < <= > >= in, not in, is missing, is not missing), + - * /, lists, calls of
FUNCTIONS. Names: `slots.x`, `intent`, `language`, `today`, `value` (in a slot's check), and saved results such as
`result.items.0.name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from documents.hints import known_are

LONGEST = 500  # characters
_DEEPEST = 16  # parentheses, brackets, `not`s in each other
_MOST_OPERATORS = 64  # bounds the tree's depth, and with it the evaluation's recursion
_LONGEST_NUMBER = 15  # digits; a double holds them exactly

FUNCTIONS = {"len": (1, 1), "lower": (1, 1), "money": (1, 2), "date": (1, 1), "label": (1, 1)}  # least, most arguments
KEYWORDS = frozenset({"and", "or", "not", "in", "is", "missing", "true", "false", "null"})
ROOTS = frozenset({"slots", "intent", "language", "today", "value"})

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?![\w.]))
    |(?P<name>[A-Za-z_]\w*(?:\.\w+)*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>==|!=|<=|>=|<|>|\+|-|\*|/|\(|\)|\[|\]|,)
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Literal(Struct, frozen=True):
    value: Any


class Name(Struct, frozen=True):
    """A root and a path into its JSON value: ("slots", ("reason",)); digits are positions in a list."""

    root: str
    path: tuple[str, ...]
    offset: int


class Unary(Struct, frozen=True):
    operator: str
    operand: Node


class Binary(Struct, frozen=True):
    operator: str
    left: Node
    right: Node


class Listed(Struct, frozen=True):
    items: tuple[Node, ...]


class Called(Struct, frozen=True):
    function: str
    arguments: tuple[Node, ...]
    offset: int


Node = Literal | Name | Unary | Binary | Listed | Called


class Expression(Struct, frozen=True):
    """As written, and as understood. `line`, `column`: where it begins in its file."""

    source: str
    tree: Node
    line: int = 1
    column: int = 1


class BadExpression(ValueError):
    """What is wrong, and at which character (from 0). It never leaves this package."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def parse(source: str, line: int = 1, column: int = 1) -> Expression:
    """Raises BadExpression, and nothing else, whatever the text."""
    if len(source) > LONGEST:
        raise BadExpression(f"the expression has {len(source)} characters, at most {LONGEST} are allowed", 0)
    return Expression(source, _Parser(source).whole(), line, column)


def nodes(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    match node:
        case Unary():
            yield from nodes(node.operand)
        case Binary():
            yield from nodes(node.left)
            yield from nodes(node.right)
        case Listed():
            for item in node.items:
                yield from nodes(item)
        case Called():
            for argument in node.arguments:
                yield from nodes(argument)
        case _:
            pass


class _Token(NamedTuple):
    kind: str  # number, name, text, sign, end
    text: str
    offset: int


def _tokens(source: str) -> Iterator[_Token]:
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            rest = source[at:].lstrip()
            if not rest:
                break
            offset = len(source) - len(rest)
            raise BadExpression(_unreadable(rest), offset)
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "", len(source))


def _unreadable(rest: str) -> str:
    if rest[0] in "\"'":
        return "the quote is not closed"
    hints = {"=": 'compare with "=="', "&": 'write "and"', "|": 'write "or"', "!": 'write "not"'}
    hint = next((f"; {hint}" for sign, hint in hints.items() if rest.startswith(sign)), "")
    return f"{rest[0]!r} cannot be read here{hint}"


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._at = 0
        self._depth = 0
        self._operators = 0

    def whole(self) -> Node:
        tree = self._or()
        if self._next.kind != "end":
            raise BadExpression(f"{self._next.text!r} is not expected here", self._next.offset)
        return tree

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> str:
        """The next token's text if it is one of these signs or keywords, else ""."""
        token = self._next
        if token.kind in ("sign", "name") and token.text in texts:
            self._at += 1
            return token.text
        return ""

    def _demand(self, text: str) -> None:
        if not self._take(text):
            found = repr(self._next.text) if self._next.text else "the end"
            raise BadExpression(f"{text!r} is missing before {found}", self._next.offset)

    def _count(self) -> None:
        self._operators += 1
        if self._operators > _MOST_OPERATORS:
            raise BadExpression(f"more than {_MOST_OPERATORS} operators", self._next.offset)

    def _or(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise BadExpression(f"nested deeper than {_DEEPEST}", self._next.offset)
        left = self._and()
        while self._take("or"):
            self._count()
            left = Binary("or", left, self._and())
        self._depth -= 1
        return left

    def _and(self) -> Node:
        left = self._not()
        while self._take("and"):
            self._count()
            left = Binary("and", left, self._not())
        return left

    def _not(self) -> Node:
        negations = 0
        while self._take("not"):
            self._count()
            negations += 1
        node = self._comparison()
        for _ in range(negations):
            node = Unary("not", node)
        return node

    def _comparison(self) -> Node:
        left = self._sum()
        operator = self._comparator()
        if not operator:
            return left
        self._count()
        if operator in ("is missing", "is not missing"):
            node: Node = Unary(operator, left)
        else:
            node = Binary(operator, left, self._sum())
        offset = self._next.offset
        if self._comparator():
            raise BadExpression('one comparison at a time: write "a < b and b < c"', offset)
        return node

    def _comparator(self) -> str:
        if sign := self._take("==", "!=", "<=", ">=", "<", ">", "in"):
            return sign
        if self._next.text == "not" and self._tokens[self._at + 1].text == "in":
            self._at += 2
            return "not in"
        if self._take("is"):
            negated = self._take("not")
            if not self._take("missing", "null"):
                raise BadExpression('after "is" comes "missing" or "not missing"; compare with "=="', self._next.offset)
            return "is not missing" if negated else "is missing"
        return ""

    def _sum(self) -> Node:
        left = self._product()
        while operator := self._take("+", "-"):
            self._count()
            left = Binary(operator, left, self._product())
        return left

    def _product(self) -> Node:
        left = self._signed()
        while operator := self._take("*", "/"):
            self._count()
            left = Binary(operator, left, self._signed())
        return left

    def _signed(self) -> Node:
        signs = 0
        while self._take("-"):
            self._count()
            signs += 1
        node = self._primary()
        return Unary("-", node) if signs % 2 else node

    def _primary(self) -> Node:
        if self._take("("):
            node = self._or()
            self._demand(")")
            return node
        if self._take("["):
            return Listed(self._arguments("]"))
        token = self._next
        self._at += 1
        if token.kind == "number":
            return Literal(_number(token))
        if token.kind == "text":
            return Literal(_ESCAPE.sub(r"\1", token.text[1:-1]))
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal(token.text == "true")
        if token.kind == "name" and token.text in ("null", "missing"):
            return Literal(None)
        if token.kind == "name" and token.text not in KEYWORDS:
            if self._take("("):
                return self._called(token)
            root, *path = token.text.split(".")
            return Name(root, tuple(path), token.offset)
        found = repr(token.text) if token.text else "the end"
        raise BadExpression(f"a value is missing before {found}", token.offset)

    def _called(self, token: _Token) -> Called:
        if token.text not in FUNCTIONS:
            raise BadExpression(f"no function {token.text!r}{known_are(token.text, sorted(FUNCTIONS))}", token.offset)
        arguments = self._arguments(")")
        least, most = FUNCTIONS[token.text]
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} or {most}"
            raise BadExpression(f"{token.text}() takes {wanted} argument(s), not {len(arguments)}", token.offset)
        return Called(token.text, arguments, token.offset)

    def _arguments(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take(end):
            if found:
                self._demand(",")
            self._count()
            found.append(self._or())
        return tuple(found)


def _number(token: _Token) -> int | float:
    if len(token.text) > _LONGEST_NUMBER:
        raise BadExpression(f"a number of more than {_LONGEST_NUMBER} characters", token.offset)
    return float(token.text) if "." in token.text else int(token.text)
