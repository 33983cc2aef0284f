"""Flows in a session: questions, digressions, tools, a customer's yes, versions, and crashes anywhere in between."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from kit.actors import Crash, FakeClock, turn
from kit.given import answer
from kit.turns import KnowingAnswerer, Says, ScriptedModels, ScriptedRules, ScriptedTools, scripted, terms

from actors.actor import SessionActor
from actors.snapshot import state_hash
from actors.state import fold
from events.codec import Event, decode
from events.memory import MemoryStore
from schemas.answers import Citation, Passage
from schemas.events_pb2 import (
    EscalationRequested,
    FlowMoved,
    KnowledgeConsulted,
    ModelReplied,
    ReplyChecked,
    ToolClaimed,
    ToolProposed,
    ToolReturned,
    UserMessageReceived,
)
from schemas.models import EXTRACTIVE, ModelEvent, ModelRequest, RouteChoice
from schemas.tools import ToolOutcome, ToolRequest

pytestmark = pytest.mark.timeout(30)

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


class Mended(ScriptedModels):
    """Wrong at first, right when it is told so, however often it is asked."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        asked = request.messages[-1].content
        self.says = deque([Says("It takes 60 days." if asked == "how long?" else "You have 30 days.")])
        return super().stream(request)


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


# --- The way through -------------------------------------------------------------------------------------


async def test_a_flow_starts_on_its_intent_asks_calls_and_closes() -> None:
    world = World()
    asked = await world.say("refund, please")
    assert (asked["kind"], asked["text"]) == ("flow", "Which order?")
    chosen = await world.say("KF-7")
    assert chosen["text"] == "Why?"
    assert [o["title"] for o in chosen["options"]] == ["Broken", "Unwanted"]
    done = await world.say("2")  # an option, by its number
    assert (done["kind"], done["text"]) == ("closed", "One moment.\n\nPaid 5 for KF-7.")
    assert [(c.name, json.loads(c.arguments)) for c in world.tools.calls] == [
        ("lookup", {"number": "KF-7"}),
        ("pay", {"number": "KF-7", "amount": 5}),
    ]
    assert (await world.moves())[0] == ("", "which", "start")
    assert world.actor.state is not None and world.actor.state.flow is None
    await world.agrees()
    assert (await world.say("how long?"))["text"] == KNOWN.text  # and life goes on


async def test_what_the_first_words_say_already_is_not_asked() -> None:
    world = World()
    assert (await world.say("refund KF-7, please"))["text"] == "Why?"
    assert len(world.tools.calls) == 1


async def test_claim_call_and_result_of_a_flow_are_on_disk_in_this_order() -> None:
    world = World()
    seen: list[list[str]] = []

    async def call(request: ToolRequest) -> ToolOutcome:
        seen.append([type(event).__name__ for event in await world.log()])
        return ToolOutcome("ok", '{"total": 5}')

    world.tools.call = call  # type: ignore[method-assign]
    await world.say("refund KF-7, please")
    assert seen == [["SessionStarted", "UserMessageReceived", "KnowledgeConsulted", "FlowMoved", "ToolClaimed"]]
    assert [type(e).__name__ for e in await world.log()][-3:] == ["ToolReturned", "FlowMoved", "BotReplied"]


async def test_a_digression_is_answered_with_its_sources_and_the_question_repeated() -> None:
    world = World()
    await world.say("refund, please")
    reply = await world.say("how long?")
    assert (reply["kind"], reply["text"]) == ("flow", f"{KNOWN.text}\n\nWhich order?")
    assert [(c["id"], c["revision"], c["quote"]) for c in reply["citations"]] == [("faq-1", 3, "within 30 days")]
    assert reply["knowledge_version"] == KNOWN.knowledge_version
    assert (await world.say("KF-7"))["text"] == "Why?"
    (*_, consulted) = await world.log(KnowledgeConsulted)
    assert consulted.for_flow and consulted.question == "how long?"


async def test_small_talk_does_not_lose_the_thread() -> None:
    world = World()
    assert await world.say_all("refund, please", "cheers") == ["Which order?", "You are welcome!\n\nWhich order?"]


async def test_words_of_no_use_are_forgiven_once_and_then_a_person_is_called() -> None:
    world = World()
    said = await world.say_all("refund, please", "gibberish")
    assert said[-1] == "It looks like KF-1."
    assert (await world.say("gibberish"))["kind"] == "escalated"
    (escalation,) = await world.log(EscalationRequested)
    assert "refund" in escalation.reason and "which" in escalation.reason
    await world.agrees()


async def test_another_intent_of_the_flow_moves_it_anywhere() -> None:
    world = World()
    await world.say("refund, please")
    assert (await world.say("it is complicated"))["kind"] == "escalated"
    assert (await world.moves())[-2:] == [("which", "handed_over", "intent:person_first"), ("handed_over", "", "end")]


async def test_whoever_asks_for_a_person_in_mid_flow_gets_one() -> None:
    world = World()
    await world.say("refund, please")
    reply = await world.say("a person, please")
    assert (reply["kind"], reply["text"]) == ("escalated", "A colleague will write to you.")
    (*_, move) = await world.log(FlowMoved)
    assert move.ended and "asked for a person" in move.escalate
    assert len(await world.log(EscalationRequested)) == 1
    assert world.actor.state is not None and world.actor.state.flow is None


@pytest.mark.parametrize("words", ["cancel that", "Never mind, thanks"])
async def test_a_flow_can_be_cancelled(words: str) -> None:
    world = World()
    await world.say("refund, please")
    assert (await world.say(words))["text"] == "Stopped."
    assert world.tools.calls == []
    assert (await world.say("how long?"))["text"] == KNOWN.text


async def test_a_timeout_shows_when_the_customer_comes_back() -> None:
    world = World()
    await world.say("refund, please")
    world.clock.now += 3_600_000
    reply = await world.say("KF-7")
    assert (reply["kind"], reply["text"]) == ("escalated", "That was long ago.")
    assert world.tools.calls == []
    assert ("which", "stale", "timeout") in await world.moves()


async def test_just_before_the_timeout_nothing_has_changed() -> None:
    world = World()
    await world.say("refund, please")
    world.clock.now += 3_598_999
    assert (await world.say("KF-7"))["text"] == "Why?"


async def test_a_flow_in_chinese() -> None:
    world = World()
    said = await world.say_all("我要退款", "多久到账？", "KF-7", "坏了")
    assert said == ["哪个订单？", "3天内到账。\n\n哪个订单？", "原因是什么？", "请稍候。\n\nKF-7已退5元。"]
    await world.agrees()


async def test_a_flow_that_was_cancelled_in_chinese() -> None:
    world = World()
    assert await world.say_all("我要退款", "算了") == ["哪个订单？", "已停止。"]


async def test_another_wish_in_mid_flow_leads_to_its_flow() -> None:
    world = World()
    await world.say("refund, please")
    assert (await world.say("greet me"))["text"] == "v1: your name?"
    assert ("which", "", "switch:greet") in await world.moves()
    assert world.actor.state is not None and world.actor.state.flow is not None
    assert world.actor.state.flow.flow == "greet"
    await world.agrees()


async def test_two_flows_one_after_the_other_do_not_share_slots() -> None:
    world = World()
    await world.say_all("refund KF-7, please", "cancel that")
    assert (await world.say("refund, please"))["text"] == "Which order?"


# --- Tools -----------------------------------------------------------------------------------------------


async def test_a_tool_that_fails_takes_the_flows_way_of_failure() -> None:
    world = World(lookup=ToolOutcome("failed", '{"error":"http_500","detail":"broken"}'))
    reply = await world.say("refund KF-7, please")
    assert (reply["kind"], reply["text"]) == ("escalated", "Our shop is down.")
    (escalation,) = await world.log(EscalationRequested)
    assert escalation.reason == "flow refund: the shop is down"


async def test_a_tool_that_is_not_declared_any_more_fails_without_a_claim() -> None:
    world = World()
    del world.rules.tools["lookup"]
    assert (await world.say("refund KF-7, please"))["kind"] == "escalated"
    assert world.tools.calls == [] and await world.log(ToolClaimed) == []
    (returned,) = await world.log(ToolReturned)
    assert json.loads(returned.result)["error"] == "unknown_tool"


async def test_an_outcome_that_nobody_knows_is_no_failure_and_a_persons_matter() -> None:
    """The flow has a way for failures; it would tell the customer that nothing happened."""
    world = World(pay=ToolOutcome("unknown", "{}"))
    reply = [await world.say(text) for text in ("refund KF-7, please", "Broken")][-1]
    assert reply["kind"] == "escalated"
    assert "won't try it twice" in reply["text"]
    (escalation,) = await world.log(EscalationRequested)
    assert "what became of pay is unknown" in escalation.reason
    assert world.actor.state is not None and world.actor.state.flow is None
    await world.agrees()


CONFIRM = {"en": "Pay it back?", "zh": "确认退款吗？"}


async def test_a_call_that_needs_a_yes_waits_for_it_inside_the_flow() -> None:
    world = World(confirm=CONFIRM)
    await world.say("refund KF-7, please")
    reply = await world.say("Broken")
    assert (reply["kind"], reply["text"]) == ("confirm", "One moment.\n\nPay it back?")
    assert [o["id"] for o in reply["options"]] == ["yes", "no"]
    assert [c.name for c in world.tools.calls] == ["lookup"]
    (proposed,) = await world.log(ToolProposed)
    assert (proposed.tool, proposed.origin) == ("pay", "flow")
    await world.agrees()
    done = await world.say("yes")
    assert (done["kind"], done["text"]) == ("closed", "Paid 5 for KF-7.")
    assert [c.name for c in world.tools.calls] == ["lookup", "pay"]
    await world.agrees()


async def test_a_no_inside_the_flow_is_the_flows_matter() -> None:
    world = World(confirm=CONFIRM)
    await world.say_all("refund KF-7, please", "Broken")
    reply = await world.say("no thanks")
    assert (reply["kind"], reply["text"]) == ("closed", "Nothing was paid.")
    assert [c.name for c in world.tools.calls] == ["lookup"]
    assert [claim.tool for claim in await world.log(ToolClaimed)] == ["lookup"]
    await world.agrees()


async def test_a_question_before_the_yes_is_answered_and_the_yes_asked_for_again() -> None:
    world = World(confirm=CONFIRM)
    await world.say_all("refund KF-7, please", "Broken")
    again = await world.say("how long?")
    assert (again["kind"], again["text"]) == ("confirm", f"{KNOWN.text}\n\nPay it back?")
    assert (await world.say("Yes, go ahead"))["text"] == "Paid 5 for KF-7."
    assert [c.name for c in world.tools.calls] == ["lookup", "pay"]


async def test_a_yes_inside_a_flow_is_never_guessed() -> None:
    world = World(confirm=CONFIRM)
    await world.say_all("refund KF-7, please", "Broken", "gibberish", "maybe yes", "hm")
    assert [c.name for c in world.tools.calls] == ["lookup"]
    assert world.actor.state is not None and world.actor.state.proposal is None
    (*_, returned) = await world.log(ToolReturned)
    assert json.loads(returned.result)["error"] == "not_confirmed"


async def test_an_ok_to_being_passed_on_is_no_yes_to_the_call() -> None:
    world = World(confirm=CONFIRM)
    await world.say_all("refund KF-7, please", "Broken")
    assert (await world.say("a person, please"))["text"] == "A colleague will write to you."
    assert world.actor.state is not None and world.actor.state.flow is world.actor.state.proposal is None
    await world.say("ok")
    assert [c.name for c in world.tools.calls] == ["lookup"]
    (escalation,) = await world.log(EscalationRequested)
    assert "asked for a person" in escalation.reason
    await world.agrees()


async def test_the_same_where_a_model_has_asked() -> None:
    world = World(Says(calls=(("pay", {"n": 1}),)), route=MODEL, confirm=CONFIRM)
    assert (await world.say("pay me"))["kind"] == "confirm"
    reply = await world.say("a person, please")
    assert (reply["kind"], reply["text"]) == ("escalated", "A colleague will write to you.")
    await world.say("ok")
    assert world.tools.calls == []
    assert len(await world.log(EscalationRequested)) == 1
    await world.agrees()


async def test_a_flow_that_has_asked_itself_need_not_ask_again() -> None:
    world = World(confirm=CONFIRM)
    asked = REFUND.replace("        save: paid", '        save: paid\n        confirmed: slots.reason == "broken"')
    world.rules.put("refund", 1, asked)
    assert await world.say_all("refund KF-7, please", "Broken") == ["Why?", "One moment.\n\nPaid 5 for KF-7."]
    assert (await world.say_all("refund KF-7, please", "Unwanted"))[-1] == "One moment.\n\nPay it back?"


async def test_a_yes_in_chinese() -> None:
    world = World(confirm=CONFIRM)
    said = await world.say_all("我要退款", "KF-7", "坏了", "好的")
    assert said[-2:] == ["请稍候。\n\n确认退款吗？", "KF-7已退5元。"]


# --- Knowledge and models within a flow ------------------------------------------------------------------


async def test_an_answer_action_is_answered_from_knowledge() -> None:
    world = World()
    reply = await world.say("advise me")
    assert reply["text"] == f"Gladly.\n\n{KNOWN.text}\n\nAnything else?"
    assert [c["id"] for c in reply["citations"]] == ["faq-1"]
    other = World()
    other.answerer.known["how long?"] = answer("I don't know.", kind="unknown")
    assert (await other.say("advise me"))["text"] == "Gladly.\n\nI do not know that.\n\nAnything else?"


async def test_last_words_from_knowledge_name_their_sources_too() -> None:
    world = World()
    world.rules.put("advise", 1, TELL)
    reply = await world.say("advise me")
    assert (reply["kind"], reply["text"]) == ("closed", f"Gladly.\n\n{KNOWN.text}")
    assert [c["id"] for c in reply["citations"]] == ["faq-1"]


async def test_under_a_hybrid_route_a_model_writes_the_answer_and_is_checked() -> None:
    world = World("It takes 60 days.", "You have 30 days for it.", route=HYBRID)
    reply = await world.say("advise me")
    assert reply["text"] == "Gladly.\n\nYou have 30 days for it.\n\nAnything else?"
    assert [(c.passed, c.verdict) for c in await world.log(ReplyChecked)] == [(False, "repair"), (True, "given")]
    assert [(m.route, m.route_version, m.rule) for m in await world.log(ModelReplied)] == [
        ("careful", 5, "refunds")
    ] * 2
    assert {(s.flow, s.state) for s in world.rules.situations} == {("advise", "tell")}
    prompt = "\n".join(message.content for message in world.models.requests[0].messages)
    assert "within 30 days" in prompt and "advise: tell" in prompt
    await world.agrees()


async def test_what_a_model_wrote_in_a_flow_names_its_route_and_its_sources() -> None:
    world = World("You have 30 days for it [1].", route=HYBRID)
    reply = await world.say("advise me")
    assert (reply["kind"], reply["route"], reply["route_version"]) == ("flow", "careful", 5)
    assert [c["id"] for c in reply["citations"]] == ["faq-1"]


async def test_a_model_that_cannot_be_mended_gives_way_to_what_is_known() -> None:
    world = World("It takes 60 days.", "It takes 90 days.", route=HYBRID)
    assert (await world.say("advise me"))["text"] == f"Gladly.\n\n{KNOWN.text}\n\nAnything else?"


async def test_a_model_that_is_away_does_not_stop_the_flow() -> None:
    world = World(Says(fails="timeout"), route=HYBRID)
    assert (await world.say("advise me"))["text"] == f"Gladly.\n\n{KNOWN.text}\n\nAnything else?"


async def test_a_model_in_a_flow_may_use_tools_but_none_that_need_a_yes() -> None:
    world = World(Says(calls=(("lookup", {"number": "KF-7"}),)), "You have 30 days.", route=HYBRID, confirm=CONFIRM)
    assert "You have 30 days." in (await world.say("advise me"))["text"]
    assert [spec.name for spec in world.models.requests[0].tools] == ["lookup"]
    assert [(c.tool, c.origin) for c in await world.log(ToolClaimed)] == [("lookup", "model")]


# --- Versions --------------------------------------------------------------------------------------------


async def test_a_session_stays_on_the_version_on_which_it_began() -> None:
    world = World()
    assert (await world.say("greet me"))["text"] == "v1: your name?"
    world.rules.put("greet", 2, greet(2))
    world.actor = world.another()
    assert (await world.say("Ada"))["text"] == "v1: bye Ada"
    assert {event.version for event in await world.log(FlowMoved)} == {1}
    assert (await world.say("greet me"))["text"] == "v2: your name?"


async def test_a_session_moves_to_a_newer_version_that_says_so() -> None:
    world = World()
    await world.say("greet me")
    world.rules.put("greet", 2, greet(2, "migrate: {from: [1], states: {name: who}}", "who"))
    assert (await world.say("Ada"))["text"] == "v2: bye Ada"
    (_, moved) = await world.log(FlowMoved)
    assert moved.version == 2
    assert moved.moves[0].cause == "migrate"
    await world.agrees()


async def test_a_rule_for_other_versions_moves_nobody() -> None:
    world = World()
    await world.say("greet me")
    world.rules.put("greet", 3, greet(3, "migrate: {from: [2]}"))
    assert (await world.say("Ada"))["text"] == "v1: bye Ada"


async def test_who_migrates_asks_knowledge_and_goes_on_in_the_new_version() -> None:
    """A digression in the very turn of the move: the flow is heard twice, both times in the new version."""
    world = World()
    await world.say("refund, please")
    world.rules.put("refund", 2, REFUND.replace('en: "Which order?"', 'en: "v2: which?"') + 'migrate: {from: "*"}\n')
    assert (await world.say("how long?"))["text"] == f"{KNOWN.text}\n\nv2: which?"
    assert [event.version for event in await world.log(FlowMoved)] == [1, 2, 2]


async def test_a_flow_that_was_removed_is_finished_by_those_who_are_in_it() -> None:
    world = World()
    await world.say("greet me")
    flow = world.rules.flows.pop(("greet", 1))

    async def kept(tenant: str, id: str, version: int) -> Any:
        return flow

    world.rules.flow = kept  # type: ignore[method-assign]
    assert (await world.say("Ada"))["text"] == "v1: bye Ada"
    assert (await world.say("greet me"))["text"] == "re: greet me"


async def test_a_flow_that_cannot_be_read_any_more_is_a_persons_matter() -> None:
    world = World()
    await world.say("greet me")
    del world.rules.flows["greet", 1]
    reply = await world.say("Ada")
    assert reply["kind"] == "escalated"
    (escalation,) = await world.log(EscalationRequested)
    assert "greet" in escalation.reason and "cannot be read" in escalation.reason
    assert world.actor.state is not None and world.actor.state.flow is None
    await world.agrees()
    assert (await world.say("how long?"))["text"] == KNOWN.text


async def test_a_version_that_lost_the_sessions_state_is_a_persons_matter() -> None:
    world = World()
    await world.say("greet me")
    world.rules.put("greet", 1, greet(1, name="elsewhere"))  # a store that broke its word
    assert (await world.say("Ada"))["kind"] == "escalated"


async def test_a_newer_version_in_mid_turn_waits_for_the_next_turn() -> None:
    world = World()
    migrating = REFUND.replace("One moment.", "v2") + 'migrate: {from: "*"}\n'

    async def call(request: ToolRequest) -> ToolOutcome:
        world.rules.put("refund", 2, migrating)
        return ToolOutcome("ok", '{"total": 5}')

    world.tools.call = call  # type: ignore[method-assign]
    await world.say("refund, please")
    assert (await world.say("KF-7"))["text"] == "Why?"
    assert (await world.say("Broken"))["text"].startswith("v2")


# --- Crashes ---------------------------------------------------------------------------------------------

Prepare = Callable[[], World]


async def _at(prepare: Prepare, before: tuple[str, ...], *crashes: int, same: bool) -> World:
    """The world after `before`, about to crash at the points of these numbers, one crash after the other."""
    world = prepare()
    for number, text in enumerate(before):
        await world.say(text, f"before-{number}")
    world.probe.passed.clear()
    for crash in crashes:
        world.probe.left = crash
        with pytest.raises(Crash):
            await world.say(_LAST[prepare], "last")
        if not same:
            world.actor = world.another()
    world.probe.left = 0
    return world


def _plain() -> World:
    return World()


def _with_effects() -> World:
    return World(effects=True)


def _switched() -> World:
    return World(effects=True)


def _confirmed() -> World:
    return World(confirm=CONFIRM)


def _hybrid() -> World:
    world = World(route=HYBRID)
    world.models = Mended()
    world.actor = world.another()
    return world


_BEFORE = {
    _plain: ("refund, please", "KF-7"),
    _with_effects: ("refund, please", "KF-7"),
    _switched: ("refund, please",),
    _confirmed: ("refund, please", "KF-7", "Broken"),
    _hybrid: (),
}
_LAST = {
    _plain: "Broken", _with_effects: "Broken", _switched: "greet me", _confirmed: "yes", _hybrid: "advise me"
}  # fmt: skip


async def _points(prepare: Prepare) -> tuple[list[str], dict[str, Any]]:
    """The names of the points that the last turn passes, and its reply when nothing happens."""
    world = await _at(prepare, _BEFORE[prepare], same=True)
    reply = await world.say(_LAST[prepare], "last")
    return world.probe.passed, reply


@pytest.mark.parametrize("same", [False, True], ids=["another process", "the same actor"])
@pytest.mark.parametrize("prepare", list(_LAST))
async def test_after_a_crash_at_any_point_of_a_turn_it_ends_as_if_there_had_been_none(
    prepare: Prepare, same: bool
) -> None:
    points, expected = await _points(prepare)
    assert "after_reply_append" in points
    for n in range(1, len(points) + 1):
        world = await _at(prepare, _BEFORE[prepare], n, same=same)
        reply = await world.say(_LAST[prepare], "last")
        assert reply["text"] == expected["text"] and reply["kind"] == expected["kind"], points[n - 1]
        assert await world.say(_LAST[prepare], "last") == reply
        await _one_of_each(world, points[n - 1])


@pytest.mark.parametrize("prepare", [_plain, _confirmed])
async def test_two_crashes_in_one_turn(prepare: Prepare) -> None:
    """The second one while the first is mended."""
    points, expected = await _points(prepare)
    for first in range(1, len(points) + 1):
        for second in range(1, len(points) + 1):
            world = await _at(prepare, _BEFORE[prepare], first, same=False)
            world.probe.passed.clear()
            world.probe.left = second
            try:
                await world.say(_LAST[prepare], "last")
            except Crash:
                world.actor = world.another()
            world.probe.left = 0
            reply = await world.say(_LAST[prepare], "last")
            assert reply["text"] == expected["text"], (points[first - 1], second)
            await _one_of_each(world, f"{points[first - 1]}, then {second}")


async def _one_of_each(world: World, what: str) -> None:
    """One effect for each claim, one claim for each call, one reply for each message, and the state is the log's."""
    claims, returned = await world.log(ToolClaimed), await world.log(ToolReturned)
    keys = [claim.idempotency_key for claim in claims]
    assert sorted(world.tools.effects) == sorted(set(keys)) and len(keys) == len(set(keys)), what
    assert sorted(claim.call_id for claim in claims) == sorted(each.call_id for each in returned), what
    assert [claim.tool for claim in claims].count("pay") <= 1, what
    assert len({call.idempotency_key for call in world.tools.calls}) == len(world.tools.calls), what
    messages = [event.key for event in await world.log(UserMessageReceived)]
    assert len(messages) == len(set(messages)), what
    await world.agrees()


async def test_a_crash_in_mid_flow_is_mended_when_the_next_message_comes() -> None:
    """The customer does not retry but writes something else: the open turn is ended first, then that is heard."""
    world = World()
    await world.say_all("refund, please", "KF-7")
    world.probe.passed.clear()
    points, _ = await _points(_plain)
    world.probe.left = points.index("before_tool") + 1
    with pytest.raises(Crash):
        await world.say("Broken", "cut off")
    world.probe.left = 0
    world.actor = world.another()
    assert (await world.say("how long?", "next"))["text"] == KNOWN.text
    assert (await world.say("Broken", "cut off"))["text"] == "One moment.\n\nPaid 5 for KF-7."
    assert list(world.tools.effects.values()) == ["lookup", "pay"]


async def test_rules_that_changed_while_a_turn_was_cut_off_do_not_move_it() -> None:
    """The turn goes on, on its version, with what was recorded; the newer version is for the turn after it."""
    world = World()
    await world.say_all("refund, please", "KF-7")
    points, _ = await _points(_plain)
    world.probe.left = points.index("before_tool") + 1
    with pytest.raises(Crash):
        await world.say("Broken", "cut off")
    world.probe.left = 0
    world.rules.put("refund", 2, REFUND.replace("Paid", "v2 paid") + 'migrate: {from: "*"}\n')
    world.actor = world.another()
    assert (await world.say("Broken", "cut off"))["text"] == "One moment.\n\nPaid 5 for KF-7."
