"""What a process needs to reach models and tools: definitions, keys, the gateway's core, what was used."""

from __future__ import annotations

import asyncio
import functools
import logging

from actors.host import spare_the_collector
from deployments.compilers import compilers
from deployments.definitions import Definitions
from deployments.turn_rules import FollowedRules
from deployments.usage import UsageLedger
from events.postgres_definitions import PostgresDefinitions
from events.postgres_usage import PostgresUsage
from llm.gateway import Gateway
from llm.routes import Routes
from llm.secrets import Secrets
from llm.usage import Spending
from schemas.ids import now_ms
from schemas.metrics import Metrics
from schemas.models import Models
from schemas.settings import Settings
from schemas.tools import Tools
from tools.calling import SHIPPED_MODULES, ToolCaller
from tools.secrets import secrets_from

_WARM_S = 0.5
_WARM_AGAIN_S = 5.0  # after a failure

_log = logging.getLogger("kefu.gateway")


class Outside:
    """One for each process that calls models or tools. Connects, loads and polls when it is first used."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._definitions = Definitions(PostgresDefinitions(settings.database_url, connections=1), compilers())
        self._ledger = UsageLedger(PostgresUsage(settings.database_url), now_ms)
        self.rules = FollowedRules(self._definitions, self._ledger.spent)

    def routes(self, tenant: str) -> Routes:
        """In force now."""
        routes: Routes = self._definitions.of(tenant).routes
        return routes

    def routes_version(self, tenant: str) -> int:
        return self._definitions.of(tenant).routes_version

    async def loaded(self) -> None:
        """Returns when what is in force is known."""
        await self._definitions.loaded()

    async def keep_warm(self, tenant: str) -> None:
        """Have the providers of the tenant's routes ready, and those of every version that comes. Never ends."""
        known = 0
        spared = False
        while True:
            pause_s = _WARM_S
            try:
                await self.loaded()
                version = self.routes_version(tenant)
                if version != known and self.routes(tenant).uses_models:
                    await self.gateway.warm(tenant, version)
                    if not spared:  # what freezes with later versions would be kept for ever
                        spare_the_collector()
                        spared = True
                known = version
            except Exception:
                _log.exception("the providers of tenant %s could not be made ready; it will be tried again", tenant)
                pause_s = _WARM_AGAIN_S
            await asyncio.sleep(pause_s)

    @functools.cached_property
    def gateway(self) -> Gateway:
        folder = self._settings.secrets_dir
        return Gateway(
            self._definitions.routes,
            Secrets(folders=() if folder is None else (folder,)),
            usage=self._count,
            spent=self._ledger.spent,
            models=self._settings.home_dir / "models",
        )

    @property
    def models(self) -> Models:
        return self.gateway

    @functools.cached_property
    def tools(self) -> Tools:
        settings = self._settings
        return ToolCaller(
            self._definitions.declarations,
            secrets=secrets_from(folder=settings.secrets_dir),
            allow=settings.tools_allowed,
            modules=(*SHIPPED_MODULES, *settings.tools_from),
        )

    def _count(self, spent: Spending) -> None:
        self._ledger(spent.tenant, spent.provider, spent.model, spent.usage, failed=bool(spent.error))
        self._metrics.model(spent.provider, spent.model, spent.error, spent.usage, spent.first_token_us, spent.took_us)
