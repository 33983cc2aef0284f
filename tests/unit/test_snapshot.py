"""State to bytes and back; equal folds have equal hashes, whatever way they came about."""

from __future__ import annotations

import pytest
from kit.given import EVERY_EVENT, EVERY_FACT, known, received, replied

from actors import snapshot
from actors.state import FOLD_VERSION, Proposal, State, evolve, fold
from events.codec import Event, decode, encode
from events.store import StoredEvent, StoredSnapshot
from flows.machine import Position
from schemas import session_pb2
from schemas.answers import Option

HISTORY: tuple[Event, ...] = (*EVERY_EVENT, received("b", "第二个"), replied("b", turn=2), received("open"))


@pytest.mark.parametrize("length", range(len(HISTORY) + 1))
def test_state_round_trips(length: int) -> None:
    state = fold(HISTORY[:length])
    message = session_pb2.SessionState.FromString(snapshot.to_message(state).SerializeToString())
    assert snapshot.from_message(message) == state


@pytest.mark.parametrize("length", range(len(HISTORY) + 1))
def test_live_restored_and_refolded_state_have_one_hash(length: int) -> None:
    live = State()
    for event in HISTORY:
        evolve(live, event)
    taken = snapshot.take(fold(HISTORY[:length]))
    restored = snapshot.restore(taken)
    assert restored is not None
    assert (taken.seq, taken.fold_version) == (length, FOLD_VERSION)
    stored = [StoredEvent(seq, *encode(event)) for seq, event in enumerate(HISTORY, 1)]
    refolded = fold(decode(1, event) for event in stored)
    with_tail = fold((decode(1, event) for event in stored[length:]), restored)
    assert snapshot.state_hash(live) == snapshot.state_hash(refolded) == snapshot.state_hash(with_tail)
    assert live == refolded == with_tail


OTHER = {
    "tenant": "x", "external_id": "x", "version": 99, "turns": 99, "started_at_ms": 9, "last_at_ms": 9,
    "escalated": False, "person_offered": True, "open_turn": None, "options": (Option("x", "X"),),
    "recent": [(True, "x")], "keys": known(("x", 1, 2)),
    "flow": Position("refund", 2, "ask", {"number": "KF-20417", "total": 129.0}, 5, 1, "slot:number", 1),
    "proposal": Proposal("2-1-3", "refund_create", "{}", "flow", 1, 7), "summary": "earlier", "results": (("t", "{}"),),
    "facts": (EVERY_FACT[1],),
}  # fmt: skip


def test_every_field_of_the_state_is_in_the_hash() -> None:
    assert set(OTHER) == set(State.__struct_fields__)
    hashes = {snapshot.state_hash(fold(HISTORY))}
    for name, value in OTHER.items():
        state = fold(HISTORY)
        assert getattr(state, name) != value
        setattr(state, name, value)
        hashes.add(snapshot.state_hash(state))
    assert len(hashes) == 1 + len(OTHER)


def test_a_damaged_snapshot_is_none() -> None:
    taken = snapshot.take(fold(HISTORY))
    assert snapshot.restore(taken) is not None
    for damaged in (
        taken._replace(payload=taken.payload[:-1]),
        taken._replace(payload=b"\xff" * 20),
        taken._replace(payload=b""),
        taken._replace(state_hash=b"other"),
        StoredSnapshot(1, FOLD_VERSION, b"", b""),
    ):
        assert snapshot.restore(damaged) is None


def test_a_snapshot_is_a_copy() -> None:
    state = fold(HISTORY[:-1])
    taken = snapshot.take(state)
    evolve(state, received("later"))
    restored = snapshot.restore(taken)
    assert restored == fold(HISTORY[:-1])
    assert restored != state
