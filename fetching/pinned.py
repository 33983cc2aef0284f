"""An httpx transport that connects only to addresses it has checked itself.

The name is resolved and judged where the connection is made, and the connection goes to the very address that was
judged: a name server that answers differently the second time is never asked a second time. The name itself stays
what TLS (SNI, certificate) and the Host header are about.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network

import httpcore
import httpx

from fetching.addresses import no_host_name, refusal, unmapped
from fetching.errors import FetchFailed, FetchRefused
from schemas.errors import ConfigurationError

_HTTPCORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
_TRIED_ADDRESSES = 4

# All that allowing a *name* can open. Whoever runs the name's DNS must not be able to point it at a cloud's metadata
# service (169.254.169.254): that takes an operator who writes the network itself.
_OPEN_TO_NAMES: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)


class Allowed:
    """What an operator opens on purpose: host names and networks of their own intranet."""

    def __init__(self, entries: Iterable[str]) -> None:
        networks: list[IPv4Network | IPv6Network] = []
        names: set[str] = set()
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError as error:
                name = entry.lower().rstrip(".")
                if no_host_name(name):
                    raise ConfigurationError(
                        f"allow: {entry!r} is neither a host name nor a network such as 10.0.0.0/8 ({error})."
                    ) from None
                names.add(name)
        self._networks = tuple(networks)
        self._names = frozenset(names)

    def refusal(self, host: str, address: str) -> str | None:
        """Why `host` must not be reached at `address`, or None where it may be."""
        why = refusal(address)
        if why is None:
            return None
        try:
            plain = unmapped(address)
        except ValueError:
            return why
        opened = self._networks
        if host.lower().rstrip(".") in self._names:
            opened += _OPEN_TO_NAMES
        return None if any(plain in network for network in opened) else why


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, judges and connects in one step.

    FetchRefused where any address of the host is refused: a name that is half inside is not to be trusted at all.
    FetchFailed where the name is unknown. `connect_s` holds for each address tried, at most four.
    """

    def __init__(self, rules: Sequence[Allowed], connect_s: float) -> None:
        """`rules`: each of them must let an address pass."""
        self._rules = rules
        self._connect_s = connect_s
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolved(host, port)
        failure: Exception | None = None
        for address in addresses[:_TRIED_ADDRESSES]:
            try:
                return await self._inner.connect_tcp(address, port, self._connect_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise httpcore.ConnectError(f"no connection to {host} port {port} ({failure or 'timed out'})")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _resolved(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise FetchFailed(
                f"{host} has no address ({error}). Check the host name and this machine's DNS.", reason="lost"
            ) from None
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        for address in addresses:
            if why := next(filter(None, (rule.refusal(host, address) for rule in self._rules)), None):
                raise FetchRefused(
                    f"{host} is at {address}, which is {why}. Only public addresses are fetched; if this is a site of "
                    "your own intranet, ask whoever runs Kefu to allow its host name or network."
                )
        if not addresses:
            raise FetchFailed(f"{host} has no address. Check the host name and this machine's DNS.", reason="lost")
        return addresses


class PinnedTransport(httpx.AsyncBaseTransport):
    """httpx's own transport, less proxies, over a PinnedBackend."""

    def __init__(self, backend: PinnedBackend, tls: ssl.SSLContext, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=connections, keepalive_expiry=5.0, network_backend=backend
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.content, extensions=request.extensions
        )
        with _as_httpx():
            response = await self._pool.handle_async_request(asked)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for piece in self._response.aiter_stream():
                yield piece

    async def aclose(self) -> None:
        with _as_httpx():
            await self._response.aclose()


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except _HTTPCORE_ERRORS as error:
        raise httpx.TransportError(str(error) or type(error).__name__) from error
