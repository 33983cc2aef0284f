"""The gateway to models: any provider behind one interface, with fallback, limits, budgets and deadlines.

It keeps no state that a restart would miss: routes come from outside, and what
it learns of providers (breakers, typical times) each replica learns by itself.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic, time
from typing import Any

from llm.breaker import Breaker
from llm.call import Try
from llm.core import Core
from llm.live import Health, MakeProvider, Providers, maker
from llm.provider import End, ProviderCall, ProviderChunk, ProviderFailed, Raw, Text, ToolDelta
from llm.pump import Pump
from llm.relay import RelayChunk, relay
from llm.routes import Routes
from llm.secrets import Secrets
from llm.toolcalls import ToolCalls
from llm.usage import Spending, estimated
from schemas.models import Completion, Delta, ModelEvent, ModelRequest, Spent, Usage

# Deltas are joined so that a fast model does not cost a message a token on the way to the browser.
_PACE_S = 0.015


class Gateway:
    """schemas.models.Models.

    `routes`: a tenant's routes of that version; it may raise KefuError. `usage`: told of every attempt that reached a
    provider; `spent`: what a tenant has used today; neither may block. `models`: the folder of local models.
    `clock`: milliseconds since 1970. `make`: for tests, instead of the real providers.
    """

    def __init__(
        self,
        routes: Callable[[str, int], Awaitable[Routes]],
        secrets: Secrets,
        *,
        usage: Callable[[Spending], None] = lambda spending: None,
        spent: Callable[[str], Spent] = lambda tenant: Spent(),
        models: Path = Path(),
        clock: Callable[[], int] = lambda: int(time() * 1e3),
        monotonic: Callable[[], float] = monotonic,
        random: Callable[[], float] = random.random,
        make: MakeProvider | None = None,
    ) -> None:
        providers = Providers(make or maker(secrets, models), lambda: Breaker(monotonic, random))
        self._core = Core(routes, providers, usage, spent, clock, random)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Deltas, then one Completion. Raises ModelUnavailable."""
        core = self._core
        loop = asyncio.get_running_loop()
        call = await core.begin(request.tenant, request.route, request.version, request.deadline_ms)
        while (attempt := await call.next()) is not None:
            pump: Pump | None = None
            said: list[str] = []
            calls = ToolCalls(core.new_id)
            end: End | None = None
            shown_at = 0.0
            try:
                pump = attempt.start(attempt.provider.stream(_asked(request, attempt)))
                core.keep(pump)
                while end is None:
                    items = await pump.take(shown_at + _PACE_S)
                    if pump.failure is not None and not said:
                        raise pump.failure  # nobody has seen anything of it yet
                    text, end = _sorted(items, calls)
                    if text:
                        said.append(text)
                        shown_at = loop.time()
                        yield Delta(text)
                called = calls.done()
                if not said and not called:
                    raise ProviderFailed("empty", "a reply without text or tool calls", retryable=True)
            except ProviderFailed as failure:
                call.failed(attempt, failure)
                core.account(call, attempt, _partly(request, attempt, said, calls), failure.error)
                if said:
                    raise call.unavailable("".join(said)) from failure
                continue
            except BaseException:  # the caller left; or what it wants cannot be asked
                attempt.dropped()
                if attempt.started:
                    core.account(call, attempt, _partly(request, attempt, said, calls), "cancelled")
                raise
            finally:
                if pump is not None:
                    pump.stop()
            attempt.succeeded()
            reply = "".join(said)
            usage = core.account(call, attempt, end.usage or estimated(request.messages, request.tools, reply, called))
            yield Completion(
                text=reply,
                tool_calls=called,
                finish_reason="tool_calls"
                if called
                else "stop"
                if end.finish_reason == "tool_calls"
                else end.finish_reason,
                provider=attempt.terms.name,
                model=end.model or attempt.terms.model,
                usage=usage,
                first_token_us=attempt.first_token_us,
                took_us=call.took_us,
                attempts=tuple(call.attempts),
            )
            return
        raise call.unavailable()

    def relay(
        self, tenant: str, route: str, version: int, body: dict[str, Any], deadline_ms: int
    ) -> AsyncGenerator[RelayChunk, None]:
        """An OpenAI chat completion of a caller, passed on as it is. Raises ModelUnavailable and InvalidRequest."""
        return relay(self._core, tenant, route, version, body, deadline_ms)

    async def warm(self, tenant: str, version: int) -> None:
        """Have the providers of these routes ready before the first customer needs them."""
        await self._core.warm(tenant, version)

    def health(self) -> list[Health]:
        """Of every provider that has been used."""
        return self._core.providers.health()

    async def close(self) -> None:
        """Breaks off what is in progress, and lets go of all providers."""
        await self._core.close()


def _asked(request: ModelRequest, attempt: Try) -> ProviderCall:
    sampling = attempt.terms.sampling
    return ProviderCall(
        messages=request.messages,
        tools=request.tools,
        max_tokens=request.max_tokens if request.max_tokens is not None else sampling.max_tokens,
        temperature=request.temperature if request.temperature is not None else sampling.temperature,
        json_schema=request.json_schema,
        timeout_s=attempt.left_s,
    )


def _sorted(items: Sequence[ProviderChunk | Raw], calls: ToolCalls) -> tuple[str, End | None]:
    texts: list[str] = []
    end: End | None = None
    for item in items:
        if isinstance(item, Text):
            texts.append(item.text)
        elif isinstance(item, ToolDelta):
            calls.add(item)
        elif isinstance(item, End):
            end = item
    return "".join(texts), end


def _partly(request: ModelRequest, attempt: Try, said: Sequence[str], calls: ToolCalls) -> Usage:
    """What providers charge for a reply that broke off. One that never began to answer charges nothing."""
    if not attempt.first_token_us:
        return Usage(estimated=True)
    return estimated(request.messages, request.tools, "".join(said), calls.done())
