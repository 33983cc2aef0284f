"""Bodies in, responses out, errors to problem+json: the little HTTP that the hot path needs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from starlette.types import Receive, Scope, Send

from schemas.api import MAX_BODY, encode_json, problem
from schemas.errors import BodyTooLarge, HeadersTooLarge, InvalidRequest, KefuError, UnsupportedMedia

MAX_HEADERS = 12 * 1024  # bytes of all header names and values; HAProxy itself stops at 15 KB

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")


class ClientGone(KefuError):
    """The client went away before its request was complete; there is nobody to answer."""

    code, status, title = "client_gone", 499, "Client closed request"


async def read_body(scope: Scope, receive: Receive, limit: int = MAX_BODY) -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body of a JSON request. Raises before reading more than `limit` bytes."""
    headers = dict(scope["headers"])
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
        raise HeadersTooLarge(f"the headers have over {MAX_HEADERS} bytes; send fewer")
    media = headers.get(b"content-type", b"application/json")
    if not media.lower().startswith(b"application/json"):
        raise UnsupportedMedia("the body must be JSON; send `Content-Type: application/json`")
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit():
        raise InvalidRequest("`Content-Length` is not a number")
    if int(declared) > limit:
        raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
    if message["type"] == "http.disconnect":
        raise ClientGone("the client went away")
    if len(body) > limit:
        raise _too_large(limit)
    return headers, body


def ascii_header(headers: Mapping[bytes, bytes], name: str) -> str | None:
    """The header's value, None if it is not there. Raises InvalidRequest unless it is ASCII."""
    value = headers.get(name.lower().encode())
    if value is None:
        return None
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise InvalidRequest(f"`{name}` must be printable ASCII") from None


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has over {limit} bytes; send a shorter message")


async def respond(
    send: Send,
    status: int,
    body: bytes,
    *,
    retry_after_s: int | None = None,
    more: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """A JSON response; `Retry-After` if the caller should come again. Errors are problems by their status.

    `more`: headers beside the usual.
    """
    headers = [
        _PROBLEM if status >= 400 else _JSON,
        (b"content-length", str(len(body)).encode()),
        *(more or ()),
    ]
    if retry_after_s is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def start_stream(send: Send, more: list[tuple[bytes, bytes]] | None = None) -> None:
    """The head of a response of server-sent events; `more`: headers beside the usual."""
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), *(more or ())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def problem_response(error: KefuError, send: Send) -> None:
    """The one place where an error becomes an HTTP response."""
    await respond(send, error.status, encode_json(problem(error)), retry_after_s=error.retry_after_s)


def reply_events(reply: bytes, *, deltas: bool) -> list[bytes]:
    """Server-sent events of a reply: `delta` with pieces of its text if it was not shown yet, `reply`, `done`."""
    ended = [b"event: reply\ndata: " + reply + b"\n\n", b"event: done\ndata: {}\n\n"]
    if not deltas:
        return ended
    text = msgspec.json.decode(reply)["text"]
    pieces = re.findall(r"\S+\s*|\s+", text) if " " in text else list(text)
    step = max(1, len(pieces) // 24)
    shown = ["".join(pieces[i : i + step]) for i in range(0, len(pieces), step)]
    return [*(b"event: delta\ndata: " + msgspec.json.encode({"text": piece}) + b"\n\n" for piece in shown), *ended]
