"""The definition store on Postgres 15 or newer: a put is one statement, which waits its turn behind every other."""

from __future__ import annotations

import asyncpg

from events import definitions_sql as sql
from events.connections import LOST, Connections
from events.definitions import Definition, DefinitionLine, Kind, check, conflict
from schemas.errors import StoreUnavailable

_CONFLICT = "KF409"


class PostgresDefinitions:
    """DefinitionStore over asyncpg. Connects lazily and again after a failure; needs a migrated database.

    `timeout_s` bounds every statement.
    """

    def __init__(self, url: str, *, connections: int = 2, timeout_s: float = 5.0) -> None:
        self._connections = Connections(url, size=connections, timeout_s=timeout_s)

    async def put(
        self, tenant: str, kind: Kind, name: str, body: bytes, by: str, at_ms: int, *, expected: int | None = None
    ) -> Definition:
        check(tenant, kind, name, by)
        try:
            async with self._connections.lease() as connection:
                row = await connection.fetchrow(sql.PUT, tenant, kind, name, body, by, at_ms, expected)
        except (asyncpg.PostgresError, *LOST) as error:
            if isinstance(error, asyncpg.PostgresError) and error.sqlstate == _CONFLICT:
                raise conflict(tenant, kind, name, expected, int(error.message)) from error
            raise StoreUnavailable(
                f"lost the log while recording the {kind} of tenant {tenant!r} ({type(error).__name__}: {error}); "
                "it may be recorded, and doing it again does no harm",
                retry_after_s=1,
            ) from error
        return Definition(*row) if row else Definition(0, tenant, kind, name, 0, b"", "", 0)

    async def since(self, after_id: int, limit: int) -> list[Definition]:
        async with self._connections.reading() as connection:
            return [Definition(*row) for row in await connection.fetch(sql.SINCE, after_id, limit)]

    async def all_newest(self) -> list[Definition]:
        async with self._connections.reading() as connection:
            return [Definition(*row) for row in await connection.fetch(sql.ALL_NEWEST)]

    async def get(self, tenant: str, kind: Kind, name: str, version: int | None = None) -> Definition | None:
        check(tenant, kind, name)
        async with self._connections.reading() as connection:
            row = await connection.fetchrow(sql.GET, tenant, kind, name, version)
        return Definition(*row) if row else None

    async def newest(self, tenant: str, kind: Kind) -> list[Definition]:
        async with self._connections.reading() as connection:
            rows = await connection.fetch(sql.NEWEST, tenant, kind)
        return sorted((Definition(*row) for row in rows), key=lambda each: each.name)

    async def history(
        self, tenant: str, kind: Kind, name: str, limit: int, before: int | None = None
    ) -> list[DefinitionLine]:
        check(tenant, kind, name)
        async with self._connections.reading() as connection:
            rows = await connection.fetch(sql.HISTORY, tenant, kind, name, limit, before)
        return [DefinitionLine(*row) for row in rows]

    async def close(self) -> None:
        await self._connections.close()
