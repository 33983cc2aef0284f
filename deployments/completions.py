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
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from deployments import requests
from deployments.host_router import HostRouter
from deployments.http import ascii_header, read_body, respond, start_stream
from deployments.outside import Outside
from deployments.streaming import Shown, while_there
from llm.relay import RelayChunk
from schemas.api import TurnOutcome, encode_json, problem
from schemas.errors import InvalidRequest, KefuError, MethodNotAllowed, NotFound
from schemas.ids import now_ms
from schemas.models import Situation

ASSISTANT = "kefu"
AUTO = "auto"
MAX_COMPLETION_BODY = 1024 * 1024  # bytes; clients send the whole conversation every time
_SESSION_HEADERS = ("X-Session-Id", "X-OpenWebUI-Chat-Id")
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


Read = TypeVar("Read")

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
                await self._relay(headers, body, raw, receive, send)
        except KefuError as error:
            await _refuse(send, error.status, problem(error), error.retry_after_s)

    # --- The assistant ---------------------------------------------------------------------------------

    async def _turn(self, headers: Mapping[bytes, bytes], body: _Body, receive: Receive, send: Send) -> None:
        text = requests.checked_text(_last_words(body))
        session = _session(headers, body) or requests.new_session_id()
        requests.checked_id(session, "session id")
        given = ascii_header(headers, "X-Idempotency-Key")
        key = requests.new_key() if given is None else requests.checked_id(given, "X-Idempotency-Key")
        if not body.stream:
            outcome = await self._router.turn(self._tenant, session, key, text)
            if outcome.status != 200:
                await _refuse(send, outcome.status, msgspec.json.decode(outcome.body), outcome.retry_after_s)
                return
            await respond(send, 200, encode_json(_completion(msgspec.json.decode(outcome.body))))
            return
        shown = Shown(self._router, self._tenant, session, key)
        await shown.run(text, receive, _AsChunks(key, send, counts=_counts(body)))

    # --- A route ---------------------------------------------------------------------------------------

    async def _relay(
        self, headers: Mapping[bytes, bytes], body: _Body, raw: bytes, receive: Receive, send: Send
    ) -> None:
        await self._outside.loaded()
        route, version, deadline_s = self._route(body.model, _session(headers, body) or requests.new_session_id())
        chunks = self._outside.gateway.relay(
            self._tenant, route, version, _whole(raw), now_ms() + int(deadline_s * 1000)
        )
        named = [(b"x-kefu-route", route.encode()), (b"x-kefu-route-version", str(version).encode())]
        await while_there(_pass_on(chunks, body.stream, send, named), receive)

    def _route(self, model: str, session: str) -> tuple[str, int, float]:
        """Name, version of the routes, and deadline in seconds. `session` decides about canaries."""
        rules = self._outside.rules.of(self._tenant)
        version = self._outside.routes_version(self._tenant)
        if model == AUTO:
            choice = rules.choose(Situation(self._tenant, session, now_ms()))
            model = choice.route
        route = self._outside.routes(self._tenant).routes.get(model)
        if route is None:
            raise NotFound(f"there is no model {model!r}; GET /v1/models lists them")
        if route.mode == "extractive":
            raise InvalidRequest(f"the route {model!r} asks no model; use `{ASSISTANT}` for answers from knowledge")
        return model, version, route.deadline_s


def _body(raw: bytes) -> _Body:
    body = _read(_decode, raw)
    if not body.messages:
        raise InvalidRequest("`messages` is empty; send what the customer says as the last one")
    return body


def _whole(raw: bytes) -> dict[str, Any]:
    return _read(_decode_whole, raw)


def _read(decode: Callable[[bytes], Read], raw: bytes) -> Read:
    try:
        return decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"the body is not as expected: {error}") from error


def _counts(body: _Body) -> bool:
    """Whether the caller asked for usage at the end of the stream."""
    return body.stream_options is not None and body.stream_options.include_usage


def _last_words(body: _Body) -> str:
    last = body.messages[-1]
    if last.role != "user":
        raise InvalidRequest(f"the last of `messages` has the role {last.role!r}; it must be `user`")
    if isinstance(last.content, list):
        return "\n".join(part.text for part in last.content if part.type == "text")
    return last.content or ""


def _session(headers: Mapping[bytes, bytes], body: _Body) -> str | None:
    for name in _SESSION_HEADERS:
        if (given := ascii_header(headers, name)) is not None:
            return given
    return (body.metadata or {}).get("session_id") or body.user


def _usage(reply: Mapping[str, Any]) -> dict[str, int]:
    """What the reply says of its tokens; zeros if it says nothing, as of an answer that no model wrote."""
    usage = reply.get("usage") or {}
    prompt, completion = (int(usage.get(name) or 0) for name in ("input_tokens", "output_tokens"))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _error(document: Mapping[str, Any]) -> bytes:
    """A problem document that OpenAI's clients can read too."""
    status = document["status"]
    kind = "rate_limit_error" if status == 429 else "invalid_request_error" if status < 500 else "server_error"
    error = {"message": document["detail"], "type": kind, "code": document["code"], "param": None}
    return encode_json({**document, "error": error})


async def _refuse(send: Send, status: int, document: Mapping[str, Any], retry_after_s: int | None) -> None:
    await respond(send, status, _error(document), retry_after_s=retry_after_s)


def _completion(reply: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply["text"]}
    return {
        "id": f"chatcmpl-{reply['session_id']}-{reply['seq']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": ASSISTANT,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(reply),
        "kefu": reply,
    }


class _AsChunks:
    """A streamed turn in OpenAI's form. `counts`: with usage at its end."""

    def __init__(self, key: str, send: Send, *, counts: bool) -> None:
        self._send = send
        self._counts = counts
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{key}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": ASSISTANT,
        }
        if counts:
            self._head["usage"] = None  # in every chunk but the last, as OpenAI has it
        self._started = False
        self._shown = ""

    async def more(self, text: str) -> None:
        if not self._started:
            self._started = True
            await start_stream(self._send)
            await _send(self._send, self._chunk({"role": "assistant", "content": ""}))
        self._shown += text
        await _send(self._send, self._chunk({"content": text}))

    async def end(self, outcome: TurnOutcome) -> None:
        if outcome.status != 200:
            document = msgspec.json.decode(outcome.body)
            if not self._started:
                await _refuse(self._send, outcome.status, document, outcome.retry_after_s)
            else:
                await _send(self._send, b"data: " + _error(document) + b"\n\n", last=True)
            return
        reply = msgspec.json.decode(outcome.body)
        rest = _unshown(self._shown, reply["text"])
        if rest or not self._started:
            await self.more(rest)
        await _send(self._send, self._chunk({}, finish="stop", kefu=reply))
        if self._counts:
            usage = {**self._head, "choices": [], "usage": _usage(reply)}
            await _send(self._send, b"data: " + encode_json(usage) + b"\n\n")
        await _send(self._send, _DONE, last=True)

    def _chunk(self, delta: dict[str, str], *, finish: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + encode_json({**self._head, "choices": [choice], **more}) + b"\n\n"


def _unshown(shown: str, text: str) -> str:
    """What is still to be sent of the reply `text`. The words that were shown may have blanks around them that the
    reply has not, or come after others; and they cannot be taken back: a reply that became another one follows whole.
    """
    if not shown:
        return text
    if shown.strip().endswith(text.strip()):
        return ""
    before = shown.rstrip()
    if text.startswith(before):
        rest = text[len(before) :]
        blanks = shown[len(before) :]
        return rest.removeprefix(blanks) if rest.startswith(blanks) else rest.lstrip()
    return f"\n\n{text}"


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
            await _send(send, b"data: " + _error(problem(error)) + b"\n\n", last=True)
            return
    await _send(send, b"", last=True)
