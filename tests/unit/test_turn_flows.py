"""Flows in a session: questions, digressions, tools, a customer's yes, models, and what ends a flow."""

from __future__ import annotations

import json

import pytest
from flow_world import CONFIRM, HYBRID, KNOWN, MODEL, REFUND, TELL, World
from kit.given import answer
from kit.turns import Says

from actors import running
from schemas.events_pb2 import (
    EscalationRequested,
    FlowMoved,
    KnowledgeConsulted,
    ModelReplied,
    ReplyChecked,
    ToolClaimed,
    ToolProposed,
    ToolReturned,
)
from schemas.tools import ToolOutcome, ToolRequest

pytestmark = pytest.mark.timeout(30)

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
    assert world.actor.state is not None
    assert (world.actor.state.flow, world.actor.state.proposal) == (None, None)
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


async def test_a_turn_without_end_is_given_to_a_person_and_leaves_the_session_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "_MAX_STEPS", 2)
    world = World()
    reply = await world.say("refund KF-7, please")
    assert reply["kind"] == "escalated"
    (escalation,) = await world.log(EscalationRequested)
    assert "2 steps" in escalation.reason
    await world.agrees()
    monkeypatch.undo()
    await world.say("never mind")
    assert (await world.say("how long?"))["text"] == KNOWN.text
