"""Python functions that serve tools of tests, well and badly."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

from tools.context import ToolContext, ToolRefused

calls: list[Any] = []
release = threading.Event()
wrapped: Callable[..., Any] = print


def add(a: int, b: int = 0) -> int:
    calls.append((a, b))
    return a + b


async def add_async(a: int, b: int = 0) -> int:
    await asyncio.sleep(0)
    return a + b


def who(context: ToolContext) -> dict[str, str]:
    return {"key": context.idempotency_key, "tenant": context.tenant, "session": context.session}


def refuse() -> None:
    raise ToolRefused("not_today", "Come back tomorrow.\x07")


def fail(a: int = 0) -> None:
    calls.append(a)
    raise RuntimeError("password hunter2")


async def fail_async() -> None:
    raise RuntimeError("password hunter2")


def leave() -> None:
    sys.exit(3)


async def leave_async() -> None:
    raise SystemExit(3)


async def cancel_itself() -> None:
    raise asyncio.CancelledError


def hang() -> str:
    calls.append("hang")
    release.wait(20)
    return "late"


async def hang_async() -> None:
    await asyncio.Event().wait()


def large() -> str:
    return "x" * 2_000_000


def no_json() -> Any:
    return {"a": object()}


def endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> Any:
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    return value


def _hidden() -> None:
    pass
