"""Is a definition fit to be put in force? By itself, and beside what the tenant has already."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from typing import Any

from deployments.compilers import Compilers
from events.definitions import Definition, DefinitionStore, Kind
from schemas.errors import InvalidDefinition


class DefinitionChecks:
    """Checks against the newest versions in the store. Every call may raise StoreUnavailable.

    What two writers do at the same moment, each fit by itself, is not held against each other.
    """

    def __init__(self, store: DefinitionStore, compilers: Compilers) -> None:
        self._store = store
        self._compilers = compilers

    async def check(self, tenant: str, kind: Kind, name: str, body: bytes) -> list[str]:
        """Warnings: what will not work until something else is changed.

        Raises InvalidDefinition if it cannot be read, if a flow has another id than `name`, or if a flow calls a
        tool that is not declared.
        """
        if not body.strip():
            what = f"flow {name!r}" if name else kind
            raise InvalidDefinition(f"{what}: nothing is written there; write it in YAML or JSON")
        compiled = await asyncio.to_thread(self._compilers.compile, kind, body)
        if kind == "flow":
            return await self._check_flow(tenant, name, compiled)
        if kind == "tools":
            return await self._check_tools(tenant, compiled)
        if kind == "routes":
            return await self._check_routes(tenant, compiled)
        return []

    async def check_removal(self, tenant: str, flow: str) -> list[str]:
        """Warnings of removing a flow."""
        routes = await self._newest(tenant, "routes", "")
        named = () if routes is None else self._compilers.flows_named(routes)
        others = await self._flow_names(tenant) - {flow} | {""}
        return [
            f"a rule of the routes names the flow {pattern!r}, and will not apply without it"
            for pattern in sorted(set(named))
            if _stands_for(pattern, {flow}) and not _stands_for(pattern, others)
        ]

    async def _check_flow(self, tenant: str, name: str, flow: Any) -> list[str]:
        own = self._compilers.flow_id(flow)
        if own != name:
            raise InvalidDefinition(f"the document is of the flow {own!r}, and is put as {name!r}; make them the same")
        shared = await self._shared_starts(tenant, name, flow)
        called = self._compilers.tools_called(flow)
        if not called:
            return shared
        tools = await self._newest(tenant, "tools", "")
        if tools is None:
            return [
                *shared,
                f"the declared tools cannot be read, so whether {_listed(called)} are among them was not checked",
            ]
        missing = set(called) - set(self._compilers.tools_declared(tools))
        if missing:
            raise InvalidDefinition(
                f"flow {name!r} calls what is not declared as a tool: {_listed(missing)}; declare it first, "
                "with PUT /v1/tools or in tools.yaml"
            )
        return shared

    async def _shared_starts(self, tenant: str, name: str, flow: Any) -> list[str]:
        """Two flows that begin alike: which of them a customer gets is left to the order of their names."""
        own, warnings = set(self._compilers.started_by(flow)), []
        async for stored, other in self._flows(tenant):
            both = own & set(self._compilers.started_by(other)) if stored.name != name else set()
            if both:
                warnings.append(f"flow {stored.name!r} begins with {_listed(both)} too; only one of them will start")
        return warnings

    async def _check_tools(self, tenant: str, tools: Any) -> list[str]:
        declared, warnings = set(self._compilers.tools_declared(tools)), []
        async for stored, flow in self._flows(tenant):
            missing = set(self._compilers.tools_called(flow)) - declared
            if missing:
                warnings.append(f"flow {stored.name!r} calls what is no longer declared: {_listed(missing)}")
        return warnings

    async def _check_routes(self, tenant: str, routes: Any) -> list[str]:
        named = set(self._compilers.flows_named(routes))
        known = await self._flow_names(tenant) | {""}  # no flow, for which a bare `*` stands too
        return [
            f"a rule names the flow {pattern!r}, which there is not: it will not apply"
            for pattern in sorted(named)
            if not _stands_for(pattern, known)
        ]

    async def _flow_names(self, tenant: str) -> set[str]:
        return {each.name for each in await self._store.newest(tenant, "flow") if not each.removed}

    async def _flows(self, tenant: str) -> AsyncIterator[tuple[Definition, Any]]:
        for stored in await self._store.newest(tenant, "flow"):
            flow = None if stored.removed else await self._compiled(stored)
            if flow is not None:
                yield stored, flow

    async def _newest(self, tenant: str, kind: Kind, name: str) -> Any:
        """None if there is none, or if it cannot be read."""
        stored = await self._store.get(tenant, kind, name)
        return self._compilers.defaults.get(kind) if stored is None else await self._compiled(stored)

    async def _compiled(self, stored: Definition) -> Any:
        try:
            return await asyncio.to_thread(self._compilers.compile, stored.kind, stored.body)
        except InvalidDefinition:  # whoever follows the store says so
            return None


def _stands_for(pattern: str, names: Collection[str]) -> bool:
    """A `*` is any text, and nothing else is special."""
    match = re.compile(re.escape(pattern).replace(r"\*", ".*"), re.DOTALL).fullmatch
    return any(match(name) for name in names)


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))
