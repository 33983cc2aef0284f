"""The openai library as the gateway uses it: one client for each provider, no retries of its own, raw responses.

The library is imported when the first such provider is called, which takes it
half a second, and in a thread. Its client builds and sends requests; the
bytes of a reply are read here, since a validated object for each token would
cost more than all the rest.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from llm.openai_wire import refusal
from llm.provider import ProviderFailed
from llm.retry_after import retry_after_s
from llm.routes import ProviderTerms
from llm.secrets import Secrets

# Of a body that says why a request was refused.
_MOST_REFUSAL = 16_384
_PATH = "/chat/completions"


class OpenAIClient:
    """Posts chat completions to one provider. Connections are kept alive and shared by all its calls."""

    def __init__(self, terms: ProviderTerms, secrets: Secrets) -> None:
        self._terms = terms
        self._secrets = secrets
        self._opening: asyncio.Task[None] | None = None
        self._client: Any = None
        self._httpx: Any = None
        self._openai: Any = None
        self._transport: Any = None

    async def post(self, body: bytes, *, stream: bool) -> Any:
        """The response (of httpx2), its head read, status 200; whoever got it closes it. Raises ProviderFailed."""
        if self._client is None:
            await self._open()
        terms = self._terms
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if stream:
            headers["Accept"] = "text/event-stream"
        key = self._secrets.key(terms)
        if terms.preset.key_header:
            headers[terms.preset.key_header] = key
            headers["Authorization"] = self._openai.Omit()
        else:
            headers["Authorization"] = f"Bearer {key}" if key else self._openai.Omit()
        try:
            return await self._client.post(
                _PATH,
                cast_to=self._httpx.Response,
                content=body,
                options={"headers": headers},
                stream=True,
                stream_cls=self._openai.AsyncStream,
            )
        except self._openai.APIConnectionError as error:
            raise self.failure(error.__cause__ or error) from None
        except self._openai.OpenAIError as error:
            raise ProviderFailed("internal", f"the openai library refused to send it: {type(error).__name__}") from None

    async def chunks(self, response: Any) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ProviderFailed."""
        try:
            async for chunk in self._transport.body(response):
                yield chunk
        except self._httpx.HTTPError as error:
            raise self.failure(error) from None

    def failure(self, error: BaseException) -> ProviderFailed:
        """What the network did. Such errors name no header and so no key, but they do hold the request."""
        httpx = self._httpx
        where = urlsplit(self._terms.base_url).netloc
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ProviderFailed("connect", f"no connection to {where}: {error}", retryable=True)
        return ProviderFailed("reset", f"{where} broke the connection: {error}", retryable=True)

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._client is not None:
            await self._client.close()

    async def _open(self) -> None:
        if self._opening is None or (self._opening.done() and self._client is None):
            self._opening = asyncio.get_running_loop().create_task(self._make())
        # Whoever came first may leave, and the others still wait for it.
        await asyncio.shield(self._opening)

    async def _make(self) -> None:
        self._openai, self._httpx, self._transport = await asyncio.to_thread(_import)
        self._client = await asyncio.to_thread(self._build)
        # The library looks at the machine before its first request, in a thread.
        self._client._platform = await asyncio.to_thread(_platform)

    def _build(self) -> Any:
        """In a thread: the library reads this and that from the disk."""
        terms, httpx = self._terms, self._httpx
        http = httpx.AsyncClient(
            transport=self._transport.Transport(terms.timeout, trust_env=not _is_internal(terms.base_url)),
            timeout=None,
            event_hooks={"response": [self._check]},
            follow_redirects=False,
            trust_env=False,
        )
        url = terms.base_url
        azure = terms.preset.key_header == "api-key" and "/openai/v1" not in url
        if azure and "/deployments/" not in url:
            url = f"{url}/openai/deployments/{terms.model}"
        client = self._openai.AsyncOpenAI(
            api_key="unused",  # each request brings its own, as keys change
            base_url=url,
            max_retries=0,
            default_headers=terms.headers,
            default_query={"api-version": terms.api_version or _AZURE_API} if azure else None,
            http_client=http,
        )
        if terms.preset.system != "openai":
            # Taken from the environment, and nobody else's business.
            client.organization = client.project = None
        return client

    async def _check(self, response: Any) -> None:
        """Turns refusals into failures before the library reads their bodies, however long those are."""
        if response.status_code == 200:
            return
        body = bytearray()
        if response.headers.get("content-encoding", "identity") == "identity":
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= _MOST_REFUSAL:
                    break
        said = self.hidden(bytes(body[:_MOST_REFUSAL]))
        raise refusal(response.status_code, said, retry_after_s(response.headers))

    def hidden(self, said: bytes) -> bytes:
        """What a provider says went wrong, without the key, which some repeat in it."""
        try:
            key = self._secrets.key(self._terms)
        except ProviderFailed:
            key = ""
        return said.replace(key.encode(), b"***") if key else said


# The latest that is no preview.
_AZURE_API = "2024-10-21"


def _import() -> tuple[Any, Any, Any]:
    names = ("openai", "httpx2", "llm.transport")
    openai, httpx, transport = (importlib.import_module(name) for name in names)
    return openai, httpx, transport


def _platform() -> Any:
    return importlib.import_module("openai._base_client").get_platform()


def _is_internal(url: str) -> bool:
    """Addresses that no proxy of the environment should be asked for."""
    host = urlsplit(url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".svc")) or "." not in host
    return address.is_private or address.is_loopback or address.is_link_local
