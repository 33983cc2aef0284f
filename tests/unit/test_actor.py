"""One session actor: a turn from message to reply, its mailbox, and what a retry gets."""

from __future__ import annotations

import asyncio
import json

import pytest
from kit.actors import FakeClock, FaultyStore, Probe, ScriptedAnswerer, runtime, turn
from kit.given import RICH_ANSWER, T0, answer, received, replied, started
from kit.server import until

from actors import actor as module
from actors import session, state
from actors.actor import MAILBOX, SessionActor
from actors.snapshot import state_hash
from actors.state import fold
from events.codec import Event, decode
from events.memory import MemoryStore
from events.store import EventStore
from schemas.answers import Question
from schemas.errors import AnswererUnavailable, DeadlineExceeded, KeyReused, MailboxFull, StoreUnavailable

pytestmark = pytest.mark.timeout(20)


async def log_of(store: EventStore | FaultyStore, name: str = "s1") -> list[Event]:
    session_id = await store.find("acme", name)
    return [decode(session_id, stored) for stored in await store.read(session_id)] if session_id else []


async def test_a_turn_is_one_append_when_answering_has_no_effects() -> None:
    store, answerer = FaultyStore(MemoryStore()), ScriptedAnswerer()
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    body = json.loads(await actor.take(turn("a")))
    assert (body["session_id"], body["turn"], body["seq"], body["text"]) == ("s1", 1, 3, "re: hello")
    assert await log_of(store) == [started(), received("a"), replied("a", "re: hello")]
    assert store.calls.count("append") == 1
    assert answerer.asked == [Question("acme", "hello")]


async def test_a_cached_answer_asks_nobody() -> None:
    answerer = ScriptedAnswerer(has_effects=True)
    answerer.cache["hello"] = answer("known")
    store = FaultyStore(MemoryStore())
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    assert json.loads(await actor.take(turn("a")))["text"] == "known"
    assert answerer.asked == []
    assert store.calls.count("append") == 1


async def test_the_message_is_on_disk_before_an_answer_with_effects_is_asked_for() -> None:
    store, answerer = MemoryStore(), ScriptedAnswerer(has_effects=True)
    answerer.gate.clear()
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    taking = asyncio.ensure_future(actor.take(turn("a")))
    await until(lambda: answerer.asked, "the question")
    assert await log_of(store) == [started(), received("a")]
    answerer.gate.set()
    assert json.loads(await taking)["seq"] == 3
    assert await log_of(store) == [started(), received("a"), replied("a", "re: hello")]


async def test_turns_follow_one_another_with_what_was_offered_before() -> None:
    store, answerer, clock = MemoryStore(), ScriptedAnswerer(), FakeClock()
    answerer.cache["which?"] = RICH_ANSWER
    actor = SessionActor(runtime(store, answerer, clock), "acme", "s1")
    await actor.take(turn("a", "which?"))
    clock.now += 5
    body = json.loads(await actor.take(turn("b", "第二个")))
    assert (body["turn"], body["seq"]) == (2, 5)
    assert answerer.asked == [Question("acme", "换货", person_offered=True)]
    assert (await log_of(store))[3] == received("b", "第二个", T0 + 5)
    assert actor.state is not None
    assert state_hash(actor.state) == state_hash(fold(await log_of(store)))


@pytest.mark.parametrize("has_effects", [False, True])
async def test_a_retry_gets_the_same_bytes_and_writes_nothing(has_effects: bool) -> None:
    store, answerer = FaultyStore(MemoryStore()), ScriptedAnswerer(has_effects=has_effects)
    answerer.cache["which?"] = RICH_ANSWER
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    first = [await actor.take(turn("a", "which?")), await actor.take(turn("b", "x"))]
    appends, asked = store.calls.count("append"), len(answerer.asked)
    restarted = SessionActor(runtime(store, answerer), "acme", "s1")
    for one in (actor, restarted):
        assert [await one.take(turn("a", "which?")), await one.take(turn("b", "x"))] == first
    assert (store.calls.count("append"), len(answerer.asked)) == (appends, asked)


async def test_a_key_used_with_another_text_is_refused_for_ever() -> None:
    store = MemoryStore()
    actor = SessionActor(runtime(store), "acme", "s1")
    await actor.take(turn("a", "one"))
    for one in (actor, SessionActor(runtime(store), "acme", "s1")):
        with pytest.raises(KeyReused, match="'a'"):
            await one.take(turn("a", "two"))
    assert len(await log_of(store)) == 3


async def test_two_keys_with_one_digest_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (module, session, state):
        monkeypatch.setattr(place, "key_digest", lambda _: 1)
    actor = SessionActor(runtime(), "acme", "s1")
    await actor.take(turn("a"))
    with pytest.raises(KeyReused):
        await actor.take(turn("b"))


async def test_the_same_key_joins_the_turn_in_progress() -> None:
    store, answerer = MemoryStore(), ScriptedAnswerer()
    answerer.gate.clear()
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    taking = [asyncio.ensure_future(actor.take(turn("a"))) for _ in range(5)]
    await until(lambda: answerer.asked, "the question")
    with pytest.raises(KeyReused):
        await actor.take(turn("a", "another text"))
    taking[3].cancel()  # whoever joined may leave without harm
    answerer.gate.set()
    replies = await asyncio.gather(*taking, return_exceptions=True)
    assert isinstance(replies.pop(3), asyncio.CancelledError)
    assert len(set(replies)) == 1
    assert len(answerer.asked) == 1
    assert len(await log_of(store)) == 3
    assert actor.idle


async def test_who_joined_shares_the_failure_and_may_retry() -> None:
    answerer = ScriptedAnswerer()
    answerer.gate.clear()
    answerer.failures.append(AnswererUnavailable("slow"))
    actor = SessionActor(runtime(answerer=answerer), "acme", "s1")
    taking = [asyncio.ensure_future(actor.take(turn("a"))) for _ in range(2)]
    await until(lambda: answerer.asked, "the question")
    answerer.gate.set()
    assert [type(e) for e in await asyncio.gather(*taking, return_exceptions=True)] == [AnswererUnavailable] * 2
    assert json.loads(await actor.take(turn("a")))["turn"] == 1


async def test_a_full_mailbox_refuses_new_messages_but_not_retries() -> None:
    answerer = ScriptedAnswerer()
    answerer.gate.clear()
    actor = SessionActor(runtime(answerer=answerer), "acme", "s1")
    taking = [asyncio.ensure_future(actor.take(turn(f"k{n}"))) for n in range(MAILBOX)]
    await until(lambda: answerer.asked, "the first question")
    with pytest.raises(MailboxFull) as refusal:
        await actor.take(turn("one more"))
    assert refusal.value.retry_after_s
    joined = asyncio.ensure_future(actor.take(turn("k7")))
    assert not actor.idle
    answerer.gate.set()
    replies = await asyncio.gather(*taking)
    assert [json.loads(reply)["turn"] for reply in replies] == list(range(1, MAILBOX + 1))  # first come, first served
    assert await joined == replies[7]
    assert json.loads(await actor.take(turn("one more")))["turn"] == MAILBOX + 1


async def test_a_turn_that_comes_too_late_does_not_begin() -> None:
    store, clock = MemoryStore(), FakeClock()
    actor = SessionActor(runtime(store, clock=clock), "acme", "s1")
    with pytest.raises(DeadlineExceeded):
        await actor.take(turn("a", deadline_ms=T0 - 1))
    assert await log_of(store) == []
    await actor.take(turn("a", deadline_ms=T0))


async def test_a_turn_that_waited_too_long_does_not_begin() -> None:
    store, answerer, clock = MemoryStore(), ScriptedAnswerer(), FakeClock()
    answerer.gate.clear()
    actor = SessionActor(runtime(store, answerer, clock), "acme", "s1")
    first = asyncio.ensure_future(actor.take(turn("a")))
    await until(lambda: answerer.asked, "the question")
    second = asyncio.ensure_future(actor.take(turn("b", deadline_ms=T0 + 100)))
    await asyncio.sleep(0)
    clock.now = T0 + 101
    answerer.gate.set()
    await first
    with pytest.raises(DeadlineExceeded):
        await second
    assert len(await log_of(store)) == 3


async def test_an_unreachable_log_is_reported_and_nothing_is_believed() -> None:
    store = FaultyStore(MemoryStore())
    actor = SessionActor(runtime(store), "acme", "s1")
    for call in ("resolve", "append"):
        store.before[call] = StoreUnavailable("gone")
        with pytest.raises(StoreUnavailable):
            await actor.take(turn("a"))
    assert json.loads(await actor.take(turn("a")))["seq"] == 3
    assert actor.state is not None
    assert actor.state.version == len(await log_of(store)) == 3


async def test_probes_stand_where_a_crash_could_cut() -> None:
    probe = Probe()
    actor = SessionActor(runtime(answerer=ScriptedAnswerer(has_effects=True), probe=probe), "acme", "s1")
    await actor.take(turn("a"))
    assert probe.passed == [
        "received", "before_intent_append", "after_intent_append", "before_answer", "after_answer",
        "before_reply_append", "after_reply_append", "before_acknowledgement",
    ]  # fmt: skip
