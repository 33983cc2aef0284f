"""What the gateway needs of a provider: one call in, a stream of text and tool calls out, typed failures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

from msgspec import Struct

from schemas.errors import Unavailable
from schemas.models import Message, Usage
from schemas.tools import ToolSpec


class ProviderCall(Struct, frozen=True):
    """One prompt. `max_tokens` and `temperature`: the provider's own if None. `json_schema`: what the reply should
    be, as far as the provider can be held to it. `timeout_s`: all that is left, from the call to the last chunk;
    the gateway also closes the iterator then, so a provider may leave the watch to it.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    json_schema: dict[str, Any] | None = None
    timeout_s: float = 30.0


class Text(Struct, frozen=True):
    """More of the reply. Never empty."""

    text: str


class ToolDelta(Struct, frozen=True):
    """A piece of the tool call at `index` (-1 if the provider does not say; the gateway then goes by ids).

    `id` and `name` come whole, with the first piece or with each; `arguments` grow.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Raw(Struct, frozen=True):
    """A piece of a relayed reply as it came. `text`, `size`: what of it is reply, and its bytes with tool arguments.
    `alive`: the model said or thought something, which the first chunks of most streams do not show."""

    data: bytes
    text: str = ""
    size: int = 0
    alive: bool = True


class End(Struct, frozen=True):
    """The reply is whole. `finish_reason`: `stop`, `length`, `tool_calls` or `content_filter`. `usage`: None if the
    provider does not count (the gateway then estimates); its cost is filled in by the gateway. `model`: the one that
    answered, empty if it is the one that was asked."""

    finish_reason: str
    usage: Usage | None = None
    model: str = ""


class Thought(Struct, frozen=True):
    """The model is at work on what is no part of the reply; a sign of life."""


ProviderChunk = Thought | Text | ToolDelta | End


class ProviderFailed(Unavailable):
    """A provider broke off or would not begin. `error` is the stable word of schemas.models.Attempt.

    `retryable`: the same provider may well answer if it is asked again. `after_s`: it asked for so much patience.
    `healthy`: the call was at fault and not the provider (a refused prompt, say), so its breaker does not count it.
    """

    code, title = "provider_failed", "The model's provider failed"

    def __init__(
        self,
        error: str,
        detail: str = "",
        *,
        retryable: bool = False,
        after_s: float | None = None,
        healthy: bool = False,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail or error, retry_after_s=retry_after_s)
        self.error = error
        self.retryable = retryable
        self.after_s = after_s
        self.healthy = healthy


class Provider(Protocol):
    """A model somewhere. Safe to call from many tasks of one event loop at once."""

    name: str
    model: str

    def stream(self, call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        """Texts and ToolDeltas, then one End. Raises ProviderFailed.

        An async generator: closing it (`aclose`, or cancelling the task inside it) stops the provider's work and
        gives back what it held, promptly.
        """

    async def close(self) -> None:
        """Let go of connections, threads and memory. Nothing is streaming any more."""
