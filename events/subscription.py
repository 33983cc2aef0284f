"""Follow the whole log from a checkpoint, gap-safe: each event once, in log order, across restarts.

Reads poll; nothing is NOTIFYed inside the append transaction, because that takes
a lock on the whole database at commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from events import sql
from events.connections import Connections
from events.store import START, EventStore, LogEntry, Position
from schemas.errors import StoreUnavailable

Handler = Callable[[list[LogEntry]], Awaitable[None]]


class Checkpoints:
    """Durable positions of named subscriptions, in the database."""

    def __init__(self, url: str, timeout_s: float = 5.0) -> None:
        self._connections = Connections(url, size=1, timeout_s=timeout_s)

    async def load(self, name: str) -> Position:
        async with self._connections.reading() as connection:
            row = await connection.fetchrow(sql.CHECKPOINT, name)
        return START if row is None else Position(*row)

    async def save(self, name: str, position: Position) -> None:
        async with self._connections.reading() as connection:
            await connection.execute(sql.SAVE_CHECKPOINT, name, *position)

    async def close(self) -> None:
        await self._connections.close()


async def batches(store: EventStore, after: Position, limit: int = 500) -> AsyncIterator[list[LogEntry]]:
    """Everything after `after` up to what is safe to read now, in batches of at most `limit`."""
    while entries := await store.read_log(after, limit):
        yield entries
        after = entries[-1].position


async def follow(
    store: EventStore, checkpoints: Checkpoints, name: str, handle: Handler, *, poll_s: float = 0.1
) -> None:
    """Hand every event to `handle`, for ever. The checkpoint is saved after the handler returned,
    so after a crash the last batch comes again: handlers are idempotent. Outages are waited out."""
    position: Position | None = None
    while True:
        try:
            if position is None:
                position = await checkpoints.load(name)
            async for entries in batches(store, position):
                await handle(entries)
                await checkpoints.save(name, entries[-1].position)
                position = entries[-1].position
        except StoreUnavailable:
            position = None  # whether the checkpoint was saved is unknown: ask again
        await asyncio.sleep(poll_s)
