from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReplyKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLY_KIND_UNSPECIFIED: _ClassVar[ReplyKind]
    ANSWER: _ClassVar[ReplyKind]
    CLARIFY: _ClassVar[ReplyKind]
    UNKNOWN: _ClassVar[ReplyKind]
    SMALLTALK: _ClassVar[ReplyKind]
    ESCALATED: _ClassVar[ReplyKind]
REPLY_KIND_UNSPECIFIED: ReplyKind
ANSWER: ReplyKind
CLARIFY: ReplyKind
UNKNOWN: ReplyKind
SMALLTALK: ReplyKind
ESCALATED: ReplyKind

class SessionEvent(_message.Message):
    __slots__ = ("session_started", "user_message_received", "bot_replied", "escalation_requested")
    SESSION_STARTED_FIELD_NUMBER: _ClassVar[int]
    USER_MESSAGE_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    BOT_REPLIED_FIELD_NUMBER: _ClassVar[int]
    ESCALATION_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    session_started: SessionStarted
    user_message_received: UserMessageReceived
    bot_replied: BotReplied
    escalation_requested: EscalationRequested
    def __init__(self, session_started: _Optional[_Union[SessionStarted, _Mapping]] = ..., user_message_received: _Optional[_Union[UserMessageReceived, _Mapping]] = ..., bot_replied: _Optional[_Union[BotReplied, _Mapping]] = ..., escalation_requested: _Optional[_Union[EscalationRequested, _Mapping]] = ...) -> None: ...

class SessionStarted(_message.Message):
    __slots__ = ("tenant", "external_id", "at_ms")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    external_id: str
    at_ms: int
    def __init__(self, tenant: _Optional[str] = ..., external_id: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class UserMessageReceived(_message.Message):
    __slots__ = ("key", "fingerprint", "text", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    fingerprint: bytes
    text: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., fingerprint: _Optional[bytes] = ..., text: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class Citation(_message.Message):
    __slots__ = ("id", "revision", "title", "quote")
    ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    id: str
    revision: int
    title: str
    quote: str
    def __init__(self, id: _Optional[str] = ..., revision: _Optional[int] = ..., title: _Optional[str] = ..., quote: _Optional[str] = ...) -> None: ...

class Option(_message.Message):
    __slots__ = ("id", "title")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class BotReplied(_message.Message):
    __slots__ = ("key", "turn", "kind", "text", "language", "confidence", "citations", "options", "offer_person", "knowledge_version", "model", "answer_us", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CITATIONS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    OFFER_PERSON_FIELD_NUMBER: _ClassVar[int]
    KNOWLEDGE_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ANSWER_US_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    turn: int
    kind: ReplyKind
    text: str
    language: str
    confidence: float
    citations: _containers.RepeatedCompositeFieldContainer[Citation]
    options: _containers.RepeatedCompositeFieldContainer[Option]
    offer_person: bool
    knowledge_version: int
    model: str
    answer_us: int
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., turn: _Optional[int] = ..., kind: _Optional[_Union[ReplyKind, str]] = ..., text: _Optional[str] = ..., language: _Optional[str] = ..., confidence: _Optional[float] = ..., citations: _Optional[_Iterable[_Union[Citation, _Mapping]]] = ..., options: _Optional[_Iterable[_Union[Option, _Mapping]]] = ..., offer_person: _Optional[bool] = ..., knowledge_version: _Optional[int] = ..., model: _Optional[str] = ..., answer_us: _Optional[int] = ..., at_ms: _Optional[int] = ...) -> None: ...

class EscalationRequested(_message.Message):
    __slots__ = ("key", "reason", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    reason: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., reason: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...
