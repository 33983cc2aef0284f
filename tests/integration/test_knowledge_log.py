"""The knowledge log in the database: what it refuses, what it says of damage, and how it gets there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from kit.knowledge import added, entry, removed, revised, rolled_back
from kit.server import execute, fetch

from events.migrate import MIGRATIONS, migrate
from events.postgres import PostgresStore
from events.postgres_knowledge import PostgresKnowledge
from events.store import NewEvent
from schemas.errors import CorruptEvent, StoreUnavailable
from schemas.ids import Snowflake

ROWS = "SELECT * FROM knowledge_events ORDER BY tenant, version"


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresKnowledge]:
    store = PostgresKnowledge(database)
    yield store
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE knowledge_events SET payload = 'x'",
        "UPDATE knowledge_events SET payload = 'x' WHERE false",
        "DELETE FROM knowledge_events",
        "TRUNCATE knowledge_events",
        "INSERT INTO knowledge_events SELECT * FROM knowledge_events"
        " ON CONFLICT (tenant, version) DO UPDATE SET payload = 'x'",
        "MERGE INTO knowledge_events t USING knowledge_heads s ON t.tenant = s.tenant WHEN MATCHED THEN DELETE",
    ],
)  # fmt: skip
async def test_changes_are_refused(store: PostgresKnowledge, database: str, statement: str) -> None:
    await store.append("acme", 0, [added("a"), revised("a")])
    before = await fetch(database, ROWS)
    with pytest.raises(asyncpg.PostgresError, match="knowledge_events is append-only") as refusal:
        await execute(database, statement)
    assert refusal.value.sqlstate == "KF403"
    assert await fetch(database, ROWS) == before


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO knowledge_items VALUES ('acme', 'a', 2, 9, NULL)",  # two contents at a time
        "INSERT INTO knowledge_items VALUES ('acme', 'b', 2, 1, NULL)",  # before its event
        "INSERT INTO knowledge_items VALUES ('acme', 'b', 2, 2, 2)",  # for no version at all
        "INSERT INTO knowledge_entries VALUES ('acme', 'e', 0, 'a', '', 1)",
        "INSERT INTO knowledge_events SELECT * FROM knowledge_events",
        "UPDATE knowledge_heads SET version = 0",
    ],
)
async def test_what_cannot_be_is_refused_by_the_tables(store: PostgresKnowledge, database: str, statement: str) -> None:
    await store.append("acme", 0, [added("a"), revised("a")])
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await execute(database, statement)


@pytest.mark.parametrize(("event_type", "payload"), [(99, ""), (1, r"\xff")])
async def test_rows_that_cannot_be_read_are_named(
    store: PostgresKnowledge, database: str, event_type: int, payload: str
) -> None:
    await store.append("acme", 0, [added("a", entry("a-1"))])
    await execute(
        database,
        "INSERT INTO knowledge_events (tenant, version, event_type, recorded_at, author, item, title, holds, payload)"
        f" VALUES ('acme', 2, {event_type}, now(), '', 'a', '', '{{\"a-1\": 2}}', '{payload}')",
        "UPDATE knowledge_items SET to_version = 2",
        "INSERT INTO knowledge_items VALUES ('acme', 'a', 2, 2)",
    )
    for call in (store.read("acme", [1, 2]), store.entry("acme", "a-1")):
        with pytest.raises(CorruptEvent, match="tenant 'acme' version 2"):
            await call
    assert list(await store.read("acme", [1])) == [1]
    assert [line.kind for line in await store.history("acme", 1)] == [
        "Unknown99" if event_type == 99 else "DocumentAdded"
    ]


async def test_a_refusal_of_the_database_is_no_lost_connection(store: PostgresKnowledge, database: str) -> None:
    with pytest.raises(StoreUnavailable, match="refused"):
        await store.append("acme", 0, [added("a", at_ms=2**62)])
    assert await store.append("acme", 0, [added("a")]) == 1


async def test_migrated_on_top_of_sessions_that_are_there(
    empty_database: str, tmp_path: Path, new_id: Snowflake
) -> None:
    first = MIGRATIONS / "0001_session_log.sql"
    (tmp_path / first.name).write_bytes(first.read_bytes())
    await migrate(empty_database, tmp_path)
    sessions, session = PostgresStore(empty_database), new_id.next()
    await sessions.append(session, 0, [NewEvent(1, 1, b"a")])

    assert "0002_knowledge.sql" in await migrate(empty_database)
    await sessions.append(session, 1, [NewEvent(2, 2, b"b")])
    assert [event.payload for event in await sessions.read(session)] == [b"a", b"b"]
    with pytest.raises(asyncpg.PostgresError, match="session_events is append-only"):
        await execute(empty_database, "DELETE FROM session_events")
    await sessions.close()

    store = PostgresKnowledge(empty_database)
    assert await store.heads() == {}
    assert await store.append("acme", 0, [added("a"), removed("a"), rolled_back(1)]) == 3
    assert await store.state("acme", 3) == {"a": 1}
    await store.close()
