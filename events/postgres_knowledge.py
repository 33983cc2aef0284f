"""The knowledge store on Postgres 15 or newer: an append is one statement, which also keeps the projections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import asyncpg

from events import knowledge_sql as sql
from events.connections import LOST, Connections, unavailable
from events.knowledge_codec import Event, Row, decode, encode_all, type_name
from events.knowledge_spans import Holding, Span, find
from events.knowledge_store import Changes, CitedEntry, HistoryLine, cited
from schemas.errors import AppendOutcomeUnknown, InvalidRequest, KefuError, StoreUnavailable, WrongExpectedVersion

MAX_DOCUMENTS = 256  # events read by one statement
MAX_VECTORS = 4096  # vectors read or written by one statement
_CONFLICTS = ("23505", "KF409")  # unique_violation; append_knowledge's own
_TAKEN = "KF422"

T = TypeVar("T")


class PostgresKnowledge:
    """KnowledgeStore over asyncpg. Connects lazily and again after a failure; needs a migrated database.

    `timeout_s` bounds every other statement, `append_timeout_s` an append, which may be a whole import.
    """

    def __init__(self, url: str, *, readers: int = 2, timeout_s: float = 5.0, append_timeout_s: float = 60.0) -> None:
        self._writers = Connections(url, size=1, timeout_s=append_timeout_s)
        self._readers = Connections(url, size=readers, timeout_s=timeout_s)

    async def append(self, tenant: str, expected: int, events: Sequence[Event]) -> int:
        rows = encode_all(expected, events)
        if not rows:
            if await self.head(tenant) != expected:
                raise _conflict(tenant, expected)
            return expected
        try:
            async with self._writers.lease() as connection:
                await connection.fetchval(sql.APPEND, tenant, expected, *_columns(rows))
        except asyncpg.PostgresError as error:
            if error.sqlstate in _CONFLICTS:
                raise _conflict(tenant, expected) from error
            if error.sqlstate == _TAKEN:
                raise InvalidRequest(
                    f"tenant {tenant!r}: {error.message}; ask the store for revisions at version {expected}"
                ) from error
            if not unavailable(error):
                raise StoreUnavailable(f"the knowledge log refused an append: {error}", retry_after_s=5) from error
            await self._settle(tenant, expected, rows)
        except LOST:
            await self._settle(tenant, expected, rows)
        return expected + len(rows)

    async def _settle(self, tenant: str, expected: int, rows: list[Row]) -> None:
        """The connection broke around the commit: look at the log to learn whether the append landed."""
        try:
            async with self._readers.reading() as connection:
                found = await connection.fetch(sql.LANDED, tenant, expected, len(rows))
        except KefuError as error:
            raise AppendOutcomeUnknown(
                f"lost the knowledge log while appending to tenant {tenant!r}; reload before retrying",
                retry_after_s=1,
            ) from error
        if [tuple(one) for one in found] == [(r.event_type, hashlib.sha256(r.payload).digest()) for r in rows]:
            return
        if found:
            raise _conflict(tenant, expected)
        # Not there, though the server may still be about to commit it: only the caller can decide again.
        raise AppendOutcomeUnknown(
            f"the append to the knowledge of tenant {tenant!r} was cut off; reload before retrying", retry_after_s=1
        )

    async def revisions(self, tenant: str, digests: Mapping[str, bytes]) -> dict[str, int]:
        async with self._readers.reading() as connection:
            rows = await connection.fetch(sql.REVISIONS, tenant, [*digests], [*digests.values()])
        return dict(map(tuple, rows))

    async def head(self, tenant: str) -> int:
        async with self._readers.reading() as connection:
            return await connection.fetchval(sql.HEAD, tenant) or 0

    async def heads(self) -> dict[str, int]:
        async with self._readers.reading() as connection:
            return dict(map(tuple, await connection.fetch(sql.HEADS)))

    async def tenants(self) -> list[str]:
        return sorted(await self.heads())

    async def state(self, tenant: str, version: int) -> dict[str, int]:
        async with self._readers.reading() as connection:
            return dict(map(tuple, await connection.fetch(sql.STATE, tenant, version)))

    async def changes(self, tenant: str, after: int) -> Changes:
        async with self._readers.reading() as connection:
            rows = await connection.fetch(sql.CHANGES, tenant, after)
        changed = [(item, version) for _, item, version in rows if item is not None]
        return Changes(
            head=rows[0]["head"],
            removed=[item for item, version in changed if version is None],
            changed={item: version for item, version in changed if version is not None},
        )

    async def read(self, tenant: str, versions: Iterable[int]) -> dict[int, Event]:
        events: dict[int, Event] = {}
        for chunk in _chunks(sorted(set(versions)), MAX_DOCUMENTS):
            async with self._readers.reading() as connection:
                rows = await connection.fetch(sql.READ, tenant, chunk)
            events |= {row[0]: decode(tenant, *row) for row in rows}
        return events

    async def history(self, tenant: str, limit: int, before: int | None = None) -> list[HistoryLine]:
        async with self._readers.reading() as connection:
            rows = await connection.fetch(sql.HISTORY, tenant, limit, before)
        return [HistoryLine(version, type_name(number), *rest) for version, number, *rest in rows]

    async def version_at(self, tenant: str, at_ms: int) -> int:
        async with self._readers.reading() as connection:
            return await connection.fetchval(sql.VERSION_AT, tenant, at_ms) or 0

    async def entry(self, tenant: str, entry_id: str, revision: int | None = None) -> CitedEntry | None:
        async with self._readers.reading() as connection:
            rows = await connection.fetch(sql.HOLDINGS, tenant, entry_id)
        found = find((Holding(row[0], row[1], Span(*row[2:])) for row in rows), revision)
        if found is None:
            return None
        events = await self.read(tenant, [found.version])
        return cited(tenant, events[found.version], entry_id, found)

    async def holders(self, tenant: str, entry_ids: Collection[str]) -> dict[str, str]:
        async with self._readers.reading() as connection:
            return dict(map(tuple, await connection.fetch(sql.HOLDERS, tenant, sorted(set(entry_ids)))))

    async def vectors(self, model: str, digests: Collection[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for chunk in _chunks(sorted(set(digests)), MAX_VECTORS):
            async with self._readers.reading() as connection:
                found |= dict(map(tuple, await connection.fetch(sql.VECTORS, model, chunk)))
        return found

    async def save_vectors(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        for chunk in _chunks(sorted(vectors), MAX_VECTORS):
            async with self._readers.reading() as connection:
                await connection.execute(sql.SAVE_VECTORS, model, chunk, [vectors[digest] for digest in chunk])

    async def close(self) -> None:
        await self._writers.close()
        await self._readers.close()


def _columns(rows: list[Row]) -> list[list[object]]:
    """The arguments of append_knowledge after tenant and version."""
    held = [(number, row.item, one) for number, row in enumerate(rows, 1) for one in row.entries]
    return [
        [row.event_type for row in rows],
        [row.recorded_at_ms for row in rows],
        [row.author for row in rows],
        [row.item for row in rows],
        [row.title for row in rows],
        [row.to_version for row in rows],
        [json.dumps({one.entry_id: one.revision for one in row.entries}) if row.entries else None for row in rows],
        [row.payload for row in rows],
        [number for number, _, _ in held],
        [item for _, item, _ in held],
        [one.entry_id for _, _, one in held],
        [one.revision for _, _, one in held],
        [one.digest for _, _, one in held],
    ]


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _conflict(tenant: str, expected: int) -> WrongExpectedVersion:
    return WrongExpectedVersion(
        f"the knowledge of tenant {tenant!r} is not at the expected version {expected}; reload it and decide again"
    )
