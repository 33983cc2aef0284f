"""What goes over the wire: to callers as JSON, between ingress and hosts as MessagePack."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from schemas.answers import Citation, Kind, Option
from schemas.errors import KefuError

MAX_BODY = 64 * 1024  # bytes; also the largest WebSocket frame
MAX_TEXT = 4_000  # characters of one message
MAX_ID = 128  # characters of a session id or an idempotency key


class Reply(Struct, frozen=True):
    """The body of a successful `POST /v1/chat`. `seq` is the stream position of the recorded reply."""

    session_id: str
    turn: int
    seq: int
    kind: Kind
    text: str
    language: str
    confidence: float
    citations: tuple[Citation, ...]
    options: tuple[Option, ...]
    offer_person: bool
    knowledge_version: int
    model: str
    route: str
    route_version: int


What = Literal["turn", "open", "prepare", "leave"]


class TurnRequest(Struct, array_like=True):
    """A turn on its way to its host. `ref` is the ingress's own number for it.

    `what`: a turn; or, without an outcome: `open` activates the session, `prepare` looks for the answer to a text
    that is still being typed, `leave` says that nobody waits any more for the turn `key`. `stream`: the model's words
    are wanted as they come.
    """

    ref: int
    tenant: str
    session: str
    key: str
    text: str
    deadline_ms: int
    what: What = "turn"
    priority: str = ""
    stream: bool = False


MORE = 102  # status of a TurnOutcome that is not the last: its body is more of the reply's text


class TurnOutcome(Struct, array_like=True):
    """What became of a turn: `status` as in HTTP, `body` the JSON to send (a Reply, or a problem); or MORE."""

    ref: int
    status: int
    body: bytes
    retry_after_s: int | None = None


class Outcome(Struct, array_like=True):
    """What another deployment made of a request: `status` as in HTTP, `body` the JSON to send."""

    status: int
    body: bytes
    retry_after_s: int | None = None


encode_json = msgspec.json.Encoder().encode


def problem(error: KefuError) -> dict[str, Any]:
    """An error as application/problem+json (RFC 9457). `code` is stable; clients switch on it."""
    body: dict[str, Any] = {
        "type": f"about:blank#{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    if error.retry_after_s is not None:
        body["retry_after"] = error.retry_after_s
    return body
