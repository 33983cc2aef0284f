from schemas import events_pb2 as _events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KnownKey(_message.Message):
    __slots__ = ("digest", "seq", "reply_seq")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REPLY_SEQ_FIELD_NUMBER: _ClassVar[int]
    digest: int
    seq: int
    reply_seq: int
    def __init__(self, digest: _Optional[int] = ..., seq: _Optional[int] = ..., reply_seq: _Optional[int] = ...) -> None: ...

class Utterance(_message.Message):
    __slots__ = ("from_customer", "text")
    FROM_CUSTOMER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    from_customer: bool
    text: str
    def __init__(self, from_customer: _Optional[bool] = ..., text: _Optional[str] = ...) -> None: ...

class OpenTurn(_message.Message):
    __slots__ = ("key", "fingerprint", "text", "seq", "priority")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    key: str
    fingerprint: bytes
    text: str
    seq: int
    priority: str
    def __init__(self, key: _Optional[str] = ..., fingerprint: _Optional[bytes] = ..., text: _Optional[str] = ..., seq: _Optional[int] = ..., priority: _Optional[str] = ...) -> None: ...

class FlowPosition(_message.Message):
    __slots__ = ("flow", "version", "state", "slots", "entered_at_ms", "step", "awaiting", "misses")
    FLOW_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    ENTERED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    AWAITING_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    flow: str
    version: int
    state: str
    slots: str
    entered_at_ms: int
    step: int
    awaiting: str
    misses: int
    def __init__(self, flow: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[str] = ..., slots: _Optional[str] = ..., entered_at_ms: _Optional[int] = ..., step: _Optional[int] = ..., awaiting: _Optional[str] = ..., misses: _Optional[int] = ...) -> None: ...

class ToolProposal(_message.Message):
    __slots__ = ("call_id", "tool", "arguments", "origin", "misses", "at_ms")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    tool: str
    arguments: str
    origin: str
    misses: int
    at_ms: int
    def __init__(self, call_id: _Optional[str] = ..., tool: _Optional[str] = ..., arguments: _Optional[str] = ..., origin: _Optional[str] = ..., misses: _Optional[int] = ..., at_ms: _Optional[int] = ...) -> None: ...

class ToolResult(_message.Message):
    __slots__ = ("tool", "result")
    TOOL_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    tool: str
    result: str
    def __init__(self, tool: _Optional[str] = ..., result: _Optional[str] = ...) -> None: ...

class SessionState(_message.Message):
    __slots__ = ("tenant", "external_id", "version", "turns", "started_at_ms", "last_at_ms", "escalated", "person_offered", "open_turn", "options", "recent", "keys", "flow", "proposal", "summary", "results", "facts")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ESCALATED_FIELD_NUMBER: _ClassVar[int]
    PERSON_OFFERED_FIELD_NUMBER: _ClassVar[int]
    OPEN_TURN_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    FLOW_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    external_id: str
    version: int
    turns: int
    started_at_ms: int
    last_at_ms: int
    escalated: bool
    person_offered: bool
    open_turn: OpenTurn
    options: _containers.RepeatedCompositeFieldContainer[_events_pb2.Option]
    recent: _containers.RepeatedCompositeFieldContainer[Utterance]
    keys: _containers.RepeatedCompositeFieldContainer[KnownKey]
    flow: FlowPosition
    proposal: ToolProposal
    summary: str
    results: _containers.RepeatedCompositeFieldContainer[ToolResult]
    facts: _containers.RepeatedCompositeFieldContainer[_events_pb2.SessionEvent]
    def __init__(self, tenant: _Optional[str] = ..., external_id: _Optional[str] = ..., version: _Optional[int] = ..., turns: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., last_at_ms: _Optional[int] = ..., escalated: _Optional[bool] = ..., person_offered: _Optional[bool] = ..., open_turn: _Optional[_Union[OpenTurn, _Mapping]] = ..., options: _Optional[_Iterable[_Union[_events_pb2.Option, _Mapping]]] = ..., recent: _Optional[_Iterable[_Union[Utterance, _Mapping]]] = ..., keys: _Optional[_Iterable[_Union[KnownKey, _Mapping]]] = ..., flow: _Optional[_Union[FlowPosition, _Mapping]] = ..., proposal: _Optional[_Union[ToolProposal, _Mapping]] = ..., summary: _Optional[str] = ..., results: _Optional[_Iterable[_Union[ToolResult, _Mapping]]] = ..., facts: _Optional[_Iterable[_Union[_events_pb2.SessionEvent, _Mapping]]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("fold_version", "state")
    FOLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    fold_version: int
    state: SessionState
    def __init__(self, fold_version: _Optional[int] = ..., state: _Optional[_Union[SessionState, _Mapping]] = ...) -> None: ...
