"""The connection is cut while knowledge is appended: what landed is reported as landed, nothing lands twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kit.knowledge import added, entry, fresh_tenant, rolled_back
from kit.server import Cut, Proxy

from events.embedded import EmbeddedPostgres
from events.migrate import migrate
from events.postgres_knowledge import PostgresKnowledge
from schemas.errors import AppendOutcomeUnknown, StoreUnavailable, WrongExpectedVersion

pytestmark = pytest.mark.timeout(30)
EVENTS = [added("a", entry("a-1")), added("b"), rolled_back(1)]
STATE = {"a": 1}


@pytest.fixture
def tenant() -> str:
    return fresh_tenant()


@pytest.fixture
async def proxy(shared_database: str, tmp_path: Path) -> AsyncIterator[Proxy]:
    async with Proxy(shared_database, tmp_path) as proxy:
        yield proxy


@pytest.fixture
async def store(proxy: Proxy) -> AsyncIterator[PostgresKnowledge]:
    """Its writer and its one reader are connected; the append is prepared."""
    store = PostgresKnowledge(proxy.url, readers=1, timeout_s=0.3, append_timeout_s=0.5)
    await store.append(fresh_tenant(), 0, EVENTS)
    await store.head("nobody")
    yield store
    await store.close()


@pytest.fixture
async def direct(shared_database: str) -> AsyncIterator[PostgresKnowledge]:
    """Sees what is there, past the proxy."""
    store = PostgresKnowledge(shared_database)
    yield store
    await store.close()


@pytest.mark.parametrize("cut", ["before", "stall_before"])
async def test_cut_before_the_statement_reaches_the_server(
    store: PostgresKnowledge, proxy: Proxy, direct: PostgresKnowledge, tenant: str, cut: Cut
) -> None:
    proxy.cut = cut
    with pytest.raises(AppendOutcomeUnknown, match=tenant):
        await store.append(tenant, 0, EVENTS)
    assert proxy.cut is None, "the cut did not happen"
    assert await direct.head(tenant) == 0
    assert await store.append(tenant, 0, EVENTS) == 3  # the same store works on
    assert await direct.state(tenant, 3) == STATE


@pytest.mark.parametrize("cut", ["after", "stall_after"])
async def test_cut_after_the_commit_is_success(
    store: PostgresKnowledge, proxy: Proxy, direct: PostgresKnowledge, tenant: str, cut: Cut
) -> None:
    proxy.cut = cut
    assert await store.append(tenant, 0, EVENTS) == 3
    assert proxy.cut is None, "the cut did not happen"
    assert await direct.state(tenant, 3) == STATE
    with pytest.raises(WrongExpectedVersion):
        await store.append(tenant, 0, EVENTS)
    assert await direct.head(tenant) == 3


async def test_cut_in_flight_is_success_or_unknown_and_never_double(
    store: PostgresKnowledge, proxy: Proxy, direct: PostgresKnowledge
) -> None:
    for _ in range(10):
        tenant, proxy.cut = fresh_tenant(), "in_flight"
        try:
            await store.append(tenant, 0, EVENTS)
        except AppendOutcomeUnknown:
            await asyncio.gather(store.append(tenant, 0, EVENTS), return_exceptions=True)
        assert await direct.read(tenant, range(9)) == dict(enumerate(EVENTS, 1))


@pytest.mark.parametrize("theirs", [[added("theirs")], [*EVENTS[:2], added("theirs")], [*EVENTS[:2]]])
async def test_somebody_else_wrote_while_the_connection_was_cut(
    store: PostgresKnowledge, proxy: Proxy, direct: PostgresKnowledge, tenant: str, theirs: list[object]
) -> None:
    await direct.append(tenant, 0, theirs)  # type: ignore[arg-type]
    proxy.cut = "before"
    with pytest.raises(WrongExpectedVersion):
        await store.append(tenant, 0, EVENTS)
    assert await direct.read(tenant, range(9)) == dict(enumerate(theirs, 1))


@pytest.mark.parametrize(("cut", "landed"), [("before", 0), ("after", 3)])
async def test_unknown_if_the_log_cannot_be_read_again(
    store: PostgresKnowledge, proxy: Proxy, direct: PostgresKnowledge, tenant: str, cut: Cut, landed: int
) -> None:
    """The writer is cut off; the reader is gone too and cannot come back."""
    proxy.cut = "before"
    with pytest.raises(StoreUnavailable):
        await store.head(tenant)  # takes the reader's connection away
    proxy.cut, proxy.refuse = cut, True
    with pytest.raises(AppendOutcomeUnknown, match=tenant):
        await store.append(tenant, 0, EVENTS)
    assert await direct.head(tenant) == landed
    with pytest.raises(StoreUnavailable):
        await store.append(tenant, 0, EVENTS)
    proxy.refuse = False
    if landed:
        with pytest.raises(WrongExpectedVersion):
            await store.append(tenant, 0, EVENTS)
    else:
        await store.append(tenant, 0, EVENTS)
    assert await direct.read(tenant, range(9)) == dict(enumerate(EVENTS, 1))


@pytest.mark.parametrize("cut", ["before", "in_flight", "after"])
async def test_reads_that_are_cut_are_unavailable_and_may_be_repeated(
    store: PostgresKnowledge, proxy: Proxy, tenant: str, cut: Cut
) -> None:
    await store.append(tenant, 0, EVENTS)
    for call in (
        lambda: store.head(tenant), lambda: store.heads(), lambda: store.tenants(), lambda: store.state(tenant, 1),
        lambda: store.changes(tenant, 0), lambda: store.read(tenant, [1]), lambda: store.history(tenant, 1),
        lambda: store.version_at(tenant, 1), lambda: store.entry(tenant, "a-1"), lambda: store.vectors("m", [b"1"]),
        lambda: store.revisions(tenant, {"a": b""}), lambda: store.save_vectors("m", {b"1": b"v"}),
    ):  # fmt: skip
        await call()  # type: ignore[no-untyped-call]
        proxy.cut = cut
        with pytest.raises(StoreUnavailable):
            await call()  # type: ignore[no-untyped-call]
        await call()  # type: ignore[no-untyped-call]


@pytest.mark.timeout(120)  # stopping a server waits for the disk
async def test_a_server_that_stopped_is_unavailable_and_comes_back(own_server: EmbeddedPostgres) -> None:
    await migrate(own_server.url)
    store = PostgresKnowledge(own_server.url)
    await store.append("acme", 0, EVENTS)
    await asyncio.to_thread(own_server.stop)
    with pytest.raises((StoreUnavailable, AppendOutcomeUnknown)):
        await store.append("acme", 3, EVENTS)
    for call in (store.append("acme", 3, EVENTS), store.heads()):
        with pytest.raises(StoreUnavailable):
            await call
    await asyncio.to_thread(own_server.start)
    assert await store.append("acme", 3, [added("c")]) == 4
    assert await store.state("acme", 4) == {**STATE, "c": 4}
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.head("acme")
