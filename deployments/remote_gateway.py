"""The gateway deployment as a session host sees it: models and tools over Serve handles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
from msgspec import Struct

from schemas.errors import AnswererUnavailable
from schemas.models import Attempt, Completion, Delta, ModelEvent, ModelRequest, ModelUnavailable
from schemas.tools import ToolOutcome, ToolRequest

_PAUSES_S = (0.1, 0.3, 1.0, 2.0)


class Failed(Struct, frozen=True, tag="failed"):
    """A ModelUnavailable on its way."""

    detail: str
    attempts: tuple[Attempt, ...]
    partial: str


encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(ModelRequest).decode
decode_event: Callable[[bytes], Delta | Completion | Failed] = msgspec.msgpack.Decoder(
    Delta | Completion | Failed
).decode
decode_tool_request = msgspec.msgpack.Decoder(ToolRequest).decode
decode_outcome = msgspec.msgpack.Decoder(ToolOutcome).decode


class RemoteModels:
    """schemas.models.Models over the gateway deployment. `handle`: gives its handle, when it is there."""

    def __init__(self, handle: Callable[[], Any]) -> None:
        self._handle = handle
        self._streaming: Any = None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        replies: Any = None
        try:
            if self._streaming is None:
                self._streaming = self._handle().options(stream=True)
            replies = self._streaming.stream.remote(encode(request))
            async for payload in replies:
                event = decode_event(payload)
                if isinstance(event, Failed):
                    raise ModelUnavailable(event.detail, event.attempts, event.partial)
                yield event
        except (ModelUnavailable, GeneratorExit):
            raise
        except Exception as error:  # whatever Serve raises when the replica went away
            raise ModelUnavailable(f"the gateway cannot be reached ({type(error).__name__})") from error
        finally:
            if replies is not None:
                replies.cancel()  # whoever stops reading stops the model


class RemoteTools:
    """schemas.tools.Tools over the gateway deployment."""

    def __init__(self, handle: Callable[[], Any]) -> None:
        self._handle = handle

    async def call(self, request: ToolRequest) -> ToolOutcome:
        try:
            return decode_outcome(await self._handle().call_tool.remote(encode(request)))
        except Exception:  # the replica may have died with the call under way: only its claim is sure
            return await self.reconcile(request)

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        """Raises AnswererUnavailable when no gateway answers: the turn then stays open, and is gone on with later."""
        for pause_s in _PAUSES_S:
            try:
                return decode_outcome(await self._handle().reconcile_tool.remote(encode(request)))
            except Exception:
                await asyncio.sleep(pause_s)
        raise AnswererUnavailable(
            f"what became of the call of {request.name!r} cannot be found out now; retry with the same key",
            retry_after_s=2,
        )
