"""The ingress: plain ASGI. `POST /v1/chat` and the WebSocket are served here, the rest by small Starlette routes."""

from __future__ import annotations

import asyncio
from typing import Any

from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments import fast_lane, requests, socket, uvicorn_settings
from deployments.host_router import HostRouter
from deployments.http import problem_response, read_body, respond, stream_events
from deployments.knowledge_pages import KnowledgePages
from deployments.pages import pages
from deployments.reading import Reader
from deployments.scaling import CUSTOMERS
from deployments.wiring import runtime_builder
from events.postgres import PostgresStore
from schemas.errors import InvalidRequest, KefuError, MethodNotAllowed
from schemas.metrics import Metrics
from schemas.settings import Settings


class App:
    """The ASGI application of one replica."""

    def __init__(
        self, settings: Settings, router: HostRouter, reader: Reader, metrics: Metrics, knowledge: KnowledgePages
    ) -> None:
        self._settings = settings
        self._router = router
        self._reader = reader
        self._metrics = metrics
        self._pages = pages(reader, metrics, router, knowledge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
        elif scope["path"] == "/v1/chat" and scope["type"] == "http":
            await self._chat(scope, receive, send)
        elif scope["path"] == "/v1/chat/ws" and scope["type"] == "websocket":
            await socket.serve(self._settings.tenant, self._router, self._reader, self._metrics, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = self._metrics.now()
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowed(f"{scope['method']} /v1/chat is not supported; use POST")
            headers, body = await read_body(scope, receive)
            request = requests.chat_request(body)
            key = headers.get(b"x-idempotency-key")
            key_text = requests.new_key() if key is None else requests.checked_id(_ascii(key), "X-Idempotency-Key")
            session = request.session_id or requests.new_session_id()
            outcome = await self._router.turn(self._settings.tenant, session, key_text, request.text)
        except KefuError as error:
            self._metrics.turn("http", error.status, started)
            await problem_response(error, send)
            return
        self._metrics.turn("http", outcome.status, started)
        if request.stream and outcome.status == 200:
            await _stream(outcome.body, send)
        else:
            await respond(send, outcome.status, outcome.body, retry_after_s=outcome.retry_after_s)


def _ascii(header: bytes) -> str:
    try:
        return header.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidRequest("`X-Idempotency-Key` must be printable ASCII") from None


async def _stream(reply: bytes, send: Send) -> None:
    """Server-sent events. The reply is durable before its first byte leaves, so a cut stream can be asked for again."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream; charset=utf-8"),
                (b"cache-control", b"no-store"),
            ],
        }
    )
    for event in stream_events(reply):
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _no_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


class Ingress:
    """A replica: its links to the hosts, its reader of the log, its metrics."""

    def __init__(
        self, settings: Settings, librarian: DeploymentHandle, answerer: DeploymentHandle, *_after: Any
    ) -> None:
        """`_after`: handles of deployments that must be there first, which the ingress does not call."""
        uvicorn_settings.apply()
        self._metrics = Metrics(settings.metrics_dir)
        self._router = HostRouter(settings, runtime_builder())
        store = PostgresStore(settings.database_url, writers=1, readers=2)
        self._reader = Reader(settings.tenant, store)
        knowledge = KnowledgePages(settings.tenant, librarian, answerer)
        self._app = App(settings, self._router, self._reader, self._metrics, knowledge)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        self._background = [
            asyncio.get_running_loop().create_task(forever)
            for forever in (
                self._router.refresh_forever(),
                self._metrics.flush_forever(),
                socket.announce_forever(),
            )
        ]
        fast_lane.app = self._app
        return self._app

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What `scaling.by_customers` goes by."""
        return {CUSTOMERS: float(self._metrics.sockets + self._router.waiting)}
