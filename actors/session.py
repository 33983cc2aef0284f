"""What a session is: commands in, events out, state from events. No I/O, no clock, no random.

    decide(state, command) -> events       what should happen
    evolve(state, event) -> state          what has happened

Everything that is not deterministic (time, the answer, its knowledge version)
arrives inside the command and is recorded in the events, so replay needs
nothing but the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, field

from events.codec import Event
from schemas import events_pb2 as pb
from schemas.answers import Answer, Option, Question
from schemas.errors import KefuError
from schemas.events_pb2 import BotReplied, EscalationRequested, SessionStarted, UserMessageReceived

FOLD_VERSION = 1  # raise it whenever evolve or the state's form changes: old snapshots are then not used
RECENT_UTTERANCES = 20  # what a prompt may need; everything older is in the log

_KINDS = {
    "answer": pb.ANSWER,
    "clarify": pb.CLARIFY,
    "unknown": pb.UNKNOWN,
    "smalltalk": pb.SMALLTALK,
    "escalated": pb.ESCALATED,
}


# --- Commands ------------------------------------------------------------------------------------------


class ReceiveMessage(Struct, frozen=True):
    """The customer said something. With `answer` known already, the whole turn is decided at once."""

    tenant: str
    external_id: str
    key: str
    fingerprint: bytes
    text: str
    at_ms: int
    answer: Answer | None = None


class CompleteTurn(Struct, frozen=True):
    """The answer to the open turn's message has come."""

    key: str
    answer: Answer
    at_ms: int


Command = ReceiveMessage | CompleteTurn


class TurnOpen(KefuError):
    """The session's previous turn has no reply yet: it must be completed first."""

    code, status, title = "turn_open", 409, "Turn still open"


class NoSuchTurn(KefuError):
    """The turn to complete is not the open one: it was completed already, or never began."""

    code, status, title = "no_such_turn", 409, "No such open turn"


# --- State ---------------------------------------------------------------------------------------------


class KnownKey(NamedTuple):
    """Where a key's turn is in the stream; `reply_seq` is 0 while it is open."""

    seq: int
    reply_seq: int


class OpenTurn(NamedTuple):
    """A message that is on disk and has no reply yet."""

    key: str
    fingerprint: bytes
    text: str
    seq: int


class State(Struct):
    """A session as of `version`, the seq of its last event. Owned by one actor and changed in place by evolve."""

    tenant: str = ""
    external_id: str = ""
    version: int = 0
    turns: int = 0
    started_at_ms: int = 0
    last_at_ms: int = 0
    escalated: bool = False
    person_offered: bool = False
    open_turn: OpenTurn | None = None
    options: tuple[Option, ...] = ()
    recent: list[tuple[bool, str]] = field(default_factory=list)  # (from the customer?, text)
    keys: dict[int, KnownKey] = field(default_factory=dict)  # by key_digest


@lru_cache(maxsize=8192)  # a turn asks several times
def key_digest(key: str) -> int:
    """Eight bytes stand for an idempotency key in memory; the key itself is in the log."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")


def fingerprint(text: str) -> bytes:
    """Sixteen bytes that tell a retry from another request under the same key."""
    return hashlib.sha256(text.encode()).digest()[:16]


# --- Decide --------------------------------------------------------------------------------------------


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """The events that follow from the command; none for a key that was seen before. Raises TurnOpen, NoSuchTurn."""
    if isinstance(command, ReceiveMessage):
        return _receive(state, command)
    return _complete(state, command)


def _receive(state: State, command: ReceiveMessage) -> tuple[Event, ...]:
    if key_digest(command.key) in state.keys:
        return ()
    if state.open_turn is not None:
        raise TurnOpen(f"turn {state.open_turn.key!r} has no reply yet; complete it before the next message")
    message = UserMessageReceived(
        key=command.key, fingerprint=command.fingerprint, text=command.text, at_ms=command.at_ms
    )
    events: tuple[Event, ...] = (message,)
    if state.version == 0:
        started = SessionStarted(tenant=command.tenant, external_id=command.external_id, at_ms=command.at_ms)
        events = (started, message)
    if command.answer is not None:
        events += _reply(state, command.key, command.answer, command.at_ms)
    return events


def _complete(state: State, command: CompleteTurn) -> tuple[Event, ...]:
    if state.open_turn is None or state.open_turn.key != command.key:
        raise NoSuchTurn(f"turn {command.key!r} is not open; reload the session")
    return _reply(state, command.key, command.answer, command.at_ms)


def _reply(state: State, key: str, answer: Answer, at_ms: int) -> tuple[Event, ...]:
    reply = BotReplied()
    reply.CopyFrom(_answer_part(answer))
    reply.key = key
    reply.turn = state.turns + (state.open_turn is None)
    reply.at_ms = at_ms
    if answer.kind == "escalated" and not state.escalated:
        reason = "offer accepted" if state.person_offered else "asked for a person"
        return (EscalationRequested(key=key, reason=reason, at_ms=at_ms), reply)
    return (reply,)


@lru_cache(maxsize=4096)  # popular answers are given again and again
def _answer_part(answer: Answer) -> BotReplied:
    """The reply but for its key, turn and time."""
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
    )


# --- Evolve --------------------------------------------------------------------------------------------


def evolve(state: State, event: Event) -> State:
    """Fold one event in. The state is changed in place (a session of n events stays O(n) to rebuild) and returned."""
    state.version += 1
    state.last_at_ms = event.at_ms
    if isinstance(event, UserMessageReceived):
        state.turns += 1
        state.open_turn = OpenTurn(event.key, event.fingerprint, event.text, state.version)
        state.keys[key_digest(event.key)] = KnownKey(state.version, 0)
        _remember(state, True, event.text)
    elif isinstance(event, BotReplied):
        digest = key_digest(event.key)
        state.keys[digest] = KnownKey(state.keys[digest].seq, state.version)
        state.open_turn = None
        state.options = tuple(Option(o.id, o.title) for o in event.options) if event.options else ()
        state.person_offered = event.offer_person
        _remember(state, False, event.text)
    elif isinstance(event, SessionStarted):
        state.tenant, state.external_id = event.tenant, event.external_id
        state.started_at_ms = event.at_ms
    else:
        state.escalated = True
    return state


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """State after all events, from nothing or from a snapshot's state."""
    state = State() if state is None else state
    for event in events:
        evolve(state, event)
    return state


def _remember(state: State, from_customer: bool, text: str) -> None:
    state.recent.append((from_customer, text))
    if len(state.recent) > RECENT_UTTERANCES:
        del state.recent[0]


# --- Reading the customer --------------------------------------------------------------------------------

_ORDINALS = {"1": 0, "2": 1, "3": 2, "一": 0, "二": 1, "三": 2, "first": 0, "second": 1, "third": 2}
_ORDINAL_WRAPPING = str.maketrans("", "", " .。)）(（#第个條条项項")


def question_for(state: State, text: str) -> Question:
    """What the customer asks, given what the last reply offered: "2" or "第二个" picks its second option."""
    if state.options:
        bare = text.strip().casefold().removeprefix("the ").removesuffix(" one").translate(_ORDINAL_WRAPPING)
        chosen = _ORDINALS.get(bare)
        if chosen is not None and chosen < len(state.options):
            text = state.options[chosen].title
    return Question(state.tenant, text, state.person_offered)
