"""What streamed and relayed requests have in common: routes, providers, budgets, accounts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from llm.call import Call, Try
from llm.live import Providers
from llm.pump import Pump
from llm.relay_others import Labels
from llm.routes import Routes
from llm.usage import Spending, priced
from schemas.errors import KefuError
from schemas.models import ModelUnavailable, Spent, Usage

_log = logging.getLogger("kefu.llm")


class Core:
    """See llm.gateway.Gateway for the arguments."""

    def __init__(
        self,
        routes: Callable[[str, int], Awaitable[Routes]],
        providers: Providers,
        usage: Callable[[Spending], None],
        spent: Callable[[str], Spent],
        clock: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        self.providers = providers
        self._routes = routes
        self._usage = usage
        self._spent = spent
        self._clock = clock
        self._random = random
        self._pumps: set[asyncio.Task[None]] = set()

    async def begin(self, tenant: str, route: str, version: int, deadline_ms: int) -> Call:
        """Raises ModelUnavailable if there is no such route, or nobody can say."""
        left_s = (deadline_ms - self._clock()) / 1e3
        deadline = asyncio.get_running_loop().time() + left_s
        try:
            async with asyncio.timeout_at(deadline):
                routes = await self._routes(tenant, version)
        except TimeoutError:
            raise ModelUnavailable("no time is left") from None
        except KefuError as error:
            raise ModelUnavailable(f"routes {version} of tenant {tenant} cannot be had: {error.detail}") from error
        if route not in routes.routes:
            raise ModelUnavailable(f"routes {version} of tenant {tenant} have no route {route!r}")
        self.providers.in_force(tenant, version, routes.providers.values())
        return Call(
            tenant,
            routes.chain(route),
            deadline=deadline,
            providers=self.providers,
            budget=routes.budget(tenant),
            spent=self._spent,
            random=self._random,
        )

    async def warm(self, tenant: str, version: int) -> None:
        """Make the providers of these routes. One that cannot be made is told to whoever calls it."""
        for terms in (await self._routes(tenant, version)).providers.values():
            if terms.kind != "extractive":
                try:
                    await self.providers.provider(self.providers.get(terms))
                except KefuError:
                    pass
                except Exception:  # the others can be ready all the same
                    _log.exception("provider %s could not be made", terms.name)

    def keep(self, pump: Pump) -> None:
        """Until its work has ended, whether or not anybody still waits for it."""
        self._pumps.add(pump.task)
        pump.task.add_done_callback(self._pumps.discard)

    def new_id(self) -> str:
        return f"call_{int(self._random() * 2**48):012x}{int(self._random() * 2**48):012x}"

    def labels(self, model: str) -> Labels:
        return Labels(self.new_id().replace("call_", "chatcmpl-"), self._clock() // 1_000, model)

    def account(self, call: Call, attempt: Try, usage: Usage, error: str = "") -> Usage:
        """Priced, and told to whoever counts."""
        usage = priced(usage, attempt.terms.price)
        terms = attempt.terms
        spending = Spending(call.tenant, terms.name, terms.model, usage, attempt.first_token_us, call.took_us, error)
        try:
            self._usage(spending)
        except Exception:  # a reply is not lost because it could not be counted
            _log.exception("usage of tenant %s could not be recorded", call.tenant)
        return usage

    async def close(self) -> None:
        for task in list(self._pumps):
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self.providers.close()
