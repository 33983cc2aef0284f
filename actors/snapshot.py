"""State to bytes and back, for snapshots and for the state hash."""

from __future__ import annotations

import hashlib

import msgspec

from actors.state import FOLD_VERSION, KnownKey, OpenTurn, Proposal, State
from events.codec import in_envelope, out_of_envelope
from events.store import StoredSnapshot
from flows.machine import Position
from schemas import session_pb2 as pb
from schemas.answers import Option
from schemas.events_pb2 import Option as OptionMessage

_json = msgspec.json.Encoder(order="deterministic").encode  # slots: equal states give equal bytes


def to_message(state: State) -> pb.SessionState:
    """The state as protobuf; repeated fields keep their order, so equal states give equal bytes."""
    turn = state.open_turn
    return pb.SessionState(
        tenant=state.tenant,
        external_id=state.external_id,
        version=state.version,
        turns=state.turns,
        started_at_ms=state.started_at_ms,
        last_at_ms=state.last_at_ms,
        escalated=state.escalated,
        person_offered=state.person_offered,
        open_turn=turn and pb.OpenTurn(**turn._asdict()),
        options=[OptionMessage(id=o.id, title=o.title) for o in state.options],
        recent=[pb.Utterance(from_customer=mine, text=text) for mine, text in state.recent],
        keys=[pb.KnownKey(digest=d, seq=k.seq, reply_seq=k.reply_seq) for d, k in state.keys.items()],
        flow=None if state.flow is None else _flow_message(state.flow),
        proposal=state.proposal and pb.ToolProposal(**state.proposal._asdict()),
        summary=state.summary,
        results=[pb.ToolResult(tool=tool, result=result) for tool, result in state.results],
        facts=[in_envelope(event) for event in state.facts],
    )


def from_message(message: pb.SessionState) -> State:
    turn = message.open_turn
    return State(
        tenant=message.tenant,
        external_id=message.external_id,
        version=message.version,
        turns=message.turns,
        started_at_ms=message.started_at_ms,
        last_at_ms=message.last_at_ms,
        escalated=message.escalated,
        person_offered=message.person_offered,
        open_turn=OpenTurn(turn.key, turn.fingerprint, turn.text, turn.seq, turn.priority)
        if message.HasField("open_turn")
        else None,
        options=tuple(Option(o.id, o.title) for o in message.options),
        recent=[(u.from_customer, u.text) for u in message.recent],
        keys={k.digest: KnownKey(k.seq, k.reply_seq) for k in message.keys},
        flow=_flow(message.flow) if message.HasField("flow") else None,
        proposal=_proposal(message.proposal) if message.HasField("proposal") else None,
        summary=message.summary,
        results=tuple((r.tool, r.result) for r in message.results),
        facts=tuple(out_of_envelope(event) for event in message.facts),
    )


def _proposal(m: pb.ToolProposal) -> Proposal:
    return Proposal(m.call_id, m.tool, m.arguments, m.origin, m.misses, m.at_ms)


def _flow_message(at: Position) -> pb.FlowPosition:
    slots = _json(at.slots).decode()
    return pb.FlowPosition(
        flow=at.flow, version=at.version, state=at.state, slots=slots, entered_at_ms=at.entered_at_ms, step=at.step,
        awaiting=at.awaiting, misses=at.misses,
    )  # fmt: skip


def _flow(m: pb.FlowPosition) -> Position:
    return Position(
        m.flow, m.version, m.state, msgspec.json.decode(m.slots), m.entered_at_ms, m.step, m.awaiting, m.misses
    )


def state_hash(state: State) -> bytes:
    """SHA-256 of the state: two folds agree exactly when their hashes do."""
    return hashlib.sha256(to_message(state).SerializeToString(deterministic=True)).digest()


def take(state: State) -> StoredSnapshot:
    """A snapshot of the state as it is now."""
    message = to_message(state)
    digest = hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
    payload = pb.Snapshot(fold_version=FOLD_VERSION, state=message).SerializeToString()
    return StoredSnapshot(state.version, FOLD_VERSION, digest, payload)


def restore(snapshot: StoredSnapshot) -> State | None:
    """The state, or None if the snapshot is damaged: it is only a cache, the log has everything."""
    try:
        state = from_message(pb.Snapshot.FromString(snapshot.payload).state)
    except Exception:
        return None
    return state if state_hash(state) == snapshot.state_hash else None
