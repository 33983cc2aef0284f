"""Bytes that were stored once stay readable. kit/golden.py says how to add a file."""

from __future__ import annotations

import json

import pytest
from kit import golden
from kit.given import EVERY_EVENT

from actors.session import FOLD_VERSION, fold
from actors.snapshot import state_hash
from events.codec import decode, encode
from events.store import StoredEvent
from schemas.events_pb2 import SessionEvent

ARMS = {field.message_type.name: field.number for field in SessionEvent.DESCRIPTOR.fields}


@pytest.mark.parametrize("name", golden.names())
def test_stored_bytes_read_as_they_did(name: str) -> None:
    payload, expected = golden.read(name)
    event = decode(1, StoredEvent(1, expected["event_type"], expected["recorded_at_ms"], payload))
    assert type(event).__name__ == name.partition(".")[0]
    assert golden.as_json(event) == expected


def test_every_event_has_a_golden_file_with_every_field_set() -> None:
    fields: dict[str, set[str]] = {}
    for name in golden.names():
        fields.setdefault(name.partition(".")[0], set()).update(golden.read(name)[1]["fields"])
    for field in SessionEvent.DESCRIPTOR.fields:
        message = field.message_type
        assert fields.get(message.name) == {f.name for f in message.fields}, f"see kit/golden.py: {message.name}"


def test_numbers_are_what_they_were() -> None:
    """`event_type` of stored rows; a rename or a renumbering would misread every log."""
    assert ARMS | {
        "SessionStarted": 1, "UserMessageReceived": 2, "BotReplied": 3, "EscalationRequested": 4,
    } == ARMS  # fmt: skip
    assert {type(event).__name__: encode(event).event_type for event in EVERY_EVENT} == ARMS


def test_the_state_hash_of_this_fold_version_is_what_it_was() -> None:
    """If this fails, evolve or the state's form changed: raise FOLD_VERSION, then see kit/golden.py."""
    hashes = json.loads(golden.HASHES.read_text())
    assert hashes[str(FOLD_VERSION)] == state_hash(fold(EVERY_EVENT)).hex()
