"""An actor after lost races, crashes and failures: the log knows, and every turn gets exactly one reply."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from kit.actors import Crash, FaultyStore, Probe, ScriptedAnswerer, runtime, turn
from kit.given import received, replied, started
from kit.server import until
from test_actor import log_of

from actors import snapshot
from actors.actor import SNAPSHOT_EVERY, SessionActor
from actors.snapshot import state_hash
from actors.state import fold
from events.codec import decode, encode
from events.memory import MemoryStore
from events.store import NewEvent, StoredEvent
from schemas.errors import (
    AnswererUnavailable,
    AppendOutcomeUnknown,
    CorruptEvent,
    StoreUnavailable,
    WrongExpectedVersion,
)

pytestmark = pytest.mark.timeout(20)
POINTS = [
    "received", "before_intent_append", "after_intent_append", "before_answer", "after_answer",
    "before_reply_append", "after_reply_append", "before_acknowledgement",
]  # fmt: skip
TWO_TURNS = [started(), received("a"), replied("a", "re: hello"), received("b"), replied("b", "re: hello", turn=2)]


async def test_a_lost_race_reloads_and_goes_on() -> None:
    store = MemoryStore()
    stale, other = (SessionActor(runtime(store), "acme", "s1") for _ in range(2))
    await stale.take(turn("a"))
    await other.take(turn("b"))
    assert json.loads(await stale.take(turn("c")))["turn"] == 3
    assert [event.key for event in (await log_of(store))[1::2]] == ["a", "b", "c"]  # type: ignore[union-attr]


async def test_whoever_loses_a_race_for_one_key_returns_the_winners_reply() -> None:
    store, answerer = FaultyStore(MemoryStore()), ScriptedAnswerer()
    stale, other = (SessionActor(runtime(store, answerer), "acme", "s1") for _ in range(2))
    await stale.take(turn("a"))
    theirs = await other.take(turn("b"))
    assert await stale.take(turn("b")) == theirs
    assert await log_of(store) == TWO_TURNS
    assert store.calls.count("append") == 3  # the third was refused


@pytest.mark.parametrize("has_effects", [False, True])
async def test_two_actors_take_one_key_at_once(has_effects: bool) -> None:
    store, answerer = MemoryStore(), ScriptedAnswerer(has_effects=has_effects)
    actors = [SessionActor(runtime(store, answerer), "acme", "s1") for _ in range(2)]
    answerer.gate.clear()
    taking = [asyncio.ensure_future(one.take(turn("a"))) for one in actors]
    await until(lambda: len(answerer.asked) == 2, "both to ask")
    answerer.gate.set()
    replies = await asyncio.gather(*taking)
    assert replies[0] == replies[1]
    assert await log_of(store) == TWO_TURNS[:3]


async def test_a_writer_that_always_loses_gives_up() -> None:
    class Contended(MemoryStore):
        tries = 0

        async def append(self, session_id: int, expected: int, events: Sequence[NewEvent]) -> None:
            self.tries += 1
            raise WrongExpectedVersion("somebody else is always faster")

    store = Contended()
    with pytest.raises(WrongExpectedVersion):
        await SessionActor(runtime(store), "acme", "s1").take(turn("a"))
    assert store.tries == 4


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_unknown_outcome_is_looked_up_in_the_log(when: str) -> None:
    store = FaultyStore(MemoryStore())
    actor = SessionActor(runtime(store), "acme", "s1")
    getattr(store, when)["append"] = AppendOutcomeUnknown("cut off")
    reply = await actor.take(turn("a"))
    assert await log_of(store) == TWO_TURNS[:3]
    assert await SessionActor(runtime(store), "acme", "s1").take(turn("a")) == reply


@pytest.mark.parametrize("has_effects", [False, True])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("next_key", ["a", "b"])
async def test_after_a_crash_anywhere_the_turn_is_finished_once(point: str, has_effects: bool, next_key: str) -> None:
    store, answerer, probe = MemoryStore(), ScriptedAnswerer(has_effects=has_effects), Probe()
    actor = SessionActor(runtime(store, answerer, probe=probe), "acme", "s1")
    probe.armed = point
    if not has_effects and "intent" in point:
        await actor.take(turn("a"))  # there is no separate intent
    else:
        with pytest.raises(Crash):
            await actor.take(turn("a"))
    on_disk = await log_of(store)
    survivor = actor if point == "received" else SessionActor(runtime(store, answerer), "acme", "s1")
    await survivor.take(turn(next_key))
    if next_key == "b" and not on_disk:  # the customer's message never reached the log
        assert [event.key for event in (await log_of(store))[1:]] == ["b", "b"]  # type: ignore[union-attr]
        return
    await survivor.take(turn("b"))
    assert await log_of(store) == TWO_TURNS
    assert survivor.state is not None
    assert state_hash(survivor.state) == state_hash(fold(TWO_TURNS))


@pytest.mark.parametrize("point", POINTS)
async def test_an_actor_that_lives_on_after_an_error_trusts_only_the_log(point: str) -> None:
    store, answerer, probe = FaultyStore(MemoryStore()), ScriptedAnswerer(has_effects=True), Probe()
    actor = SessionActor(runtime(store, answerer, probe=probe), "acme", "s1")
    probe.armed = point
    with pytest.raises(Crash):
        await actor.take(turn("a"))
    assert actor.idle
    await actor.take(turn("a"))
    await actor.take(turn("b"))
    assert await log_of(store) == TWO_TURNS
    assert store.calls.count("append") == 4  # none was refused


async def test_a_turn_cancelled_in_mid_append_is_finished_from_the_log() -> None:
    store = FaultyStore(MemoryStore())
    actor = SessionActor(runtime(store, ScriptedAnswerer(has_effects=True)), "acme", "s1")
    store.after["append"] = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await actor.take(turn("a"))
    await actor.take(turn("b"))
    assert await log_of(store) == TWO_TURNS


async def test_a_failed_answer_leaves_the_message_and_the_next_turn_finishes_it() -> None:
    store, answerer = MemoryStore(), ScriptedAnswerer(has_effects=True)
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    answerer.failures.extend([AnswererUnavailable("slow"), AnswererUnavailable("still slow")])
    for key in ("a", "b"):
        with pytest.raises(AnswererUnavailable):
            await actor.take(turn(key))
        assert await log_of(store) == [started(), received("a")]
    await actor.take(turn("b"))
    assert await log_of(store) == TWO_TURNS


async def test_a_failed_answer_without_effects_leaves_nothing() -> None:
    store, answerer = MemoryStore(), ScriptedAnswerer()
    answerer.failures.append(AnswererUnavailable("slow"))
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    with pytest.raises(AnswererUnavailable):
        await actor.take(turn("a"))
    assert await log_of(store) == []


async def test_a_restart_folds_the_snapshot_and_the_tail_only() -> None:
    store, probe = FaultyStore(MemoryStore()), Probe()
    actor = SessionActor(runtime(store, probe=probe), "acme", "s1")
    count = 0
    while not actor.wants_snapshot:
        await actor.take(turn(f"k{count}"))
        count += 1
    assert actor.state is not None
    assert SNAPSHOT_EVERY <= actor.state.version < SNAPSHOT_EVERY + 2
    taken_at = actor.state.version
    await actor.save_snapshot()
    assert not actor.wants_snapshot
    await actor.take(turn("tail"))
    opened = await store.open(actor.session_id, snapshot.FOLD_VERSION)
    assert opened.snapshot.seq == taken_at
    assert len(opened.tail) == 2
    restarted = SessionActor(runtime(store), "acme", "s1")
    store.calls.clear()
    await restarted.take(turn("next"))
    assert store.calls == ["resolve", "open", "append"]
    assert restarted.state is not None
    assert state_hash(restarted.state) == state_hash(fold(await log_of(store)))
    assert not restarted.wants_snapshot


async def test_a_damaged_snapshot_costs_a_refold_and_nothing_else() -> None:
    store = MemoryStore()
    actor = SessionActor(runtime(store), "acme", "s1")
    first = await actor.take(turn("a"))
    assert actor.state is not None
    await store.save_snapshot(actor.session_id, snapshot.take(actor.state)._replace(payload=b"damaged"))
    restarted = SessionActor(runtime(store), "acme", "s1")
    assert await restarted.take(turn("a")) == first
    await restarted.take(turn("b"))
    assert await log_of(store) == TWO_TURNS


async def test_snapshots_may_fail_and_are_not_taken_in_mid_turn() -> None:
    store, answerer = FaultyStore(MemoryStore()), ScriptedAnswerer(has_effects=True)
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    await actor.save_snapshot()  # not activated yet
    answerer.failures.append(AnswererUnavailable("slow"))
    with pytest.raises(AnswererUnavailable):
        await actor.take(turn("a"))
    await actor.save_snapshot()  # a turn is open
    assert "save_snapshot" not in store.calls
    await actor.take(turn("a"))
    store.before["save_snapshot"] = StoreUnavailable("gone")
    await actor.save_snapshot()
    assert store.calls[-1] == "save_snapshot"


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
async def test_a_gap_in_the_log_is_refused(missing: int) -> None:
    class Gapped(MemoryStore):
        async def read(self, session_id: int, **limits: int | None) -> list[StoredEvent]:  # type: ignore[override]
            events = await super().read(session_id, **limits)  # type: ignore[arg-type]
            return [event for event in events if event.seq != missing]

    store = Gapped()
    actor = SessionActor(runtime(store), "acme", "s1")
    for key in "ab":
        await actor.take(turn(key))
    with pytest.raises(CorruptEvent, match=f"session {actor.session_id}"):
        await SessionActor(runtime(store), "acme", "s1").take(turn("c"))


async def test_a_recorded_turn_that_is_none_is_refused() -> None:
    store = MemoryStore()
    actor = SessionActor(runtime(store), "acme", "s1")
    await actor.take(turn("a"))
    stored = store._streams[actor.session_id]
    stored[1] = StoredEvent(2, *encode(started()))
    assert decode(1, stored[1]) == started()
    with pytest.raises(CorruptEvent, match=r"seq 2\.\.3 is not a turn"):
        await actor.take(turn("a"))
