"""Between knowledge events and the columns of `knowledge_events`; also item names and digests, which are stored too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from google.protobuf.message import DecodeError

from schemas import knowledge_pb2
from schemas.errors import CorruptEvent, InvalidRequest
from schemas.knowledge_pb2 import (
    AnswerConfirmed,
    DocumentAdded,
    DocumentRemoved,
    DocumentRevised,
    KnowledgeDocument,
    KnowledgeEntry,
    KnowledgeEvent,
    KnowledgeRolledBack,
)

Event = DocumentAdded | DocumentRevised | DocumentRemoved | KnowledgeRolledBack | AnswerConfirmed

MAX_ID_BYTES = 1024  # of UTF-8, of a document's or an entry's id: two of them fit into an index key
MAX_TITLE = 200  # characters kept for listings; the payload has them all
CONFIRMED = "confirmed:"
REMOVED = KnowledgeEvent.DOCUMENT_REMOVED_FIELD_NUMBER

_ARMS = KnowledgeEvent.DESCRIPTOR.oneofs_by_name["kind"].fields
_BY_NUMBER: dict[int, type[Event]] = {
    arm.number: getattr(knowledge_pb2, arm.message_type.name) for arm in _ARMS if arm.message_type is not None
}
_NUMBER_OF: dict[type[Event], int] = {cls: number for number, cls in _BY_NUMBER.items()}


class Held(NamedTuple):
    """An entry of a document; `digest` is that of its content."""

    entry_id: str
    revision: int
    digest: bytes


class Row(NamedTuple):
    """An event as it is stored. `item` is what it changes ('' of a rollback, which alone has a `to_version`)."""

    event_type: int
    recorded_at_ms: int
    author: str
    item: str
    title: str
    to_version: int | None
    payload: bytes
    entries: tuple[Held, ...]


def encode_all(expected: int, events: Iterable[Event]) -> list[Row]:
    """The rows of the events that follow version `expected`. Raises InvalidRequest where one makes no sense."""
    rows = []
    for version, event in enumerate(events, expected + 1):
        row = encode(event)
        if row.to_version is not None and not 0 <= row.to_version < version:
            raise InvalidRequest(
                f"cannot roll back to version {row.to_version} in version {version}; choose one from 0 to {version - 1}"
            )
        rows.append(row)
    return rows


def encode(event: Event) -> Row:
    """The row of an event. Raises InvalidRequest if an id or a revision cannot be stored."""
    item, title, to_version, entries = "", "", None, tuple[Held, ...]()
    match event:
        case DocumentAdded() | DocumentRevised():
            item, title = _document_id(event.document.id), event.document.title
            entries = tuple(_held(event.document))
        case DocumentRemoved():
            item = _document_id(event.document_id)
        case AnswerConfirmed():
            item, title = confirmation(event.entry_id, event.question), event.question
        case KnowledgeRolledBack():
            to_version = event.to_version
    return Row(
        _NUMBER_OF[type(event)], event.at_ms, _text(event.by), item, _text(title)[:MAX_TITLE], to_version,
        event.SerializeToString(), entries,
    )  # fmt: skip


def decode(tenant: str, version: int, event_type: int, payload: bytes) -> Event:
    """Raises CorruptEvent, naming tenant and version, on an unknown type or a payload that does not parse."""
    where = f"knowledge of tenant {tenant!r} version {version}"
    cls = _BY_NUMBER.get(event_type)
    if cls is None:
        raise CorruptEvent(
            f"{where}: event type {event_type} is unknown to this version of Kefu; "
            "read the log with the one that wrote it, or a newer one"
        )
    try:
        event: Event = cls.FromString(payload)
    except DecodeError as error:
        raise CorruptEvent(
            f"{where}: payload of {cls.__name__} cannot be parsed ({error}); restore the row from a backup"
        ) from error
    return event


def type_name(event_type: int) -> str:
    """Name of a stored event type, such as `DocumentAdded`; `Unknown<n>` for a number this version does not know."""
    cls = _BY_NUMBER.get(event_type)
    return cls.__name__ if cls else f"Unknown{event_type}"


def confirmation(entry_id: str, question: str) -> str:
    """The item that a confirmation of this question for this entry is known by."""
    _id(entry_id, "entry id")
    return CONFIRMED + hashlib.sha256(f"{entry_id}\0{question}".encode()).hexdigest()[:32]


def entry_digest(entry: KnowledgeEntry) -> bytes:
    """SHA-256 of an entry's content, which is all of it but the revision."""
    content = KnowledgeEntry()
    content.CopyFrom(entry)
    content.ClearField("revision")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).digest()


def _held(document: KnowledgeDocument) -> Iterator[Held]:
    seen = set[str]()
    for entry in document.entries:
        if entry.id in seen:
            raise InvalidRequest(f"document {document.id!r} has two entries called {entry.id!r}; rename one")
        if entry.revision < 1:
            raise InvalidRequest(f"entry {entry.id!r} of document {document.id!r} has no revision; number it from 1")
        seen.add(entry.id)
        yield Held(_id(entry.id, "entry id"), entry.revision, entry_digest(entry))


def _document_id(value: str) -> str:
    if value.startswith(CONFIRMED):
        raise InvalidRequest(f"document id {value[:80]!r} begins with {CONFIRMED!r}, which is reserved; choose another")
    return _id(value, "document id")


def _id(value: str, what: str) -> str:
    if not value or "\0" in value or len(value.encode()) > MAX_ID_BYTES:
        raise InvalidRequest(f"{what} {value[:80]!r} needs 1 to {MAX_ID_BYTES} bytes and no NUL; choose another")
    return value


def _text(value: str) -> str:
    return value.replace("\0", "")  # Postgres' text cannot hold it; the payload does
