"""State to bytes and back, for snapshots and for the state hash."""

from __future__ import annotations

import hashlib

from actors.session import FOLD_VERSION, KnownKey, OpenTurn, State
from events.store import StoredSnapshot
from schemas import session_pb2 as pb
from schemas.answers import Option
from schemas.events_pb2 import Option as OptionMessage


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
        open_turn=turn and pb.OpenTurn(key=turn.key, fingerprint=turn.fingerprint, text=turn.text, seq=turn.seq),
        options=[OptionMessage(id=o.id, title=o.title) for o in state.options],
        recent=[pb.Utterance(from_customer=mine, text=text) for mine, text in state.recent],
        keys=[pb.KnownKey(digest=d, seq=k.seq, reply_seq=k.reply_seq) for d, k in state.keys.items()],
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
        open_turn=OpenTurn(turn.key, turn.fingerprint, turn.text, turn.seq) if message.HasField("open_turn") else None,
        options=tuple(Option(o.id, o.title) for o in message.options),
        recent=[(u.from_customer, u.text) for u in message.recent],
        keys={k.digest: KnownKey(k.seq, k.reply_seq) for k in message.keys},
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
