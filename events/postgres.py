"""The store on Postgres 15 or newer: group commit for writers, a small pool for readers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from events import sql
from events.batching import Batcher
from events.connections import LOST, Connections, unavailable
from events.store import (
    Append,
    LogEntry,
    NewEvent,
    OpenedStream,
    Position,
    Resolved,
    StoredEvent,
    StoredSnapshot,
)
from schemas.errors import AppendOutcomeUnknown, KefuError, StoreUnavailable, WrongExpectedVersion

MAX_BATCH = 512  # appends in one statement
MAX_OPENS = 64  # sessions resolved or loaded by one query
_NEVER = 2**31 - 1  # no stream is that long
_CONFLICTS = ("23505", "KF409")  # unique_violation; append_events' own


class PostgresStore:
    """EventStore over asyncpg. Connects lazily and again after a failure; needs a migrated database.

    Appends of all sessions share a group commit: while two statements are under
    way, new appends gather and leave together. A conflict aborts its whole
    statement, which is then retried by halves down to single streams; `ON CONFLICT DO NOTHING`
    would let a stale batch lose its first event and land its second.
    """

    def __init__(self, url: str, *, writers: int = 2, readers: int = 2, timeout_s: float = 5.0) -> None:
        self._writers = Connections(url, size=writers, timeout_s=timeout_s)
        self._readers = Connections(url, size=readers, timeout_s=timeout_s)
        self._appends = Batcher(self._append_batch, max_items=MAX_BATCH, width=writers)
        self._resolves = Batcher(self._resolve_batch, max_items=MAX_OPENS, width=readers)
        self._opens = Batcher(self._open_batch, max_items=MAX_OPENS, width=readers)

    async def append(self, session_id: int, expected: int, events: Sequence[NewEvent]) -> None:
        await self._appends.submit(Append(session_id, expected, events))

    async def _append_batch(self, batch: list[Append]) -> list[BaseException | None]:
        try:
            await self._insert(batch)
        except asyncpg.PostgresError as error:
            if len(batch) > 1 and not unavailable(error):
                # By halves down to single streams: one conflict among 512 costs 18 statements more, not 512.
                middle = len(batch) // 2
                return await self._append_batch(batch[:middle]) + await self._append_batch(batch[middle:])
            if error.sqlstate in _CONFLICTS:
                return [_conflict(batch[0])]
            if not unavailable(error):
                return [StoreUnavailable(f"the event log refused an append: {error}", retry_after_s=5)]
            return await asyncio.gather(*(self._settle(one) for one in batch))
        except StoreUnavailable as error:  # never sent
            return [error] * len(batch)
        except LOST:
            return await asyncio.gather(*(self._settle(one) for one in batch))
        return [None] * len(batch)

    async def _insert(self, batch: list[Append]) -> None:
        ids: list[int] = []
        seqs: list[int] = []
        types: list[int] = []
        times: list[int] = []
        payloads: list[bytes] = []
        for session_id, expected, events in batch:
            for seq, (event_type, recorded_at_ms, payload) in enumerate(events, expected + 1):
                ids.append(session_id)
                seqs.append(seq)
                types.append(event_type)
                times.append(recorded_at_ms)
                payloads.append(payload)
        async with self._writers.lease() as connection:
            await connection.fetchval(
                sql.APPEND, ids, seqs, types, times, payloads,
                [one.session_id for one in batch], [one.expected for one in batch],
            )  # fmt: skip

    async def _settle(self, one: Append) -> BaseException | None:
        """The connection broke around the commit: look at the log to learn whether the append landed."""
        try:
            found = await self.read(one.session_id, after=one.expected, limit=len(one.events))
        except KefuError:
            return AppendOutcomeUnknown(
                f"lost the event log while appending to session {one.session_id}; retry with the same key",
                retry_after_s=1,
            )
        if [(event.event_type, event.payload) for event in found] == [(e.event_type, e.payload) for e in one.events]:
            return None
        if found:
            return _conflict(one)
        # Not there, though the server may still be about to commit it: only the caller can decide again.
        return AppendOutcomeUnknown(
            f"the append to session {one.session_id} was cut off; retry with the same key", retry_after_s=1
        )

    async def resolve(self, tenant: str, external_id: str, proposed_id: int) -> Resolved:
        return await self._resolves.submit((tenant, external_id, proposed_id))

    async def _resolve_batch(self, batch: list[tuple[str, str, int]]) -> list[Resolved | BaseException]:
        tenants, names, proposed = ([*column] for column in zip(*batch, strict=True))
        async with self._readers.reading() as connection:
            known = {row[:2]: row[2] for row in await connection.fetch(sql.RESOLVE, tenants, names)}
            if len(known) < len(set(zip(tenants, names, strict=True))):
                await connection.execute(sql.REGISTER, tenants, names, proposed)
                known = {row[:2]: row[2] for row in await connection.fetch(sql.RESOLVE, tenants, names)}
        return [Resolved(known[t, n], known[t, n] == p) for t, n, p in batch]

    async def find(self, tenant: str, external_id: str) -> int | None:
        async with self._readers.reading() as connection:
            found = await connection.fetchval(sql.FIND, tenant, external_id)
        return None if found is None else int(found)

    async def open(self, session_id: int, fold_version: int) -> OpenedStream:
        return await self._opens.submit((session_id, fold_version))

    async def _open_batch(self, batch: list[tuple[int, int]]) -> list[OpenedStream | BaseException]:
        ids = list({session_id for session_id, _ in batch})  # several may open one session
        async with self._readers.reading() as connection:
            # Snapshots first: one that is saved in between only makes the tail longer than needed.
            snapshots = {row[0]: StoredSnapshot(*row[1:]) for row in await connection.fetch(sql.SNAPSHOTS, ids)}
            wanted = [_usable(snapshots.get(session_id), fold_version) for session_id, fold_version in batch]
            after = dict.fromkeys(ids, _NEVER)
            for (session_id, _), snapshot in zip(batch, wanted, strict=True):
                after[session_id] = min(after[session_id], snapshot.seq if snapshot else 0)
            tails: dict[int, list[StoredEvent]] = {session_id: [] for session_id in ids}
            for row in await connection.fetch(sql.TAILS, ids, [after[session_id] for session_id in ids]):
                tails[row[0]].append(StoredEvent(*row[1:]))
        return [
            OpenedStream(
                session_id, snapshot, [e for e in tails[session_id] if snapshot is None or e.seq > snapshot.seq]
            )
            for (session_id, _), snapshot in zip(batch, wanted, strict=True)
        ]

    async def read(
        self, session_id: int, *, after: int = 0, limit: int | None = None, until_ms: int | None = None
    ) -> list[StoredEvent]:
        async with self._readers.reading() as connection:
            rows = await connection.fetch(sql.READ, session_id, after, limit, until_ms)
        return [StoredEvent(*row) for row in rows]

    async def save_snapshot(self, session_id: int, snapshot: StoredSnapshot) -> None:
        async with self._readers.reading() as connection:
            await connection.execute(sql.SAVE_SNAPSHOT, session_id, *snapshot)

    async def read_log(self, after: Position, limit: int) -> list[LogEntry]:
        async with self._readers.reading() as connection:
            rows = await connection.fetch(sql.READ_LOG, *after, limit)
        return [LogEntry(Position(*row[:3]), StoredEvent(row[2], *row[3:])) for row in rows]

    async def close(self) -> None:
        await self._appends.close()
        await self._resolves.close()
        await self._opens.close()
        await self._writers.close()
        await self._readers.close()


def _usable(snapshot: StoredSnapshot | None, fold_version: int) -> StoredSnapshot | None:
    return snapshot if snapshot is not None and snapshot.fold_version == fold_version else None


def _conflict(one: Append) -> WrongExpectedVersion:
    return WrongExpectedVersion(
        f"session {one.session_id} is not at the expected {one.expected}; reload it and decide again"
    )
