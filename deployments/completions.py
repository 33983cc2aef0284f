"""`POST /v1/chat/completions` and `GET /v1/models`: Kefu as any client of OpenAI's API knows how to talk to it.

The model `kefu` is the assistant itself: a durable turn of a session, with
knowledge, flows, tools and guardrails. Any other model is a route of the
tenant's, or `auto` for whichever its rules choose now: the request then goes
to a provider through the gateway's routing, limits and fallbacks, and nothing
of it is kept but what it used.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from deployments import requests
from deployments.host_router import HostRouter
from deployments.http import problem_response, read_body, respond, start_stream
from deployments.outside import Outside
from deployments.streaming import Shown, while_there
from llm.relay import RelayChunk
from schemas.api import TurnOutcome, encode_json
from schemas.errors import InvalidRequest, KefuError, MethodNotAllowed, NotFound
from schemas.ids import now_ms
from schemas.models import Situation

ASSISTANT = "kefu"
AUTO = "auto"
MAX_COMPLETION_BODY = 1024 * 1024  # bytes; clients send the whole conversation every time
_SESSION_HEADERS = (b"x-session-id", b"x-openwebui-chat-id")
_DONE = b"data: [DONE]\n\n"


class _Part(Struct):
    type: str
    text: str = ""


class _Message(Struct):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(Struct):
    include_usage: bool = False


class _Body(Struct):
    """What is read of a request here; a provider gets it as it came."""

    messages: list[_Message]
    model: str = ASSISTANT
    stream: bool = False
    stream_options: _StreamOptions | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None


_decode = msgspec.json.Decoder(_Body).decode
_decode_whole = msgspec.json.Decoder(dict[str, Any]).decode


class Completions:
    """The endpoint of one tenant in one ingress replica."""

    def __init__(self, tenant: str, router: HostRouter, outside: Outside) -> None:
        self._tenant = tenant
        self._router = router
        self._outside = outside

    async def models(self) -> dict[str, Any]:
        """The assistant, `auto`, and every route."""
        await self._outside.loaded()
        names = [ASSISTANT, AUTO, *self._outside.routes(self._tenant).routes]
        return {
            "object": "list",
            "data": [{"id": name, "object": "model", "created": 0, "owned_by": "kefu"} for name in names],
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowed(f"{scope['method']} /v1/chat/completions is not supported; use POST")
            headers, raw = await read_body(scope, receive, MAX_COMPLETION_BODY)
            body = _body(raw)
            if body.model == ASSISTANT:
                await self._turn(headers, body, receive, send)
            else:
                await self._relay(body, raw, receive, send)
        except KefuError as error:
            await problem_response(error, send)

    # --- The assistant ---------------------------------------------------------------------------------

    async def _turn(self, headers: Mapping[bytes, bytes], body: _Body, receive: Receive, send: Send) -> None:
        text = requests.checked_text(_last_words(body))
        session = _session(headers, body) or requests.new_session_id()
        requests.checked_id(session, "session id")
        given = headers.get(b"x-idempotency-key")
        key = requests.new_key() if given is None else requests.checked_id(given.decode("latin-1"), "X-Idempotency-Key")
        if not body.stream:
            outcome = await self._router.turn(self._tenant, session, key, text)
            if outcome.status != 200:
                await respond(send, outcome.status, outcome.body, retry_after_s=outcome.retry_after_s)
                return
            await respond(send, 200, encode_json(_completion(msgspec.json.decode(outcome.body))))
            return
        shown = Shown(self._router, self._tenant, session, key)
        await shown.run(text, receive, _AsChunks(key, send))

    # --- A route ---------------------------------------------------------------------------------------

    async def _relay(self, body: _Body, raw: bytes, receive: Receive, send: Send) -> None:
        await self._outside.loaded()
        route, version, deadline_s = self._route(body.model)
        chunks = self._outside.gateway.relay(
            self._tenant, route, version, _decode_whole(raw), now_ms() + int(deadline_s * 1000)
        )
        named = [(b"x-kefu-route", route.encode()), (b"x-kefu-route-version", str(version).encode())]
        await while_there(_pass_on(chunks, body.stream, send, named), receive)

    def _route(self, model: str) -> tuple[str, int, float]:
        """Name, version of the routes, and deadline in seconds."""
        rules = self._outside.rules.of(self._tenant)
        version = self._outside.routes_version(self._tenant)
        if model == AUTO:
            choice = rules.choose(Situation(self._tenant, "", now_ms()))
            model = choice.route
        route = self._outside.routes(self._tenant).routes.get(model)
        if route is None:
            raise NotFound(f"there is no model {model!r}; GET /v1/models lists them")
        if route.mode == "extractive":
            raise InvalidRequest(f"the route {model!r} asks no model; use `{ASSISTANT}` for answers from knowledge")
        return model, version, route.deadline_s


def _body(raw: bytes) -> _Body:
    try:
        body = _decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not as expected: {error}") from error
    if not body.messages:
        raise InvalidRequest("`messages` is empty; send what the customer says as the last one")
    return body


def _last_words(body: _Body) -> str:
    last = body.messages[-1]
    if last.role != "user":
        raise InvalidRequest(f"the last of `messages` has the role {last.role!r}; it must be `user`")
    if isinstance(last.content, list):
        return "\n".join(part.text for part in last.content if part.type == "text")
    return last.content or ""


def _session(headers: Mapping[bytes, bytes], body: _Body) -> str | None:
    for name in _SESSION_HEADERS:
        if name in headers:
            return headers[name].decode("latin-1")
    return (body.metadata or {}).get("session_id") or body.user


def _usage() -> dict[str, int]:
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _completion(reply: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply["text"]}
    return {
        "id": f"chatcmpl-{reply['session_id']}-{reply['seq']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": ASSISTANT,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(),
        "kefu": reply,
    }


class _AsChunks:
    """A streamed turn in OpenAI's form."""

    def __init__(self, key: str, send: Send) -> None:
        self._send = send
        self._head = {
            "id": f"chatcmpl-{key}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": ASSISTANT,
        }
        self._shown = ""

    async def more(self, text: str) -> None:
        if not self._shown:
            await start_stream(self._send)
        self._shown += text
        await _send(self._send, self._chunk({"content": text}))

    async def end(self, outcome: TurnOutcome) -> None:
        if outcome.status != 200:
            if not self._shown:
                await respond(self._send, outcome.status, outcome.body, retry_after_s=outcome.retry_after_s)
            else:
                await _send(self._send, b'data: {"error":%b}\n\n' % outcome.body, last=True)
            return
        reply = msgspec.json.decode(outcome.body)
        if not self._shown:
            await self.more(reply["text"])
        elif reply["text"] != self._shown:
            # What was shown cannot be taken back in this form. Where the reply became another one, it follows whole.
            text, shown = reply["text"], self._shown
            await self.more(text[len(shown) :] if text.startswith(shown) else f"\n\n{text}")
        await _send(self._send, self._chunk({}, finish="stop", kefu=reply))
        await _send(self._send, _DONE, last=True)

    def _chunk(self, delta: dict[str, str], *, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + encode_json({**self._head, "choices": [choice], **more}) + b"\n\n"


async def _send(send: Send, data: bytes, *, last: bool = False) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": not last})


async def _pass_on(
    chunks: AsyncGenerator[RelayChunk, None], stream: bool, send: Send, named: list[tuple[bytes, bytes]]
) -> None:
    """A provider's chunks, `named` in the headers. Nothing is sent before the first: an error has its own status."""
    started = False
    async with contextlib.aclosing(chunks):
        try:
            async for chunk in chunks:
                if not stream:
                    await respond(send, 200, chunk.data, more=named)
                    return
                if not started:
                    await start_stream(send, named)
                    started = True
                await _send(send, chunk.data)
        except KefuError as error:
            if not started:
                raise
            body = encode_json({"error": {"message": error.detail, "code": error.code, "type": "upstream"}})
            await _send(send, b"data: " + body + b"\n\n", last=True)
            return
    await _send(send, b"", last=True)
