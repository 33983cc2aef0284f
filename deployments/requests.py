"""From bytes to a checked chat request, or a clear error. One place for every front: HTTP, WebSocket, page."""

from __future__ import annotations

import re
import secrets
from typing import TypeVar

import msgspec
from msgspec import Struct

from schemas.api import MAX_ID, MAX_TEXT
from schemas.errors import InvalidRequest
from schemas.models import Priority

_ID = re.compile(rf"[!-~]{{1,{MAX_ID}}}")  # printable ASCII, no spaces: it goes into URLs and headers
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")

Body = TypeVar("Body")


class ChatRequest(Struct):
    """Body of `POST /v1/chat`. Without `session_id` a new session begins. Routing may go by `priority`."""

    text: str
    session_id: str | None = None
    stream: bool = False
    priority: Priority = "normal"


class Hello(Struct, tag="hello"):
    """First frame of a WebSocket: which session, and the last event the client has seen of it."""

    session_id: str | None = None
    after: int = 0


class Message(Struct, tag="message"):
    """A customer's message. `key` makes resending it safe."""

    key: str
    text: str


class Typing(Struct, tag="typing"):
    """What the customer has written so far, so that the answer is ready when it is sent."""

    text: str


class Ping(Struct, tag="ping"):
    """Answered with a pong."""


Frame = Hello | Message | Typing | Ping

_chat = msgspec.json.Decoder(ChatRequest)
_frame: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def chat_request(body: bytes) -> ChatRequest:
    """Raises InvalidRequest saying what is wrong and where."""
    request = _decode(_chat, body, "body")
    request.text = checked_text(request.text)
    if request.session_id is not None:
        checked_id(request.session_id, "session_id")
    return request


def frame(data: str | bytes) -> Frame:
    """A WebSocket frame. Raises InvalidRequest."""
    decoded: Frame = _decode(_frame, data, "frame")
    return decoded


def _decode(decoder: msgspec.json.Decoder[Body], data: str | bytes, what: str) -> Body:
    if not data:
        raise InvalidRequest(f'the {what} is empty; send JSON such as {{"text": "How do I get a refund?"}}')
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"the {what} is not as expected: {error}") from error


def checked_text(text: str) -> str:
    """The text without surrounding space. Raises InvalidRequest if it is empty, too long or has control characters."""
    text = text.strip()
    if not text:
        raise InvalidRequest("`text` is empty; send what the customer says")
    if len(text) > MAX_TEXT:
        raise InvalidRequest(f"`text` has {len(text)} characters; at most {MAX_TEXT} are accepted")
    found = _CONTROL.search(text)
    if found:
        raise InvalidRequest(f"`text` has the control character U+{ord(found[0]):04X} at {found.start()}; remove it")
    return text


def checked_id(value: str, name: str) -> str:
    """Raises InvalidRequest unless `value` is a usable session id or idempotency key."""
    if not _ID.fullmatch(value):
        raise InvalidRequest(f"`{name}` must be 1 to {MAX_ID} printable ASCII characters without spaces")
    return value


def new_session_id() -> str:
    """Unguessable: whoever knows it can read the session."""
    return secrets.token_urlsafe(16)


def new_key() -> str:
    """For callers that send no idempotency key; it makes the ingress's own repeats safe."""
    return secrets.token_urlsafe(12)
