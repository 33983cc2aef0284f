"""Definitions in a real Postgres: nothing can change them, ids come in the order of commits, cuts double nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from kit.definitions import compilers
from kit.knowledge import fresh_tenant
from kit.server import Proxy, execute, fetch, until

from deployments.definitions import Definitions
from events.postgres_definitions import PostgresDefinitions
from schemas.errors import StoreUnavailable, WrongExpectedVersion

pytestmark = pytest.mark.timeout(30)
ROWS = "SELECT * FROM definitions ORDER BY id"


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresDefinitions]:
    store = PostgresDefinitions(database, connections=3)
    yield store
    await store.close()


async def put(store: PostgresDefinitions, body: str, tenant: str = "shop", expected: int | None = None) -> int:
    return (await store.put(tenant, "routes", "", body.encode(), "me", 1, expected=expected)).version


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE definitions SET body = 'x'",
        "UPDATE definitions SET body = 'x' WHERE false",
        "DELETE FROM definitions",
        "TRUNCATE definitions",
        "INSERT INTO definitions SELECT * FROM definitions LIMIT 1 ON CONFLICT (id) DO UPDATE SET body = 'x'",
        "MERGE INTO definitions t USING definitions s ON t.id = s.id WHEN MATCHED THEN DELETE",
    ],
)
async def test_changes_are_refused(store: PostgresDefinitions, database: str, statement: str) -> None:
    await put(store, "routes a")
    await put(store, "routes b")
    before = await fetch(database, ROWS)
    with pytest.raises(asyncpg.PostgresError, match="definitions is append-only") as refusal:
        await execute(database, statement)
    assert refusal.value.sqlstate == "KF403"
    assert await fetch(database, ROWS) == before


async def test_an_uncommitted_put_is_passed_by_nobody(store: PostgresDefinitions, database: str) -> None:
    """The one that began first and commits last has the smaller id, and no reader sees the larger one before it."""
    connection = await asyncpg.connect(database)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT put_definition('slow', 'routes', '', 'a', 'me', 1, null)")
    quick = asyncio.ensure_future(put(store, "routes b", "quick"))
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not await fetch(database, waiting):
        await asyncio.sleep(0.002)
    assert await store.since(0, 10) == [] == await store.all_newest()
    await transaction.commit()
    await quick
    assert [(each.id, each.tenant) for each in await store.since(0, 10)] == [(1, "slow"), (2, "quick")]
    await connection.close()


async def test_a_put_that_was_taken_back_leaves_no_gap(store: PostgresDefinitions, database: str) -> None:
    connection = await asyncpg.connect(database)
    with pytest.raises(ZeroDivisionError):
        async with connection.transaction():
            await connection.execute("SELECT put_definition('gone', 'routes', '', 'a', 'me', 1, null)")
            raise ZeroDivisionError
    await connection.close()
    await put(store, "routes b")
    assert [(each.id, each.tenant) for each in await store.since(0, 10)] == [(1, "shop")]


async def test_cut_around_the_commit_it_can_simply_be_repeated(database: str, tmp_path: Path) -> None:
    async with Proxy(database, tmp_path) as proxy:
        store = PostgresDefinitions(proxy.url, connections=1, timeout_s=2)
        assert await put(store, "routes 0") == 1
        for n, cut in enumerate(("after", "in_flight", "before"), 1):
            tenant, proxy.cut = fresh_tenant(), cut  # type: ignore[assignment]
            with pytest.raises(StoreUnavailable, match="does no harm"):
                await put(store, f"routes {n}", tenant, expected=0)
            assert await put(store, f"routes {n}", tenant, expected=0) == 1
            with pytest.raises(WrongExpectedVersion):
                await put(store, "routes other", tenant, expected=0)
            assert len(await store.history(tenant, "routes", "", 10)) == 1
        await store.close()


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    store = PostgresDefinitions(f"postgresql://postgres@/postgres?host={tmp_path}")
    for call in (put(store, "a"), store.since(0, 1), store.all_newest(), store.newest("shop", "flow"),
                 store.get("shop", "tools", ""), store.history("shop", "tools", "", 1)):  # fmt: skip
        with pytest.raises(StoreUnavailable):
            await call
    await store.close()


async def test_followers_have_it_within_a_second_also_after_an_outage(database: str, tmp_path: Path) -> None:
    """Eight followers, as processes have them: each with a connection of its own."""
    async with Proxy(database, tmp_path) as proxy:
        stores = [PostgresDefinitions(proxy.url, connections=1, timeout_s=2) for _ in range(9)]
        writer, following = stores[0], [Definitions(store, compilers()) for store in stores[1:]]
        await asyncio.gather(*(each.loaded() for each in following))
        loop, took = asyncio.get_running_loop(), list[float]()
        for n in range(1, 6):
            if n == 3:  # every connection breaks, and nobody can connect again for a while
                proxy.refuse = True
                for task in [*proxy._tasks]:
                    task.cancel()
                await asyncio.sleep(0.5)
                assert {each.of("shop").routes_version for each in following} == {2}
                proxy.refuse = False
            assert await put(writer, f"routes to {n}") == n
            began = loop.time()
            await until(lambda n=n: all(f.of("shop").routes_version == n for f in following), f"version {n}")  # type: ignore[misc]
            took.append(loop.time() - began)
        assert max(took) < 1.0, took
        for each in (*following, *stores):
            await each.close()


async def test_a_follower_starts_on_what_is_there_not_on_what_has_been(
    store: PostgresDefinitions, database: str
) -> None:
    """A long history costs a start nothing: names are walked in the index."""
    await execute(
        database,
        "INSERT INTO definitions SELECT n, 'shop', 'flow', 'f' || n % 20, n / 20 + 1, sha256(n::text::bytea), 'me',"
        " now() FROM generate_series(1, 20000) n",
        "ANALYZE definitions",
    )
    newest = await store.all_newest()
    assert len(newest) == 20
    assert {each.version for each in newest} == {1000, 1001}
    began = asyncio.get_running_loop().time()
    await store.all_newest()
    assert asyncio.get_running_loop().time() - began < 0.05
    assert (await store.put("shop", "flow", "f1", b"new", "me", 1)).version == 1001
