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
    FLOW: _ClassVar[ReplyKind]
    REFUSED: _ClassVar[ReplyKind]
    CONFIRM: _ClassVar[ReplyKind]
    CLOSED: _ClassVar[ReplyKind]
REPLY_KIND_UNSPECIFIED: ReplyKind
ANSWER: ReplyKind
CLARIFY: ReplyKind
UNKNOWN: ReplyKind
SMALLTALK: ReplyKind
ESCALATED: ReplyKind
FLOW: ReplyKind
REFUSED: ReplyKind
CONFIRM: ReplyKind
CLOSED: ReplyKind

class SessionEvent(_message.Message):
    __slots__ = ("session_started", "user_message_received", "bot_replied", "escalation_requested", "guardrail_triggered", "knowledge_consulted", "flow_moved", "model_replied", "reply_checked", "tool_proposed", "tool_claimed", "tool_returned")
    SESSION_STARTED_FIELD_NUMBER: _ClassVar[int]
    USER_MESSAGE_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    BOT_REPLIED_FIELD_NUMBER: _ClassVar[int]
    ESCALATION_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    GUARDRAIL_TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    KNOWLEDGE_CONSULTED_FIELD_NUMBER: _ClassVar[int]
    FLOW_MOVED_FIELD_NUMBER: _ClassVar[int]
    MODEL_REPLIED_FIELD_NUMBER: _ClassVar[int]
    REPLY_CHECKED_FIELD_NUMBER: _ClassVar[int]
    TOOL_PROPOSED_FIELD_NUMBER: _ClassVar[int]
    TOOL_CLAIMED_FIELD_NUMBER: _ClassVar[int]
    TOOL_RETURNED_FIELD_NUMBER: _ClassVar[int]
    session_started: SessionStarted
    user_message_received: UserMessageReceived
    bot_replied: BotReplied
    escalation_requested: EscalationRequested
    guardrail_triggered: GuardrailTriggered
    knowledge_consulted: KnowledgeConsulted
    flow_moved: FlowMoved
    model_replied: ModelReplied
    reply_checked: ReplyChecked
    tool_proposed: ToolProposed
    tool_claimed: ToolClaimed
    tool_returned: ToolReturned
    def __init__(self, session_started: _Optional[_Union[SessionStarted, _Mapping]] = ..., user_message_received: _Optional[_Union[UserMessageReceived, _Mapping]] = ..., bot_replied: _Optional[_Union[BotReplied, _Mapping]] = ..., escalation_requested: _Optional[_Union[EscalationRequested, _Mapping]] = ..., guardrail_triggered: _Optional[_Union[GuardrailTriggered, _Mapping]] = ..., knowledge_consulted: _Optional[_Union[KnowledgeConsulted, _Mapping]] = ..., flow_moved: _Optional[_Union[FlowMoved, _Mapping]] = ..., model_replied: _Optional[_Union[ModelReplied, _Mapping]] = ..., reply_checked: _Optional[_Union[ReplyChecked, _Mapping]] = ..., tool_proposed: _Optional[_Union[ToolProposed, _Mapping]] = ..., tool_claimed: _Optional[_Union[ToolClaimed, _Mapping]] = ..., tool_returned: _Optional[_Union[ToolReturned, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("key", "fingerprint", "text", "at_ms", "priority")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    key: str
    fingerprint: bytes
    text: str
    at_ms: int
    priority: str
    def __init__(self, key: _Optional[str] = ..., fingerprint: _Optional[bytes] = ..., text: _Optional[str] = ..., at_ms: _Optional[int] = ..., priority: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("key", "turn", "kind", "text", "language", "confidence", "citations", "options", "offer_person", "knowledge_version", "model", "answer_us", "at_ms", "route", "route_version")
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
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_VERSION_FIELD_NUMBER: _ClassVar[int]
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
    route: str
    route_version: int
    def __init__(self, key: _Optional[str] = ..., turn: _Optional[int] = ..., kind: _Optional[_Union[ReplyKind, str]] = ..., text: _Optional[str] = ..., language: _Optional[str] = ..., confidence: _Optional[float] = ..., citations: _Optional[_Iterable[_Union[Citation, _Mapping]]] = ..., options: _Optional[_Iterable[_Union[Option, _Mapping]]] = ..., offer_person: _Optional[bool] = ..., knowledge_version: _Optional[int] = ..., model: _Optional[str] = ..., answer_us: _Optional[int] = ..., at_ms: _Optional[int] = ..., route: _Optional[str] = ..., route_version: _Optional[int] = ...) -> None: ...

class EscalationRequested(_message.Message):
    __slots__ = ("key", "reason", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    reason: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., reason: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class GuardrailTriggered(_message.Message):
    __slots__ = ("key", "place", "rule", "excerpt", "action", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    place: str
    rule: str
    excerpt: str
    action: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., place: _Optional[str] = ..., rule: _Optional[str] = ..., excerpt: _Optional[str] = ..., action: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class GroundingPassage(_message.Message):
    __slots__ = ("id", "revision", "title", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    revision: int
    title: str
    text: str
    def __init__(self, id: _Optional[str] = ..., revision: _Optional[int] = ..., title: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class KnowledgeConsulted(_message.Message):
    __slots__ = ("key", "question", "intent", "intent_confidence", "answer", "passages", "at_ms", "for_flow")
    KEY_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    INTENT_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    PASSAGES_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    FOR_FLOW_FIELD_NUMBER: _ClassVar[int]
    key: str
    question: str
    intent: str
    intent_confidence: float
    answer: BotReplied
    passages: _containers.RepeatedCompositeFieldContainer[GroundingPassage]
    at_ms: int
    for_flow: bool
    def __init__(self, key: _Optional[str] = ..., question: _Optional[str] = ..., intent: _Optional[str] = ..., intent_confidence: _Optional[float] = ..., answer: _Optional[_Union[BotReplied, _Mapping]] = ..., passages: _Optional[_Iterable[_Union[GroundingPassage, _Mapping]]] = ..., at_ms: _Optional[int] = ..., for_flow: _Optional[bool] = ...) -> None: ...

class FlowMove(_message.Message):
    __slots__ = ("from_state", "to_state", "cause")
    FROM_STATE_FIELD_NUMBER: _ClassVar[int]
    TO_STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    from_state: str
    to_state: str
    cause: str
    def __init__(self, from_state: _Optional[str] = ..., to_state: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class FlowMoved(_message.Message):
    __slots__ = ("key", "flow", "version", "state", "slots", "entered_at_ms", "step", "awaiting", "misses", "moves", "said", "options", "ended", "escalate", "closed", "at_ms", "consult", "call_tool", "call_arguments", "call_confirmed")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FLOW_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    ENTERED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    AWAITING_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    SAID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    CONSULT_FIELD_NUMBER: _ClassVar[int]
    CALL_TOOL_FIELD_NUMBER: _ClassVar[int]
    CALL_ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    CALL_CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    key: str
    flow: str
    version: int
    state: str
    slots: str
    entered_at_ms: int
    step: int
    awaiting: str
    misses: int
    moves: _containers.RepeatedCompositeFieldContainer[FlowMove]
    said: _containers.RepeatedScalarFieldContainer[str]
    options: _containers.RepeatedScalarFieldContainer[str]
    ended: bool
    escalate: str
    closed: bool
    at_ms: int
    consult: str
    call_tool: str
    call_arguments: str
    call_confirmed: bool
    def __init__(self, key: _Optional[str] = ..., flow: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[str] = ..., slots: _Optional[str] = ..., entered_at_ms: _Optional[int] = ..., step: _Optional[int] = ..., awaiting: _Optional[str] = ..., misses: _Optional[int] = ..., moves: _Optional[_Iterable[_Union[FlowMove, _Mapping]]] = ..., said: _Optional[_Iterable[str]] = ..., options: _Optional[_Iterable[str]] = ..., ended: _Optional[bool] = ..., escalate: _Optional[str] = ..., closed: _Optional[bool] = ..., at_ms: _Optional[int] = ..., consult: _Optional[str] = ..., call_tool: _Optional[str] = ..., call_arguments: _Optional[str] = ..., call_confirmed: _Optional[bool] = ...) -> None: ...

class ModelAttempt(_message.Message):
    __slots__ = ("provider", "model", "error", "took_us")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TOOK_US_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    error: str
    took_us: int
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., error: _Optional[str] = ..., took_us: _Optional[int] = ...) -> None: ...

class RequestedCall(_message.Message):
    __slots__ = ("id", "name", "arguments")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    arguments: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., arguments: _Optional[str] = ...) -> None: ...

class ModelReplied(_message.Message):
    __slots__ = ("key", "route", "route_version", "rule", "provider", "model", "text", "calls", "finish_reason", "input_tokens", "output_tokens", "cost", "first_token_us", "took_us", "attempts", "shadow", "prompt_hash", "repair", "at_ms", "tools_version", "usage_estimated")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_US_FIELD_NUMBER: _ClassVar[int]
    TOOK_US_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    PROMPT_HASH_FIELD_NUMBER: _ClassVar[int]
    REPAIR_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_VERSION_FIELD_NUMBER: _ClassVar[int]
    USAGE_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    key: str
    route: str
    route_version: int
    rule: str
    provider: str
    model: str
    text: str
    calls: _containers.RepeatedCompositeFieldContainer[RequestedCall]
    finish_reason: str
    input_tokens: int
    output_tokens: int
    cost: float
    first_token_us: int
    took_us: int
    attempts: _containers.RepeatedCompositeFieldContainer[ModelAttempt]
    shadow: bool
    prompt_hash: bytes
    repair: bool
    at_ms: int
    tools_version: int
    usage_estimated: bool
    def __init__(self, key: _Optional[str] = ..., route: _Optional[str] = ..., route_version: _Optional[int] = ..., rule: _Optional[str] = ..., provider: _Optional[str] = ..., model: _Optional[str] = ..., text: _Optional[str] = ..., calls: _Optional[_Iterable[_Union[RequestedCall, _Mapping]]] = ..., finish_reason: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cost: _Optional[float] = ..., first_token_us: _Optional[int] = ..., took_us: _Optional[int] = ..., attempts: _Optional[_Iterable[_Union[ModelAttempt, _Mapping]]] = ..., shadow: _Optional[bool] = ..., prompt_hash: _Optional[bytes] = ..., repair: _Optional[bool] = ..., at_ms: _Optional[int] = ..., tools_version: _Optional[int] = ..., usage_estimated: _Optional[bool] = ...) -> None: ...

class ReplyChecked(_message.Message):
    __slots__ = ("key", "passed", "findings", "verdict", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    passed: bool
    findings: _containers.RepeatedCompositeFieldContainer[CheckFinding]
    verdict: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., passed: _Optional[bool] = ..., findings: _Optional[_Iterable[_Union[CheckFinding, _Mapping]]] = ..., verdict: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class CheckFinding(_message.Message):
    __slots__ = ("rule", "excerpt")
    RULE_FIELD_NUMBER: _ClassVar[int]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    rule: str
    excerpt: str
    def __init__(self, rule: _Optional[str] = ..., excerpt: _Optional[str] = ...) -> None: ...

class ToolProposed(_message.Message):
    __slots__ = ("key", "call_id", "tool", "arguments", "origin", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    call_id: str
    tool: str
    arguments: str
    origin: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., call_id: _Optional[str] = ..., tool: _Optional[str] = ..., arguments: _Optional[str] = ..., origin: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class ToolClaimed(_message.Message):
    __slots__ = ("key", "call_id", "tool", "tools_version", "arguments", "idempotency_key", "origin", "at_ms")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    TOOLS_VERSION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    key: str
    call_id: str
    tool: str
    tools_version: int
    arguments: str
    idempotency_key: str
    origin: str
    at_ms: int
    def __init__(self, key: _Optional[str] = ..., call_id: _Optional[str] = ..., tool: _Optional[str] = ..., tools_version: _Optional[int] = ..., arguments: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., origin: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class ToolReturned(_message.Message):
    __slots__ = ("key", "call_id", "tool", "outcome", "result", "status", "took_us", "reconciled", "at_ms", "shown")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TOOK_US_FIELD_NUMBER: _ClassVar[int]
    RECONCILED_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    key: str
    call_id: str
    tool: str
    outcome: str
    result: str
    status: int
    took_us: int
    reconciled: bool
    at_ms: int
    shown: str
    def __init__(self, key: _Optional[str] = ..., call_id: _Optional[str] = ..., tool: _Optional[str] = ..., outcome: _Optional[str] = ..., result: _Optional[str] = ..., status: _Optional[int] = ..., took_us: _Optional[int] = ..., reconciled: _Optional[bool] = ..., at_ms: _Optional[int] = ..., shown: _Optional[str] = ...) -> None: ...
