"""One request on its way through a route's chain: which provider is tried next, when, and what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

from llm.breaker import Permit
from llm.live import Live, Providers
from llm.places import Full
from llm.provider import Provider, ProviderChunk, ProviderFailed, Raw
from llm.pump import Pump
from llm.routes import Budget, ProviderTerms
from schemas.models import Attempt, ModelUnavailable, Spent

# With less time than this nothing is begun any more.
_LEAST_S = 0.05
_BACKOFF_S, _BACKOFF_MOST_S = 0.1, 2.0
# Longer than this a provider is not waited for while another one could be asked.
_PATIENCE_S = 1.0
# A reply that is not streamed is a bad sign after so many times what a first token may take.
_SLOW_WHOLE = 4.0


class Try:
    """A provider that may be called now: it has a place, and its breaker permits it.

    It must be settled by `succeeded`, `failed` or `dropped`. The place is given back then if nothing was started, else
    when the provider's work has ended.
    """

    def __init__(self, call: Call, live: Live, provider: Provider, permit: Permit) -> None:
        self.live = live
        self.terms = live.terms
        self.provider = provider
        self._call = call
        self._permit = permit
        self._begun = asyncio.get_running_loop().time()
        self._pump: Pump | None = None
        live.users += 1

    def start(self, source: AsyncIterator[ProviderChunk | Raw], *, streamed: bool = True) -> Pump:
        """`streamed`: if not, nothing is to be seen of the reply before its end, and only `total` counts."""
        timeouts, slow_s = self.terms.timeout, self.live.slow_s
        if not streamed:
            slow_s = _SLOW_WHOLE * timeouts.first_token
            timeouts = msgspec.structs.replace(timeouts, first_token=timeouts.total)
        self._pump = Pump(
            source,
            timeouts=timeouts,
            deadline=self._call.deadline,
            most_bytes=self.terms.max_reply_bytes,
            slow_s=slow_s,
            on_first=self._first,
            on_slow=self._permit.slow,
            on_done=self._free,
        )
        return self._pump

    @property
    def started(self) -> bool:
        return self._pump is not None

    @property
    def left_s(self) -> float:
        return min(self.terms.timeout.total, self._call.deadline - asyncio.get_running_loop().time())

    @property
    def first_token_us(self) -> int:
        """Since the gateway had the request; 0 if there was none."""
        at = self._pump.first_at if self._pump else None
        return self._call.since_us(at) if at is not None else 0

    def succeeded(self) -> Attempt:
        self._permit.succeeded()
        return self._note("")

    def failed(self, failure: ProviderFailed) -> Attempt:
        if failure.healthy:
            self._permit.dropped()
        else:
            self._permit.failed(failure.after_s or 0.0)
        return self._note(failure.error)

    def dropped(self) -> Attempt:
        """The caller left, or what it wants cannot be asked."""
        self._permit.dropped()
        return self._note("cancelled")

    def _note(self, error: str) -> Attempt:
        took = asyncio.get_running_loop().time() - self._begun
        attempt = Attempt(self.terms.name, self.terms.model, error, round(took * 1e6))
        self._call.attempts.append(attempt)
        if self._pump is None:
            self._free()
        return attempt

    def _first(self) -> None:
        self._permit.answering()
        assert self._pump is not None and self._pump.first_at is not None
        self.live.first_token_after(self._pump.first_at - self._pump.started)

    def _free(self) -> None:
        self.live.users -= 1
        self.live.places.give_back(self._call.tenant)


class Call:
    """`begun`, `deadline`: of the loop's clock. `random`: from [0, 1)."""

    def __init__(
        self,
        tenant: str,
        chain: tuple[ProviderTerms, ...],
        *,
        deadline: float,
        providers: Providers,
        budget: Budget | None,
        spent: Callable[[str], Spent],
        random: Callable[[], float],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.tenant = tenant
        self.begun = self._loop.time()
        self.deadline = deadline
        self.attempts: list[Attempt] = []
        self.last: ProviderFailed | None = None
        self._chain = chain
        self._at = 0
        self._tries = 0
        self._wait_s = 0.0
        self._providers = providers
        self._budget = budget
        self._spent = spent
        self._random = random

    async def next(self) -> Try | None:
        """The next provider to be tried; None if there is no other, or no time."""
        if self._wait_s:
            await asyncio.sleep(self._wait_s)
            self._wait_s = 0.0
        while self._at < len(self._chain):
            terms = self._chain[self._at]
            if self._left_s < _LEAST_S:
                self._refuse(terms, "timeout")
                return None
            if self._over_budget(terms):
                self._refuse(terms, "budget")
                continue
            live = self._providers.get(terms)
            if live.breaker.state == "open":
                self._refuse(terms, "breaker_open")
                continue
            try:
                await live.places.take(self.tenant, min(terms.queue_wait_s, self._left_s))
            except Full:
                self._refuse(terms, "busy")
                continue
            if (ready := await self._permitted(live)) is not None:
                return ready
        return None

    async def _permitted(self, live: Live) -> Try | None:
        """With a place taken, which is given back if it comes to nothing."""
        permit: Permit | None = None
        done = False
        try:
            provider = await self._providers.provider(live)
            permit = live.breaker.permit()
            if permit is None:
                self._refuse(live.terms, "breaker_open")
                return None
            done = True
            return Try(self, live, provider, permit)
        except ProviderFailed as failure:
            self.last = failure
            self._refuse(live.terms, failure.error)
            return None
        finally:
            if not done:
                live.places.give_back(self.tenant)

    def failed(self, attempt: Try, failure: ProviderFailed) -> Attempt:
        """Notes it, and decides whether the same provider is asked again, and when."""
        self.last = failure
        noted = attempt.failed(failure)
        terms = attempt.terms
        if failure.retryable and self._tries < terms.retries:
            wait_s = self._random() * min(_BACKOFF_MOST_S, _BACKOFF_S * 2**self._tries)
            if failure.after_s is not None:
                wait_s = failure.after_s + self._random() * _BACKOFF_S
            others = self._at + 1 < len(self._chain)
            if wait_s + _LEAST_S < self._left_s and (wait_s <= _PATIENCE_S or not others):
                self._tries += 1
                self._wait_s = wait_s
                return noted
        self._go_on()
        return noted

    def unavailable(self, partial: str = "") -> ModelUnavailable:
        why = "; ".join(f"{attempt.provider}: {attempt.error}" for attempt in self.attempts)
        what = "the reply broke off" if partial else "no provider of the route answered"
        return ModelUnavailable(f"{what} ({why or 'its chain has none with a model'})", tuple(self.attempts), partial)

    def since_us(self, at: float) -> int:
        return round((at - self.begun) * 1e6)

    @property
    def took_us(self) -> int:
        return self.since_us(self._loop.time())

    @property
    def _left_s(self) -> float:
        return self.deadline - self._loop.time()

    def _refuse(self, terms: ProviderTerms, error: str) -> None:
        self.attempts.append(Attempt(terms.name, terms.model, error))
        self._go_on()

    def _go_on(self) -> None:
        self._at += 1
        self._tries = 0

    def _over_budget(self, terms: ProviderTerms) -> bool:
        budget = self._budget
        if budget is None:
            return False
        spent = self._spent(self.tenant)
        if budget.tokens_per_day is not None and spent.tokens >= budget.tokens_per_day:
            return True
        # What costs nothing may be used when the money is spent.
        costs = terms.price.input > 0 or terms.price.output > 0
        return costs and budget.cost_per_day is not None and spent.cost >= budget.cost_per_day
