"""The openai library as the gateway uses it: it words a provider's requests, and the gateway sends them.

Address, query, headers and what else belongs to a request is the library's
business, and it is asked for them once for each provider. Calls then differ in
body and key alone. To go through the library with each of them, and to have
it validate an object for each token, would cost several times what the rest of
the gateway does.

The library is imported when the first such provider is called, in a thread, as
it takes half a second.
"""

from __future__ import annotations

import asyncio
import importlib
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from llm.openai_wire import refusal
from llm.provider import ProviderFailed
from llm.routes import ProviderTerms
from llm.secrets import Secrets

if TYPE_CHECKING:
    import aiohttp

    from llm.http import Http

_PATH = "/chat/completions"
# The latest that is no preview.
_AZURE_API = "2024-10-21"
# What of the library's headers is kept, with its `x-stainless-...`: the rest is the connection's or the call's own, or
# taken from the process's environment for OpenAI itself.
_WORDED = {"content-type", "user-agent"}
_OPENAI_WORDED = {"openai-organization", "openai-project"}


class Wording(Struct, frozen=True):
    """A request but for its body and its key."""

    url: str
    headers: dict[str, str]


class OpenAIClient:
    """Posts chat completions to one provider. Connections are kept alive and shared by all its calls."""

    def __init__(self, terms: ProviderTerms, secrets: Secrets) -> None:
        self._terms = terms
        self._secrets = secrets
        self._opening: asyncio.Task[None] | None = None
        self._wording: Wording | None = None
        self._http: Http | None = None

    async def post(self, body: bytes, *, stream: bool) -> aiohttp.ClientResponse:
        """The response with its head read, status 200; whoever got it closes it. Raises ProviderFailed."""
        if self._http is None or self._wording is None:
            await self.open()
        assert self._http is not None and self._wording is not None
        headers = {
            **self._wording.headers,
            "Accept": "text/event-stream" if stream else "application/json",
            "Accept-Encoding": "identity",
        }
        key = self._secrets.key(self._terms)
        if self._terms.preset.key_header:
            headers[self._terms.preset.key_header] = key
        elif key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            return await self._http.post(self._wording.url, headers, body)
        except self._refused as refused:
            raise refusal(refused.status, self.hidden(refused.body), refused.after_s) from None

    def hidden(self, said: bytes) -> bytes:
        """What a provider says went wrong, without the key, which some repeat in it."""
        try:
            key = self._secrets.key(self._terms)
        except ProviderFailed:
            key = ""
        return said.replace(key.encode(), b"***") if key else said

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._http is not None:
            await self._http.close()

    async def open(self) -> None:
        if self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(self._make())
        # Whoever came first may leave, and the others still wait for it.
        await asyncio.shield(self._opening)

    async def _make(self) -> None:
        openai, httpx, http = await asyncio.to_thread(_import)
        self._wording = await _word(self._terms, openai, httpx)
        self._refused = http.Refused
        self._http = http.Http(self._terms.timeout, trust_env=not _is_internal(self._terms.base_url))


async def _word(terms: ProviderTerms, openai: Any, httpx: Any) -> Wording:
    """Has the library send a request, to nobody."""
    sent: list[Any] = []

    def take(request: Any) -> Any:
        sent.append(request)
        return httpx.Response(200, json={})

    url, azure = terms.base_url, terms.preset.key_header == "api-key" and "/openai/v1" not in terms.base_url
    if azure and "/deployments/" not in url:
        url = f"{url}/openai/deployments/{terms.model}"
    client = openai.AsyncOpenAI(
        api_key="each call brings its own",
        base_url=url,
        max_retries=0,
        default_headers=terms.headers,
        default_query={"api-version": terms.api_version or _AZURE_API} if azure else None,
        http_client=httpx.AsyncClient(transport=httpx.MockTransport(take), trust_env=False),
    )
    async with client:
        await client.post(_PATH, cast_to=httpx.Response, body={})
    kept = _WORDED | {name.lower() for name in terms.headers}
    if terms.preset.system == "openai":
        kept |= _OPENAI_WORDED
    headers = {
        name: value for name, value in sent[0].headers.items() if name in kept or name.startswith("x-stainless-")
    }
    return Wording(str(sent[0].url), headers)


def _import() -> tuple[Any, Any, Any]:
    openai, httpx, http = (importlib.import_module(name) for name in ("openai", "httpx2", "llm.http"))
    return openai, httpx, http


def _is_internal(url: str) -> bool:
    """Addresses that no proxy of the environment should be asked for."""
    host = urlsplit(url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".svc")) or "." not in host
    return address.is_private or address.is_loopback or address.is_link_local
