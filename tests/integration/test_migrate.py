"""Migrations: once, in order, by however many starters; partitions ahead of need."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from kit.server import execute, fetch

from events import migrate as module
from events.migrate import MIGRATIONS, ensure_partitions, migrate
from schemas.errors import ConfigurationError
from schemas.ids import first_id_at

ALL = sorted(path.name for path in MIGRATIONS.glob("*.sql"))
PARTITIONS = """
SELECT inhrelid::regclass::text AS name, pg_get_expr(relpartbound, inhrelid) AS bound
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'session_events'::regclass ORDER BY 1
"""


def at(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


async def test_eight_starters_apply_each_migration_once(empty_database: str) -> None:
    outcomes = await asyncio.gather(*(migrate(empty_database) for _ in range(8)))
    assert ALL
    assert Counter(name for applied in outcomes for name in applied) == dict.fromkeys(ALL, 1)
    assert [row["name"] for row in await fetch(empty_database, "SELECT name FROM schema_migrations")] == ALL
    assert await migrate(empty_database) == []


async def test_only_what_is_new_is_applied_in_order(empty_database: str, tmp_path: Path) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    assert await migrate(empty_database, tmp_path) == ALL
    (tmp_path / "9002_second.sql").write_text("ALTER TABLE extra ADD b integer;")
    (tmp_path / "9001_first.sql").write_text("CREATE TABLE extra (a integer);")
    assert await migrate(empty_database, tmp_path) == ["9001_first.sql", "9002_second.sql"]
    assert await migrate(empty_database, tmp_path) == []


async def test_a_failed_migration_leaves_nothing_behind(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_bad.sql").write_text("CREATE TABLE half (a integer); SELECT 1/0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database, tmp_path)
    assert await fetch(empty_database, "SELECT to_regclass('half')") == [(None,)]
    assert await fetch(empty_database, "SELECT * FROM schema_migrations") == []


async def test_a_migration_changed_after_it_was_applied_is_refused(database: str, tmp_path: Path) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text() + "-- changed\n")
    with pytest.raises(ConfigurationError, match=f"migration {ALL[0]} was applied in another form"):
        await migrate(database, tmp_path)


async def test_a_server_too_old_is_refused(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MINIMUM_SERVER", 990_000)
    with pytest.raises(ConfigurationError, match="too old"):
        await migrate(empty_database)
    assert await fetch(empty_database, "SELECT to_regclass('schema_migrations')") == [(None,)]


async def test_a_database_that_cannot_be_reached_is_named(empty_database: str, tmp_path: Path) -> None:
    for url in (f"postgresql://postgres@/postgres?host={tmp_path}", empty_database.replace("/test_", "/no_"), "x"):
        with pytest.raises(ConfigurationError, match="KEFU_DATABASE_URL"):
            await migrate(url)


async def test_partitions_of_this_month_and_the_next_three(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "now_ms", lambda: at(2026, 11, 23))
    await migrate(empty_database)
    expected = {
        "session_events_before": f"FOR VALUES FROM (MINVALUE) TO ('{first_id_at(at(2026, 11))}')",
        **{
            f"session_events_{y}_{m:02d}": f"FOR VALUES FROM ('{first_id_at(at(y, m))}')"
            f" TO ('{first_id_at(at(y + m // 12, m % 12 + 1))}')"
            for y, m in [(2026, 11), (2026, 12), (2027, 1), (2027, 2)]
        },
    }
    assert {row["name"]: row["bound"] for row in await fetch(empty_database, PARTITIONS)} == expected
    await migrate(empty_database)
    assert {row["name"]: row["bound"] for row in await fetch(empty_database, PARTITIONS)} == expected


async def test_partitions_grow_with_time_also_by_racing_callers(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "now_ms", lambda: at(2026, 11, 30))
    await migrate(empty_database)

    async def ensure() -> None:
        connection = await asyncpg.connect(empty_database)
        await ensure_partitions(connection, at(2027, 1))
        await connection.close()

    await asyncio.gather(*(ensure() for _ in range(4)))
    months = [row["name"].removeprefix("session_events_") for row in await fetch(empty_database, PARTITIONS)]
    assert months == ["2026_11", "2026_12", "2027_01", "2027_02", "2027_03", "2027_04", "before"]


async def test_months_when_nothing_ran_have_no_partition_but_the_present_has(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "now_ms", lambda: at(2026, 11, 30))
    await migrate(empty_database)
    monkeypatch.setattr(module, "now_ms", lambda: at(2027, 12, 1))
    await migrate(empty_database)
    insert = (
        "INSERT INTO session_events (session_id, seq, event_type, recorded_at, payload) VALUES ({}, 1, 1, now(), '')"
    )
    await execute(empty_database, insert.format(first_id_at(at(2027, 12, 1))))
    await execute(empty_database, insert.format(first_id_at(at(2028, 3, 31))))
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await execute(empty_database, insert.format(first_id_at(at(2028, 4, 1))))
