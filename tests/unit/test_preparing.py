"""What is done before the customer presses send: the session is loaded, the answer looked for; nothing is recorded."""

from __future__ import annotations

import json

import pytest
from kit.actors import FakeClock, FaultyStore, ScriptedAnswerer, runtime, turn
from kit.given import answer
from kit.turns import KnowingAnswerer, ScriptedRules, scripted

from actors.actor import SessionActor
from actors.sessions import Sessions
from events.memory import MemoryStore
from schemas.answers import Answer, Question
from schemas.api import TurnRequest
from schemas.models import RouteChoice

pytestmark = pytest.mark.timeout(20)


class KeepingAnswerer(ScriptedAnswerer):
    """Knows at once what it was asked before."""

    async def answer(self, question: Question) -> Answer:
        found = await super().answer(question)
        self.cache[question.text] = found
        return found


async def test_opening_loads_the_session_and_writes_nothing() -> None:
    store = FaultyStore(MemoryStore())
    await SessionActor(runtime(store), "acme", "s1").take(turn("a"))
    actor = SessionActor(runtime(store), "acme", "s1")
    store.calls.clear()
    await actor.open()
    assert actor.state is not None
    assert "append" not in store.calls
    store.calls.clear()
    await actor.take(turn("b"))
    assert store.calls == ["append"]  # nothing had to be loaded any more


async def test_a_session_that_has_not_begun_is_not_made_by_being_looked_at() -> None:
    store, answerer = FaultyStore(MemoryStore()), KeepingAnswerer()
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    await actor.open()
    await actor.prepare("hello")
    assert set(store.calls) == {"find"}
    assert [question.text for question in answerer.asked] == ["hello"]


async def test_what_was_opened_stays_until_it_has_been_idle() -> None:
    clock = FakeClock()
    sessions = Sessions(runtime(None, KeepingAnswerer(), clock), capacity=10, max_turns=4, idle_s=60)
    await sessions.prepare(_draft("hello"))
    assert sessions._expired(clock.now - 60_000) == []
    clock.now += 61_000
    assert sessions._expired(clock.now - 60_000) == [("acme", "s1")]


async def test_what_was_typed_is_known_when_it_is_sent() -> None:
    answerer, store = KeepingAnswerer(), FaultyStore(MemoryStore())
    actor = SessionActor(runtime(store, answerer), "acme", "s1")
    await actor.prepare("hello")
    await actor.prepare("hello")
    assert "append" not in store.calls
    assert json.loads(await actor.take(turn("a", "hello")))["text"] == "re: hello"
    assert answerer.asked == [Question("acme", "hello")]


async def test_a_number_typed_is_the_option_it_stands_for() -> None:
    answerer = KeepingAnswerer()
    answerer.cache["which?"] = answer("Which?", kind="clarify", options=())
    actor = SessionActor(runtime(None, answerer), "acme", "s1")
    await actor.take(turn("a", "which?"))
    await actor.prepare("the first one")
    assert answerer.asked == [Question("acme", "the first one")]


async def test_for_a_model_the_passages_are_looked_for_too() -> None:
    answerer = KnowingAnswerer()
    rules = ScriptedRules(route=RouteChoice("day", 1, "model"))
    actor = SessionActor(scripted(rules, answerer), "acme", "s1")
    await actor.prepare("how long?")
    assert answerer.asked == [Question("acme", "how long?", grounded=True)]


async def test_a_busy_host_prepares_nothing() -> None:
    answerer = KeepingAnswerer()
    sessions = Sessions(runtime(None, answerer), capacity=10, max_turns=4, idle_s=60)
    sessions.active = 1
    await sessions.prepare(_draft("hello"))
    assert answerer.asked == []
    sessions.active = 0
    await sessions.prepare(_draft("hello"))
    assert [question.text for question in answerer.asked] == ["hello"]
    assert sessions.prepared == 1


def _draft(text: str) -> TurnRequest:
    request = turn("", text)
    request.what = "prepare"
    return request
