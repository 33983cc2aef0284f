"""What a company knows: documents, which hold entries: questions with their answers, or passages of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from knowledge.text import Language

Kind = Literal["faq", "passage"]


class Side(Struct, frozen=True):
    """One language's side of an entry. Of a passage, `question` is the headings above it and `answer` its text."""

    question: str
    answer: str
    paraphrases: tuple[str, ...] = ()


class Entry(Struct, frozen=True):
    """One thing that can be found, answered with and cited. At least one language is present.

    `id` is unique within the tenant; `revision` counts the contents it has had, from 1.
    """

    id: str
    topic: str = ""
    en: Side | None = None
    zh: Side | None = None
    revision: int = 1
    kind: Kind = "faq"

    def side(self, language: Language) -> tuple[Language, Side]:
        """The side in `language`, else the one there is, with its language."""
        sides = dict(self.sides())
        chosen = language if language in sides else next(iter(sides))
        return chosen, sides[chosen]

    def sides(self) -> Iterator[tuple[Language, Side]]:
        if self.en is not None:
            yield "en", self.en
        if self.zh is not None:
            yield "zh", self.zh


class Document(Struct, frozen=True):
    """A file, a page or a table of one tenant: it becomes visible whole or not at all.

    `id` is unique within the tenant and stays the same when the document is imported again;
    `source` is the file name or URL it was read from.
    """

    id: str
    title: str
    source: str
    entries: tuple[Entry, ...]
    collection: str = "default"
    tags: tuple[str, ...] = ()


class Confirmed(Struct, frozen=True):
    """A person said that the entry answers the question."""

    entry: str
    question: str


# What an item of a tenant's knowledge is.
Content = Document | Confirmed
