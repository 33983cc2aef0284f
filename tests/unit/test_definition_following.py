"""Definitions as a process knows them: in force in time, atomically, and never without the last good one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from kit.definitions import DEFAULTS, CountingReaders, Outages, Said, compilers
from kit.server import until

from deployments.definitions import Definitions
from deployments.pinned_definitions import Pinned
from schemas.errors import InvalidDefinition, NotFound, StoreUnavailable

T = "shop"


@pytest.fixture
def store() -> Outages:
    return Outages()


@pytest.fixture
def readers() -> CountingReaders:
    return CountingReaders()


@pytest.fixture
async def definitions(store: Outages, readers: CountingReaders) -> AsyncIterator[Definitions]:
    made = Definitions(store, compilers(readers))
    yield made
    await made.close()


async def put(store: Outages, kind: str, name: str, text: str, tenant: str = T) -> int:
    return (await store.put(tenant, kind, name, text.encode(), "me", 1)).version


async def test_without_any_the_defaults_are_in_force(definitions: Definitions) -> None:
    rules = definitions.of(T)
    await asyncio.wait_for(definitions.loaded(), 5)
    assert definitions.of(T) is rules
    assert (rules.version, rules.routes, rules.tools, rules.guardrails, dict(rules.flows)) == (
        0, DEFAULTS["routes"], DEFAULTS["tools"], DEFAULTS["guardrails"], {},
    )  # fmt: skip
    assert (await definitions.routes(T, 0), await definitions.declarations(T, 0)) == (rules.routes, rules.tools)


async def test_what_there_is_at_the_start(store: Outages, definitions: Definitions, readers: CountingReaders) -> None:
    for text in ("routes to a", "routes to b"):
        await put(store, "routes", "", text)
    await put(store, "flow", "refund", "flow refund")
    await put(store, "tools", "", "tools x", tenant="other")
    await definitions.loaded()
    rules, other = definitions.of(T), definitions.of("other")
    assert (rules.routes, rules.routes_version) == (Said("routes", "", ("b",)), 2)
    assert dict(rules.flows) == {"refund": (Said("flow", "refund"), 1)}
    assert (rules.tools, rules.tools_version, rules.version) == (DEFAULTS["tools"], 0, 3)
    assert (other.tools, other.tools_version, other.version, dict(other.flows)) == (Said("tools", "", ("x",)), 1, 4, {})
    assert "routes to a" not in readers.texts  # nobody asked for it


async def test_in_force_within_a_second(store: Outages, definitions: Definitions) -> None:
    await definitions.loaded()
    took = []
    for n in range(5):
        version = await put(store, "routes", "", f"routes to {n}")
        began = asyncio.get_running_loop().time()
        await until(lambda v=version: definitions.of(T).routes_version == v, "the new routes")  # type: ignore[misc]
        took.append(asyncio.get_running_loop().time() - began)
    assert max(took) < 1.0


async def test_what_is_put_together_comes_together(store: Outages, definitions: Definitions) -> None:
    await definitions.loaded()
    for n in range(1, 4):
        await put(store, "routes", "", f"routes to {n}")
        await put(store, "tools", "", f"tools {n}")
        await until(lambda n=n: definitions.of(T).version == 2 * n, "both")  # type: ignore[misc]
        rules = definitions.of(T)
        assert (rules.routes_version, rules.tools_version) == (n, n)


async def test_a_removed_flow_starts_no_more_and_running_ones_finish(store: Outages, definitions: Definitions) -> None:
    await put(store, "flow", "refund", "flow refund calls a")
    await definitions.loaded()
    await put(store, "flow", "refund", "")
    await until(lambda: "refund" not in definitions.of(T).flows, "the removal")
    assert definitions.of(T).version == 2
    assert await definitions.flow(T, "refund", 1) == Said("flow", "refund", ("a",))
    with pytest.raises(NotFound, match=r"'refund'.* version 2"):
        await definitions.flow(T, "refund", 2)
    await put(store, "flow", "refund", "flow refund calls b")
    await until(lambda: "refund" in definitions.of(T).flows, "the flow")
    assert definitions.of(T).flows["refund"] == (Said("flow", "refund", ("b",)), 3)


@pytest.mark.parametrize("started", [True, False], ids=["running", "just started"])
async def test_one_that_cannot_be_read_is_logged_once_and_passed_over(
    store: Outages, definitions: Definitions, caplog: pytest.LogCaptureFixture, started: bool
) -> None:
    caplog.set_level(logging.ERROR, "kefu.definitions")
    await put(store, "routes", "", "routes to a")
    if started:
        await definitions.loaded()
    for text in ("routes !1", "routes recurse", "routes \ud800!".encode("utf-8", "surrogatepass").decode("latin-1")):
        await put(store, "routes", "", text)
    await put(store, "flow", "refund", "flow refund")
    await definitions.loaded()
    await until(lambda: definitions.of(T).version == 5, "all of them")
    rules = definitions.of(T)
    assert (rules.routes, rules.routes_version) == (Said("routes", "", ("a",)), 1)
    assert "refund" in rules.flows
    await asyncio.sleep(0.3)  # more polls
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == len(set(told)) == 3
    assert "'shop', version 2, cannot be read" in min(told)
    await put(store, "routes", "", "routes to c")
    await until(lambda: definitions.of(T).routes_version == 5, "the repaired routes")


async def test_one_that_never_could_be_read_leaves_the_default(store: Outages, definitions: Definitions) -> None:
    for n in range(60):
        await put(store, "guardrails", "", f"guardrails !{n}")
    await put(store, "flow", "a", "flow !")
    await definitions.loaded()
    assert definitions.of(T).guardrails == DEFAULTS["guardrails"]
    assert definitions.of(T).guardrails_version == 0
    assert dict(definitions.of(T).flows) == {}


async def test_outages_are_waited_out(store: Outages, definitions: Definitions) -> None:
    store.away = True
    assert definitions.of(T).version == 0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(definitions.loaded(), 0.3)
    store.away = False
    await put(store, "routes", "", "routes to a")
    await asyncio.wait_for(definitions.loaded(), 5)
    store.away = True
    await asyncio.sleep(0.3)
    assert definitions.of(T).routes_version == 1
    with pytest.raises(StoreUnavailable):
        await definitions.routes(T, 7)
    store.away = False
    await put(store, "routes", "", "routes to b")
    await until(lambda: definitions.of(T).routes_version == 2, "the new routes")


async def test_pinned_versions_are_read_once(
    store: Outages, definitions: Definitions, readers: CountingReaders
) -> None:
    for n in (1, 2, 3):
        await put(store, "flow", "a", f"flow a calls {n}")
        await put(store, "tools", "", f"tools {n}")
        await put(store, "routes", "", f"routes to {n}")
    await definitions.loaded()
    readers.texts.clear()
    first = await asyncio.gather(*(definitions.flow(T, "a", 1) for _ in range(20)))
    store.away = True  # it does not matter any more
    assert all(flow is first[0] for flow in first)
    assert await definitions.flow(T, "a", 1) is first[0]
    assert await definitions.flow(T, "a", 3) is definitions.of(T).flows["a"][0]
    assert readers.texts == ["flow a calls 1"]
    store.away = False
    assert await definitions.routes(T, 2) == Said("routes", "", ("2",))
    assert await definitions.declarations(T, 2) == Said("tools", "", ("2",))
    for version in (4, -1):
        with pytest.raises(NotFound, match=f"no version {version}"):
            await definitions.routes(T, version)
    with pytest.raises(NotFound):
        await definitions.flow(T, "a", 0)


async def test_a_pinned_version_that_cannot_be_read(store: Outages, readers: CountingReaders) -> None:
    await put(store, "flow", "a", "flow !")
    pinned = Pinned(store, compilers(readers))
    for _ in range(3):
        with pytest.raises(InvalidDefinition, match="test:1:1"):
            await pinned.get(T, "flow", "a", 1)
    assert len(readers.texts) == 1


async def test_whoever_asked_first_may_leave(store: Outages, readers: CountingReaders) -> None:
    await put(store, "flow", "a", "flow a")
    pinned = Pinned(store, compilers(readers))
    first, second = (asyncio.ensure_future(pinned.get(T, "flow", "a", 1)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == Said("flow", "a")
    assert len(readers.texts) == 1


async def test_only_so_many_are_kept(store: Outages, readers: CountingReaders) -> None:
    pinned = Pinned(store, compilers(readers), kept=2)
    for n in (1, 2, 3):
        await put(store, "flow", "a", f"flow a calls {n}")
    for version in (1, 2, 1, 3, 1, 2):
        await pinned.get(T, "flow", "a", version)
    assert [text[-1] for text in readers.texts] == ["1", "2", "3", "2"]
