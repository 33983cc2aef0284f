"""Fetching from the outside without reaching inside: every address is checked, at every hop, where it is used."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from knowledge.importing.addresses import BLOCKED_PORTS, checked, refusal
from knowledge.importing.fetch_errors import FetchFailed, FetchRefused
from knowledge.importing.inflate import Gunzip, Oversized
from knowledge.importing.pinned import Allowed, PinnedBackend, PinnedTransport

__all__ = ["BLOCKED_PORTS", "MAX_REDIRECTS", "FetchFailed", "FetchRefused", "Fetched", "GuardedClient", "refusal"]

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one address answered, whatever its status."""

    url: str
    """Where the answer came from, after redirects."""
    status: int
    content_type: str
    """Lower case and without parameters, such as text/html; empty if none was given."""
    charset: str | None
    """Of the Content-Type header, in lower case; it may name no real charset."""
    body: bytes
    """Decompressed. Empty unless the status is 2xx and the content type among those asked for."""
    etag: str | None
    last_modified: str | None
    """As in the header: an HTTP date, not checked."""
    headers: Mapping[str, tuple[str, ...]]
    """Lower-case names; a header sent twice has two values."""
    redirect: str | None
    """Absolute target of a redirect that was not followed."""


class GuardedClient:
    """Fetches public http and https addresses, and those the operator allows.

    No proxy, cookie, password or setting of the environment takes part. Use it as an async context manager; it may
    be used by several tasks at once.
    """

    def __init__(
        self,
        *,
        allow: tuple[str, ...] = (),
        max_bytes: int = 20 * 1024 * 1024,
        deadline_s: float = 30.0,
        connect_s: float = 5.0,
        user_agent: str = "KefuBot/0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allow`: host names and networks of the operator's intranet; ConfigurationError if one is neither.

        `max_bytes` holds for a body before and after decompression, `deadline_s` for a whole `get` with its
        redirects, `connect_s` for each attempt to connect. `tls` replaces the usual certificate authorities.
        """
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        backend = PinnedBackend(Allowed(allow), connect_s)
        # The bare transport: httpx's client would add cookies, proxies and redirects of its own.
        self._transport = PinnedTransport(backend, tls or httpx.create_ssl_context(trust_env=False), _CONNECTIONS)
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip"}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    async def get(self, url: str, *, follow: bool = True, types: Collection[str] | None = None) -> Fetched:
        """What is at `url`. FetchRefused if it, or a hop on the way, must not be fetched; FetchFailed otherwise.

        With `follow` false a redirect is an answer like any other. With `types` the body of any other content type
        is left unread.
        """
        start = checked(url)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._through_redirects(start, follow, types)
        except TimeoutError:
            raise FetchFailed(
                f"{start} took longer than {self._deadline_s:g} s. Try again later, or raise the deadline."
            ) from None

    async def _through_redirects(self, url: httpx.URL, follow: bool, types: Collection[str] | None) -> Fetched:
        passed = {url}
        while True:
            fetched = await self._once(url, types)
            if fetched.redirect is None:
                return fetched
            target = checked(fetched.redirect)
            if url.scheme == "https" and target.scheme == "http":
                raise FetchRefused(
                    f"{url} redirects to {target}, which is not encrypted. Start from the http address if it is meant."
                )
            if not follow:
                return fetched
            if target in passed:
                raise FetchFailed(f"{url} redirects back to {target}, in a loop. Give the page's final address.")
            if len(passed) > MAX_REDIRECTS:
                raise FetchFailed(f"{url} is redirect number {MAX_REDIRECTS + 1}. Give the page's final address.")
            passed.add(target)
            url = target

    async def _once(self, url: httpx.URL, types: Collection[str] | None) -> Fetched:
        try:
            # Left to find the host itself, httpx fails on names that are not IDNA 2008, such as those with emoji.
            headers = {"Host": url.netloc.decode("ascii"), **self._headers}
            response = await self._transport.handle_async_request(httpx.Request("GET", url, headers=headers))
            try:
                content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                # What comes with an error or a redirect is of no use, and must not be what fails.
                wanted = response.is_success and (types is None or content_type in types)
                body = await self._body(url, response) if wanted else b""
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise FetchFailed(f"{url} could not be fetched: {error}. Check that it opens in a browser.") from error
        return Fetched(
            url=str(url),
            status=response.status_code,
            content_type=content_type,
            charset=response.charset_encoding,
            body=body,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            headers={name: tuple(response.headers.get_list(name)) for name in response.headers},
            redirect=_redirect(url, response),
        )

    async def _body(self, url: httpx.URL, response: httpx.Response) -> bytes:
        """The body, decompressed here: httpx would unfold a whole piece of a bomb before it could be measured."""
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced[:20]) > self._max_bytes:
            raise self._too_large(url)
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchFailed(f"{url} came compressed as {encoding[:40]!r}, which was not asked for.")
        unfolding = Gunzip(self._max_bytes) if encoding.endswith("gzip") else None
        pieces = []
        received = 0
        async for piece in response.aiter_raw():
            received += len(piece)
            if received > self._max_bytes:
                raise self._too_large(url)
            try:
                pieces.append(unfolding.feed(piece) if unfolding else piece)
            except Oversized:
                raise self._too_large(url) from None
            except ValueError as error:
                raise FetchFailed(f"{url} sent {error}. Tell whoever runs that site.") from None
        if unfolding and received and not unfolding.complete:
            raise FetchFailed(f"{url} sent a body that ends too early. Try again later.")
        return b"".join(pieces)

    def _too_large(self, url: httpx.URL) -> FetchFailed:
        return FetchFailed(
            f"{url} is larger than {self._max_bytes} bytes. Split the document, or raise the size limit of fetches."
        )


def _redirect(url: httpx.URL, response: httpx.Response) -> str | None:
    if response.status_code not in _REDIRECTS or "location" not in response.headers:
        return None
    try:
        return str(url.join(response.headers["location"]))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed(f"{url} redirects to no web address ({error}).") from None
