"""Fetching from the outside without reaching inside: every address is checked, at every hop, where it is used."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

import httpx

from fetching.addresses import BLOCKED_PORTS, checked, refusal
from fetching.bodies import read_body
from fetching.errors import FetchFailed, FetchRefused
from fetching.headers import broken_header
from fetching.pinned import Allowed, PinnedBackend, PinnedTransport

__all__ = ["BLOCKED_PORTS", "MAX_REDIRECTS", "FetchFailed", "FetchRefused", "Fetched", "GuardedClient", "refusal"]

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


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
    """Decompressed. Of a `get`, empty unless the status is 2xx and the content type among those asked for."""
    etag: str | None
    last_modified: str | None
    """As in the header: an HTTP date, not checked."""
    headers: Mapping[str, tuple[str, ...]]
    """Lower-case names; a header sent twice has two values."""
    redirect: str | None
    """Absolute target of a redirect that was not followed."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request on its way. `every_body`: bodies are read whatever the status.

    `redirects`: followed, given back once their target was found to be allowed, or given back as they are.
    """

    method: str
    headers: Mapping[str, str]
    body: bytes
    types: Collection[str] | None
    every_body: bool
    max_bytes: int
    redirects: Literal["follow", "check", "leave"]


class _Progress:
    """How far a request came, for whoever has to say what a failure means."""

    sent = False
    answered = 0

    async def trace(self, event: str, _: Mapping[str, Any]) -> None:
        """httpcore's: called before and after each step."""
        if event == "http11.send_request_headers.started":
            self.sent = True


class GuardedClient:
    """Fetches public http and https addresses, and those the operator allows.

    No proxy, cookie, password or setting of the environment takes part. Use it as an async context manager; it may
    be used by several tasks at once.
    """

    def __init__(
        self,
        *,
        allow: tuple[str, ...] = (),
        within: tuple[str, ...] | None = None,
        max_bytes: int = 20 * 1024 * 1024,
        deadline_s: float = 30.0,
        connect_s: float = 5.0,
        connections: int = 16,
        user_agent: str = "KefuBot/0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allow`: host names and networks of the operator's intranet; ConfigurationError if one is neither.

        Where `allow` was not written by the operator, `within` is what the operator allows at most. `max_bytes` holds
        for a body before and after decompression, `deadline_s` for a whole `get` or `request` with its redirects,
        `connect_s` for each attempt to connect. `tls` replaces the usual certificate authorities.
        """
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        rules = (Allowed(allow),) if within is None else (Allowed(allow), Allowed(within))
        backend = PinnedBackend(rules, connect_s)
        # The bare transport: httpx's client would add cookies, proxies and redirects of its own.
        self._transport = PinnedTransport(backend, tls or httpx.create_ssl_context(trust_env=False), connections)
        self._headers = {"user-agent": user_agent, "accept": "*/*", "accept-encoding": "gzip"}

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
        asked = _Asked("GET", self._headers, b"", types, False, self._max_bytes, "follow" if follow else "check")
        return await self._in_time(asked, url, self._deadline_s)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
        follow: bool = False,
        every_body: bool = True,
        max_bytes: int | None = None,
        deadline_s: float | None = None,
    ) -> Fetched:
        """Sends `body` by `method` under the rules of `get`, with its errors; FetchFailed says whether any was sent.

        Nothing but GET follows redirects, and a hop to another origin is not sent `headers`. Host, framing and
        compression are not for `headers` to say. With `every_body` the body of an error or of a redirect is read too;
        one of those that cannot be read, or is over the limit, is given as empty.
        """
        if method not in _METHODS:
            raise FetchRefused(f"method {method[:20]!r} is not one of {', '.join(sorted(_METHODS))}.")
        for name, value in headers.items():
            if why := broken_header(name, value):
                raise FetchRefused(f"header {name[:60]!r} {why}.")
        own = {name.lower(): value for name, value in headers.items()}
        asked = _Asked(
            method,
            self._headers | own,
            body,
            None,
            every_body,
            max_bytes or self._max_bytes,
            "follow" if follow and method == "GET" else "leave",
        )
        return await self._in_time(asked, url, deadline_s or self._deadline_s)

    async def _in_time(self, asked: _Asked, url: str, deadline_s: float) -> Fetched:
        start = checked(url)
        progress = _Progress()
        try:
            async with asyncio.timeout(deadline_s):
                return await self._through_redirects(start, asked, progress)
        except TimeoutError:
            raise FetchFailed(
                f"{start} took longer than {deadline_s:g} s. Try again later, or raise the deadline.",
                reason="timeout",
                sent=progress.sent,
                answered=progress.answered,
            ) from None
        except FetchFailed as failure:
            failure.sent, failure.answered = progress.sent, progress.answered
            raise

    async def _through_redirects(self, url: httpx.URL, asked: _Asked, progress: _Progress) -> Fetched:
        passed = {url}
        while True:
            fetched = await self._once(url, asked, progress)
            if fetched.redirect is None or asked.redirects == "leave":
                return fetched
            target = checked(fetched.redirect)
            if url.scheme == "https" and target.scheme == "http":
                raise FetchRefused(
                    f"{url} redirects to {target}, which is not encrypted. Start from the http address if it is meant."
                )
            if asked.redirects == "check":
                return fetched
            if target in passed:
                raise FetchFailed(f"{url} redirects back to {target}, in a loop. Give the page's final address.")
            if len(passed) > MAX_REDIRECTS:
                raise FetchFailed(f"{url} is redirect number {MAX_REDIRECTS + 1}. Give the page's final address.")
            if _origin(url) != _origin(target):
                # What the caller's headers carry, a key perhaps, is for the first origin alone.
                asked = replace(asked, headers=self._headers)
            passed.add(target)
            url = target

    async def _once(self, url: httpx.URL, asked: _Asked, progress: _Progress) -> Fetched:
        progress.answered = 0
        try:
            # Left to find the host itself, httpx fails on names that are not IDNA 2008, such as those with emoji.
            headers = {"host": url.netloc.decode("ascii"), **asked.headers}
            request = httpx.Request(
                asked.method, url, headers=headers, content=asked.body, extensions={"trace": progress.trace}
            )
            response = await self._transport.handle_async_request(request)
            progress.answered = response.status_code
            try:
                content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                body = await self._wanted(url, response, asked, content_type)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise FetchFailed(
                f"{url} could not be fetched: {error}. Check that it opens in a browser.", reason="lost"
            ) from error
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

    async def _wanted(self, url: httpx.URL, response: httpx.Response, asked: _Asked, content_type: str) -> bytes:
        if response.is_success:
            wanted = asked.types is None or content_type in asked.types
            return await read_body(url, response, asked.max_bytes) if wanted else b""
        if not asked.every_body:
            return b""
        try:
            return await read_body(url, response, asked.max_bytes)
        except (FetchFailed, httpx.HTTPError, httpx.StreamError):
            # The status says what there is to know; what comes with it must not be what fails.
            return b""


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host, url.port or (443 if url.scheme == "https" else 80)


def _redirect(url: httpx.URL, response: httpx.Response) -> str | None:
    if response.status_code not in _REDIRECTS or "location" not in response.headers:
        return None
    try:
        return str(url.join(response.headers["location"]))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchFailed(f"{url} redirects to no web address ({error}).") from None
