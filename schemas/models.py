"""Models as sessions see them: which route a turn takes, what the model is asked, what comes back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

from msgspec import Struct

from schemas.errors import Unavailable
from schemas.tools import ToolCall, ToolSpec

Mode = Literal["extractive", "model", "hybrid"]
Priority = Literal["low", "normal", "high"]
Role = Literal["system", "user", "assistant", "tool"]


class Spent(Struct, frozen=True):
    """What a tenant has used today, in UTC. `cost`: in the currency of the providers' prices."""

    tokens: int = 0
    cost: float = 0.0


class Situation(Struct, frozen=True):
    """What routing goes by. `flow`, `state`, `intent`: empty if there is none. `session` decides about canaries."""

    tenant: str
    session: str
    at_ms: int
    language: str = "en"
    intent: str = ""
    flow: str = ""
    state: str = ""
    priority: Priority = "normal"
    spent: Spent = Spent()


class HybridRules(Struct, frozen=True):
    """What a model's words must keep to in hybrid mode, beside being grounded.

    `required`, `forbidden`: phrases by language. `json_schema`: the reply is JSON of this schema.
    `link_hosts`: hosts that may be linked to although the grounding does not.
    """

    required: dict[str, tuple[str, ...]] = {}
    forbidden: dict[str, tuple[str, ...]] = {}
    json_schema: dict[str, Any] | None = None
    link_hosts: tuple[str, ...] = ()


class RouteChoice(Struct, frozen=True):
    """The route of one turn. `version`: of the tenant's routes. `rule`: name of the rule that chose it.

    `system`: the route's system prompt; `context_tokens`: the budget of a whole prompt; `shadow`: a route that gets
    a copy, or empty.
    """

    route: str
    version: int
    mode: Mode
    rule: str = ""
    shadow: str = ""
    system: str = ""
    context_tokens: int = 6_000
    deadline_s: float = 10.0
    hybrid: HybridRules = HybridRules()


EXTRACTIVE = RouteChoice("extractive", 0, "extractive")


class Message(Struct, frozen=True, omit_defaults=True):
    """One message of a prompt, as OpenAI's chat completions have it."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


class ModelRequest(Struct, frozen=True):
    """A prompt on its way to the gateway, for the route of that version of the tenant's routes.

    `deadline_ms`: milliseconds since 1970; nothing of this request goes on for more than a second after it.
    """

    tenant: str
    route: str
    version: int
    messages: tuple[Message, ...]
    deadline_ms: int
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    json_schema: dict[str, Any] | None = None


class Usage(Struct, frozen=True):
    """Tokens as the provider counted them (estimated if it did not), and what they cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    estimated: bool = False


class Attempt(Struct, frozen=True):
    """One provider that was tried. `error`: a stable word such as `timeout`, `http_429`, `reset`, `malformed`,
    `too_large`, `breaker_open`, `busy`, `budget`; empty for the one that answered."""

    provider: str
    model: str
    error: str = ""
    took_us: int = 0


class Delta(Struct, frozen=True, tag="delta"):
    """More of the reply's text."""

    text: str


class Completion(Struct, frozen=True, tag="completion"):
    """The whole reply, after its last Delta. `finish_reason`: `stop`, `length`, `tool_calls`, `content_filter`,
    `cancelled`. Times in microseconds since the gateway had the request."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    provider: str
    model: str
    usage: Usage
    first_token_us: int
    took_us: int
    attempts: tuple[Attempt, ...] = ()


ModelEvent = Delta | Completion


class ModelUnavailable(Unavailable):
    """No provider of the route answered. `attempts` says why, provider by provider; `partial` is what the last one
    had said before it broke off."""

    code, title = "model_unavailable", "No model answered"

    def __init__(
        self, detail: str, attempts: tuple[Attempt, ...] = (), partial: str = "", *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.attempts = attempts
        self.partial = partial


class Models(Protocol):
    """The gateway as a session sees it."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Deltas, then one Completion. Closing the generator cancels the provider's work. Raises ModelUnavailable.

        Once a Delta has been given, no other provider is tried: what the customer has read stays true.
        """
