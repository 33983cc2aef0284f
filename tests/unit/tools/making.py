"""Declares tools against a sink, and calls them with a clock that only pauses move."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from kit.sink import Sink

from schemas.tools import ToolOutcome, ToolRequest
from tools.calling import ToolCaller
from tools.declarations import Declarations
from tools.reading import read

TLS = httpx.create_ssl_context(trust_env=False)  # reading the authorities takes longer than most tests
LOCAL = ("127.0.0.1",)
NUMBER = {"type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}


class FakeClock:
    """Milliseconds. `pauses`: what was slept, in seconds; sleeping takes no time but this clock's."""

    def __init__(self) -> None:
        self.at_ms = 1_000_000
        self.pauses: list[float] = []

    def __call__(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at_ms += int(seconds * 1_000)


def declared(*tools: dict[str, Any]) -> Declarations:
    usual = {"description": "A tool of a test."}
    return read(json.dumps({"tools": [usual | tool for tool in tools]}, ensure_ascii=False))


def effect(sink: Sink, path: str = "/act", **more: Any) -> dict[str, Any]:
    """A tool `act` that has an effect in the sink. `http`: more of its endpoint."""
    http = {"url": sink.url(path), "method": "POST", "allow": list(LOCAL)} | more.pop("http", {})
    return {"name": "act", "http": http, "parameters": NUMBER, "timeout_s": 0.5} | more


def asks(sink: Sink) -> dict[str, Any]:
    return {"url": sink.url("/effects/{idempotency_key}")}


def request(
    name: str = "act",
    arguments: Any = None,
    *,
    key: str = "key-1",
    tenant: str = "demo",
    clock: Callable[[], int] | None = None,
    for_s: float = 5.0,
) -> ToolRequest:
    text = arguments if isinstance(arguments, str) else json.dumps({"number": "7"} if arguments is None else arguments)
    now = clock() if clock else 0
    return ToolRequest(tenant, 1, name, text, key, "session-1", now + int(for_s * 1_000))


def caller(declarations: Declarations, clock: FakeClock, **options: Any) -> ToolCaller:
    async def find(tenant: str, version: int) -> Declarations:
        return declarations

    usual: dict[str, Any] = {
        "allow": LOCAL,
        "clock": clock,
        "sleep": clock.sleep,
        "secrets": lambda *_: None,
        "tls": TLS,
    }
    return ToolCaller(find, **(usual | options))


async def called(tool: dict[str, Any], arguments: Any = None, *, for_s: float = 5.0, **options: Any) -> ToolOutcome:
    """One call of one tool."""
    clock = options.pop("clock", None) or FakeClock()
    async with caller(declared(tool), clock, **options) as calls:
        return await calls.call(request(tool["name"], arguments, clock=clock, for_s=for_s))


async def reconciled(tool: dict[str, Any], *, for_s: float = 5.0, **options: Any) -> ToolOutcome:
    clock = options.pop("clock", None) or FakeClock()
    async with caller(declared(tool), clock, **options) as calls:
        return await calls.reconcile(request(tool["name"], clock=clock, for_s=for_s))


def told(outcome: ToolOutcome) -> str:
    """The stable word of a failure."""
    return str(json.loads(outcome.result)["error"])
