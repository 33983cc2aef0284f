"""The providers that are in use: connections, breaker and places of each, for as long as anybody needs them."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from llm.breaker import Breaker, State
from llm.places import Places
from llm.provider import Provider
from llm.routes import ProviderTerms
from llm.secrets import Secrets

_log = logging.getLogger("kefu.llm")

MakeProvider = Callable[[ProviderTerms], Awaitable[Provider]]

# A provider that no route names any more is kept so long, as turns in progress still go by the old routes.
_LINGER_S = 60.0


class Health(Struct, frozen=True):
    """`state` of its breaker; `opened`: how often that has opened. `first_token_s`: typical, None until known."""

    provider: str
    model: str
    state: State
    in_flight: int
    waiting: int
    opened: int
    first_token_s: float | None


class Live:
    """One provider definition in use."""

    def __init__(self, terms: ProviderTerms, breaker: Breaker) -> None:
        self.terms = terms
        self.breaker = breaker
        self.places = Places(terms.max_concurrency, terms.queue, terms.tenant_share)
        self.users = 0
        self.first_token_s: float | None = None
        self._provider: Provider | None = None
        self._making = asyncio.Lock()

    @property
    def ready(self) -> Provider | None:
        return self._provider

    async def provider(self, make: MakeProvider) -> Provider:
        async with self._making:
            if self._provider is None:
                self._provider = await make(self.terms)
            return self._provider

    @property
    def slow_s(self) -> float:
        """After how long without a first token a call is a bad sign: well over what is usual here."""
        usual = 3.0 * (self.first_token_s or 0.0)
        return min(max(self.terms.timeout.slow, usual), 0.8 * self.terms.timeout.first_token)

    def first_token_after(self, seconds: float) -> None:
        known = self.first_token_s
        self.first_token_s = seconds if known is None else known + 0.1 * (seconds - known)

    def health(self) -> Health:
        terms, places = self.terms, self.places
        return Health(
            terms.name,
            terms.model,
            self.breaker.state,
            places.taken,
            places.waiting,
            self.breaker.opened,
            self.first_token_s,
        )

    async def close(self) -> None:
        if self._provider is not None:
            await self._provider.close()


class Providers:
    """By definition: what is declared alike, by whichever tenant and version of routes, is one provider."""

    def __init__(self, make: MakeProvider, breaker: Callable[[], Breaker]) -> None:
        self._make = make
        self._breaker = breaker
        self._live: dict[bytes, Live] = {}
        self._wanted: dict[str, tuple[int, frozenset[bytes]]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, terms: ProviderTerms) -> Live:
        key = key_of(terms)
        live = self._live.get(key)
        if live is None:
            live = self._live[key] = Live(terms, self._breaker())
        return live

    async def provider(self, live: Live) -> Provider:
        return live.ready or await live.provider(self._make)

    def in_force(self, tenant: str, version: int, providers: Iterable[ProviderTerms]) -> None:
        """The newest routes of a tenant decide which providers stay."""
        known = self._wanted.get(tenant)
        if known is not None and known[0] >= version:
            return
        self._wanted[tenant] = (version, frozenset(map(key_of, providers)))
        if known is not None and self._unwanted():
            asyncio.get_running_loop().call_later(_LINGER_S, self._sweep)

    def health(self) -> list[Health]:
        return [live.health() for live in self._live.values()]

    async def close(self) -> None:
        for live in self._live.values():
            self._close(live)
        self._live.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _unwanted(self) -> list[bytes]:
        wanted = frozenset[bytes]().union(*(keys for _, keys in self._wanted.values()))
        return [key for key in self._live if key not in wanted]

    def _sweep(self) -> None:
        busy = False
        for key in self._unwanted():
            if self._live[key].users:
                busy = True
            else:
                self._close(self._live.pop(key))
        if busy:
            asyncio.get_running_loop().call_later(_LINGER_S, self._sweep)

    def _close(self, live: Live) -> None:
        task = asyncio.get_running_loop().create_task(_close_quietly(live))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close_quietly(live: Live) -> None:
    try:
        await live.close()
    except Exception:
        _log.warning("provider %s could not be closed", live.terms.name, exc_info=True)


_encode = msgspec.msgpack.Encoder().encode


def key_of(terms: ProviderTerms) -> bytes:
    return _encode(terms)


def maker(secrets: Secrets, models: Path) -> MakeProvider:
    """`models`: the folder that a local model's relative path begins in."""

    async def make(terms: ProviderTerms) -> Provider:
        # What they need takes long to import, torch seconds, and not every gateway needs both.
        provider: Provider
        if terms.kind == "openai":
            openai = await asyncio.to_thread(importlib.import_module, "llm.openai_provider")
            made = openai.OpenAIProvider(terms, secrets)
            await made.open()
            provider = made
        else:
            local = await asyncio.to_thread(importlib.import_module, "llm.local")
            provider = local.Local(terms.name, models / terms.path, model=terms.model, waiting=terms.queue)
        return provider

    return make
