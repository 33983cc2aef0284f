"""All sessions of a host: who stays in memory, and how much is done at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from kit.actors import FakeClock, FaultyStore, ScriptedAnswerer, runtime, turn
from kit.given import answer
from kit.server import until

from actors import sessions as module
from actors.actor import SNAPSHOT_EVERY
from actors.sessions import Sessions
from actors.state import FOLD_VERSION
from events.memory import MemoryStore
from schemas.errors import AnswererUnavailable, HostOverloaded

pytestmark = pytest.mark.timeout(20)


def make(
    store: MemoryStore | FaultyStore | None = None,
    answerer: ScriptedAnswerer | None = None,
    clock: FakeClock | None = None,
    *,
    capacity: int = 100,
    max_turns: int = 100,
    idle_s: float = 900,
) -> Sessions:
    return Sessions(runtime(store, answerer, clock), capacity=capacity, max_turns=max_turns, idle_s=idle_s)


async def test_sessions_and_tenants_are_apart() -> None:
    store = MemoryStore()
    sessions = make(store)
    for tenant in ("acme", "other"):
        for name in ("s1", "s2"):
            reply = await sessions.take(turn("a", tenant=tenant, session=name))
            assert b'"turn":1' in reply
    assert (sessions.resident, sessions.activations, sessions.turns, sessions.failed) == (4, 4, 4, 0)
    assert len({entry.position.session_id for entry in store._log}) == 4


async def test_a_passivated_session_goes_on_where_it_was() -> None:
    store = FaultyStore(MemoryStore())
    sessions = make(store, capacity=2)
    first = await sessions.take(turn("a", session="s1"))
    for name in ("s2", "s3"):
        await sessions.take(turn("a", session=name))
    assert (sessions.resident, sessions.passivations) == (2, 1)
    assert await sessions.take(turn("a", session="s1")) == first
    assert b'"turn":2' in await sessions.take(turn("b", session="s1"))
    assert sessions.activations == 4


async def test_the_least_recently_used_leaves_first() -> None:
    store = FaultyStore(MemoryStore())
    sessions = make(store, capacity=2)
    for key, name in (("a", "s1"), ("a", "s2"), ("b", "s1"), ("a", "s3")):
        await sessions.take(turn(key, session=name))
    opened = store.calls.count("resolve")
    await sessions.take(turn("c", session="s1"))  # still there
    assert store.calls.count("resolve") == opened
    await sessions.take(turn("b", session="s2"))  # had to leave
    assert store.calls.count("resolve") == opened + 1


async def test_a_session_at_work_stays() -> None:
    answerer = ScriptedAnswerer()
    answerer.gate.clear()
    sessions = make(answerer=answerer, capacity=1)
    working = asyncio.ensure_future(sessions.take(turn("a", session="s1")))
    await until(lambda: answerer.asked, "the question")
    joined = asyncio.ensure_future(sessions.take(turn("a", session="s1")))
    other = asyncio.ensure_future(sessions.take(turn("a", session="s2")))
    await until(lambda: len(answerer.asked) == 2, "the other question")
    assert (sessions.resident, sessions.active) == (2, 3)
    answerer.gate.set()
    assert await working == await joined
    await other
    assert len(answerer.asked) == 2


async def test_one_session_stuck_at_work_does_not_keep_others_in_memory() -> None:
    answerer = ScriptedAnswerer()
    answerer.gate.clear()
    sessions = make(answerer=answerer, capacity=3)
    stuck = asyncio.ensure_future(sessions.take(turn("a", session="stuck")))
    await until(lambda: answerer.asked, "the question")
    answerer.cache["quick"] = answer("quick")
    for n in range(20):
        await sessions.take(turn("a", "quick", session=f"s{n}"))
    assert sessions.resident <= 3
    answerer.gate.set()
    await stuck


async def test_a_crowd_at_work_leaves_memory_afterwards() -> None:
    answerer = ScriptedAnswerer()
    answerer.gate.clear()
    sessions = make(answerer=answerer, capacity=2)
    crowd = [asyncio.ensure_future(sessions.take(turn("a", session=f"s{n}"))) for n in range(10)]
    await until(lambda: len(answerer.asked) == 10, "all questions")
    assert sessions.resident == 10
    answerer.gate.set()
    await asyncio.gather(*crowd)
    await sessions.take(turn("a", session="one more"))
    assert sessions.resident <= 2


async def sweeps(sessions: Sessions, monkeypatch: pytest.MonkeyPatch, count: int = 3) -> None:
    """Let the sweeper run `count` times; it reads the clock once each time."""
    monkeypatch.setattr(module, "_SWEEP_S", 0)
    reads = 0
    clock: Callable[[], int] = sessions._runtime.clock

    def counting() -> int:
        nonlocal reads
        reads += 1
        return clock()

    before = sessions._runtime
    sessions._runtime = before._replace(clock=counting)
    sweeping = asyncio.ensure_future(sessions.sweep_forever())
    await until(lambda: reads > count, "sweeps")
    sweeping.cancel()
    sessions._runtime = before


async def test_an_idle_session_leaves_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    sessions = make(clock=clock, idle_s=60)
    await sessions.take(turn("a", session="s1"))
    clock.now += 30_000
    await sessions.take(turn("a", session="s2"))
    await sweeps(sessions, monkeypatch)
    assert (sessions.resident, sessions.passivations) == (2, 0)
    clock.now += 30_000  # s1 has been idle for 60 s, s2 for 30
    await sweeps(sessions, monkeypatch)
    assert (sessions.resident, sessions.passivations) == (1, 1)
    clock.now += 30_000
    await sweeps(sessions, monkeypatch)
    assert (sessions.resident, sessions.passivations) == (0, 2)
    await sweeps(sessions, monkeypatch)  # nobody is left


async def test_a_session_at_work_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    answerer, clock = ScriptedAnswerer(), FakeClock()
    answerer.gate.clear()
    sessions = make(answerer=answerer, clock=clock, idle_s=60)
    working = asyncio.ensure_future(sessions.take(turn("a")))
    await until(lambda: answerer.asked, "the question")
    clock.now += 10**6
    await sweeps(sessions, monkeypatch)
    assert sessions.resident == 1
    answerer.gate.set()
    await working


async def test_a_snapshot_is_taken_every_so_many_events() -> None:
    store = MemoryStore()
    sessions = make(store)
    for n in range(SNAPSHOT_EVERY // 2 + 1):
        await sessions.take(turn(f"k{n}"))
    session_id = await store.find("acme", "s1")
    assert session_id is not None
    await until(lambda: session_id in store._snapshots, "the snapshot")
    opened = await store.open(session_id, FOLD_VERSION)
    assert opened.snapshot is not None
    assert opened.snapshot.seq >= SNAPSHOT_EVERY
    assert len(opened.tail) < 5


async def test_more_turns_than_a_host_can_work_on_are_refused() -> None:
    answerer = ScriptedAnswerer()
    answerer.gate.clear()
    sessions = make(answerer=answerer, max_turns=2)
    working = [asyncio.ensure_future(sessions.take(turn("a", session=f"s{n}"))) for n in range(2)]
    await until(lambda: sessions.active == 2, "two turns")
    with pytest.raises(HostOverloaded) as refusal:
        await sessions.take(turn("a", session="s9"))
    assert refusal.value.retry_after_s
    answerer.gate.set()
    await asyncio.gather(*working)
    assert sessions.active == 0
    await sessions.take(turn("a", session="s9"))
    assert sessions.turns == 3


async def test_failures_are_counted() -> None:
    answerer = ScriptedAnswerer()
    answerer.failures.append(AnswererUnavailable("slow"))
    sessions = make(answerer=answerer)
    with pytest.raises(AnswererUnavailable):
        await sessions.take(turn("a"))
    assert (sessions.failed, sessions.turns, sessions.active) == (1, 0, 0)
