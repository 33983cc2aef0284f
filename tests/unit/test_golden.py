"""Bytes that were stored once stay readable. kit/golden.py says how to add a file."""

from __future__ import annotations

import json

import pytest
from google.protobuf.message import Message
from kit import golden
from kit.given import EVERY_EVENT
from kit.knowledge import EVERY_KNOWLEDGE_EVENT

from actors.snapshot import state_hash
from actors.state import FOLD_VERSION, fold
from schemas.events_pb2 import SessionEvent
from schemas.knowledge_pb2 import KnowledgeEvent

ARMS = {field.message_type.name: field.number for field in SessionEvent.DESCRIPTOR.fields}
KNOWLEDGE_ARMS = {field.message_type.name: field.number for field in KnowledgeEvent.DESCRIPTOR.fields}


@pytest.mark.parametrize("name", golden.names())
def test_stored_bytes_read_as_they_did(name: str) -> None:
    event = golden.decode(name)
    assert type(event).__name__ == name.partition(".")[0]
    assert golden.as_json(event) == golden.read(name)[1]


def test_every_event_has_a_golden_file_with_every_field_set() -> None:
    fields: dict[str, set[str]] = {}
    for name in golden.names():
        fields.setdefault(name.partition(".")[0], set()).update(golden.read(name)[1]["fields"])
    for field in (*SessionEvent.DESCRIPTOR.fields, *KnowledgeEvent.DESCRIPTOR.fields):
        message = field.message_type
        assert fields.get(message.name) == {f.name for f in message.fields}, f"see kit/golden.py: {message.name}"


@pytest.mark.parametrize("event", EVERY_KNOWLEDGE_EVENT, ids=lambda event: type(event).__name__)
def test_documents_in_golden_files_have_every_field_set_all_the_way_down(event: Message) -> None:
    def check(message: Message) -> None:
        assert {field.name for field, _ in message.ListFields()} == {field.name for field in message.DESCRIPTOR.fields}
        for field, value in message.ListFields():
            if field.message_type is not None:
                for part in [value] if isinstance(value, Message) else value:
                    check(part)

    check(event)
    assert event in [golden.decode(name) for name in golden.names()]


def test_numbers_are_what_they_were() -> None:
    """`event_type` of stored rows; a rename or a renumbering would misread every log."""
    assert ARMS | {
        "SessionStarted": 1, "UserMessageReceived": 2, "BotReplied": 3, "EscalationRequested": 4,
    } == ARMS  # fmt: skip
    assert {type(event).__name__: golden.encode(event).event_type for event in EVERY_EVENT} == ARMS
    assert KNOWLEDGE_ARMS | {
        "DocumentAdded": 1, "DocumentRevised": 2, "DocumentRemoved": 3, "KnowledgeRolledBack": 4, "AnswerConfirmed": 5,
    } == KNOWLEDGE_ARMS  # fmt: skip
    assert {type(e).__name__: golden.encode(e).event_type for e in EVERY_KNOWLEDGE_EVENT} == KNOWLEDGE_ARMS


def test_the_state_hash_of_this_fold_version_is_what_it_was() -> None:
    """If this fails, evolve or the state's form changed: raise FOLD_VERSION, then see kit/golden.py."""
    hashes = json.loads(golden.HASHES.read_text())
    assert hashes[str(FOLD_VERSION)] == state_hash(fold(EVERY_EVENT)).hex()
