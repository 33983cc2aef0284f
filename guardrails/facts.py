"""What is a fact in a reply, and how it is compared: by value, whatever the notation or the language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Kind = Literal["amount", "percentage", "duration", "date", "time", "number", "order_number", "phone", "email", "link"]


class Fact(Struct, frozen=True):
    """`said`: keys of what is claimed, one for each way to understand it. `supports`: keys of all claims for which
    this is a ground; more than `said`, as a full date also grounds its month.
    """

    kind: Kind
    said: frozenset[str]
    supports: frozenset[str]
    words: str
    start: int
    end: int


class Text:
    """A text from which facts are taken one kind after the other; what is taken is not seen by the next kind."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def take(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """All matches; those that the caller does not `drop` stay."""
        yield from list(pattern.finditer(self.rest))

    def drop(self, start: int, end: int) -> None:
        self.rest = self.rest[:start] + "\x1f" * (end - start) + self.rest[end:]


def fact(
    kind: Kind, match: re.Match[str], said: frozenset[str] | set[str], supports: frozenset[str] | set[str] | None = None
) -> Fact:
    grounds = frozenset(said) if supports is None else frozenset(supports) | frozenset(said)
    return Fact(kind, frozenset(said), grounds, match.group().strip(), match.start(), match.end())
