"""What session actors need from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from typing import NamedTuple

from actors.given import GivenReplies
from actors.rules import Rules, TurnRules, VersionedFlow
from events.store import EventStore
from flows.definition import Flow
from guardrails.policy import DEFAULT, Guardrails
from schemas.answers import Answerer
from schemas.models import EXTRACTIVE, Delta, ModelEvent, ModelRequest, Models, ModelUnavailable, RouteChoice, Situation
from schemas.tools import ToolOutcome, ToolRequest, Tools, ToolSpec, ToolTerms


def no_probe(_point: str) -> None:
    """Stands where fault tests put a crash."""


class Plain:
    """Rules, models and tools where none are defined: every turn is answered from knowledge."""

    uses_models = False
    guardrails: Guardrails = DEFAULT

    async def ready(self) -> None:
        pass

    def of(self, tenant: str) -> TurnRules:
        return self

    async def flow(self, tenant: str, flow: str, version: int) -> Flow | None:
        return None

    def choose(self, situation: Situation) -> RouteChoice:
        return EXTRACTIVE

    def started_by(self, intent: str) -> VersionedFlow | None:
        return None

    def newest(self, flow: str) -> VersionedFlow | None:
        return None

    def tool(self, name: str) -> ToolTerms | None:
        return None

    def problem(self, name: str, arguments: str) -> str:
        return ""

    def confirmation(self, name: str, arguments: str, language: str) -> str:
        return ""

    def offered(self) -> tuple[ToolSpec, ...]:
        return ()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if request.messages:
            raise ModelUnavailable("no models are configured")
        yield Delta("")  # makes it a generator

    async def call(self, request: ToolRequest) -> ToolOutcome:
        return ToolOutcome("failed", '{"error":"unknown_tool"}')

    reconcile = call


_PLAIN = Plain()


class Runtime(NamedTuple):
    """`probe` is called with a name at every step that a crash could cut. `tally` counts what was recorded; `given`
    keeps models' replies for the next who asks the same."""

    store: EventStore
    answerer: Answerer
    clock: Callable[[], int]  # milliseconds since 1970
    new_id: Callable[[], int]  # snowflakes
    probe: Callable[[str], None] = no_probe
    rules: Rules = _PLAIN
    models: Models = _PLAIN
    tools: Tools = _PLAIN
    tally: Counter[str] | None = None
    given: GivenReplies | None = None
