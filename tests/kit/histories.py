"""Random lives of one session on any store: two actors, crashes, faults and races, against a dictionary.

The model is `acknowledged`: {key: reply} as callers saw them. After every step the
log is read back and compared with it, and with the state of the live actors.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Coroutine
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.actor import SessionActor
from actors.reply import answer_of, render
from actors.snapshot import state_hash
from actors.state import fingerprint, fold
from events.codec import Event, decode
from events.memory import MemoryStore
from events.store import EventStore
from kit.actors import Crash, FakeClock, FaultyStore, Probe, ScriptedAnswerer, runtime, turn
from kit.given import RICH_ANSWER, answer
from schemas.errors import AnswererUnavailable, AppendOutcomeUnknown, KefuError, KeyReused, StoreUnavailable
from schemas.events_pb2 import BotReplied, EscalationRequested, SessionStarted, UserMessageReceived

KEYS = [f"k{n}" for n in range(6)]
TEXTS = ["hello", "1", "which?", "human", "cached"]
POINTS = [
    "received", "before_intent_append", "after_intent_append", "before_answer", "after_answer",
    "before_reply_append", "after_reply_append", "before_acknowledgement",
]  # fmt: skip
FAULTS = [Crash, StoreUnavailable, AppendOutcomeUnknown]
_names = itertools.count()
key = st.sampled_from(KEYS)
text = st.sampled_from(TEXTS)
who = st.sampled_from([0, 1])


class Yielding(FaultyStore):
    """Lets others run at every call, as real I/O does."""

    def __getattr__(self, name: str) -> Any:
        inner = super().__getattr__(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            result = await inner(*args, **kwargs)
            await asyncio.sleep(0)
            return result

        return call


class Histories(RuleBasedStateMachine):
    """Subclasses say which store."""

    store_url: ClassVar[str] = ""

    def make_store(self) -> EventStore:
        return MemoryStore()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.inner = self.make_store()
        self.store = Yielding(self.inner)
        self.session = f"history-{next(_names)}"
        self.clock, self.probes = FakeClock(), [Probe(), Probe()]
        self.acknowledged: dict[str, bytes] = {}
        self.log: list[Event] = []

    @initialize(has_effects=st.booleans())
    def begin(self, has_effects: bool) -> None:
        self.answerer = ScriptedAnswerer(has_effects=has_effects)
        self.answerer.cache = {
            "which?": RICH_ANSWER, "human": answer("a person", kind="escalated"), "cached": answer("known"),
        }  # fmt: skip
        self.actors = [self.new_actor(n) for n in (0, 1)]

    def new_actor(self, n: int) -> SessionActor:
        return SessionActor(runtime(self.store, self.answerer, self.clock, self.probes[n]), "acme", self.session)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(asyncio.wait_for(coroutine, 10))

    # --- What may happen ------------------------------------------------------------------------------

    @rule(n=who, key=key, text=text)
    def message(self, n: int, key: str, text: str) -> None:
        before = list(self.log)
        self.run(self.take(n, key, text))
        if any(isinstance(event, BotReplied) and event.key == key for event in before):
            self.assert_nothing_new(before, self.run(self.read()))

    @rule(n=who)
    def restart(self, n: int) -> None:
        self.actors[n] = self.new_actor(n)

    @rule(keys=st.tuples(key, key), text=text, third=st.none() | key)
    def race(self, keys: tuple[str, str], text: str, third: str | None) -> None:
        """Both actors at once, and perhaps a third message behind the first."""

        async def both() -> None:
            more = [self.take(0, third, text)] if third else []
            await asyncio.gather(self.take(0, keys[0], text), self.take(1, keys[1], text), *more)

        self.run(both())

    @rule(n=who, point=st.sampled_from(POINTS))
    def crash_next(self, n: int, point: str) -> None:
        self.probes[n].armed = point

    @rule(when=st.sampled_from(["before", "after"]), fault=st.sampled_from(FAULTS))
    def fault_next_append(self, when: str, fault: type[Exception]) -> None:
        if fault is StoreUnavailable and when == "after":
            return  # a store that wrote never says so
        getattr(self.store, when)["append"] = fault("fault")

    @rule(call=st.sampled_from(["open", "read", "resolve"]))
    def fault_next_read(self, call: str) -> None:
        self.store.before[call] = StoreUnavailable("fault")

    @rule()
    def answerer_fails(self) -> None:
        self.answerer.failures.append(AnswererUnavailable("fault"))

    @rule(ms=st.integers(0, 5000))
    def time_passes(self, ms: int) -> None:
        self.clock.now += ms

    @rule(n=who)
    def snapshot(self, n: int) -> None:
        self.run(self.actors[n].save_snapshot())

    # --- What must hold -------------------------------------------------------------------------------

    async def take(self, n: int, key: str, text: str) -> None:
        """A caller: believes what it is told, and may be told that it did not work."""
        try:
            reply = await self.actors[n].take(turn(key, text, session=self.session))
        except Crash:
            self.actors[n] = self.new_actor(n)  # the process is gone
        except KeyReused:
            others = [event for event in await self.read() if isinstance(event, UserMessageReceived)]
            assert any(event.key == key and event.fingerprint != fingerprint(text) for event in others)
        except KefuError:
            return
        else:
            assert self.acknowledged.setdefault(key, reply) == reply
            recorded = [e for e in await self.read() if isinstance(e, UserMessageReceived) and e.key == key]
            assert [event.text for event in recorded] == [text]

    async def read(self) -> list[Event]:
        session_id = await self.inner.find("acme", self.session)
        if session_id is None:
            return []
        stored = await self.inner.read(session_id)
        assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
        return [decode(session_id, event) for event in stored]

    def assert_nothing_new(self, before: list[Event], after: list[Event]) -> None:
        """A retry emits no event; it may finish the turn of another key that was left open."""
        assert after[: len(before)] == before
        unanswered = fold(before).open_turn
        allowed = {unanswered.key} if unanswered else set()
        fresh = after[len(before) :]
        assert not any(isinstance(event, UserMessageReceived | SessionStarted) for event in fresh)
        assert {event.key for event in fresh} <= allowed  # type: ignore[union-attr]

    @invariant()
    def everything_holds(self) -> None:
        self.the_log_is_whole()
        self.each_acknowledged_reply_is_the_one_on_disk()
        self.live_state_is_what_the_log_says()

    def the_log_is_whole(self) -> None:
        log = self.run(self.read())
        assert log[: len(self.log)] == self.log, "the past has changed"
        self.log = log
        assert [n for n, event in enumerate(log) if isinstance(event, SessionStarted)] == [0][: len(log)]
        for kind in (UserMessageReceived, BotReplied):
            keys = [event.key for event in log if isinstance(event, kind)]
            assert len(keys) == len(set(keys)), f"two {kind.__name__} of one key"
        assert sum(isinstance(event, EscalationRequested) for event in log) <= 1

    def each_acknowledged_reply_is_the_one_on_disk(self) -> None:
        replies = {
            event.key: render(self.session, event.turn, seq, answer_of(event))
            for seq, event in enumerate(self.log, 1)
            if isinstance(event, BotReplied)
        }
        assert {key: replies.get(key) for key in self.acknowledged} == self.acknowledged
        assert [json.loads(reply)["turn"] for reply in replies.values()] == list(range(1, len(replies) + 1))

    def live_state_is_what_the_log_says(self) -> None:
        for actor in getattr(self, "actors", []):
            if actor.state is not None and actor.state.version:
                replayed = fold(self.log[: actor.state.version])
                assert state_hash(actor.state) == state_hash(replayed)

    def teardown(self) -> None:
        try:
            if hasattr(self, "actors"):
                self.heal()
        finally:
            self.run(self.inner.close())
            self.runner.close()

    def heal(self) -> None:
        """Nothing fails any more: every message that was recorded gets its reply, the same as before."""
        self.store.before.clear()
        self.store.after.clear()
        self.answerer.failures.clear()
        for probe in self.probes:
            probe.armed = None
        for event in list(self.log):
            if isinstance(event, UserMessageReceived):
                self.run(self.take(0, event.key, event.text))
                assert event.key in self.acknowledged
        self.everything_holds()
        assert fold(self.log).open_turn is None
