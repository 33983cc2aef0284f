"""The store in memory: the same contract, for unit tests and what-if runs. Nothing survives the process."""

from __future__ import annotations

from collections.abc import Sequence

from events.store import LogEntry, NewEvent, OpenedStream, Position, Resolved, StoredEvent, StoredSnapshot
from schemas.errors import WrongExpectedVersion


class MemoryStore:
    """EventStore over dictionaries. One transaction number per append, as in Postgres."""

    def __init__(self) -> None:
        self._streams: dict[int, list[StoredEvent]] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self._snapshots: dict[int, StoredSnapshot] = {}
        self._log: list[LogEntry] = []
        self._tx = 0

    async def append(self, session_id: int, expected: int, events: Sequence[NewEvent]) -> None:
        stream = self._streams.setdefault(session_id, [])
        if len(stream) != expected:
            raise WrongExpectedVersion(
                f"session {session_id} is at {len(stream)}, not at the expected {expected}; reload it and decide again"
            )
        self._tx += 1
        for seq, event in enumerate(events, expected + 1):
            stored = StoredEvent(seq, *event)
            stream.append(stored)
            self._log.append(LogEntry(Position(self._tx, session_id, seq), stored))

    async def resolve(self, tenant: str, external_id: str, proposed_id: int) -> Resolved:
        found = self._ids.setdefault((tenant, external_id), proposed_id)
        return Resolved(found, found == proposed_id)

    async def find(self, tenant: str, external_id: str) -> int | None:
        return self._ids.get((tenant, external_id))

    async def open(self, session_id: int, fold_version: int) -> OpenedStream:
        snapshot = self._snapshots.get(session_id)
        if snapshot is not None and snapshot.fold_version != fold_version:
            snapshot = None
        return OpenedStream(session_id, snapshot, await self.read(session_id, after=snapshot.seq if snapshot else 0))

    async def read(
        self, session_id: int, *, after: int = 0, limit: int | None = None, until_ms: int | None = None
    ) -> list[StoredEvent]:
        events = [
            event
            for event in self._streams.get(session_id, [])[after:]
            if until_ms is None or event.recorded_at_ms <= until_ms
        ]
        return events[:limit]

    async def save_snapshot(self, session_id: int, snapshot: StoredSnapshot) -> None:
        old = self._snapshots.get(session_id)
        if old is None or old.fold_version != snapshot.fold_version or old.seq < snapshot.seq:
            self._snapshots[session_id] = snapshot

    async def read_log(self, after: Position, limit: int) -> list[LogEntry]:
        return [entry for entry in self._log if entry.position > after][:limit]

    async def close(self) -> None:
        return
