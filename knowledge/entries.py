"""What a company knows: entries with a question, its paraphrases and an answer per language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from knowledge.text import Language
from schemas.errors import ConfigurationError


class Side(Struct, frozen=True):
    """One language's side of an entry."""

    question: str
    answer: str
    paraphrases: tuple[str, ...] = ()


class Entry(Struct, frozen=True):
    """One thing the company can answer. At least one language is present."""

    id: str
    topic: str
    en: Side | None = None
    zh: Side | None = None
    revision: int = 1

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
