"""What the machine does with a position and an input."""

# ruff: noqa: E501 - flows in a line

from __future__ import annotations

import time
from typing import Any

import pytest
from driving import MINUTE, T0, Knows, Talk, Tools, knows, knows_nothing, move, shipped

from flows.definition import Flow
from flows.machine import (
    IN_CIRCLES,
    MOST_NEEDS,
    Call,
    Consult,
    Consulted,
    Outcome,
    Position,
    Returned,
    Said,
    advance,
    begin,
    migrate,
)
from flows.reading import read

SLOTS = """
  name: {type: text, ask: "Your name?"}
  mail: {type: email, ask: "Your mail?", retry: "A mail address, please."}
  colour: {type: choice, ask: "Colour?", choices: {red: [Red, crimson], blue: Blue}}
  sure: {type: yes_no, ask: "Sure?"}
  size: {type: number, ask: "Size?", check: value > 0 and value < 10, error: "Size {{ value }} does not exist."}
"""


def flow(states: str, more: str = "", start: str = "a") -> Flow:
    """A flow of one language with these states, the slots above, and the intents hello and other."""
    indented = "\n".join(f"  {line}" for line in states.strip("\n").split("\n"))
    used = "" if "anywhere" in more else "anywhere:\n  - {on: intent other, to: z}\n"
    return read(
        f"flow: test\nstart: {{state: {start}, intents: [hello]}}\nintents: {{hello: [hi], other: [something else]}}\n"
        f"slots:{SLOTS}{used}{more}states:\n{indented}\n  z: {{do: [{{close: Other}}]}}\n"
    )


def talk(states: str, more: str = "", tools: Tools | None = None, knowledge: Knows = knows_nothing) -> Talk:
    return Talk(flow(states, more), "en", tools, knowledge)


ok = Returned(True, {"total": 5})
failed = Returned(False, {"error": "not_found", "detail": "no"})

# --- Actions and automatic transitions -------------------------------------------------------------------


def test_actions_run_in_order_and_moves_are_told() -> None:
    t = talk("""
a: {do: [{reply: One}, {reply: Two}], next: [{on: always, to: b}]}
b: {do: [{ask: name}], next: [{on: always, to: c}]}
c: {do: [{close: "Bye {{ slots.name }}"}]}
""").start("hi")
    assert t.said == ("One", "Two", "Your name?") and t.moves == (move("", "a", "start"), move("a", "b", "always"))
    assert t.outcome.position == Position("test", 1, "b", {}, T0, 0, "slot:name", 0)
    t.say("Ann")
    assert t.said == ("Bye Ann",) and t.moves == (move("b", "c", "always"), move("c", "", "end"))
    assert t.outcome == Outcome(None, t.moves, ("Bye Ann",), closed=True)


def test_the_first_transition_that_lets_through_is_taken() -> None:
    states = """
a:
  do: [{ask: size}]
  next:
    - {on: always, if: slots.size > 5, to: big}
    - {on: slot size, if: slots.size == 5, to: five}
    - {on: always, to: small}
big: {do: [close]}
five: {do: [close]}
small: {do: [close]}
"""
    for said, state, cause in (("7", "big", "always"), ("5", "five", "slot:size"), ("2", "small", "always")):
        assert talk(states).start("hi").say(said).moves[0] == move("a", state, cause)


def test_a_result_is_saved_and_ok_and_failed_are_told_apart() -> None:
    states = """
a: {do: [{call: find, with: {n: "{{ 1 + 1 }}", t: "x{{ intent }}"}, save: found}, {reply: Done}],
    next: [{on: ok, if: found.total == 5, to: b}, {on: ok, to: z}, {on: failed, if: found.error == "not_found", to: c}, {on: failed, to: z}]}
b: {do: [{close: "{{ found.total }}"}]}
c: {do: [{close: Sorry}]}
"""
    good = talk(states, tools=lambda *_: ok).start("hi")
    assert good.calls == [("find", {"n": 2, "t": "xhello"})] and good.said == ("Done", "5")
    bad = talk(states, tools=lambda *_: failed).start("hi")
    assert bad.said == ("Sorry",) and "failed" in bad.causes  # "Done" is not said: a failure ends the actions


def test_a_failure_that_no_condition_takes_leads_to_a_person() -> None:
    found = flow("a: {do: [{call: find}], next: [{on: failed, to: z}, {on: ok, to: z}]}")
    guarded = found.states["a"].next[0]
    import msgspec

    from flows.expressions import parse

    broken = msgspec.structs.replace(guarded, guard=parse("false and intent"))
    state = msgspec.structs.replace(found.states["a"], next=(broken,))
    t = Talk(msgspec.structs.replace(found, states={**found.states, "a": state}), tools=lambda *_: failed).start("hi")
    assert t.outcome.escalate == "find failed in state a"


def test_a_filled_slot_is_not_asked_again_unless_again() -> None:
    states = """
a: {do: [{ask: mail}], next: [{on: always, to: b}]}
b: {do: [{ask: mail}], next: [{on: always, to: c}]}
c: {do: [{ask: mail, again: true, text: "Again?"}], next: [{on: always, to: z}]}
"""
    t = talk(states).start("hi, I am ann@example.com")
    assert t.said == ("Again?",) and t.state == "c" and t.slots == {}


def test_all_clearly_meant_slots_are_filled_at_once() -> None:
    states = "a: {do: [{ask: name}, {ask: mail}, {ask: colour}, {ask: sure}], next: [{on: always, to: z}]}"
    t = talk(states).start("a crimson one for ann@example.com please")
    assert t.slots == {"mail": "ann@example.com", "colour": "red"} and t.said == ("Your name?",)
    assert t.say("Ann").said == ("Sure?",) and t.options == ("Yes", "No")


def test_an_utterance_that_fills_another_slot_is_progress_but_the_question_stays() -> None:
    t = talk("a: {do: [{ask: mail}, {ask: colour}], next: [{on: always, to: z}]}").start("hi").say("blue")
    assert t.said == ("Your mail?",) and t.slots == {"colour": "blue"} and not t.consulted
    assert t.outcome.position and t.outcome.position.misses == 0


# --- What does not help ----------------------------------------------------------------------------------

ASKS = "a: {do: [{ask: mail}], next: [{on: intent hello, to: b}, {on: always, to: z}]}\nb: {do: [{close: Hello}]}"


def test_what_does_not_help_is_taken_to_knowledge_first() -> None:
    found = flow(ASKS)
    start = begin(found, 1, "x", T0, "en")
    assert start.position
    outcome = advance(found, start.position, Said("why"), T0, "en")
    assert outcome == Outcome(start.position, need=Consult("why"))


def test_a_recognised_wish_comes_before_an_answer() -> None:
    t = talk(ASKS, knowledge=lambda text: Consulted(text, "hello", "An answer", True)).start("x").say("hullo")
    assert t.said == ("Hello",) and t.moves[0] == move("a", "b", "intent:hello")


def test_a_wish_that_the_flow_does_not_know_is_none() -> None:
    t = talk(ASKS, knowledge=lambda text: Consulted(text, "order_pizza", "", False)).start("x").say("pizza")
    assert t.state == "a" and t.said == ("A mail address, please.",)


def test_a_sure_answer_is_given_and_the_question_repeated_without_counting() -> None:
    t = talk(ASKS, knowledge=knows({"free?": "Yes, free."})).start("x")
    for _ in range(5):
        assert t.say("free?").said == ("Yes, free.", "Your mail?")
    assert t.outcome.position and t.outcome.position.misses == 0


def test_useless_utterances_are_counted_and_a_useful_one_forgives_them() -> None:
    t = talk("a: {do: [{ask: mail}, {ask: name}, {ask: colour}], next: [{on: always, to: z}]}").start("x")
    assert t.say("hm hm").said == ("A mail address, please.",) and t.outcome.position and t.outcome.position.misses == 1
    assert t.say("a@b.de").awaiting == "slot:name" and t.outcome.position and t.outcome.position.misses == 0
    t.say("Ann")
    assert t.say("yellow").said == ("Sorry, I did not get that.", "Colour?") and t.options == ("Red", "Blue")
    assert t.say("green").outcome.escalate == "no useful answer after 2 tries in state a"


def test_misses_may_lead_to_a_state() -> None:
    more = "max_misses: 1\non_misses: lost\n"
    t = talk(ASKS + "\nlost: {do: [{close: Lost}]}", more).start("x").say("hm")
    assert t.said == ("Lost",) and t.moves[0] == move("a", "lost", "misses")


def test_a_question_is_consulted_before_words_in_it_fill_a_slot() -> None:
    states = "a: {do: [{ask: colour}], next: [{on: always, to: z}]}"
    t = talk(states, knowledge=knows({"is the red one warm?": "Very."})).start("x")
    assert t.say("is the red one warm?").said == ("Very.", "Colour?") and t.slots == {}
    assert t.say("can I have the red one?").said == ("Other",)  # nothing was known: then it was the answer


def test_a_text_slot_takes_no_question_that_knowledge_can_answer() -> None:
    states = 'a: {do: [{ask: name}], next: [{on: always, to: b}]}\nb: {do: [{close: "{{ slots.name }}"}]}'
    t = talk(states, knowledge=knows({"why do you ask?": "For the parcel."})).start("x")
    assert t.say("why do you ask?").said == ("For the parcel.", "Your name?")
    assert t.say("Who?").said == ("Who?",)


def test_a_value_that_fails_its_check_is_said_so() -> None:
    t = talk("a: {do: [{ask: size}], next: [{on: always, to: z}]}").start("x").say("12")
    assert t.said == ("Size 12 does not exist.",) and t.awaiting == "slot:size" and not t.consulted
    assert t.outcome.position and t.outcome.position.misses == 1
    assert t.say("3").said == ("Other",)


def test_a_correction_leads_where_the_flow_says() -> None:
    states = """
a: {do: [{ask: mail}], next: [{on: always, to: b}]}
b: {do: [{reply: "Mail {{ slots.mail }}"}, {ask: sure, again: true}], next: [{on: always, to: z}]}
"""
    more = "anywhere: [{on: intent other, to: z}, {on: changed mail, to: b}]\n"
    t = talk(states, more).start("a@b.de").say("no, c@d.de")
    assert t.said == ("Mail c@d.de", "Sure?") and t.moves == (move("b", "b", "slot:mail"),)
    assert talk(states).start("a@b.de").say("c@d.de instead").slots["mail"] == "a@b.de"  # not without a transition


def test_waiting_without_a_question() -> None:
    states = """
a: {do: [{reply: Go on}], next: [{on: intent hello, to: b}, {on: slot mail, to: c}]}
b: {do: [{close: Hello}]}
c: {do: [{close: Mail}]}
"""
    assert talk(states).start("x").awaiting == ""
    assert talk(states).start("x").say("a@b.de").said == ("Mail",)
    assert talk(states, knowledge=knows({}, {"hullo": "hello"})).start("x").say("hullo").said == ("Hello",)
    t = talk(states).start("x").say("hm")
    assert t.said == ("Sorry, I did not get that.",) and t.state == "a"


# --- Ending at any time ----------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["never mind", "Never mind!", "ok, forget it", "算了"])
def test_cancel_words_end_the_flow(word: str) -> None:
    t = talk(ASKS).start("x").say(word)
    assert t.outcome.position is None and not t.outcome.closed and not t.outcome.escalate and len(t.said) == 1
    assert t.moves == (move("a", "", "end"),)


def test_own_cancel_words_and_intents() -> None:
    more = 'cancel: {phrases: [no pizza], intents: [other], text: "Fine, {{ slots.name }}."}\nanywhere: [{on: intent hello, to: z}]\n'
    assert talk(ASKS, more).start("x").say("no pizza please").said == ("Fine, .",)
    assert talk(ASKS, more, knowledge=knows({}, {"no": "other"})).start("x").say("no").said == ("Fine, .",)


def test_a_no_that_also_means_never_mind_answers_the_question() -> None:
    states = "a: {do: [{ask: sure}], next: [{on: always, if: slots.sure == false, to: b}, {on: always, to: z}]}\nb: {do: [{close: No}]}"
    assert talk(states).start("x").say("不用了").said == ("No",)


# --- Timeouts --------------------------------------------------------------------------------------------

LATE = """
a: {do: [{ask: mail}], next: [{on: timeout after 30m, to: b}, {on: always, to: z}]}
b: {do: [{reply: Still there}, {ask: mail}], next: [{on: always, to: c}]}
c: {do: [{close: "{{ slots.mail }}"}]}
"""


def test_a_timeout_is_noticed_with_the_next_word() -> None:
    assert talk(LATE).start("x").say("a@b.de", after_ms=30 * MINUTE - 1).said == ("Other",)
    t = talk(LATE).start("x").say("hm", after_ms=30 * MINUTE)
    assert t.said == ("Still there", "Your mail?") and t.moves == (move("a", "b", "timeout"),)
    assert talk(LATE).start("x").say("a@b.de", after_ms=45 * MINUTE).said == ("Still there", "a@b.de")


def test_a_question_that_comes_late_is_answered_all_the_same() -> None:
    t = talk(LATE, knowledge=knows({"is it free?": "Yes."})).start("x").say("is it free?", after_ms=45 * MINUTE)
    assert t.said == ("Still there", "Your mail?", "Yes.", "Your mail?")


# --- Answers from knowledge ------------------------------------------------------------------------------


def test_a_flow_answers_its_own_question_or_says_otherwise() -> None:
    states = "a: {do: [{answer: How long?, otherwise: No idea}], next: [{on: ok, to: b}, {on: failed, to: z}]}\nb: {do: [{close: Good}]}"
    assert talk(states, knowledge=knows({"How long?": "A day."})).start("x").said == ("A day.", "Good")
    assert talk(states).start("x").said == ("No idea", "Other")


def test_a_flow_answers_the_utterance_also_after_a_call() -> None:
    states = "a: {do: [{call: find}, {answer: utterance}, {reply: On}], next: [{on: failed, to: z}, {on: ok, to: z}]}"
    t = talk(states, tools=lambda *_: ok, knowledge=knows({"my words": "Yours."})).start("my words")
    assert t.consulted == ["my words"] and t.said == ("Yours.", "On", "Other")


# --- Circles ---------------------------------------------------------------------------------------------


def test_a_call_that_is_repeated_for_ever_is_stopped() -> None:
    again = read(
        "flow: f\nstart: {state: a, intents: [x]}\nintents: {x: [hi]}\nstates:\n"
        "  a: {do: [{call: find}], next: [{on: failed, to: a}, {on: ok, to: b}]}\n  b: {do: [close]}\n"
    )
    stuck = Talk(again, tools=lambda *_: failed).start("hi")
    assert stuck.outcome.escalate == IN_CIRCLES and len(stuck.calls) == MOST_NEEDS


def test_conditions_that_chase_each_other_are_stopped() -> None:
    chase = flow("""
a: {do: [{ask: size}], next: [{on: always, to: b}]}
b: {next: [{on: always, if: slots.size == 1, to: c}, {on: always, to: z}]}
c: {next: [{on: always, if: slots.size == 1, to: b}, {on: always, to: z}]}
""")
    t = Talk(chase).start("x").say("1")
    assert t.outcome.escalate == IN_CIRCLES and t.outcome.position is None and len(t.moves) == 33
    assert Talk(chase).start("x").say("2").outcome.closed


# --- Inputs that do not fit ------------------------------------------------------------------------------


def test_a_word_while_a_call_is_out_is_a_failure_and_never_a_second_call() -> None:
    found = flow("a: {do: [{call: find, save: f}], next: [{on: ok, to: b}, {on: failed, to: z}]}\nb: {do: [close]}")
    out = begin(found, 1, "x", T0, "en")
    assert out.position and out.position.awaiting == "call" and isinstance(out.need, Call)
    assert advance(found, out.position, Said("hello?"), T0, "en").said == ("Other",)
    stale = advance(found, out.position, Consulted("hello?", "hello", "hi", True), T0, "en")
    assert stale.position == out.position and not stale.said and stale.need is None


def test_a_result_that_nobody_waits_for_changes_nothing() -> None:
    out = begin(flow(ASKS), 1, "x", T0, "en")
    assert out.position and advance(flow(ASKS), out.position, ok, T0, "en") == Outcome(out.position)


POSITIONS: list[Position] = [
    Position("test", 1, "gone"), Position("test", 1, "a", {}, 0, 7), Position("test", 1, "a", {}, 0, -1), Position("test", 1, ""),
    Position("test", 1, "a", {}, 0, 0, "slot:gone"), Position("test", 1, "a", {}, 0, 1, "slot:mail"), Position("test", 1, "a", {}, 0, 0, "call"),
    Position("test", 1, "a", {}, 0, 0, "answer"), Position("test", 1, "a", {}, 0, 0, "what?"), Position("test", 1, "b", {}, 0, 0, "slot:mail"),
]  # fmt: skip


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("given", [Said("x"), Consulted("x", "hello", "y", True), ok])
def test_a_position_that_the_flow_does_not_have_leads_to_a_person(position: Position, given: Any) -> None:
    outcome = advance(flow(ASKS), position, given, T0, "en")
    assert outcome.position is None and outcome.escalate and outcome.moves[-1].cause == "end"


def test_what_a_tool_returns_stays_json() -> None:
    import json

    result = {
        "n": float("nan"),
        "big": 2**80,
        "text": "\ud800",
        "deep": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],
        "odd": {1: object()},
    }
    found = flow("""
a: {do: [{call: find, save: f}], next: [{on: always, to: b}]}
b: {do: [{ask: name}], next: [{on: always, to: z}]}
""")
    t = Talk(found, tools=lambda *_: Returned(True, result)).start("x")
    assert json.loads(json.dumps(t.slots["f"], allow_nan=False))["big"] == str(2**80)
    t = Talk(found, tools=lambda *_: Returned(True, "x" * 40_000)).start("x")
    assert t.slots["f"]["error"] == "result_too_large"


def test_languages() -> None:
    refund = shipped("refund")
    for language, words in (
        ("en", "Which order"),
        ("zh", "请问是哪个订单"),
        ("zh-CN", "请问是哪个订单"),
        ("fr", "Which order"),
        ("", "Which"),
    ):
        assert words in begin(refund, 1, "x", T0, language).said[0]


# --- Migration -------------------------------------------------------------------------------------------


def test_without_a_rule_a_session_stays_pinned() -> None:
    assert migrate(flow(ASKS), 2, Position("test", 1, "a", {}, T0, 0, "slot:mail")) is None


@pytest.mark.parametrize("rule, moves_on", [('"*"', True), ("[1, 2]", True), ("[2, 3]", False), ("1", True)])
def test_a_rule_names_the_versions_that_move_on(rule: str, moves_on: bool) -> None:
    found = flow(ASKS, f"migrate: {{from: {rule}, states: {{old: a}}}}\n")
    moved = migrate(found, 5, Position("test", 1, "old", {"name": "Ann"}, T0, 3, "slot:mail", 1))
    assert moved == (Position("test", 5, "a", {"name": "Ann"}, T0, 0, "slot:mail", 1) if moves_on else None)


def test_no_way_back_no_unknown_state_and_none_in_the_middle_of_a_call() -> None:
    found = flow(ASKS, 'migrate: {from: "*"}\n')
    assert migrate(found, 5, Position("test", 5, "a")) is None and migrate(found, 5, Position("test", 6, "a")) is None
    assert migrate(found, 5, Position("test", 1, "gone")) is None
    assert migrate(found, 5, Position("test", 1, "a", {}, T0, 0, "call")) is None


def test_a_question_that_is_not_asked_there_any_more_begins_the_state_anew() -> None:
    found = flow(ASKS, 'migrate: [{from: [9]}, {from: "*"}]\n')
    moved = migrate(found, 5, Position("test", 1, "a", {}, T0, 1, "slot:name"))
    assert moved == Position("test", 5, "a", {}, T0, 0, "")
    assert advance(found, moved, Said("hm"), T0, "en").said == ("Your mail?",)
    assert advance(found, moved, Said("a@b.de"), T0, "en").said == ("Other",)
    asked = advance(found, moved, Said("is it free?"), T0, "en")
    assert asked.said == ("Your mail?",) and asked.need == Consult("is it free?")


def test_a_state_that_does_not_wait_any_more_goes_on_with_the_next_word() -> None:
    found = flow("a: {do: [{reply: Hi}], next: [{on: always, to: z}]}", 'migrate: {from: "*"}\n')
    moved = migrate(found, 2, Position("test", 1, "a", {}, T0, 1, ""))
    assert moved and advance(found, moved, Said("hm"), T0, "en").said == ("Other",)


def test_an_advance_is_quick() -> None:
    refund = shipped("refund")
    out = begin(refund, 1, "return order KF-20417, it is broken", T0, "en")
    assert out.position
    begun = time.process_time()
    for _ in range(200):
        begin(refund, 1, "return order KF-20417, it is broken", T0, "en")
        advance(refund, out.position, Returned(True, {"refundable": True, "total": 5}), T0, "en")
    assert (time.process_time() - begun) / 400 < 500e-6
