"""The connection is cut at the worst moments: what landed is reported as landed, nothing lands twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from kit.server import Cut, Proxy, fetch, until

from events.connections import Connections
from events.embedded import EmbeddedPostgres
from events.migrate import migrate
from events.postgres import PostgresStore
from events.store import START, NewEvent
from schemas.errors import AppendOutcomeUnknown, StoreUnavailable, WrongExpectedVersion
from schemas.ids import Snowflake

pytestmark = pytest.mark.timeout(30)
EVENTS = [NewEvent(1, 1, b"a"), NewEvent(2, 2, b"b")]


@pytest.fixture
async def proxy(shared_database: str, tmp_path: Path) -> AsyncIterator[Proxy]:
    async with Proxy(shared_database, tmp_path) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Proxy, new_id: Snowflake) -> AsyncIterator[PostgresStore]:
    """Its one writer and its one reader are connected; the statements are prepared."""
    store = PostgresStore(proxy.url, writers=1, readers=1, timeout_s=2)
    session = new_id.next()
    await store.append(session, 0, EVENTS)
    await store.read(session)
    yield store
    await store.close()


async def stored(url: str, session: int) -> list[bytes]:
    rows = await fetch(url, "SELECT payload FROM session_events WHERE session_id = $1 ORDER BY seq", session)
    return [row[0] for row in rows]


async def test_cut_before_the_statement_reaches_the_server(
    store: PostgresStore, proxy: Proxy, shared_database: str, new_id: Snowflake
) -> None:
    session, proxy.cut = new_id.next(), "before"
    with pytest.raises((AppendOutcomeUnknown, StoreUnavailable)):
        await store.append(session, 0, EVENTS)
    assert proxy.cut is None, "the cut did not happen"
    assert await stored(shared_database, session) == []
    await store.append(session, 0, EVENTS)  # the same store works on
    assert await stored(shared_database, session) == [b"a", b"b"]


async def test_cut_after_the_commit_is_success(
    store: PostgresStore, proxy: Proxy, shared_database: str, new_id: Snowflake
) -> None:
    session, proxy.cut = new_id.next(), "after"
    await store.append(session, 0, EVENTS)
    assert proxy.cut is None, "the cut did not happen"
    assert await stored(shared_database, session) == [b"a", b"b"]
    with pytest.raises(WrongExpectedVersion):
        await store.append(session, 0, EVENTS)


@pytest.mark.parametrize("cut", ["stall_before", "stall_after"])
async def test_a_server_that_says_nothing(proxy: Proxy, shared_database: str, new_id: Snowflake, cut: Cut) -> None:
    """The statement times out; a new connection tells what became of it, and the silent one is not used again."""
    store = PostgresStore(proxy.url, writers=1, readers=1, timeout_s=0.3)
    await store.append(new_id.next(), 0, EVENTS)
    session, proxy.cut = new_id.next(), cut
    if cut == "stall_after":
        await store.append(session, 0, EVENTS)
    else:
        with pytest.raises(AppendOutcomeUnknown):
            await store.append(session, 0, EVENTS)
        assert await stored(shared_database, session) == []
        await store.append(session, 0, EVENTS)
    assert await stored(shared_database, session) == [b"a", b"b"]
    await store.append(session, 2, EVENTS)
    await store.close()


class Dying:
    """A connection to which the server is just saying goodbye: asyncpg is busy with that, and not closed yet."""

    def is_closed(self) -> bool:
        return False

    async def fetch(self, *_: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")

    fetchval = fetchrow = execute = fetch

    def terminate(self) -> None:
        return


async def test_a_connection_on_which_the_server_says_goodbye(shared_database: str, new_id: Snowflake) -> None:
    """Seen when a server stopped under load; whoever follows the log must live through it."""
    store, session = PostgresStore(shared_database, writers=1, readers=1), new_id.next()
    store._readers._idle.append(Dying())  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        await store.read(session)
    store._writers._idle.append(Dying())  # type: ignore[arg-type]
    with pytest.raises((StoreUnavailable, AppendOutcomeUnknown)):
        await store.append(session, 0, EVENTS)
    await store.append(session, 0, EVENTS)
    assert len(await store.read(session)) == 2
    await store.close()


async def test_connections_that_died_idle_are_replaced_unnoticed(database: str, new_id: Snowflake) -> None:
    store, session = PostgresStore(database, writers=1, readers=1), new_id.next()
    await store.append(session, 0, EVENTS)
    await store.read(session)
    idle = [*store._writers._idle, *store._readers._idle]
    assert len(idle) == 2
    await fetch(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    await until(lambda: all(connection.is_closed() for connection in idle), "the end of both connections")
    await store.append(session, 2, EVENTS)
    assert len(await store.read(session)) == 4
    await store.close()


async def test_cut_in_flight_is_success_or_unknown_and_never_double(
    store: PostgresStore, proxy: Proxy, shared_database: str, new_id: Snowflake
) -> None:
    for _ in range(10):
        session, proxy.cut = new_id.next(), "in_flight"
        try:
            await store.append(session, 0, EVENTS)
        except AppendOutcomeUnknown:
            await asyncio.gather(store.append(session, 0, EVENTS), return_exceptions=True)
        assert await stored(shared_database, session) == [b"a", b"b"]


@pytest.mark.parametrize(("cut", "landed"), [("before", []), ("after", [b"a", b"b"])])
async def test_unknown_if_the_log_cannot_be_read_again(
    store: PostgresStore, proxy: Proxy, shared_database: str, new_id: Snowflake, cut: Cut, landed: list[bytes]
) -> None:
    """The writer is cut off; the reader is gone too and cannot come back."""
    session = new_id.next()
    proxy.cut = "before"
    with pytest.raises(StoreUnavailable):
        await store.read(session)  # takes the reader's connection away
    proxy.cut, proxy.refuse = cut, True
    with pytest.raises(AppendOutcomeUnknown, match=f"session {session}"):
        await store.append(session, 0, EVENTS)
    assert await stored(shared_database, session) == landed
    with pytest.raises(StoreUnavailable):
        await store.append(session, 0, EVENTS)
    proxy.refuse = False
    if landed:
        with pytest.raises(WrongExpectedVersion):
            await store.append(session, 0, EVENTS)
    else:
        await store.append(session, 0, EVENTS)
    assert await stored(shared_database, session) == [b"a", b"b"]


async def test_somebody_else_wrote_while_the_connection_was_cut(
    store: PostgresStore, proxy: Proxy, shared_database: str, new_id: Snowflake
) -> None:
    session = new_id.next()
    other = PostgresStore(shared_database)
    await other.append(session, 0, [NewEvent(1, 1, b"theirs")])
    proxy.cut = "before"
    with pytest.raises(WrongExpectedVersion):
        await store.append(session, 0, EVENTS)
    assert await stored(shared_database, session) == [b"theirs"]
    await other.close()


@pytest.mark.parametrize("cut", ["before", "in_flight", "after"])
async def test_a_group_commit_that_is_cut_reports_each_stream_truly(
    store: PostgresStore, proxy: Proxy, shared_database: str, new_id: Snowflake, cut: Cut
) -> None:
    sessions = [new_id.next() for _ in range(20)]
    proxy.cut = cut
    outcomes = await asyncio.gather(*(store.append(session, 0, EVENTS) for session in sessions), return_exceptions=True)
    assert proxy.cut is None
    for session, outcome in zip(sessions, outcomes, strict=True):
        if outcome is None:
            assert await stored(shared_database, session) == [b"a", b"b"]
        else:
            assert isinstance(outcome, AppendOutcomeUnknown | StoreUnavailable)
    if cut == "after":
        assert outcomes == [None] * 20


@pytest.mark.parametrize("cut", ["before", "in_flight", "after"])
async def test_reads_that_are_cut_are_unavailable_and_may_be_repeated(
    store: PostgresStore, proxy: Proxy, new_id: Snowflake, cut: Cut
) -> None:
    session = new_id.next()
    await store.append(session, 0, EVENTS)
    for call in (
        lambda: store.read(session), lambda: store.open(session, 1), lambda: store.read_log(START, 1),
        lambda: store.find("t", "s"), lambda: store.resolve("t", "s", session),
    ):  # fmt: skip
        await call()  # type: ignore[no-untyped-call]
        proxy.cut = cut
        with pytest.raises(StoreUnavailable):
            await call()  # type: ignore[no-untyped-call]
        await call()  # type: ignore[no-untyped-call]


async def test_a_server_that_stopped_is_unavailable_at_once_and_comes_back(
    own_server: EmbeddedPostgres, new_id: Snowflake
) -> None:
    await migrate(own_server.url)
    store, session = PostgresStore(own_server.url), new_id.next()
    await store.append(session, 0, EVENTS)
    await asyncio.to_thread(own_server.stop)
    for call in (lambda: store.append(session, 2, EVENTS), lambda: store.read(session)):
        began = time.monotonic()
        with pytest.raises((StoreUnavailable, AppendOutcomeUnknown)):
            await call()
        assert time.monotonic() - began < 1
    with pytest.raises(StoreUnavailable):  # by now it is certain that nothing was sent
        await store.append(session, 2, EVENTS)
    await asyncio.to_thread(own_server.start)
    await store.append(session, 2, EVENTS)
    assert len(await store.read(session)) == 4
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.read(session)


async def test_a_refusal_of_the_statement_is_no_lost_connection(store: PostgresStore, new_id: Snowflake) -> None:
    """An id far in the future has no partition: the server says so, and its neighbours land."""
    fine = new_id.next()
    outcomes = await asyncio.gather(
        store.append(2**62, 0, EVENTS), store.append(fine, 0, EVENTS), return_exceptions=True
    )
    assert isinstance(outcomes[0], StoreUnavailable)
    assert "no partition" in str(outcomes[0])
    assert outcomes[1] is None
    assert len(await store.read(fine)) == 2


async def test_a_lease_given_up_halfway_is_not_used_again(shared_database: str) -> None:
    connections = Connections(shared_database, size=1, timeout_s=5)
    entered = asyncio.Event()

    async def sleep_in_server() -> None:
        async with connections.lease() as connection:
            entered.set()
            await connection.execute("SELECT pg_sleep(30)")

    task = asyncio.ensure_future(sleep_in_server())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5), connections.lease() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await connections.close()


async def test_a_statement_that_takes_too_long_is_unavailable(shared_database: str) -> None:
    connections = Connections(shared_database, size=1, timeout_s=0.2)
    with pytest.raises(StoreUnavailable, match="TimeoutError"):
        async with connections.reading() as connection:
            await connection.execute("SELECT pg_sleep(30)")
    await connections.close()
