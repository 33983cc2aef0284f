"""A session with flows and everything around it scripted: a shop that pays back, a greeting, and advice."""

from __future__ import annotations

import json
from typing import Any

from kit.actors import Crash, FakeClock, turn
from kit.given import answer
from kit.turns import KnowingAnswerer, Says, ScriptedModels, ScriptedRules, ScriptedTools, scripted, terms

from actors.actor import SessionActor
from actors.snapshot import state_hash
from actors.state import fold
from events.codec import Event, decode
from events.memory import MemoryStore
from schemas.answers import Citation, Passage
from schemas.events_pb2 import FlowMoved
from schemas.models import EXTRACTIVE, RouteChoice
from schemas.tools import ToolOutcome, ToolRequest

REFUND = """
flow: refund
languages: [en, zh]
start: {state: which, intents: [refund]}
cancel:
  text: {en: "Stopped.", zh: "已停止。"}
intents:
  refund:
    en: [I want a refund]
    zh: [我要退款]
  person_first:
    en: [only a person can help here]
    zh: [只有人工能处理]
slots:
  order:
    type: pattern
    pattern: 'KF-\\d+'
    ask: {en: "Which order?", zh: "哪个订单？"}
    retry: {en: "It looks like KF-1.", zh: "订单号类似KF-1。"}
  reason:
    type: choice
    ask: {en: "Why?", zh: "原因是什么？"}
    choices:
      broken: {en: [Broken], zh: [坏了]}
      unwanted: {en: [Unwanted], zh: [不想要了]}
anywhere:
  - {on: intent person_first, to: handed_over}
states:
  which:
    do:
      - ask: order
    next:
      - {on: timeout after 1h, to: stale}
      - {on: always, to: look}
  look:
    do:
      - call: lookup
        with: {number: "{{ slots.order }}"}
        save: found
    next:
      - {on: ok, to: why}
      - {on: failed, to: broken}
  why:
    do:
      - ask: reason
    next:
      - {on: always, to: pay}
  pay:
    do:
      - reply: {en: "One moment.", zh: "请稍候。"}
      - call: pay
        with: {number: "{{ slots.order }}", amount: "{{ found.total }}"}
        save: paid
    next:
      - {on: ok, to: done}
      - {on: failed, if: paid.error == "declined", to: kept}
      - {on: failed, to: broken}
  done:
    do:
      - close: {en: "Paid {{ found.total }} for {{ slots.order }}.", zh: "{{ slots.order }}已退{{ found.total }}元。"}
  kept:
    do:
      - close: {en: "Nothing was paid.", zh: "没有退款。"}
  broken:
    do:
      - reply: {en: "Our shop is down.", zh: "系统暂时不可用。"}
      - escalate: the shop is down
  stale:
    do:
      - reply: {en: "That was long ago.", zh: "已经过了很久。"}
      - escalate: the customer was away for an hour
  handed_over:
    do:
      - escalate: a matter for a person
"""

# Asks one thing, says which version it is, and answers something itself in between.
GREET = """
flow: greet
languages: [en]
start: {{state: name, intents: [greet]}}
{migrate}
intents:
  greet: [greet me]
slots:
  name:
    type: text
    ask: "v{v}: your name?"
states:
  {name}:
    do:
      - ask: name
    next:
      - {{on: always, to: bye}}
  bye:
    do:
      - close: "v{v}: bye {{{{ slots.name }}}}"
""".replace("state: name", "state: {name}")

ADVISE = """
flow: advise
languages: [en]
start: {state: tell, intents: [advise]}
intents:
  advise: [advise me]
slots:
  more:
    type: yes_no
    ask: "Anything else?"
states:
  tell:
    do:
      - reply: "Gladly."
      - answer: "how long?"
        otherwise: "I do not know that."
      - ask: more
    next:
      - {on: always, to: end}
  end:
    do: [close]
"""

TELL = """
flow: advise
languages: [en]
start: {state: tell, intents: [advise]}
intents:
  advise: [advise me]
states:
  tell:
    do:
      - reply: "Gladly."
      - answer: "how long?"
      - close
"""

RETURNS = Passage("faq-1", 3, "Returns", "You can return it within 30 days.")
CITED = (Citation("faq-1", 3, "Returns", "within 30 days"),)
KNOWN = answer("You can return it within 30 days.", citations=CITED, passages=(RETURNS,))
CONFIRM = {"en": "Pay it back?", "zh": "确认退款吗？"}
MODEL = RouteChoice("day", 4, "model", "by day")
HYBRID = RouteChoice("careful", 5, "hybrid", "refunds")


def greet(version: int, migrate: str = "", name: str = "name") -> str:
    return GREET.format(v=version, migrate=migrate, name=name)


class Nth:
    """Raises Crash when the n-th point from now is passed, whichever it is; `passed` has their names."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.left = 0

    def __call__(self, point: str) -> None:
        self.passed.append(point)
        self.left -= 1
        if self.left == 0:
            raise Crash(point)


class Shop(ScriptedTools):
    """Its `effects` are what a deduplicating endpoint would do: one for each key, whether called or asked again."""

    def __init__(self, **results: Any) -> None:
        super().__init__(**{"lookup": {"total": 5}, **results})
        self.effects: dict[str, str] = {}

    async def call(self, request: ToolRequest) -> ToolOutcome:
        self.effects.setdefault(request.idempotency_key, request.name)
        return await super().call(request)

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        self.effects.setdefault(request.idempotency_key, request.name)
        return await super().reconcile(request)


class World:
    def __init__(
        self,
        *says: Says | str,
        route: RouteChoice = EXTRACTIVE,
        confirm: dict[str, str] | None = None,
        effects: bool = False,
        **results: Any,
    ) -> None:
        self.store = MemoryStore()
        self.answerer = KnowingAnswerer(has_effects=effects)
        self.answerer.known["how long?"] = KNOWN
        self.answerer.known["多久到账？"] = answer("3天内到账。", language="zh")
        self.answerer.known["a person, please"] = answer("A colleague will write to you.", kind="escalated")
        self.answerer.known["cheers"] = answer("You are welcome!", kind="smalltalk")
        self.answerer.known["gibberish"] = answer("I don't know.", kind="unknown", offer_person=True)
        self.answerer.intents |= {
            "refund, please": "refund", "refund KF-7, please": "refund", "我要退款": "refund", "greet me": "greet",
            "advise me": "advise", "it is complicated": "person_first",
        }  # fmt: skip
        self.models = ScriptedModels(*says)
        self.tools = Shop(**results)
        tools = {"lookup": terms("lookup"), "pay": terms("pay", confirm=confirm)}
        self.rules = ScriptedRules({("refund", 1): REFUND, ("greet", 1): greet(1), ("advise", 1): ADVISE}, route, tools)
        self.clock = FakeClock()
        self.probe = Nth()
        self.actor = self.another()

    def another(self) -> SessionActor:
        """As in another process: it knows nothing but the log."""
        made = scripted(
            self.rules, self.answerer, self.models, self.tools, self.clock, store=self.store, probe=self.probe
        )
        return SessionActor(made, "acme", "s1")

    async def say(self, text: str, key: str = "") -> dict[str, Any]:
        key = key or f"{len(self.probe.passed)}: {text}"
        reply: dict[str, Any] = json.loads(await self.actor.take(turn(key, text)))
        self.clock.now += 1000
        return reply

    async def say_all(self, *texts: str) -> list[str]:
        return [(await self.say(text))["text"] for text in texts]

    async def log(self, kind: type[Any] | None = None) -> list[Any]:
        session_id = await self.store.find("acme", "s1")
        assert session_id is not None
        events: list[Event] = [decode(session_id, stored) for stored in await self.store.read(session_id)]
        return [event for event in events if kind is None or isinstance(event, kind)]

    async def moves(self) -> list[tuple[str, str, str]]:
        return [(m.from_state, m.to_state, m.cause) for event in await self.log(FlowMoved) for m in event.moves]

    async def agrees(self) -> None:
        """The state in memory is what the log says, from its beginning."""
        assert self.actor.state is not None
        assert state_hash(self.actor.state) == state_hash(fold(await self.log()))
