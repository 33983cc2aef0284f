"""The store port: what the rest of Kefu knows of the event log.

A stream is one session's events, numbered 1, 2, 3 ... without a gap. Every
implementation passes `tests/contract/store_contract.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class NewEvent(NamedTuple):
    """An event to append. `event_type` is its arm's field number in `SessionEvent`."""

    event_type: int
    recorded_at_ms: int
    payload: bytes


class StoredEvent(NamedTuple):
    """An event of one stream. `seq` counts from 1."""

    seq: int
    event_type: int
    recorded_at_ms: int
    payload: bytes


class Append(NamedTuple):
    """Events for one stream, all or nothing. `expected`: its last seq as the writer knows it, 0 for none."""

    session_id: int
    expected: int
    events: Sequence[NewEvent]


class StoredSnapshot(NamedTuple):
    """State as of `seq`, as the actor serialised it."""

    seq: int
    fold_version: int
    state_hash: bytes
    payload: bytes


class Resolved(NamedTuple):
    """A session's id; `is_new` if this call registered it, so that there is nothing to load yet."""

    session_id: int
    is_new: bool


class OpenedStream(NamedTuple):
    """What activation needs: the newest snapshot and every event after it."""

    session_id: int
    snapshot: StoredSnapshot | None
    tail: list[StoredEvent]


class Position(NamedTuple):
    """A place in the whole log, ordered by transaction first; `START` is before everything."""

    tx: int
    session_id: int
    seq: int


START = Position(0, 0, 0)


class LogEntry(NamedTuple):
    """An event as a subscription sees it."""

    position: Position
    event: StoredEvent


class EventStore(Protocol):
    """Every call raises StoreUnavailable when the log cannot be reached."""

    async def append(self, session_id: int, expected: int, events: Sequence[NewEvent]) -> None:
        """Make the events durable, all of them or none.

        Raises WrongExpectedVersion if the stream is not exactly at `expected`
        (nothing was written: reload and decide again), AppendOutcomeUnknown if
        the connection broke and the log could not be re-read (the events may
        or may not be there: reload before retrying).
        """

    async def resolve(self, tenant: str, external_id: str, proposed_id: int) -> Resolved:
        """The session's id; registers `proposed_id` for it if the tenant has no such session yet."""

    async def find(self, tenant: str, external_id: str) -> int | None:
        """The session's id, or None if the tenant has no such session."""

    async def open(self, session_id: int, fold_version: int) -> OpenedStream:
        """Snapshot of this fold version (if any) and the events after it."""

    async def read(
        self, session_id: int, *, after: int = 0, limit: int | None = None, until_ms: int | None = None
    ) -> list[StoredEvent]:
        """Events with `seq > after`, in order, at most `limit`, recorded at or before `until_ms`."""

    async def save_snapshot(self, session_id: int, snapshot: StoredSnapshot) -> None:
        """Keep the snapshot unless a newer one is there. A snapshot is a cache: losing it loses nothing."""

    async def read_log(self, after: Position, limit: int) -> list[LogEntry]:
        """Committed events after `after`, in log order, skipping none that may still appear before them."""

    async def close(self) -> None:
        """Release connections. Appends in progress are finished first."""
