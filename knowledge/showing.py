"""Documents and entries as the API shows them: plain values, ready for JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from events.knowledge_spans import Span
from events.knowledge_store import CitedEntry, HistoryLine
from knowledge.entries import Document, Entry, Side
from knowledge.stored import entry_from_stored


class DocumentLine(Struct, frozen=True):
    """A document in a list. `version`: the knowledge version since which it has this content."""

    id: str
    title: str
    source: str
    collection: str
    tags: tuple[str, ...]
    entries: int
    version: int


def line(document: Document, version: int) -> DocumentLine:
    return DocumentLine(
        document.id,
        document.title,
        document.source,
        document.collection,
        document.tags,
        len(document.entries),
        version,
    )


def whole(document: Document, version: int) -> dict[str, Any]:
    """The document with its entries."""
    return {**msgspec.structs.asdict(line(document, version)), "entries": [shown(each) for each in document.entries]}


def shown(entry: Entry) -> dict[str, Any]:
    """An entry with the languages that it has."""
    return {
        "id": entry.id,
        "revision": entry.revision,
        "kind": entry.kind,
        "topic": entry.topic,
        **dict(entry.sides()),
    }


def cited(found: CitedEntry) -> dict[str, Any]:
    """A revision of an entry, where it stood, and when it could be seen: from a version, until before another."""
    document = found.document
    return {
        **shown(entry_from_stored(found.entry)),
        "document": {"id": document.id, "title": document.title, "source": document.source},
        "version": found.version,
        "visible": [_span(span) for span in found.visible],
    }


def _span(span: Span) -> dict[str, int | None]:
    return {"from": span.start, "until": span.until}


def exported(document: Document, entry: Entry, confirmed: tuple[str, ...]) -> dict[str, Any]:
    """A line that can be imported again. Questions confirmed by people become paraphrases of the first language."""
    first, side = next(entry.sides())
    sides: dict[str, Side] = {**dict(entry.sides())}
    sides[first] = msgspec.structs.replace(side, paraphrases=(*side.paraphrases, *confirmed))
    return {
        "id": entry.id,
        "topic": entry.topic,
        "kind": entry.kind,
        **sides,
        "document": document.id,
        "document_title": document.title,
        "source": document.source,
    }


def event(past: HistoryLine, recorded_at: str) -> dict[str, Any]:
    """A line of the history."""
    shown = past._asdict()
    del shown["recorded_at_ms"]
    return shown | {"recorded_at": recorded_at}
