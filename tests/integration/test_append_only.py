"""The database itself refuses to change the log, whoever asks."""

from __future__ import annotations

import asyncpg
import pytest
from kit.server import execute, fetch

from events.postgres import PostgresStore
from events.store import NewEvent
from schemas.ids import Snowflake, first_id_at, now_ms

ROWS = "SELECT session_id, seq, payload FROM session_events ORDER BY 1, 2"


@pytest.fixture
async def filled(database: str, new_id: Snowflake) -> str:
    """A log with a session of this month, and one of before the first month."""
    store = PostgresStore(database)
    for session_id in (new_id.next(), first_id_at(now_ms()) - (400 * 86_400_000 << 22)):
        await store.append(session_id, 0, [NewEvent(1, 1, b"a"), NewEvent(2, 2, b"b")])
    await store.close()
    return database


async def tables(url: str) -> list[str]:
    partitions = await fetch(
        url, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'session_events'::regclass"
    )
    return ["session_events", *(row[0] for row in partitions)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {} SET payload = 'x'",
        "UPDATE {} SET payload = 'x' WHERE false",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "INSERT INTO {} SELECT * FROM session_events LIMIT 1"
        " ON CONFLICT (session_id, seq) DO UPDATE SET payload = 'x'",
        "MERGE INTO {} t USING session_events s ON t.session_id = s.session_id WHEN MATCHED THEN DELETE",
    ],
)  # fmt: skip
async def test_changes_are_refused_on_the_table_and_on_every_partition(filled: str, statement: str) -> None:
    before = await fetch(filled, ROWS)
    names = await tables(filled)
    assert len(before) == 4
    assert len(names) == 6  # the table, what was before, this month and the next three
    for name in names:
        with pytest.raises(asyncpg.PostgresError, match="append-only") as refusal:
            await execute(filled, statement.format(name))
        assert refusal.value.sqlstate == "KF403"
    assert await fetch(filled, ROWS) == before


async def test_a_partition_made_later_is_protected_too(filled: str) -> None:
    await execute(filled, "SELECT add_partition('session_events_later', 4611686018427387904, 4611686018427387905)")
    assert len(await tables(filled)) == 7
    for statement in ("DELETE FROM", "TRUNCATE", "UPDATE"):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            tail = " SET seq = 2" if statement == "UPDATE" else ""
            await execute(filled, f"{statement} session_events_later{tail}")


async def test_the_fence_is_in_the_table_not_in_the_store(filled: str, new_id: Snowflake) -> None:
    session_id = new_id.next()
    insert = (
        "INSERT INTO session_events (session_id, seq, event_type, recorded_at, payload)"
        f" VALUES ({session_id}, {{}}, 1, now(), '')"
    )
    await execute(filled, insert.format(1))
    with pytest.raises(asyncpg.UniqueViolationError):
        await execute(filled, insert.format(1))
    with pytest.raises(asyncpg.CheckViolationError):
        await execute(filled, insert.format(0))
