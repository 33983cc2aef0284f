"""What hosts of the tool tests are given: a shop whose tools are real HTTP calls, flows, and a model that is scripted.

The customer's first word says what happens: see MODEL_CALLS and INTENTS. A number such as N17 is in every call's
arguments, so that an effect can be told from any other whatever its key is.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator
from typing import Any, Literal

import httpx
import msgspec
from msgspec import structs

from actors import running
from actors.facts import returned
from actors.rules import TurnRules
from actors.runtime import Runtime
from actors.session import RecordFacts
from deployments.compilers import compilers
from deployments.definitions import Definitions, TenantRules
from deployments.turn_rules import FollowedRules, OfTenant
from events.codec import Event
from events.postgres_definitions import PostgresDefinitions
from flows.definition import Flow
from schemas.answers import Answer, Question
from schemas.events_pb2 import ToolClaimed
from schemas.models import Attempt, Completion, Delta, ModelEvent, ModelRequest, Spent, Usage
from schemas.tools import ToolCall, ToolOutcome, ToolRequest
from tools.calling import ToolCaller
from tools.declarations import Declarations

Sabotage = Literal["", "random keys", "call first"]

MODEL_CALLS = {"pay": "pay", "refund": "pay_asked", "order": "order", "give": "give"}  # first word: tool
INTENTS = {"book": "book", "return": "return", "donate": "donate", "trip": "trip", "claim": "claim"}

_TOOLS = """
tools:
  - name: pay
    description: Safe to repeat, because the endpoint goes by the key.
    http: {url: "SINK/act/pay", method: POST, allow: ["127.0.0.1"]}
    idempotent: true
    parameters: NUMBERED
  - name: pay_asked
    description: The same, but the customer is asked.
    http: {url: "SINK/act/asked", method: POST, allow: ["127.0.0.1"]}
    idempotent: true
    confirm: {en: "Shall I pay {{ arguments.n }}?"}
    parameters: NUMBERED
  - name: order
    description: Not safe to repeat, but can be asked what became of a call.
    http: {url: "SINK/twice/order", method: POST, allow: ["127.0.0.1"]}
    reconcile: {url: "SINK/effects/{idempotency_key}"}
    parameters: NUMBERED
  - name: give
    description: Neither.
    http: {url: "SINK/twice/give", method: POST, allow: ["127.0.0.1"]}
    parameters: NUMBERED
"""

_NUMBERED = "{type: object, properties: {n: {type: string}}, required: [n]}"

_FLOW = """
flow: FLOW
languages: [en]
start: {state: number, intents: [FLOW]}
intents: {FLOW: [FLOW something]}
slots:
  number: {type: pattern, pattern: 'N\\d+', ask: "Which number?"}
states:
  number:
    do:
      - ask: number
    next:
      - {on: always, to: call}
  call:
    do:
      - call: TOOL
        with: {n: "{{ slots.number }}"}
        save: made
    next:
      - {on: ok, to: done}
      - {on: failed, if: made.error == "declined", to: kept}
      - {on: failed, to: broken}
  done:
    do:
      - close: "{{ slots.number }} is done, effect {{ made.n }}."
  kept:
    do:
      - close: "{{ slots.number }} was not done."
  broken:
    do:
      - escalate: the call failed
"""
_FLOWS = {"book": "pay", "return": "pay_asked", "donate": "give"}  # what each calls

_ROUTES = """
providers:
  scripted: {kind: openai, base_url: "http://127.0.0.1:9/v1", model: scripted}
routes:
  talk: {mode: model, chain: [scripted]}
default: talk
"""

_COMPILERS = compilers()
_TLS = httpx.create_ssl_context(trust_env=False)  # once for all forks
_SLOWEST_S = 0.004


class Outside(msgspec.Struct):
    """`sink`: the address of the tools' endpoint. Without one, flows and everything else are followed in Postgres."""

    sink: str = ""
    sabotage: Sabotage = ""


def with_outside(runtime: Runtime, outside: Outside, database_url: str) -> Runtime:
    """The runtime with rules, models and tools."""
    answerer = IntentAnswerer(runtime.answerer.has_effects)
    if not outside.sink:
        definitions = Definitions(PostgresDefinitions(database_url, connections=1), _COMPILERS)
        return runtime._replace(answerer=answerer, rules=FollowedRules(definitions, lambda _: Spent()))
    declared: Declarations = _COMPILERS.readers["tools"](
        _TOOLS.replace("SINK", outside.sink).replace("NUMBERED", _NUMBERED)
    )

    async def declarations(tenant: str, version: int) -> Declarations:
        return declared

    tools: Any = ToolCaller(declarations, allow=("127.0.0.1",), tls=_TLS)
    if outside.sabotage == "random keys":
        tools = RandomKeys(tools)
    elif outside.sabotage == "call first":
        running.Running._use = _call_first  # type: ignore[method-assign]
    return runtime._replace(answerer=answerer, rules=Fixed(declared), models=CallingModel(), tools=tools)


class Fixed:
    """Rules that never change."""

    def __init__(self, tools: Declarations) -> None:
        read, defaults = _COMPILERS.readers, _COMPILERS.defaults
        flows = {id: (read["flow"](_FLOW.replace("FLOW", id).replace("TOOL", tool)), 1) for id, tool in _FLOWS.items()}
        self._rules = TenantRules(1, read["routes"](_ROUTES), 1, flows, tools, 1, defaults["guardrails"], 0)
        self._of: dict[str, TurnRules] = {}

    async def ready(self) -> None:
        pass

    def of(self, tenant: str) -> TurnRules:
        if tenant not in self._of:
            self._of[tenant] = OfTenant(tenant, self._rules, lambda _: Spent())
        return self._of[tenant]

    async def flow(self, tenant: str, flow: str, version: int) -> Flow | None:
        return self._rules.flows[flow][0]


class IntentAnswerer:
    """Knows nothing, but hears by the first word what the customer wants."""

    def __init__(self, has_effects: bool) -> None:
        self.has_effects = has_effects

    def cached(self, question: Question) -> Answer | None:
        return None

    async def answer(self, question: Question) -> Answer:
        await asyncio.sleep(random.uniform(0, _SLOWEST_S))
        intent = INTENTS.get(question.text.partition(" ")[0], "")
        return Answer("answer", f"re: {question.text}", "en", 0.9, 1, "scripted", intent=intent)


class CallingModel:
    """Asks for the one tool that the customer's first word stands for, then says what came of it."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        await asyncio.sleep(random.uniform(0, _SLOWEST_S))
        last = request.messages[-1]
        word, _, number = last.content.partition(" ")
        text = "Hello there."
        calls: tuple[ToolCall, ...] = ()
        if last.role == "tool":
            result = msgspec.json.decode(last.content)
            text = f"It is done, effect {result['n']}." if "n" in result else "It did not work."
        elif word in MODEL_CALLS:
            arguments = msgspec.json.encode({"n": number}).decode()
            text, calls = "", (ToolCall("call_0", MODEL_CALLS[word], arguments),)
        if text:
            yield Delta(text)
        done = (Attempt("scripted", "scripted", "", 9),)
        finish = "tool_calls" if calls else "stop"
        yield Completion(text, calls, finish, "scripted", "scripted", Usage(10, 5), 2, 9, done)


# --- Sabotage --------------------------------------------------------------------------------------------


class RandomKeys:
    """Every attempt has a key of its own, as if there were none."""

    def __init__(self, tools: ToolCaller) -> None:
        self._tools = tools

    async def call(self, request: ToolRequest) -> ToolOutcome:
        return await self._tools.call(structs.replace(request, idempotency_key=uuid.uuid4().hex))

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        return await self._tools.reconcile(structs.replace(request, idempotency_key=uuid.uuid4().hex))


async def _call_first(self: running.Running, claim: ToolClaimed, *, again: bool) -> tuple[Event, ...]:
    """Running._use with the claim recorded when the call is over."""
    state, runtime = self._recorder.ahead, self._runtime
    request = ToolRequest(
        state.tenant, claim.tools_version, claim.tool, claim.arguments, claim.idempotency_key, state.external_id,
        runtime.clock() + 10_000,
    )  # fmt: skip
    runtime.probe("before_tool")
    outcome = await runtime.tools.call(request)
    runtime.probe("after_tool")
    if not again:
        self._recorder.take(RecordFacts(self._key, (claim,)))
        await self._recorder.flush()
    return returned(claim, outcome, runtime.clock(), self._turn.rules, reconciled=again)
