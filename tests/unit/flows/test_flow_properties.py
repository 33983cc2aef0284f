"""Random customers, tools and positions: the machine never raises, always stops, and stays JSON."""

# ruff: noqa: E501 - tables of short examples

from __future__ import annotations

import json
from typing import Any

import pytest
from driving import SHIPPED, T0, order, shipped
from hypothesis import given, settings
from hypothesis import strategies as st
from test_flow_reading import RIGHT

from flows.machine import Call, Consult, Consulted, Input, Outcome, Position, Returned, Said, advance, begin, migrate
from flows.mermaid import mermaid
from flows.reading import read

FLOWS = [shipped(path.stem) for path in SHIPPED.glob("*.yaml")] + [read(RIGHT)]
INTENTS = sorted({name for flow in FLOWS for name in flow.intents})

words = st.sampled_from(
    ["KF-20417", "KF-99999", "20417", "P1234", "yes", "no", "好的", "不用了", "never mind", "算了", "broken", "坏了", "changed my mind", "a@b.de",
     "made out to Jane", "抬头写枫月公司", "is it free?", "多久到账", "昨天", "2", "the second one", "it is late", "hm", "客", "\ud800", "\x00", "{{ slots }}",
     "x" * 1200, "😀", "第一个"],
)  # fmt: skip
utterances = st.lists(words, min_size=1, max_size=4).map(" ".join) | st.text(max_size=30)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "status", "total", "eta", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)
statuses = st.sampled_from(["processing", "shipped", "delivered", "cancelled", "odd"])
results = jsons | st.builds(
    lambda status, refundable: order(status=status, refundable=refundable), statuses, st.booleans()
)
consulted = st.builds(
    Consulted, utterances, st.sampled_from(["", "unheard_of", *INTENTS]), st.text(max_size=10), st.booleans()
)
returned = st.builds(
    Returned, st.booleans(), results | st.sampled_from([{"error": "not_found"}, {"error": "declined"}])
)
said = st.builds(Said, utterances)
languages = st.sampled_from(["en", "zh", "fr", ""])
waits = st.sampled_from([0, 1000, 3_600_000, 90_000_000])


def right(outcome: Outcome, before: Position | None) -> None:
    """What holds of every outcome."""
    at = outcome.position
    if at is None:
        assert outcome.need is None and outcome.moves[-1].to_state == "" and not outcome.options
        assert not (outcome.escalate and outcome.closed)
    else:
        assert not outcome.escalate and not outcome.closed and len(outcome.moves) <= 32
        json.dumps(at.slots, allow_nan=False).encode()
        assert (at.awaiting in ("answer", "call")) <= (outcome.need is not None or at == before)
        assert (at.awaiting == "call") == isinstance(outcome.need, Call) or at == before
    if isinstance(outcome.need, Call):
        json.dumps(outcome.need.arguments, allow_nan=False).encode()
    assert all(text for text in outcome.said)
    for one, next_one in zip(outcome.moves, outcome.moves[1:], strict=False):
        assert one.to_state == next_one.from_state
    if outcome.moves and before is not None:
        assert outcome.moves[0].from_state in (before.state, "")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_conversation_stops_and_ends_well(data: st.DataObject) -> None:
    flow = data.draw(st.sampled_from(FLOWS))
    at_ms = T0
    outcome = begin(flow, 1, data.draw(utterances), at_ms, data.draw(languages))
    right(outcome, None)
    for _ in range(data.draw(st.integers(1, 12))):
        at = outcome.position
        if at is None:
            return
        for _ in range(60):  # what it needs within one turn is bounded
            if outcome.need is None or outcome.position is None:
                break
            before = outcome.position
            given: Input = data.draw(consulted if isinstance(outcome.need, Consult) else returned)
            outcome = advance(flow, before, given, at_ms, data.draw(languages))
            right(outcome, before)
        else:
            raise AssertionError("it wants something for ever")
        if outcome.position is None:
            return
        before, at_ms = outcome.position, at_ms + data.draw(waits)
        outcome = advance(flow, before, data.draw(said | consulted | returned), at_ms, data.draw(languages))
        right(outcome, before)


states = st.sampled_from(["", "gone", *{name for flow in FLOWS for name in flow.states}])
awaitings = st.sampled_from(
    ["", "call", "answer", "slot:", "slot:gone", "odd", *{f"slot:{name}" for flow in FLOWS for name in flow.slots}]
)
names = st.sampled_from(["gone", "_needs", "_said", "order", *{name for flow in FLOWS for name in flow.slots}])
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
positions = st.builds(
    Position, st.sampled_from(["refund", "other"]), st.integers(0, 9), states, st.dictionaries(names, plain_json, max_size=4),
    st.integers(-(2**40), 2**41), st.integers(-2, 6), awaitings, st.integers(-1, 5),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FLOWS), positions, said | consulted | returned, st.integers(-(2**41), 2**41), languages)
def test_any_position_and_any_input(flow: Any, position: Position, given: Input, at_ms: int, language: str) -> None:
    right(advance(flow, position, given, at_ms, language), position)
    moved = migrate(flow, 9, position)
    if moved is not None:
        right(advance(flow, moved, given, at_ms, language), moved)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.id)
def test_the_same_input_gives_the_same_outcome_and_leaves_the_position_alone(flow: Any) -> None:
    start = begin(flow, 1, "KF-20417 P1234 broken late", T0, "en")
    assert start == begin(flow, 1, "KF-20417 P1234 broken late", T0, "en") and start.position
    kept = json.dumps(start.position.slots)
    first = advance(flow, start.position, Returned(True, order()), T0, "en")
    assert first == advance(flow, start.position, Returned(True, order()), T0, "en")
    assert json.dumps(start.position.slots) == kept


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.id)
def test_a_drawing_is_made_of_harmless_lines(flow: Any) -> None:
    import re

    head, *lines = mermaid(flow).rstrip("\n").split("\n")
    assert head == "stateDiagram-v2"
    text = r"(?:[^\x00-\x7f]|[A-Za-z0-9 _.,'/+*!()\-]|#\d+;)+"
    node = r"(?:s_[a-z0-9_]+|anywhere|\[\*\])"
    form = re.compile(rf'    (?:{node} --> {node}(?: : {text})?|state "{text}" as {node}|{node} : {text})')
    assert [line for line in lines if not form.fullmatch(line)] == []
    for state in flow.states.values():
        assert f'    state "{state.name}" as s_{state.name}' in lines
        for way in state.next:
            assert any(line.startswith(f"    s_{state.name} --> s_{way.to} : ") for line in lines)


def test_a_drawing_escapes_what_mermaid_would_read() -> None:
    hostile = RIGHT.replace("nobody knows", "'; --> [*] : \"x\" <script>%%{init}%%\n\n      end note'")
    drawn = mermaid(read(hostile))
    assert "<script>" not in drawn and '"x"' not in drawn and "%%" not in drawn
    assert "    s_person : escalate, #59; --#62; #91;*#93; #58; #34;x#34; #60;script#62;#37;#37;#123;init#125;" in drawn
