"""Actors with everything around them scripted: clock, answerer, crashes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from actors.runtime import Runtime
from events.memory import MemoryStore
from events.store import EventStore
from kit.given import T0, answer
from schemas.answers import Answer, Question
from schemas.api import TurnRequest
from schemas.ids import Snowflake

FAR = T0 + 10**9  # a deadline that never comes
_IDS = Snowflake(2, lambda: T0)  # one for the whole run: two runtimes never propose the same id


class Crash(Exception):
    """Stands for a killed process: no code of ours expects it."""


class FakeClock:
    def __init__(self, now: int = T0) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class ScriptedAnswerer:
    """Answers `re: <text>`. `cache`: texts it knows at once; `failures`: raised by the next calls, in order;
    while `gate` is not set, calls hang; `asked` has every question that `answer` was called with."""

    def __init__(self, *, has_effects: bool = False) -> None:
        self.has_effects = has_effects
        self.cache: dict[str, Answer] = {}
        self.failures: deque[BaseException] = deque()
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[Question] = []

    def cached(self, question: Question) -> Answer | None:
        return self.cache.get(question.text)

    async def prepare(self, question: Question) -> None:
        await self.answer(question)

    async def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        await self.gate.wait()
        if self.failures:
            raise self.failures.popleft()
        return answer(f"re: {question.text}")


class Probe:
    """Raises `Crash` once at the armed point, and remembers the points that were passed."""

    def __init__(self) -> None:
        self.armed: str | None = None
        self.passed: list[str] = []
        self.at: dict[str, Callable[[], None]] = {}

    def __call__(self, point: str) -> None:
        self.passed.append(point)
        if point in self.at:
            self.at.pop(point)()
        if point == self.armed:
            self.armed = None
            raise Crash(point)


class FaultyStore:
    """A store whose next calls can be made to fail: `before[name]` / `after[name]` hold errors to raise once."""

    def __init__(self, inner: EventStore) -> None:
        self.inner = inner
        self.before: dict[str, BaseException] = {}
        self.after: dict[str, BaseException] = {}
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if name in self.before:
                raise self.before.pop(name)
            result = await method(*args, **kwargs)
            if name in self.after:
                raise self.after.pop(name)
            return result

        return call


def runtime(
    store: EventStore | FaultyStore | None = None,
    answerer: ScriptedAnswerer | None = None,
    clock: FakeClock | None = None,
    probe: Probe | None = None,
) -> Runtime:
    return Runtime(
        store=store or MemoryStore(),  # type: ignore[arg-type]
        answerer=answerer or ScriptedAnswerer(),
        clock=clock or FakeClock(),
        new_id=_IDS.next,
        probe=probe or Probe(),
    )


def turn(
    key: str,
    text: str = "hello",
    *,
    ref: int = 0,
    session: str = "s1",
    tenant: str = "acme",
    deadline_ms: int = FAR,
) -> TurnRequest:
    return TurnRequest(ref, tenant, session, key, text, deadline_ms)
