"""Calls tools so that each call has its effect at most once, and says honestly when nobody can know.

A repeat goes out only where it does no harm: nothing was sent, or the declaration says that the key makes it safe.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Self

from schemas.errors import KefuError, Unavailable
from schemas.tools import ToolOutcome, ToolRequest
from tools.attempts import Attempt, unsent
from tools.declarations import NO_TOOLS, Declarations, Tool
from tools.gates import Busy, Gates
from tools.http_calls import HttpCalls
from tools.python_calls import PythonCalls
from tools.results import decoded, encoded, failure
from tools.secrets import Secrets, secrets_from

MOST_ATTEMPTS = 4
AT_ONCE_OF_ONE, AT_ONCE, WAITING = 16, 256, 2_000
_FIRST_PAUSE_S = 0.1
_LEAST_S = 0.01
_LONGEST_ARGUMENTS = 64 * 1024
SHIPPED_MODULES = ("tools.demo_shop",)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class ToolCaller:
    """schemas.tools.Tools over what tenants have declared.

    `declarations(tenant, version)` may raise NotFound or InvalidDefinition (such tools are not called), and
    Unavailable: `call` then says that nothing was done, `reconcile` lets it through, for the caller to ask again.
    `secrets`: see tools.secrets. `allow`: internal hosts and networks that tools may reach if they name them.
    `modules`: that Python tools may come from. `clock`: milliseconds since 1970, for `deadline_ms`.

    Use it as an async context manager, or close it.
    """

    def __init__(
        self,
        declarations: Callable[[str, int], Awaitable[Declarations | None]],
        *,
        secrets: Secrets | None = None,
        allow: tuple[str, ...] = (),
        modules: Collection[str] = SHIPPED_MODULES,
        clock: Callable[[], int] = _wall_ms,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        connect_s: float = 3.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._declarations = declarations
        self._clock = clock
        self._sleep = sleep
        self._http = HttpCalls(secrets or secrets_from(), allow, connect_s, tls)
        self._python = PythonCalls(modules)
        self._gates = Gates(AT_ONCE_OF_ONE, AT_ONCE, WAITING)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes connections. A function that still hangs in a thread is left behind."""
        self._python.close()
        await self._http.close()

    async def call(self, request: ToolRequest) -> ToolOutcome:
        """See Tools."""
        started = time.monotonic()
        tool: Tool | None = None
        try:
            tool, arguments = await self._ready(request)
        except _NotReady as why:
            attempt = why.attempt
        else:
            attempt = await self._settled(tool, request, arguments)
        return _outcome(tool, attempt, started)

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        """See Tools. A call that would not be sent now may have been sent then, so that is `unknown` too."""
        started = time.monotonic()
        tool: Tool | None = None
        try:
            tool, arguments = await self._ready(request)
        except _NotReady as why:
            if why.passing is not None:
                raise why.passing from None
            attempt = _unsure(why.attempt)
        else:
            attempt = await self._reconciled(tool, request, arguments)
        return _outcome(tool, attempt, started)

    async def _ready(self, request: ToolRequest) -> tuple[Tool, dict[str, Any]]:
        """The tool and its arguments, fit to be sent; else _NotReady."""
        try:
            declared = await self._declarations(request.tenant, request.version) or NO_TOOLS
        except KefuError as error:
            passing = error if isinstance(error, Unavailable) else None
            raise _NotReady("declarations_unavailable", error.title, passing) from None
        tool = declared.tool(request.name)
        if tool is None:
            meant = declared.meant(request.name)
            hint = f"; did you mean {meant!r}?" if meant else ""
            raise _NotReady("unknown_tool", f"there is no tool {request.name[:64]!r}{hint}")
        if not tool.permits(request.tenant):
            raise _NotReady("not_permitted", f"tenant {request.tenant!r} may not call {request.name!r}")
        return tool, _arguments(tool, request.arguments)

    async def _settled(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any]) -> Attempt:
        attempt = await self._repeated(tool, request, arguments)
        if attempt.verdict != "unsure" or not _can_ask(tool):
            return attempt
        said = await self._asked(tool, request, arguments)
        if said.verdict == "done":
            return said
        # What was late may still be on its way, so "it never happened" is too early to say; what was answered did.
        if _never_happened(said) and attempt.error != "timeout" and not 200 <= attempt.status < 300:
            return await self._confirmed(tool, request, arguments, await self._attempt(tool, request, arguments))
        return attempt

    async def _confirmed(
        self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any], attempt: Attempt
    ) -> Attempt:
        """That attempt; if it is unsure and the tool says that it was done, what the tool says."""
        if attempt.verdict != "unsure" or not _can_ask(tool):
            return attempt
        said = await self._asked(tool, request, arguments)
        return said if said.verdict == "done" else attempt

    async def _reconciled(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any]) -> Attempt:
        if _can_ask(tool):
            said = await self._asked(tool, request, arguments)
            if said.verdict == "done":
                return said
            if _never_happened(said):
                repeat = await self._repeated(tool, request, arguments)
                return await self._confirmed(tool, request, arguments, repeat)
            return _unsure(said)
        if tool.repeatable:
            return await self._repeated(tool, request, arguments, unsent("interrupted", "it was interrupted"))
        return Attempt(
            "unsure", error="interrupted", detail="it was interrupted, and the tool cannot be asked about it"
        )

    async def _repeated(
        self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any], before: Attempt | None = None
    ) -> Attempt:
        """Attempts until one settles it, none would help, or time is up. `before`: one of a process that died."""
        unsure = _unsure(before) if before else None
        attempt = unsent("deadline", "there was no time left to call it")
        for number in range(MOST_ATTEMPTS):
            attempt = await self._attempt(tool, request, arguments)
            if attempt.status == 409 and unsure is not None:
                # The first one is still at work under the same key.
                attempt = Attempt("unsure", None, "http_409", attempt.detail, 409, True, attempt.after_s)
            if attempt.verdict in ("done", "refused"):
                return attempt
            if attempt.verdict == "unsure":
                unsure = attempt
            if not attempt.again or (unsure is not None and not tool.repeatable):
                break
            if not await self._paused(request, number, attempt):
                break
        return unsure or attempt

    async def _attempt(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any]) -> Attempt:
        left_s = self._left_s(request)
        if left_s < _LEAST_S:
            return unsent("deadline", "there was no time left to call it")
        calls = self._http if tool.http is not None else self._python
        try:
            async with self._gates.entered((request.tenant, tool.spec.name), left_s):
                wait_s = min(tool.timeout_s, self._left_s(request))
                if wait_s < _LEAST_S:
                    return unsent("deadline", "there was no time left to call it")
                return await calls.call(tool, request, arguments, wait_s)
        except Busy:
            return unsent("busy", "too many calls of this tool are under way; nothing was sent")

    async def _asked(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any]) -> Attempt:
        """What the tool says became of it, asked until it says something or time is up."""
        said = unsent("deadline", "there was no time left to ask the tool")
        for number in range(MOST_ATTEMPTS):
            left_s = self._left_s(request)
            if left_s < _LEAST_S:
                break
            said = await self._http.ask(tool, request, arguments, min(tool.timeout_s, left_s))
            if said.verdict == "done" or not said.again:
                break
            if not await self._paused(request, number, said):
                break
        return said

    async def _paused(self, request: ToolRequest, number: int, attempt: Attempt) -> bool:
        """Waits after the attempt of that number, from 0; false if there is no other, or no time for one."""
        pause_s = max(_FIRST_PAUSE_S * 3**number, attempt.after_s)
        if number + 1 >= MOST_ATTEMPTS or self._left_s(request) < pause_s + _LEAST_S:
            return False
        await self._sleep(pause_s)
        return True

    def _left_s(self, request: ToolRequest) -> float:
        return (request.deadline_ms - self._clock()) / 1_000


class _NotReady(Exception):
    """Nothing is sent. `passing`: it may go better later."""

    def __init__(self, error: str, detail: str, passing: Unavailable | None = None) -> None:
        super().__init__(detail)
        self.attempt = unsent(error, detail)
        self.passing = passing


def _arguments(tool: Tool, text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_ARGUMENTS:
        raise _NotReady("bad_arguments", f"$: has {len(text)} characters; {_LONGEST_ARGUMENTS} are allowed")
    try:
        # Models leave the text empty where a tool takes no arguments.
        value = decoded(text) if text.strip() else {}
    except ValueError as error:
        raise _NotReady("bad_arguments", f"$: {error}") from None
    if not isinstance(value, dict):
        raise _NotReady("bad_arguments", "$: must be a JSON object of named arguments")
    if problems := tool.parameters.problems(value):
        raise _NotReady("bad_arguments", problems)
    return value


def _can_ask(tool: Tool) -> bool:
    return tool.http is not None and bool(tool.http.reconcile)


def _never_happened(said: Attempt) -> bool:
    return said.verdict == "refused" and said.status == 404


def _unsure(attempt: Attempt) -> Attempt:
    return Attempt("unsure", error=attempt.error, detail=attempt.detail, status=attempt.status)


def _outcome(tool: Tool | None, attempt: Attempt, started: float) -> ToolOutcome:
    took_us = int((time.monotonic() - started) * 1e6)
    if attempt.verdict == "done":
        return ToolOutcome("ok", encoded(attempt.value), attempt.status, took_us)
    # What only reads has had no effect, whatever became of it.
    unknown = attempt.verdict == "unsure" and not (tool is not None and tool.read_only)
    result = failure(attempt.error, attempt.detail)
    return ToolOutcome("unknown" if unknown else "failed", result, attempt.status, took_us)
