"""A few database connections that come back by themselves after the server was gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from schemas.errors import StoreUnavailable

# How a lost connection shows, beside PostgresError. InternalClientError: the server said goodbye in mid-statement.
LOST = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)

Connection = Any  # asyncpg.Connection, which comes without types


def unavailable(error: asyncpg.PostgresError) -> bool:
    """True if the server is going, gone or out of resources, rather than refusing this statement."""
    state = error.sqlstate or ""
    return state[:2] in ("08", "53", "57", "58")


class Connections:
    """Up to `size` connections, opened on demand. `timeout_s` bounds connecting and every statement.

    Unlike asyncpg's pool it does no RESET on release (a round trip per use that
    nothing here needs) and fails at once when the server is not there.
    """

    def __init__(self, url: str, *, size: int, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._permits = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closed = False

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Connection]:
        """One connection for the block; it is dropped if the block fails in a way that may have broken it.

        Raises StoreUnavailable if no connection can be had; errors of statements pass through.
        """
        async with self._permits:
            connection = await self._take()
            try:
                yield connection
            except asyncpg.PostgresError as error:
                self._give_back(connection, broken=unavailable(error))
                raise
            except BaseException:
                self._give_back(connection, broken=True)
                raise
            self._give_back(connection, broken=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """As `lease`, for statements that may simply be tried again: every failure is StoreUnavailable."""
        try:
            async with self.lease() as connection:
                yield connection
        except (asyncpg.PostgresError, *LOST) as error:
            raise StoreUnavailable(
                f"the event log did not answer ({type(error).__name__}: {error}); retry shortly",
                retry_after_s=1,
            ) from error

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        if self._closed:
            raise StoreUnavailable("the event log was closed; the process is stopping", retry_after_s=1)
        try:
            return await asyncpg.connect(self._url, timeout=self._timeout_s, command_timeout=self._timeout_s)
        except (asyncpg.PostgresError, *LOST) as error:
            raise StoreUnavailable(
                f"cannot reach the event log ({type(error).__name__}); retry shortly with the same key",
                retry_after_s=1,
            ) from error

    def _give_back(self, connection: Connection, *, broken: bool) -> None:
        if broken or self._closed:
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._idle.pop().close(timeout=self._timeout_s)
