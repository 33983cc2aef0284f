"""What a company knows: documents, which hold entries: questions with their answers, or passages of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from knowledge.text import Language
from schemas.errors import ConfigurationError

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


class EntriesInvalid(ConfigurationError):
    """The file of entries cannot be used; the message says where and what to do."""


def load(path: Path) -> list[Entry]:
    """Reads one JSON object a line; blank lines are skipped. Raises EntriesInvalid."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise EntriesInvalid(f"{path}: cannot be read ({error.strerror}); give a JSONL file of entries") from error

    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        entry = _entry(line, f"{path}:{number}")
        if entry.id in seen:
            raise EntriesInvalid(f"{path}:{number}: id {entry.id!r} is taken by line {seen[entry.id]}; choose another")
        seen[entry.id] = number
        entries.append(entry)
    if not entries:
        raise EntriesInvalid(f"{path}: holds no entries; write one JSON object a line")
    return entries


def _entry(line: bytes, where: str) -> Entry:
    try:
        entry = msgspec.json.decode(line, type=Entry)
    except msgspec.ValidationError as error:
        raise EntriesInvalid(f"{where}: {error}; fix that field") from error
    except msgspec.DecodeError as error:
        raise EntriesInvalid(f"{where}: not valid JSON ({error}); write one JSON object a line") from error
    except UnicodeDecodeError as error:
        raise EntriesInvalid(f"{where}: not UTF-8; save the file as UTF-8") from error
    if not entry.id:
        raise EntriesInvalid(f"{where}: the id is empty; name the entry")
    if entry.en is None and entry.zh is None:
        raise EntriesInvalid(f"{where}: {entry.id!r} has no language; add an 'en' or a 'zh' object")
    for language, side in entry.sides():
        for field, text in (("question", side.question), ("answer", side.answer)):
            if not text.strip():
                raise EntriesInvalid(f"{where}: {entry.id!r} has an empty {language} {field}; write it")
    return entry
