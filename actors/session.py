"""What follows from a command: commands in, events out. No I/O, no clock, no random.

    decide(state, command) -> events       what should happen
    evolve(state, event) -> state          what has happened (actors/state.py)

Everything that is not deterministic (time, answers, models, tools, versions)
arrives inside the command and is recorded in the events, so replay needs
nothing but the log.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from actors.state import State, key_digest
from events.codec import Event
from schemas import events_pb2 as pb
from schemas.answers import Answer, Question
from schemas.errors import KefuError
from schemas.events_pb2 import BotReplied, EscalationRequested, ModelReplied, SessionStarted, UserMessageReceived

_KINDS = {
    "answer": pb.ANSWER,
    "clarify": pb.CLARIFY,
    "unknown": pb.UNKNOWN,
    "smalltalk": pb.SMALLTALK,
    "escalated": pb.ESCALATED,
    "flow": pb.FLOW,
    "refused": pb.REFUSED,
    "confirm": pb.CONFIRM,
    "closed": pb.CLOSED,
}


# --- Commands ------------------------------------------------------------------------------------------


class ReceiveMessage(Struct, frozen=True):
    """The customer said something. With `answer` known already, the whole turn is decided at once.

    `facts`: what is known of the message when it is recorded, such as what a guardrail found.
    """

    tenant: str
    external_id: str
    key: str
    fingerprint: bytes
    text: str
    at_ms: int
    answer: Answer | None = None
    priority: str = ""
    facts: tuple[Event, ...] = ()


class RecordFacts(Struct, frozen=True):
    """Something became known in the open turn: a model's words, a tool's result, a flow's move."""

    key: str
    facts: tuple[Event, ...]


class CompleteTurn(Struct, frozen=True):
    """The answer to the open turn's message has come. `reason`: why a person is called, if one is."""

    key: str
    answer: Answer
    at_ms: int
    reason: str = ""


class RecordShadow(Struct, frozen=True):
    """What a shadow route made of a turn that is over."""

    event: ModelReplied


Command = ReceiveMessage | RecordFacts | CompleteTurn | RecordShadow


class TurnOpen(KefuError):
    """The session's previous turn has no reply yet: it must be completed first."""

    code, status, title = "turn_open", 409, "Turn still open"


class NoSuchTurn(KefuError):
    """The turn to go on with is not the open one: it was completed already, or never began."""

    code, status, title = "no_such_turn", 409, "No such open turn"


# --- Decide --------------------------------------------------------------------------------------------


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """The events that follow from the command; none for a key that was seen before. Raises TurnOpen, NoSuchTurn."""
    if isinstance(command, ReceiveMessage):
        return _receive(state, command)
    if isinstance(command, RecordShadow):
        return (command.event,)
    if state.open_turn is None or state.open_turn.key != command.key:
        raise NoSuchTurn(f"turn {command.key!r} is not open; reload the session")
    if isinstance(command, RecordFacts):
        return command.facts
    return _reply(state, command)


def _receive(state: State, command: ReceiveMessage) -> tuple[Event, ...]:
    if key_digest(command.key) in state.keys:
        return ()
    if state.open_turn is not None:
        raise TurnOpen(f"turn {state.open_turn.key!r} has no reply yet; complete it before the next message")
    message = UserMessageReceived(
        key=command.key,
        fingerprint=command.fingerprint,
        text=command.text,
        at_ms=command.at_ms,
        priority=command.priority,
    )
    events: tuple[Event, ...] = (message, *command.facts)
    if state.version == 0:
        started = SessionStarted(tenant=command.tenant, external_id=command.external_id, at_ms=command.at_ms)
        events = (started, *events)
    if command.answer is not None:
        events += _reply(state, CompleteTurn(command.key, command.answer, command.at_ms))
    return events


def _reply(state: State, command: CompleteTurn) -> tuple[Event, ...]:
    reply = BotReplied()
    reply.CopyFrom(answer_part(command.answer))
    reply.key = command.key
    reply.turn = state.turns + (state.open_turn is None)
    reply.at_ms = command.at_ms
    if command.answer.kind == "escalated" and not state.escalated:
        reason = command.reason or ("offer accepted" if state.person_offered else "asked for a person")
        return (EscalationRequested(key=command.key, reason=reason, at_ms=command.at_ms), reply)
    return (reply,)


@lru_cache(maxsize=4096)  # popular answers are given again and again
def answer_part(answer: Answer) -> BotReplied:
    """The reply but for its key, turn and time. Not to be changed: it is shared."""
    return BotReplied(
        kind=_KINDS[answer.kind],
        text=answer.text,
        language=answer.language,
        confidence=answer.confidence,
        citations=[pb.Citation(id=c.id, revision=c.revision, title=c.title, quote=c.quote) for c in answer.citations],
        options=[pb.Option(id=o.id, title=o.title) for o in answer.options],
        offer_person=answer.offer_person,
        knowledge_version=answer.knowledge_version,
        model=answer.model,
        answer_us=answer.answer_us,
        route=answer.route,
        route_version=answer.route_version,
    )


# --- Reading the customer --------------------------------------------------------------------------------

_ORDINALS = {"1": 0, "2": 1, "3": 2, "一": 0, "二": 1, "三": 2, "first": 0, "second": 1, "third": 2}
_ORDINAL_WRAPPING = str.maketrans("", "", " .。)）(（#第个條条项項")


def meant(state: State, text: str) -> str:
    """What the customer means, given what the last reply offered: "2" or "第二个" picks its second option."""
    if state.options:
        bare = text.strip().casefold().removeprefix("the ").removesuffix(" one").translate(_ORDINAL_WRAPPING)
        chosen = _ORDINALS.get(bare)
        if chosen is not None and chosen < len(state.options):
            return state.options[chosen].title
    return text


def question_for(state: State, text: str, *, grounded: bool = False) -> Question:
    """The utterance as knowledge is asked about it; see Question."""
    return Question(state.tenant, meant(state, text), state.person_offered, grounded)
