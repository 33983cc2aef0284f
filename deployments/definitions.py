"""What operators defined, as a process knows it: read without I/O, and a moment behind the log at most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from deployments.compilers import Compilers
from deployments.pinned_definitions import Pinned
from events.definitions import Definition, DefinitionStore, Kind
from schemas.errors import InvalidDefinition, StoreUnavailable

if TYPE_CHECKING:
    from flows.definition import Flow
    from guardrails.policy import Guardrails
    from llm.routes import Routes
    from tools.declarations import Declarations

POLL_S = 0.2
_PAGE = 100  # definitions of one query; each may be 256 KB
_LOOK_BACK = 50  # versions, for one that can be read

_log = logging.getLogger("kefu.definitions")


class TenantRules(Struct, frozen=True, eq=False):
    """What is in force for a tenant. `version`: the newest id in the log that concerns it; 0 if none does.

    Versions of 0 belong to defaults. `flows`: by id, with the version.
    """

    version: int
    routes: Routes
    routes_version: int
    flows: Mapping[str, tuple[Flow, int]]
    tools: Declarations
    tools_version: int
    guardrails: Guardrails
    guardrails_version: int


class Definitions:
    """Follows the store once it has been asked for the first time. While the log is away, what is known goes on.

    A version that cannot be read (an older or a newer Kefu took it) is logged once and passed over: the last one
    that can be stays in force.
    """

    def __init__(self, store: DefinitionStore, compilers: Compilers) -> None:
        self._store = store
        self._compilers = compilers
        self._pinned = Pinned(store, compilers)
        self._tenants: dict[str, TenantRules] = {}
        defaults = compilers.defaults
        self._defaults = TenantRules(
            0, defaults["routes"], 0, MappingProxyType({}), defaults["tools"], 0, defaults["guardrails"], 0
        )
        self._seen: int | None = None  # the id up to which the log has been read
        self._unreadable: set[int] = set()  # ids that were complained of
        self._loaded = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    def of(self, tenant: str) -> TenantRules:
        """What is in force. The defaults before the log was first read (see `loaded`)."""
        self._start()
        return self._tenants.get(tenant, self._defaults)

    async def loaded(self) -> None:
        """Returns when the log has been read once; at once if it was."""
        self._start()
        await self._loaded.wait()

    async def flow(self, tenant: str, id: str, version: int) -> Flow:
        """A flow as it was in that version, also if it was changed or removed since.

        Raises NotFound if there is none, InvalidDefinition if it can no longer be read, StoreUnavailable.
        """
        current = self.of(tenant).flows.get(id)
        if current is not None and current[1] == version:
            return current[0]
        flow: Flow = await self._pinned.get(tenant, "flow", id, version)
        return flow

    async def routes(self, tenant: str, version: int) -> Routes:
        """The same, of routes; version 0 is the default."""
        rules = self.of(tenant)
        if version == rules.routes_version:
            return rules.routes
        routes: Routes = await self._pinned.get(tenant, "routes", "", version)
        return routes

    async def declarations(self, tenant: str, version: int) -> Declarations:
        """The same, of tools; version 0 is the default."""
        rules = self.of(tenant)
        if version == rules.tools_version:
            return rules.tools
        tools: Declarations = await self._pinned.get(tenant, "tools", "", version)
        return tools

    async def close(self) -> None:
        """Stop following."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    def _start(self) -> None:
        if self._following is None or self._following.done():
            self._following = asyncio.get_running_loop().create_task(self._follow_forever())

    async def _follow_forever(self) -> None:
        while True:
            try:
                await self._catch_up()
                self._loaded.set()
            except StoreUnavailable as error:
                _log.debug("definitions stay as they are known: %s", error)
            await asyncio.sleep(POLL_S)

    async def _catch_up(self) -> None:
        if self._seen is None:
            await self._take(await self._store.all_newest())
        while found := await self._store.since(self._seen or 0, _PAGE):
            await self._take(found)

    async def _take(self, found: list[Definition]) -> None:
        """Puts them in force, those of a tenant at once. Whatever fails before, nothing has been taken."""
        newest = {(each.tenant, each.kind, each.name): each for each in found}
        readable = [(each, *await self._readable(each)) for each in newest.values()]
        for tenant in {each.tenant for each in newest.values()}:
            mine = [one for one in readable if one[0].tenant == tenant]
            self._tenants[tenant] = _with(self._tenants.get(tenant, self._defaults), mine)
        self._seen = found[-1].id if found else self._seen or 0

    async def _readable(self, newest: Definition) -> tuple[Any, int]:
        """What is in force from now on, and its version: that of the newest one that can be read."""
        known, known_version = self._known(newest)
        candidate: Definition | None = newest
        for _ in range(_LOOK_BACK):
            if candidate is None or candidate.version <= known_version:
                break
            try:
                compiled = await asyncio.to_thread(self._compilers.compile, candidate.kind, candidate.body)
                return compiled, candidate.version
            except Exception as error:  # whatever the reader trips over, the others must come into force
                self._complain(candidate, error)
            candidate = await self._store.get(candidate.tenant, candidate.kind, candidate.name, candidate.version - 1)
        return known, known_version

    def _known(self, definition: Definition) -> tuple[Any, int]:
        rules = self._tenants.get(definition.tenant, self._defaults)
        if definition.kind == "flow":
            return rules.flows.get(definition.name, (None, 0))
        return getattr(rules, definition.kind), getattr(rules, f"{definition.kind}_version")

    def _complain(self, definition: Definition, error: Exception) -> None:
        if definition.id in self._unreadable:
            return
        self._unreadable.add(definition.id)
        _log.error(
            "%s %r of tenant %r, version %d, cannot be read and is passed over; put one that can be: %s",
            definition.kind, definition.name, definition.tenant, definition.version, error,
            exc_info=None if isinstance(error, InvalidDefinition) else error,
        )  # fmt: skip


def _with(rules: TenantRules, changed: Iterable[tuple[Definition, Any, int]]) -> TenantRules:
    """The rules with what has changed. A flow without content is one that was removed."""
    flows, fields, version = dict(rules.flows), dict[str, Any](), rules.version
    for definition, compiled, compiled_version in changed:
        version = max(version, definition.id)
        kind: Kind = definition.kind
        if kind != "flow":
            fields |= {kind: compiled, f"{kind}_version": compiled_version}
        elif compiled is None:
            flows.pop(definition.name, None)
        else:
            flows[definition.name] = compiled, compiled_version
    return msgspec.structs.replace(rules, version=version, flows=MappingProxyType(flows), **fields)
