"""What the readers hand over: prose in blocks, or finished entries; and how they tell what went wrong."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from knowledge.entries import Entry
from schemas.errors import KefuError

MAX_BYTES = 50 * 1024 * 1024
# Characters of text in one document; a long novel has three million.
MAX_CHARACTERS = 20_000_000

BlockKind = Literal["heading", "paragraph", "item", "table", "code", "picture"]


class Unreadable(KefuError):
    """The file cannot be used at all; the message says what is wrong, where, and what to do."""

    code, status, title = "unreadable_document", 422, "Unreadable document"


class Skipped(Struct, frozen=True):
    """A part that was left out, or a note about one that was used.

    `where`: such as "faq.csv:17" or "manual.pdf page 3"; `reason`: what is wrong and what to do.
    """

    where: str
    reason: str


class Block(Struct, frozen=True):
    """One piece of a page as its author set it.

    `text`: of a picture what it is said to show. `level`: of a heading from 1, of a list item its depth from 1. A
    heading without text ends the section of that level. `rows`: of a table, cells in rows, the first row its
    header; `text` is empty then.
    `where`: the place within the file, if the format has places ("page 3").
    """

    kind: BlockKind
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    where: str = ""


class Prose(Struct, frozen=True):
    """A page of text, not yet cut. `title` is empty where the file names none."""

    title: str
    blocks: tuple[Block, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Skipped, ...] = ()


class Placed(Struct, frozen=True):
    """An entry and the place it was read from."""

    where: str
    entry: Entry


class Listed(Struct, frozen=True):
    """Entries that the file itself tells apart: rows of a table, objects of a list."""

    entries: tuple[Placed, ...]
    tags: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Skipped, ...] = ()
