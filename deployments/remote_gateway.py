"""The gateway deployment as a session host sees it: models and tools over Serve handles."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec
from msgspec import Struct
from ray.exceptions import RayTaskError

from schemas.errors import AnswererUnavailable, Unavailable
from schemas.ids import now_ms
from schemas.models import Attempt, Completion, Delta, ModelEvent, ModelRequest, ModelUnavailable
from schemas.tools import ToolOutcome, ToolRequest

_PAUSES_S = (0.1, 0.3, 1.0, 2.0)
_GRACE_S = 1.0  # a gateway that is well has ended by so long after the deadline; one that has not is not waited for
_RECONCILE_MS = 2_000  # finding out what became of a call gets at least so long, however late it is

_log = logging.getLogger("kefu.host")


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
            while True:
                try:
                    async with asyncio.timeout(_wait_s(request.deadline_ms)):
                        payload = await anext(replies)
                except StopAsyncIteration:
                    return
                event = decode_event(payload)
                if isinstance(event, Failed):
                    raise ModelUnavailable(event.detail, event.attempts, event.partial)
                yield event
        except (ModelUnavailable, GeneratorExit):
            raise
        except TimeoutError as error:
            raise ModelUnavailable("the gateway did not answer in time") from error
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
        """Raises AnswererUnavailable when nobody can say what became of the call."""
        try:
            handle = self._handle()
        except Exception as error:  # nothing has been sent, so nothing has happened
            _log.warning("the gateway cannot be had for the tool %s", request.name, exc_info=True)
            detail = f"the gateway cannot be reached ({type(error).__name__}); nothing was called"
            return ToolOutcome("failed", _told("gateway_unavailable", detail))
        try:
            async with asyncio.timeout(_wait_s(request.deadline_ms)):
                return decode_outcome(await handle.call_tool.remote(encode(request)))
        except Exception:  # the replica may have died with the call under way: only its claim is sure
            return await self.reconcile(request)

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        """Raises AnswererUnavailable when no gateway answers: the turn then stays open, and is gone on with later.

        A defect that is met twice will be met for ever; the call is then `unknown`, so that the session can go on.
        """
        met = 0
        for pause_s in _PAUSES_S:
            asked = msgspec.structs.replace(request, deadline_ms=max(request.deadline_ms, now_ms() + _RECONCILE_MS))
            try:
                async with asyncio.timeout(_wait_s(asked.deadline_ms)):
                    return decode_outcome(await self._handle().reconcile_tool.remote(encode(asked)))
            except Exception as error:
                met += _is_defect(error)
                if met == 2:
                    _log.exception("what became of a call of the tool %s cannot be found out", request.name)
                    cause = getattr(error, "cause", error)
                    detail = f"what became of the call cannot be found out ({type(cause).__name__})"
                    return ToolOutcome("unknown", _told("internal_error", detail))
                await asyncio.sleep(pause_s)
        raise AnswererUnavailable(
            f"what became of the call of {request.name!r} cannot be found out now; retry with the same key",
            retry_after_s=2,
        )


def _wait_s(deadline_ms: int) -> float:
    return max(0.0, (deadline_ms - now_ms()) / 1e3) + _GRACE_S


def _is_defect(error: Exception) -> bool:
    """The gateway's code failed, or what it says cannot be read; nothing that passes by itself."""
    if isinstance(error, RayTaskError):
        return not isinstance(error.cause, Unavailable)
    return isinstance(error, msgspec.MsgspecError)


def _told(error: str, detail: str) -> str:
    return msgspec.json.encode({"error": error, "detail": detail}).decode()
