"""Numbered SQL migrations, each applied once, in order, also when several processes start together."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from schemas.errors import ConfigurationError
from schemas.ids import first_id_at, now_ms

MIGRATIONS = Path(__file__).with_name("migrations")
MONTHS_AHEAD = 3
MINIMUM_SERVER = 150_000
_CONNECT_TIMEOUT_S = 10
_LOCK = 0x6B656675  # "kefu": the advisory lock that starters queue on


async def migrate(url: str, migrations: Path = MIGRATIONS) -> list[str]:
    """Bring the database up to date and create partitions ahead of need; returns the migrations applied.

    Raises ConfigurationError if the server is too old, or if a migration that
    was applied before has changed since.
    """
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise ConfigurationError(
            f"cannot reach the event log's database: {error}; is KEFU_DATABASE_URL right, and the server running?"
        ) from error
    try:
        version = int(await connection.fetchval("SHOW server_version_num"))
        if version < MINIMUM_SERVER:
            raise ConfigurationError(f"Postgres {version // 10000} is too old; Kefu needs 15 or newer")
        # The lock is the session's: it is freed even if this process dies in the middle.
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        applied = await _apply(connection, migrations)
        await ensure_partitions(connection, now_ms())
        return applied
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, migrations: Path) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    known = {row["name"]: row["checksum"] for row in await connection.fetch("SELECT * FROM schema_migrations")}
    applied = []
    for path in _files(migrations):
        sql = path.read_text(encoding="utf-8")
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        if path.name in known:
            if known[path.name] != checksum:
                raise ConfigurationError(
                    f"migration {path.name} was applied in another form; restore the file, and add a new one instead"
                )
            continue
        async with connection.transaction():
            await connection.execute(sql)
            await connection.execute(
                "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", path.name, checksum
            )
        applied.append(path.name)
    return applied


def _files(migrations: Path) -> list[Path]:
    return sorted(migrations.glob("*.sql"))


async def ensure_partitions(connection: asyncpg.Connection, at_ms: int) -> None:
    """Have a partition for this month and the next ones. The first call also makes one for all older ids."""
    today = datetime.fromtimestamp(at_ms / 1000, UTC)
    months = [_month(today, ahead) for ahead in range(MONTHS_AHEAD + 2)]
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK + 1)
        has_any = await connection.fetchval(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'session_events'::regclass"
        )
        if not has_any:
            await _add(connection, "session_events_before", None, months[0])
        for start, end in itertools.pairwise(months):
            await _add(connection, f"session_events_{start:%Y_%m}", start, end)


async def _add(connection: asyncpg.Connection, name: str, start: datetime | None, end: datetime) -> None:
    await connection.execute(
        "SELECT add_partition($1, $2, $3)", name, None if start is None else _first_id(start), _first_id(end)
    )


def _month(day: datetime, ahead: int) -> datetime:
    """First moment of the month `ahead` months after the one of `day`."""
    years, month = divmod(day.month - 1 + ahead, 12)
    return datetime(day.year + years, month + 1, 1, tzinfo=UTC)


def _first_id(moment: datetime) -> int:
    return first_id_at(int(moment.timestamp() * 1000))
