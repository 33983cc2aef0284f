"""Calls tools that are HTTP endpoints, under the guard's rules and with the call's key."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from fetching.errors import FetchFailed, FetchRefused
from fetching.guard import Fetched, GuardedClient
from fetching.pinned import Allowed
from schemas.tools import ToolRequest
from tools import secrets as keys
from tools import urls
from tools.attempts import Attempt, unsent
from tools.declarations import Http, Tool
from tools.replies import broken_off, judged

_log = logging.getLogger("kefu.tools")

_CONNECTIONS = 256
_CLIENTS = 64
# What may stand in a header, and mostly does, is sent as it is.
_PLAIN = "!#$&'()*+,;=:@/?~|^`"
_IN_BODY = frozenset({"POST", "PUT", "PATCH"})


class _Kept:
    def __init__(self, client: GuardedClient) -> None:
        self.client = client
        self.users = 0


class HttpCalls:
    """`allow`: internal hosts and networks that the operator lets tools reach at all; a tool reaches those of them
    that its own declaration names. `tls` replaces the usual certificate authorities."""

    def __init__(
        self, secrets: keys.Secrets, allow: tuple[str, ...], connect_s: float, tls: ssl.SSLContext | None
    ) -> None:
        Allowed(allow)  # an error in it shows now
        self._secrets = secrets
        self._allow = allow
        self._connect_s = connect_s
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        # By what a tool may reach: a connection that one tool may have must not be taken up by another.
        self._clients: dict[tuple[str, ...], _Kept] = {}

    async def close(self) -> None:
        clients = list(self._clients.values())
        self._clients.clear()
        for kept in clients:
            await kept.client.__aexit__(None, None, None)

    async def call(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any], wait_s: float) -> Attempt:
        """One request. Never raises but when it is cancelled."""
        http = _endpoint(tool)
        in_path = urls.path_names(http.url, arguments)
        rest = {name: value for name, value in arguments.items() if name not in in_path}
        try:
            url = urls.filled(http.url, arguments)
            if http.method in _IN_BODY:
                return await self._sent(tool, request, http.method, url, msgspec.json.encode(rest), wait_s)
            return await self._sent(tool, request, http.method, urls.with_query(url, rest), b"", wait_s)
        except urls.BadUrlArgument as error:
            return unsent("bad_arguments", str(error))

    async def ask(self, tool: Tool, request: ToolRequest, arguments: Mapping[str, Any], wait_s: float) -> Attempt:
        """What the endpoint says became of the call: `done`, `refused` with status 404 if it never happened, or
        something else, with `again` where it may be asked again."""
        try:
            url = urls.filled(_endpoint(tool).reconcile, {**arguments, urls.KEY: request.idempotency_key})
        except urls.BadUrlArgument as error:
            return unsent("bad_arguments", str(error))
        attempt = await self._sent(tool, request, "GET", url, b"", wait_s)
        if attempt.status == 202:  # still at it
            return Attempt("unsure", None, "in_progress", "the endpoint is still at work on it", 202, True)
        return attempt

    async def _sent(
        self, tool: Tool, request: ToolRequest, method: str, url: str, body: bytes, wait_s: float
    ) -> Attempt:
        http = _endpoint(tool)
        headers = {
            "accept": "application/json",
            "idempotency-key": quote(request.idempotency_key, safe=_PLAIN),
            "x-kefu-session": quote(request.session, safe=_PLAIN),
        }
        if body:
            headers["content-type"] = "application/json"
        used: list[str] = []
        try:
            for name, value in http.headers.items():
                headers[name.lower()], found = keys.filled(value, request.tenant, self._secrets)
                used += found
        except ValueError as error:
            return unsent("secret_unusable", str(error))
        try:
            fetched = await self._fetched(http, tool, method, url, headers, body, wait_s)
        except FetchRefused as refusal:
            _log.warning("tool %r of tenant %r is not called: %s", tool.spec.name, request.tenant, refusal.detail)
            return unsent("address_refused", "the endpoint is at an address that must not be called; see Kefu's log")
        except FetchFailed as failure:
            return broken_off(failure)
        return judged(tool, fetched, used)

    async def _fetched(
        self, http: Http, tool: Tool, method: str, url: str, headers: Mapping[str, str], body: bytes, wait_s: float
    ) -> Fetched:
        async with self._client(http.allow) as client:
            return await client.request(
                method,
                url,
                headers=headers,
                body=body,
                follow=tool.read_only,
                max_bytes=tool.max_result_bytes,
                deadline_s=wait_s,
            )

    @asynccontextmanager
    async def _client(self, allow: tuple[str, ...]) -> AsyncIterator[GuardedClient]:
        opened = tuple(sorted(set(allow)))
        kept = self._clients.pop(opened, None) or _Kept(
            GuardedClient(
                allow=opened,
                within=self._allow,
                connect_s=self._connect_s,
                connections=_CONNECTIONS,
                user_agent="Kefu/0.1",
                tls=self._tls,
            )
        )
        self._clients[opened] = kept
        kept.users += 1
        try:
            yield kept.client
        finally:
            kept.users -= 1
            if len(self._clients) > _CLIENTS:
                await self._close_oldest()

    async def _close_oldest(self) -> None:
        idle = next((opened for opened, kept in self._clients.items() if kept.users == 0), None)
        if idle is not None:
            await self._clients.pop(idle).client.__aexit__(None, None, None)


def _endpoint(tool: Tool) -> Http:
    assert tool.http is not None, "tools without an endpoint are called elsewhere"
    return tool.http
