"""given(events).when(command).then(events): decide and evolve read as a specification."""

from __future__ import annotations

import pytest

from actors.session import Command, decide
from actors.state import KnownKey, State, fingerprint, fold, key_digest
from events.codec import Event
from schemas import events_pb2 as pb
from schemas.answers import Answer, Citation, Option

T0 = 1_760_000_000_000  # milliseconds since 1970: the moment at which tests take place


def given(*events: Event) -> Given:
    return Given(events)


class Given:
    def __init__(self, events: tuple[Event, ...]) -> None:
        self._events = events

    def when(self, command: Command) -> When:
        return When(fold(self._events), command)

    @property
    def state(self) -> State:
        return fold(self._events)


class When:
    def __init__(self, state: State, command: Command) -> None:
        self._state = state
        self._command = command

    def then(self, *expected: Event) -> None:
        assert list(decide(self._state, self._command)) == list(expected)

    def then_nothing(self) -> None:
        assert decide(self._state, self._command) == ()

    def then_raises(self, error: type[Exception], match: str = "") -> None:
        with pytest.raises(error, match=match or None):
            decide(self._state, self._command)


def started(tenant: str = "acme", external_id: str = "s1", at_ms: int = T0) -> pb.SessionStarted:
    return pb.SessionStarted(tenant=tenant, external_id=external_id, at_ms=at_ms)


def received(key: str, text: str = "hello", at_ms: int = T0) -> pb.UserMessageReceived:
    return pb.UserMessageReceived(key=key, fingerprint=fingerprint(text), text=text, at_ms=at_ms)


def replied(key: str, text: str = "hi", turn: int = 1, at_ms: int = T0, **more: object) -> pb.BotReplied:
    """What `decide` makes of `answer(text)`."""
    fields: dict[str, object] = {
        "kind": pb.ANSWER, "language": "en", "confidence": 0.75, "knowledge_version": 7, "model": "m",
        "route": "extractive", **more,
    }  # fmt: skip
    return pb.BotReplied(key=key, turn=turn, text=text, at_ms=at_ms, **fields)  # type: ignore[arg-type]


def answer(text: str = "hi", **more: object) -> Answer:
    fields: dict[str, object] = {
        "kind": "answer", "language": "en", "confidence": 0.75, "knowledge_version": 7, "model": "m", **more,
    }  # fmt: skip
    return Answer(text=text, **fields)  # type: ignore[arg-type]


RICH_ANSWER = answer(
    "两项之一", kind="clarify", language="zh", confidence=1 / 3, offer_person=True, answer_us=1234,
    citations=(Citation("faq-1", 3, "退货", "七天内"),),
    options=(Option("a", "Return an order"), Option("b", "换货")), route="refunds", route_version=12,
)  # fmt: skip

# One of each event between a message and its reply, every field set.
EVERY_FACT: tuple[Event, ...] = (
    pb.GuardrailTriggered(
        key="k-1", place="input", rule="personal_data_card", excerpt="•••• 1111", action="flag", at_ms=T0 + 1
    ),
    pb.KnowledgeConsulted(
        key="k-1", question="wo ist mein Päckchen?", intent="order_status", intent_confidence=0.9,
        answer=pb.BotReplied(kind=pb.ANSWER, text="Open My Orders.", language="en", confidence=0.5),
        passages=[pb.GroundingPassage(id="faq-1", revision=3, title="Tracking", text="Open My Orders.")],
        at_ms=T0 + 1, for_flow=True,
    ),
    pb.FlowMoved(
        key="k-1", flow="order_status", version=2, state="look_up", slots='{"number":"KF-20417"}',
        entered_at_ms=T0 + 1, step=1, awaiting="call", misses=1,
        moves=[pb.FlowMove(from_state="ask", to_state="look_up", cause="slot:number")],
        said=["一会儿"], options=["DHL"], ended=True, escalate="why", closed=True, at_ms=T0 + 1, consult="eta?",
        call_tool="order_lookup", call_arguments='{"number":"KF-20417"}',
        call_confirmed=True,
    ),
    pb.ModelReplied(
        key="k-1", route="refunds", route_version=12, rule="refunds are hybrid", provider="cloud", model="gpt-x",
        text="您的包裹", calls=[pb.RequestedCall(id="c-1", name="order_lookup", arguments="{}")], finish_reason="stop",
        input_tokens=812, output_tokens=31, cost=0.00125, first_token_us=210_000, took_us=900_000,
        attempts=[pb.ModelAttempt(provider="near", model="m", error="timeout", took_us=5)], shadow=True,
        prompt_hash=b"0123456789abcdef", repair=True, at_ms=T0 + 1, tools_version=3, usage_estimated=True,
    ),
    pb.ReplyChecked(
        key="k-1", passed=True, findings=[pb.CheckFinding(rule="ungrounded_amount", excerpt="€99")], verdict="repair",
        at_ms=T0 + 1,
    ),
    pb.ToolProposed(
        key="k-1", call_id="2-1-3", tool="refund_create", arguments='{"number":"KF-20417"}', origin="flow", at_ms=T0 + 1
    ),
    pb.ToolClaimed(
        key="k-1", call_id="2-1-3", tool="refund_create", tools_version=3, arguments='{"number":"KF-20417"}',
        idempotency_key="9f86d081884c7d65", origin="flow", at_ms=T0 + 1,
    ),
    pb.ToolReturned(
        key="k-1", call_id="2-1-3", tool="refund_create", outcome="ok", result='{"refunded":true}', status=201,
        took_us=4_000, reconciled=True, at_ms=T0 + 1, shown='{"refunded":"[removed]"}',
    ),
)  # fmt: skip

# One of each stored event, every field set.
EVERY_EVENT: tuple[Event, ...] = (
    started(),
    pb.UserMessageReceived(
        key="k-1", fingerprint=fingerprint("wo ist mein Päckchen? 📦"), text="wo ist mein Päckchen? 📦", at_ms=T0,
        priority="high",
    ),
    *EVERY_FACT,
    pb.EscalationRequested(key="k-1", reason="asked for a person", at_ms=T0 + 1),
    replied(
        "k-1", "两项之一", at_ms=T0 + 2, kind=pb.CLARIFY, language="zh", confidence=1 / 3, offer_person=True,
        answer_us=1234,
        citations=[pb.Citation(id="faq-1", revision=3, title="退货", quote="七天内")],
        options=[pb.Option(id="a", title="Return an order"), pb.Option(id="b", title="换货")],
        route="refunds", route_version=12,
    ),
)  # fmt: skip


def known(*entries: tuple[str, int, int]) -> dict[int, KnownKey]:
    """(key, seq, reply_seq) as State.keys holds them."""
    return {key_digest(key): KnownKey(seq, reply_seq) for key, seq, reply_seq in entries}
