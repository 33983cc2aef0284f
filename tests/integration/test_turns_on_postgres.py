"""Turns with a flow, a tool and a model over a real Postgres: what was recorded is read back and gone on with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kit.actors import Crash, FakeClock, Probe, turn
from kit.given import answer
from kit.turns import KnowingAnswerer, Says, ScriptedModels, ScriptedRules, ScriptedTools, scripted, terms

from actors import snapshot
from actors.actor import SessionActor
from actors.snapshot import state_hash
from actors.state import FOLD_VERSION, fold
from events.codec import Event, decode
from events.memory import MemoryStore
from events.postgres import PostgresStore
from events.store import EventStore
from schemas.answers import Passage
from schemas.events_pb2 import FlowMoved, ModelReplied, ToolClaimed, ToolReturned
from schemas.models import RouteChoice

pytestmark = pytest.mark.timeout(30)

REPAIR = """
flow: repair
languages: [en, zh]
start: {state: item, intents: [repair]}
intents: {repair: {en: [repair my lamp], zh: [修灯]}}
slots:
  item: {type: text, ask: {en: "What is broken?", zh: "什么坏了？"}}
  sure: {type: yes_no, ask: {en: "Shall we book it?", zh: "需要预约吗？"}}
states:
  item:
    do:
      - ask: item
    next: [{on: always, to: explain}]
  explain:
    do:
      - answer: {en: "how long?", zh: "多久？"}
      - ask: sure
    next: [{on: always, to: book}]
  book:
    do:
      - call: book
        with: {item: "{{ slots.item }}", sure: "{{ slots.sure }}"}
        save: booked
    next:
      - {on: ok, to: done}
      - {on: failed, to: broken}
  done:
    do: [close: {en: "Booked: {{ booked.note }}", zh: "已预约：{{ booked.note }}"}]
  broken:
    do: [escalate: the workshop is closed]
"""

ROUTE = RouteChoice("careful", 5, "hybrid", "repairs")
KNOWN = answer("维修需要3天。", language="zh", passages=(Passage("faq-7", 2, "维修", "维修需要3天。"),))
BOOKED = {"note": "星期二 10:00 – “early” \u2028 €1.50", "price": 1e-7}
SAID = ("repair my lamp", "Zhang 的台灯 💡", "好的")
SAYS = (Says(calls=(("stock", {"n": 0.1}),)), "需要3天，‘Zhang’ 💡。")


class World:
    """`session`: of its own, where stores are shared."""

    def __init__(self, store: EventStore, session: str = "s1") -> None:
        self.store = store
        self.session = session
        answerer = KnowingAnswerer()
        answerer.known["多久？"] = KNOWN
        answerer.intents["repair my lamp"] = "repair"
        self.tools = ScriptedTools(book=BOOKED, stock={"left": 2})
        self.probe = Probe()
        rules = ScriptedRules({("repair", 1): REPAIR}, ROUTE, {"book": terms("book"), "stock": terms("stock")})
        self.runtime = scripted(
            rules, answerer, ScriptedModels(*SAYS), self.tools, FakeClock(), store=store, probe=self.probe
        )
        self.actor = self.another()

    def another(self) -> SessionActor:
        return SessionActor(self.runtime, "acme", self.session)

    async def say(self, number: int) -> dict[str, Any]:
        taken = turn(f"k-{number}", SAID[number], session=self.session)
        reply: dict[str, Any] = json.loads(await self.actor.take(taken))
        return reply

    async def log(self) -> list[Event]:
        session_id = await self.store.find("acme", self.session)
        assert session_id is not None
        return [decode(session_id, stored) for stored in await self.store.read(session_id)]

    async def agrees(self) -> None:
        assert self.actor.state is not None
        assert state_hash(self.actor.state) == state_hash(fold(await self.log()))


@pytest.fixture
async def world(shared_database: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    store = PostgresStore(shared_database)
    yield World(store, request.node.name)
    await store.close()


async def test_the_log_is_the_same_as_in_memory_and_folds_to_the_same_state(world: World) -> None:
    reference = World(MemoryStore(), world.session)
    for number in range(len(SAID)):
        assert await world.say(number) == await reference.say(number)
        await world.agrees()
    events = await world.log()
    assert events == await reference.log()
    kinds = {type(event) for event in events}
    assert {FlowMoved, ModelReplied, ToolClaimed, ToolReturned} <= kinds
    reply = await world.say(2)
    assert reply["text"] == f"已预约：{BOOKED['note']}"
    assert world.actor.state is not None and reference.actor.state is not None
    assert state_hash(world.actor.state) == state_hash(reference.actor.state)


async def test_a_snapshot_in_mid_flow_holds_the_position_and_is_gone_on_from(world: World) -> None:
    await world.say(0)
    first = await world.say(1)
    assert first["text"] == "需要3天，‘Zhang’ 💡。\n\n需要预约吗？"
    assert world.actor.state is not None
    before = world.actor.state
    await world.actor.save_snapshot()
    opened = await world.store.open(world.actor.session_id, FOLD_VERSION)
    assert opened.snapshot is not None and opened.tail == []
    restored = snapshot.restore(opened.snapshot)
    assert restored is not None and restored == before
    assert restored.flow is not None
    assert (restored.flow.state, restored.flow.awaiting) == ("explain", "slot:sure")
    assert restored.flow.slots["item"] == SAID[1]

    world.actor = world.another()
    await world.actor.open()
    assert world.actor.state == before
    assert (await world.say(2))["kind"] == "closed"
    await world.agrees()


@pytest.mark.parametrize("point", ["before_tool", "after_tool", "before_reply_append", "after_reply_append"])
async def test_a_turn_that_was_cut_off_goes_on_from_a_snapshot_and_the_log(world: World, point: str) -> None:
    await world.say(0)
    await world.say(1)
    await world.actor.save_snapshot()
    world.probe.armed = point
    with pytest.raises(Crash):
        await world.say(2)
    world.actor = world.another()
    reply = await world.say(2)
    assert reply["kind"] == "closed"
    assert [json.loads(call.arguments) for call in world.tools.calls if call.name == "book"] in (
        [],
        [{"item": SAID[1], "sure": True}],
    )
    events = await world.log()
    assert sum(isinstance(event, ToolClaimed) and event.tool == "book" for event in events) == 1
    await world.agrees()
    opened = await world.store.open(world.actor.session_id, FOLD_VERSION)
    assert opened.snapshot is not None and opened.tail  # an old snapshot, and what came after it
    assert await world.say(2) == reply
