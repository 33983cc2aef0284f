"""What a session is at a moment, folded from its events. No I/O, no clock, no random."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Struct, field

from events.codec import Event
from flows.machine import Position
from schemas.answers import Option
from schemas.events_pb2 import (
    BotReplied,
    EscalationRequested,
    FlowMoved,
    ModelReplied,
    SessionStarted,
    ToolClaimed,
    ToolProposed,
    ToolReturned,
    UserMessageReceived,
)

FOLD_VERSION = 2  # raise it whenever evolve or the state's form changes: old snapshots are then not used
RECENT_UTTERANCES = 20  # what a prompt may need in full; of older ones the summary keeps the gist
SUMMARY_CHARACTERS = 1_200
_GIST_CHARACTERS = 120
_RESULTS = 3  # the newest tool results stay at hand for later turns
_RESULT_CHARACTERS = 2_000


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
    priority: str = ""


class Proposal(NamedTuple):
    """A tool's call that waits for the customer's yes, since `at_ms`. `misses`: replies so far that were neither yes
    nor no."""

    call_id: str
    tool: str
    arguments: str
    origin: str
    misses: int = 0
    at_ms: int = 0


class State(Struct):
    """A session as of `version`, the seq of its last event. Owned by one actor and changed in place by evolve.

    `facts`: the events of the open turn after its message, from which a turn that was cut off goes on.
    """

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
    flow: Position | None = None
    proposal: Proposal | None = None
    summary: str = ""
    results: tuple[tuple[str, str], ...] = ()  # (tool, its result as JSON), oldest first
    facts: tuple[Event, ...] = ()


@lru_cache(maxsize=8192)  # a turn asks several times
def key_digest(key: str) -> int:
    """Eight bytes stand for an idempotency key in memory; the key itself is in the log."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")


def fingerprint(text: str) -> bytes:
    """Sixteen bytes that tell a retry from another request under the same key."""
    return hashlib.sha256(text.encode()).digest()[:16]


def evolve(state: State, event: Event) -> State:
    """Fold one event in. The state is changed in place (a session of n events stays O(n) to rebuild) and returned."""
    state.version += 1
    state.last_at_ms = event.at_ms
    if isinstance(event, UserMessageReceived):
        state.turns += 1
        state.open_turn = OpenTurn(event.key, event.fingerprint, event.text, state.version, event.priority)
        state.keys[key_digest(event.key)] = KnownKey(state.version, 0)
        _remember(state, True, event.text)
    elif isinstance(event, BotReplied):
        digest = key_digest(event.key)
        state.keys[digest] = KnownKey(state.keys[digest].seq, state.version)
        state.open_turn = None
        state.facts = ()
        state.options = tuple(Option(o.id, o.title) for o in event.options) if event.options else ()
        state.person_offered = event.offer_person
        _remember(state, False, event.text)
    elif isinstance(event, SessionStarted):
        state.tenant, state.external_id = event.tenant, event.external_id
        state.started_at_ms = event.at_ms
    elif isinstance(event, EscalationRequested):
        state.escalated = True
    else:
        _progress(state, event)
    return state


def _progress(state: State, event: Event) -> None:
    """Events between a message and its reply."""
    if isinstance(event, ModelReplied) and event.shadow:
        return  # comes when its turn is over, and changes nothing
    state.facts += (event,)
    if isinstance(event, FlowMoved):
        state.flow = None if event.ended else position_of(event)
    elif isinstance(event, ToolProposed):
        again = state.proposal is not None and state.proposal.call_id == event.call_id
        misses = state.proposal.misses + 1 if again and state.proposal else 0
        state.proposal = Proposal(event.call_id, event.tool, event.arguments, event.origin, misses, event.at_ms)
    elif isinstance(event, ToolClaimed):
        state.proposal = None
    elif isinstance(event, ToolReturned):
        state.proposal = None
        state.results = (*state.results, (event.tool, event.result[:_RESULT_CHARACTERS]))[-_RESULTS:]


def position_of(event: FlowMoved) -> Position:
    """Where the flow is after this event."""
    return Position(
        flow=event.flow,
        version=event.version,
        state=event.state,
        slots=msgspec.json.decode(event.slots) if event.slots else {},
        entered_at_ms=event.entered_at_ms,
        step=event.step,
        awaiting=event.awaiting,
        misses=event.misses,
    )


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """State after all events, from nothing or from a snapshot's state."""
    state = State() if state is None else state
    for event in events:
        evolve(state, event)
    return state


def _remember(state: State, from_customer: bool, text: str) -> None:
    state.recent.append((from_customer, text))
    if len(state.recent) > RECENT_UTTERANCES:
        _summarise(state, *state.recent.pop(0))


def _summarise(state: State, from_customer: bool, text: str) -> None:
    """What the customer said first is what the matter is about; what was said last is nearest. The middle goes."""
    if not from_customer:
        return
    gist = " ".join(text.split())
    if len(gist) > _GIST_CHARACTERS:
        gist = f"{gist[:_GIST_CHARACTERS]}…"
    lines = [*state.summary.splitlines(), gist]
    while sum(map(len, lines)) + len(lines) > SUMMARY_CHARACTERS and len(lines) > 2:
        del lines[1]
    state.summary = "\n".join(lines)
