"""Turns with everything around them scripted: rules, models, tools."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import msgspec

from actors.rules import VersionedFlow
from actors.runtime import Plain, Runtime
from flows.definition import Flow
from flows.reading import read
from guardrails.policy import DEFAULT, Guardrails
from kit.actors import FakeClock, ScriptedAnswerer, runtime
from kit.given import answer
from schemas.answers import Answer, Question
from schemas.models import (
    EXTRACTIVE,
    Attempt,
    Completion,
    Delta,
    ModelEvent,
    ModelRequest,
    ModelUnavailable,
    RouteChoice,
    Situation,
    Usage,
)
from schemas.tools import ToolCall, ToolOutcome, ToolRequest, ToolSpec, ToolTerms

Choose = Callable[[Situation], RouteChoice]


class ScriptedRules(Plain):
    """`flows`: YAML by id and version, the highest is the newest. `route`: a choice, or what chooses."""

    def __init__(
        self,
        flows: Mapping[tuple[str, int], str] | None = None,
        route: RouteChoice | Choose = EXTRACTIVE,
        tools: Mapping[str, ToolTerms] | None = None,
        guardrails: Guardrails = DEFAULT,
    ) -> None:
        self.flows: dict[tuple[str, int], Flow] = {}
        for (id, version), text in (flows or {}).items():
            self.put(id, version, text)
        self.route = route
        self.tools = dict(tools or {})
        self.guardrails = guardrails
        self.situations: list[Situation] = []
        self.broken: dict[str, str] = {}  # by tool, what is wrong with whatever it is called with

    def put(self, id: str, version: int, text: str) -> None:
        self.flows[id, version] = read(text)

    @property
    def uses_models(self) -> bool:  # type: ignore[override]
        return self.route is not EXTRACTIVE

    def choose(self, situation: Situation) -> RouteChoice:
        self.situations.append(situation)
        return self.route if isinstance(self.route, RouteChoice) else self.route(situation)

    async def flow(self, tenant: str, flow: str, version: int) -> Flow | None:
        return self.flows.get((flow, version))

    def newest(self, flow: str) -> VersionedFlow | None:
        versions = [version for id, version in self.flows if id == flow]
        return VersionedFlow(self.flows[flow, max(versions)], max(versions)) if versions else None

    def started_by(self, intent: str) -> VersionedFlow | None:
        for id, _ in self.flows:
            newest = self.newest(id)
            if newest is not None and intent in newest.flow.start_intents:
                return newest
        return None

    def tool(self, name: str) -> ToolTerms | None:
        return self.tools.get(name)

    def problem(self, name: str, arguments: str) -> str:
        return self.broken.get(name, "")

    def confirmation(self, name: str, arguments: str, language: str) -> str:
        return self.tools[name].confirm.get(language, "")

    def offered(self) -> tuple[ToolSpec, ...]:
        return tuple(terms.spec for terms in self.tools.values() if terms.offered)


def terms(name: str, *, confirm: Mapping[str, str] | None = None, offered: bool = True) -> ToolTerms:
    """A tool that takes any object."""
    return ToolTerms(ToolSpec(name, f"does {name}", {"type": "object"}), 3, dict(confirm or {}), offered)


class Says(msgspec.Struct):
    """What a scripted model does: words, calls, or a failure. `after`: is waited for before the last piece."""

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    fails: str = ""
    pieces: int = 3
    after: asyncio.Event | None = None


class ScriptedModels:
    """Says one thing after another; `requests` has what it was asked."""

    def __init__(self, *says: Says | str) -> None:
        self.says: deque[Says] = deque(Says(each) if isinstance(each, str) else each for each in says)
        self.requests: list[ModelRequest] = []
        self.cancelled = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        said = self.says.popleft() if self.says else Says(fails="nothing scripted")
        if said.fails:
            raise ModelUnavailable(said.fails, (Attempt("cloud", "m", said.fails, 5),), said.text)
        step = max(1, len(said.text) // said.pieces)
        try:
            for start in range(0, len(said.text), step):
                if start + step >= len(said.text) and said.after is not None:
                    await said.after.wait()
                yield Delta(said.text[start : start + step])
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled += 1
            raise
        calls = tuple(
            ToolCall(f"call_{n}", name, arguments if isinstance(arguments, str) else json.dumps(arguments))
            for n, (name, arguments) in enumerate(said.calls)
        )
        yield Completion(
            said.text, calls, "tool_calls" if calls else "stop", "cloud", "m", Usage(10, 5, 0.001), 2, 9,
            (Attempt("cloud", "m", "", 9),),
        )  # fmt: skip


class ScriptedTools:
    """Returns what `results` has for a tool, by default what it was called with; `calls` and `reconciled` remember."""

    def __init__(self, **results: Any) -> None:
        self.results = results
        self.calls: list[ToolRequest] = []
        self.reconciled: list[ToolRequest] = []

    async def call(self, request: ToolRequest) -> ToolOutcome:
        self.calls.append(request)
        return self._outcome(request)

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        self.reconciled.append(request)
        return self._outcome(request)

    def _outcome(self, request: ToolRequest) -> ToolOutcome:
        result = self.results.get(request.name, {"got": json.loads(request.arguments)})
        if isinstance(result, ToolOutcome):
            return result
        return ToolOutcome("ok", json.dumps(result, ensure_ascii=False), 200, 3)


class KnowingAnswerer(ScriptedAnswerer):
    """Knows answers by text; `intents`: by text."""

    def __init__(self, *, has_effects: bool = False) -> None:
        super().__init__(has_effects=has_effects)
        self.known: dict[str, Answer] = {}
        self.intents: dict[str, str] = {}

    async def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        await self.gate.wait()
        if self.failures:
            raise self.failures.popleft()
        found = self.known.get(question.text, answer(f"re: {question.text}"))
        return msgspec.structs.replace(found, intent=self.intents.get(question.text, ""))


def scripted(
    rules: ScriptedRules,
    answerer: ScriptedAnswerer | None = None,
    models: ScriptedModels | None = None,
    tools: ScriptedTools | None = None,
    clock: FakeClock | None = None,
    **more: Any,
) -> Runtime:
    made = runtime(answerer=answerer or KnowingAnswerer(), clock=clock, **more)
    return made._replace(rules=rules, models=models or ScriptedModels(), tools=tools or ScriptedTools())
