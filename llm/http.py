"""One provider's HTTP: kept-alive connections, posts, and replies byte by byte as they come.

By aiohttp, as its parser is compiled: a call costs a sixth of what it costs by
httpx, which is most of what a gateway adds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp

from llm.provider import ProviderFailed
from llm.retry_after import retry_after_s
from llm.routes import Timeouts

# Of a body that says why a request was refused.
_MOST_REFUSAL = 16_384


class Refused(Exception):
    """A status other than 200. `body`: its beginning."""

    def __init__(self, status: int, body: bytes, after_s: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.after_s = after_s


class Http:
    """Redirects are not followed, bodies not unpacked, cookies not kept. `trust_env`: proxies of the environment are
    used. Only connecting is timed: the gateway watches the rest, as it knows a token from a byte.
    """

    def __init__(self, timeouts: Timeouts, *, trust_env: bool) -> None:
        self._session = aiohttp.ClientSession(
            # How many calls there may be at once is the gateway's to say.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            trust_env=trust_env,
            max_line_size=16_384,
            max_field_size=16_384,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> aiohttp.ClientResponse:
        """The response with its head read; whoever got it closes it, which breaks it off if it was not read to its
        end. Raises Refused and ProviderFailed."""
        try:
            response = await self._session.post(url, data=body, headers=headers, allow_redirects=False)
        except aiohttp.InvalidURL:
            raise ProviderFailed("connect", f"not an address that can be called: {url}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _failure(error) from None
        if response.status == 200:
            return response
        try:
            raise Refused(response.status, await _beginning(response), retry_after_s(response.headers))
        finally:
            response.close()

    async def close(self) -> None:
        await self._session.close()


async def chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Raises ProviderFailed."""
    content = response.content
    try:
        while data := await content.readany():
            yield data
    except aiohttp.ClientError as error:
        raise _failure(error) from None


def content_type(response: aiohttp.ClientResponse) -> str:
    """Without parameters, in small letters."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return "a compressed body"
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for data in chunks(response):
        body += data
        if len(body) >= _MOST_REFUSAL:
            break
    return bytes(body[:_MOST_REFUSAL])


def _failure(error: Exception) -> ProviderFailed:
    """What the network did. Such errors name the address and what the system said, never a header."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | TimeoutError):
        return ProviderFailed("connect", f"no connection: {error or 'in time'}", retryable=True)
    if isinstance(error, aiohttp.ClientResponseError):
        return ProviderFailed("malformed", f"not HTTP: {error.message}", retryable=True)
    return ProviderFailed("reset", f"the connection broke: {error}", retryable=True)
