"""Calls tools that are Python functions: sync ones in threads, of which there are few and which cannot be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import logging
import traceback
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from schemas.tools import ToolRequest
from tools.attempts import Attempt, returned, unsent
from tools.context import ToolContext, ToolRefused
from tools.declarations import Tool
from tools.results import cleaned

_log = logging.getLogger("kefu.tools")

THREADS = 16
THREADS_OF_ONE = 4
"""A function that hangs keeps its threads for as long as it hangs; this is how many it can have."""


class PythonCalls:
    """`modules`: that functions may come from. Whoever may declare tools must not be able to name `os:system`."""

    def __init__(self, modules: Collection[str]) -> None:
        self._modules = frozenset(modules)
        self._functions: dict[str, Callable[..., Any]] = {}
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="kefu-tool")
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def call(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any], wait_s: float) -> Attempt:
        """One call. Never raises but when it is cancelled."""
        try:
            function = self._function(tool.python)
            keywords = dict(arguments)
            if "context" in inspect.signature(function).parameters:
                keywords["context"] = ToolContext(request.idempotency_key, request.tenant, request.session)
            inspect.signature(function).bind(**keywords)
        except Exception as error:  # an import runs whatever the module says
            _log.warning("tool %r of tenant %r is not called: %s", tool.spec.name, request.tenant, error)
            return unsent("not_callable", f"{tool.python} cannot be called with these arguments; see Kefu's log")
        if inspect.iscoroutinefunction(function):
            return await self._awaited(tool, function, keywords, wait_s)
        return await self._threaded(tool, function, keywords, wait_s)

    def _function(self, name: str) -> Callable[..., Any]:
        if name not in self._functions:
            module, _, attribute = name.partition(":")
            if module not in self._modules:
                raise PermissionError(f"module {module!r} is not among those that tools may come from")
            function = getattr(importlib.import_module(module), attribute)
            if not inspect.isfunction(function) or function.__module__ != module:
                raise TypeError(f"{name} is not a function of that module's own")
            self._functions[name] = function
        return self._functions[name]

    async def _awaited(
        self, tool: Tool, function: Callable[..., Any], keywords: dict[str, Any], wait_s: float
    ) -> Attempt:
        # A task of its own, so that neither its exceptions nor its own cancelling are taken for this task's.
        task = asyncio.ensure_future(_outcome(function, keywords))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task}, timeout=wait_s)
        finally:
            if not task.done():
                task.cancel()
        if not task.done() or task.cancelled():
            return _too_late(wait_s)
        return _attempt(tool, *task.result())

    async def _threaded(
        self, tool: Tool, function: Callable[..., Any], keywords: dict[str, Any], wait_s: float
    ) -> Attempt:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        slots = self._slots.setdefault(tool.python, asyncio.Semaphore(THREADS_OF_ONE))
        try:
            async with asyncio.timeout_at(until):
                await slots.acquire()
        except TimeoutError:
            return unsent("busy", "the function is at work on as many calls as it may be; it was not called")
        future = self._threads.submit(_ran, function, keywords)
        # The slot is free when the thread is, which may be long after this call has given up.
        future.add_done_callback(lambda _: _in(loop, slots.release))
        try:
            await asyncio.wait({asyncio.wrap_future(future)}, timeout=until - loop.time())
        finally:
            # Takes effect only while no thread has begun with it.
            future.cancel()
        if future.cancelled():
            return unsent("busy", "no thread was free in time; the function was not called")
        if not future.done():
            return _too_late(wait_s)
        return _attempt(tool, *future.result())


def _in(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # a thread may outlive the loop that it worked for
        loop.call_soon_threadsafe(function)


async def _outcome(function: Callable[..., Any], keywords: dict[str, Any]) -> tuple[Any, BaseException | None]:
    try:
        return await function(**keywords), None
    except (Exception, SystemExit) as error:
        return None, error


def _ran(function: Callable[..., Any], keywords: dict[str, Any]) -> tuple[Any, BaseException | None]:
    try:
        return function(**keywords), None
    except BaseException as error:  # what a thread raises must not end the loop
        return None, error


def _attempt(tool: Tool, value: Any, error: BaseException | None) -> Attempt:
    if error is None:
        return returned(tool, value)
    if isinstance(error, ToolRefused):
        return Attempt("refused", error=error.error, detail=cleaned(error.detail)[:500])
    # What it says may hold anything, keys included, so neither the result nor the log has it.
    at = traceback.extract_tb(error.__traceback__)[-1]
    _log.warning("tool %r raised %s at %s:%s", tool.spec.name, type(error).__name__, at.filename, at.lineno)
    return Attempt("unsure", error="tool_error", detail=f"the function raised {type(error).__name__}")


def _too_late(wait_s: float) -> Attempt:
    return Attempt("unsure", error="timeout", detail=f"the function did not return within {wait_s:.3g} s")
