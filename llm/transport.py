"""HTTP for the openai client, by aiohttp: its parser is compiled, and costs a sixth of httpx's own per call.

An httpx transport, so that the library knows no difference; a reply's bytes
are read beside httpx, with `body`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx2

from llm.routes import Timeouts

_UPSTREAM = "kefu.upstream"


class Transport(httpx2.AsyncBaseTransport):
    """One pool of kept-alive connections. Redirects are not followed, bodies not unpacked, cookies not kept.

    `trust_env`: proxies of the environment are used. Only connecting is timed: the caller watches the rest.
    """

    def __init__(self, timeouts: Timeouts, *, trust_env: bool) -> None:
        self._connect_s = timeouts.connect
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises httpx errors."""
        session = self._session or self._open()
        body = await request.aread()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        try:
            upstream = await session.request(
                request.method, str(request.url), data=body, headers=headers, allow_redirects=False
            )
        except aiohttp.ClientError as error:
            raise _as_httpx(error, request) from error
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(str(error), request=request) from error
        return httpx2.Response(
            upstream.status,
            headers=upstream.raw_headers,
            stream=_Stream(upstream),
            extensions={_UPSTREAM: upstream},
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            # How many calls there may be at once is the gateway's to say.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            trust_env=self._trust_env,
            max_line_size=16_384,
            max_field_size=16_384,
        )
        return self._session


async def body(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The bytes of a response of this transport, as they come. Raises httpx errors."""
    content = response.extensions[_UPSTREAM].content
    try:
        while data := await content.readany():
            yield data
    except aiohttp.ClientError as error:
        raise _as_httpx(error, response.request) from error


class _Stream(httpx2.AsyncByteStream):
    """Closing it gives the connection back if the reply was read to its end, and breaks it off if not."""

    def __init__(self, upstream: aiohttp.ClientResponse) -> None:
        self._upstream = upstream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for data in self._upstream.content.iter_any():
                yield data
        except aiohttp.ClientError as error:
            raise httpx2.ReadError(str(error)) from error

    async def aclose(self) -> None:
        self._upstream.close()


def _as_httpx(error: aiohttp.ClientError, request: Any) -> httpx2.RequestError:
    # Messages of aiohttp name the address and what the system said, never a header.
    kind: type[httpx2.RequestError] = httpx2.ReadError
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        kind = httpx2.ConnectTimeout
    elif isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        kind = httpx2.ConnectError
    elif isinstance(error, aiohttp.ClientResponseError):
        kind = httpx2.RemoteProtocolError
    return kind(str(error), request=request)
