"""What operators defined, as a session's turn wants it: the port `actors.rules.Rules` over the followed definitions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import structs

from actors.rules import TurnRules, VersionedFlow
from deployments.definitions import Definitions, TenantRules
from flows.definition import Flow
from guardrails.policy import Guardrails
from llm.routes import choose
from schemas.errors import InvalidDefinition, NotFound, StoreUnavailable
from schemas.models import RouteChoice, Situation, Spent
from schemas.tools import ToolSpec, ToolTerms
from tools.confirming import question

_READY_S = 5.0  # as long as the log itself may take


class FollowedRules:
    """Rules of every tenant. `spent`: what a tenant has used of models today, without I/O."""

    def __init__(self, definitions: Definitions, spent: Callable[[str], Spent]) -> None:
        self._definitions = definitions
        self._spent = spent
        self._known: dict[str, OfTenant] = {}

    async def ready(self) -> None:
        try:
            async with asyncio.timeout(_READY_S):
                await self._definitions.loaded()
        except TimeoutError:
            detail = "what is defined for the tenants has not been read yet; retry with the same key"
            raise StoreUnavailable(detail, retry_after_s=1) from None

    def of(self, tenant: str) -> TurnRules:
        rules = self._definitions.of(tenant)
        known = self._known.get(tenant)
        if known is None or known.rules is not rules:
            known = self._known[tenant] = OfTenant(tenant, rules, self._spent)
        return known

    def version(self, tenant: str) -> int:
        """Grows with whatever is defined for the tenant."""
        return self._definitions.of(tenant).version

    async def flow(self, tenant: str, flow: str, version: int) -> Flow | None:
        try:
            found: Flow = await self._definitions.flow(tenant, flow, version)
        except (NotFound, InvalidDefinition):
            return None
        return found


class OfTenant:
    """TurnRules of one tenant at one moment."""

    def __init__(self, tenant: str, rules: TenantRules, spent: Callable[[str], Spent]) -> None:
        self.rules = rules
        self.uses_models: bool = rules.routes.uses_models
        self.guardrails: Guardrails = rules.guardrails
        self._tenant = tenant
        self._spent = spent
        flows: dict[str, tuple[Flow, int]] = dict(rules.flows)
        self._flows = {id: VersionedFlow(flow, version) for id, (flow, version) in flows.items()}
        self._started = {intent: each for each in self._flows.values() for intent in each.flow.start_intents}
        self._offered: tuple[ToolSpec, ...] = rules.tools.offered(tenant)

    def choose(self, situation: Situation) -> RouteChoice:
        if self.uses_models:
            situation = structs.replace(situation, spent=self._spent(self._tenant))
        return choose(self.rules.routes, self.rules.routes_version, situation)

    def started_by(self, intent: str) -> VersionedFlow | None:
        return self._started.get(intent)

    def newest(self, flow: str) -> VersionedFlow | None:
        return self._flows.get(flow)

    def tool(self, name: str) -> ToolTerms | None:
        declared: Any = self.rules.tools.tool(name)
        if declared is None or not declared.permits(self._tenant):
            return None
        terms: ToolTerms | None = self.rules.tools.terms(name, self.rules.tools_version)
        return terms

    def problem(self, name: str, arguments: str) -> str:
        declared: Any = self.rules.tools.tool(name)
        problem: str = declared.parameters.problems(msgspec.json.decode(arguments))
        return problem

    def confirmation(self, name: str, arguments: str, language: str) -> str:
        terms = self.tool(name)
        return "" if terms is None else question(terms.confirm, language, msgspec.json.decode(arguments))

    def offered(self) -> tuple[ToolSpec, ...]:
        return self._offered
