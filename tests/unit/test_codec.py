from __future__ import annotations

import pytest
from kit.given import EVERY_EVENT, T0

from events.codec import Event, decode, encode, type_name
from events.store import StoredEvent
from schemas.errors import CorruptEvent


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
def test_events_round_trip(event: Event) -> None:
    stored = StoredEvent(1, *encode(event))
    assert decode(1, stored) == event
    assert stored.recorded_at_ms == event.at_ms
    assert type_name(stored.event_type) == type(event).__name__


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
def test_an_event_of_defaults_round_trips(event: Event) -> None:
    empty = type(event)()
    assert decode(1, StoredEvent(1, *encode(empty))) == empty
    assert encode(empty).payload == b""


def test_an_unknown_type_names_session_and_seq() -> None:
    with pytest.raises(CorruptEvent, match="session 17 seq 4: event type 99"):
        decode(17, StoredEvent(4, 99, T0, b""))
    assert type_name(99) == "Unknown99"


@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\x05ab", b"\x0a\x01\xff"])
def test_a_damaged_payload_names_session_seq_and_type(payload: bytes) -> None:
    with pytest.raises(CorruptEvent, match="session 17 seq 4: payload of SessionStarted"):
        decode(17, StoredEvent(4, 1, T0, payload))
