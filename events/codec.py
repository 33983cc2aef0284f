"""Between typed events and stored rows: `event_type` is the arm's field number, payload the arm's message."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from events.store import NewEvent, StoredEvent
from schemas import events_pb2
from schemas.errors import CorruptEvent
from schemas.events_pb2 import (
    BotReplied,
    EscalationRequested,
    FlowMoved,
    GuardrailTriggered,
    KnowledgeConsulted,
    ModelReplied,
    ReplyChecked,
    SessionEvent,
    SessionStarted,
    ToolClaimed,
    ToolProposed,
    ToolReturned,
    UserMessageReceived,
)

Event = (
    SessionStarted
    | UserMessageReceived
    | BotReplied
    | EscalationRequested
    | GuardrailTriggered
    | KnowledgeConsulted
    | FlowMoved
    | ModelReplied
    | ReplyChecked
    | ToolProposed
    | ToolClaimed
    | ToolReturned
)

_ARMS = SessionEvent.DESCRIPTOR.oneofs_by_name["kind"].fields
_BY_NUMBER: dict[int, type[Event]] = {
    arm.number: getattr(events_pb2, arm.message_type.name) for arm in _ARMS if arm.message_type is not None
}
_NUMBER_OF: dict[type[Event], int] = {cls: number for number, cls in _BY_NUMBER.items()}
_ARM_OF: dict[type[Event], str] = {_BY_NUMBER[arm.number]: arm.name for arm in _ARMS}


def in_envelope(event: Event) -> SessionEvent:
    """The event as one arm of a SessionEvent, for messages that hold several kinds."""
    return SessionEvent(**{_ARM_OF[type(event)]: event})


def out_of_envelope(envelope: SessionEvent) -> Event:
    """The event that a SessionEvent holds."""
    event: Event = getattr(envelope, envelope.WhichOneof("kind") or "")
    return event


def encode(event: Event) -> NewEvent:
    """The row of an event; its own `at_ms` is when it was recorded."""
    return NewEvent(_NUMBER_OF[type(event)], event.at_ms, event.SerializeToString())


def decode(session_id: int, stored: StoredEvent) -> Event:
    """Raises CorruptEvent, naming session and seq, on an unknown type or a payload that does not parse."""
    cls = _BY_NUMBER.get(stored.event_type)
    if cls is None:
        raise CorruptEvent(
            f"session {session_id} seq {stored.seq}: event type {stored.event_type} is unknown to this version; "
            "read the log with the version that wrote it, or a newer one"
        )
    try:
        event: Event = cls.FromString(stored.payload)
    except DecodeError as error:
        raise CorruptEvent(
            f"session {session_id} seq {stored.seq}: payload of {cls.__name__} cannot be parsed ({error}); "
            "restore the row from a backup"
        ) from error
    return event


def type_name(event_type: int) -> str:
    """Name of a stored event type, such as `BotReplied`; `Unknown<n>` for a number this version does not know."""
    cls = _BY_NUMBER.get(event_type)
    return cls.__name__ if cls else f"Unknown{event_type}"
