"""The ingress: plain ASGI. `POST /v1/chat` and the WebSocket are served here, the rest by small Starlette routes."""

from __future__ import annotations

import asyncio
from typing import Any

from ray.serve.handle import DeploymentHandle
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments import fast_lane, requests, socket, uvicorn_settings
from deployments.compilers import compilers
from deployments.completions import Completions
from deployments.definition_pages import DefinitionPages
from deployments.host_router import HostRouter
from deployments.http import ascii_header, problem_response, read_body, reply_events, respond, start_stream
from deployments.knowledge_pages import KnowledgePages
from deployments.outside import Outside
from deployments.pages import pages
from deployments.reading import Reader
from deployments.scaling import CUSTOMERS
from deployments.streaming import Shown
from deployments.wiring import runtime_builder
from events.postgres import PostgresStore
from events.postgres_definitions import PostgresDefinitions
from schemas.api import TurnOutcome, encode_json
from schemas.errors import KefuError, MethodNotAllowed
from schemas.ids import now_ms
from schemas.metrics import Metrics
from schemas.settings import Settings


class App:
    """The ASGI application of one replica."""

    def __init__(
        self,
        settings: Settings,
        router: HostRouter,
        reader: Reader,
        metrics: Metrics,
        completions: Completions,
        more: list[Route],
    ) -> None:
        """`more`: pages beside the reading of sessions."""
        self._settings = settings
        self._router = router
        self._reader = reader
        self._metrics = metrics
        self._completions = completions
        self._pages = pages(reader, metrics, router, completions, more)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _no_lifespan(receive, send)
        elif scope["path"] == "/v1/chat" and scope["type"] == "http":
            await self._chat(scope, receive, send)
        elif scope["path"] == "/v1/chat/completions" and scope["type"] == "http":
            await self._completions(scope, receive, send)
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
            key = ascii_header(headers, "X-Idempotency-Key")
            key_text = requests.new_key() if key is None else requests.checked_id(key, "X-Idempotency-Key")
            session = request.session_id or requests.new_session_id()
            priority = "" if request.priority == "normal" else request.priority
            if request.stream:
                shown = Shown(self._router, self._settings.tenant, session, key_text)
                streamed = await shown.run(request.text, receive, _AsEvents(send), priority=priority)
                self._metrics.turn("http", 499 if streamed is None else streamed.status, started)
                return
            outcome = await self._router.turn(self._settings.tenant, session, key_text, request.text, priority=priority)
        except KefuError as error:
            self._metrics.turn("http", error.status, started)
            await problem_response(error, send)
            return
        self._metrics.turn("http", outcome.status, started)
        await respond(send, outcome.status, outcome.body, retry_after_s=outcome.retry_after_s)


class _AsEvents:
    """A streamed turn as server-sent events. `reply` is durable before it leaves; a cut stream can be asked for again
    with the same key."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def more(self, text: str) -> None:
        await self._event(b"event: delta\ndata: " + encode_json({"text": text}) + b"\n\n")

    async def end(self, outcome: TurnOutcome) -> None:
        if outcome.status == 200:
            for event in reply_events(outcome.body, deltas=not self._started):
                await self._event(event)
        elif self._started:
            await self._event(b"event: error\ndata: " + outcome.body + b"\n\n")
        else:
            await respond(self._send, outcome.status, outcome.body, retry_after_s=outcome.retry_after_s)
            return
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _event(self, event: bytes) -> None:
        if not self._started:
            await start_stream(self._send)
            self._started = True
        await self._send({"type": "http.response.body", "body": event, "more_body": True})


async def _no_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


class Ingress:
    """A replica: its links to the hosts, its reader of the log, its metrics."""

    def __init__(
        self, settings: Settings, librarian: DeploymentHandle, gateway: DeploymentHandle, *_after: Any
    ) -> None:
        """`_after`: handles of deployments that must be there first, which the ingress does not call."""
        uvicorn_settings.apply()
        self._metrics = Metrics(settings.metrics_dir)
        self._router = HostRouter(settings, runtime_builder())
        store = PostgresStore(settings.database_url, writers=1, readers=2)
        self._reader = Reader(settings.tenant, store)
        self._outside = Outside(settings, self._metrics)
        completions = Completions(settings.tenant, self._router, self._outside)
        knowledge = KnowledgePages(settings.tenant, librarian, gateway)
        definitions = DefinitionPages(settings.tenant, PostgresDefinitions(settings.database_url), compilers(), now_ms)
        more = [*knowledge.routes(), *definitions.routes()]
        self._app = App(settings, self._router, self._reader, self._metrics, completions, more)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        self._background = [
            asyncio.get_running_loop().create_task(forever)
            for forever in (
                self._router.refresh_forever(),
                self._metrics.flush_forever(),
                socket.announce_forever(),
                self._outside.loaded(),  # so that the first who asks does not wait for it
            )
        ]
        fast_lane.app = self._app
        return self._app

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What `scaling.by_customers` goes by."""
        return {CUSTOMERS: float(self._metrics.sockets + self._router.waiting)}
