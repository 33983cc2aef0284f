"""HTTP/1.1 and RFC 6455 by hand, no more of either than a load generator needs.

First the bytes, as pure functions, then the clients over them. A turn should cost the generator a few
microseconds: it shares its cores with the system that it measures.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import uuid
from collections import deque
from collections.abc import Iterator
from time import perf_counter
from typing import cast

import msgspec

Ack = tuple[str, str, int, int]  # session id, idempotency key, turn, seq

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FIN = 0x80

_MASK = b"\0\0\0\0"  # RFC 6455 demands a masking key; zero is one, and leaves the payload as it is
_SHORT = tuple(bytes((FIN | TEXT, 0x80 | size)) + _MASK for size in range(126))
_WS_KEY = base64.b64encode(b"kefu-load-driver")
WS_ACCEPT = base64.b64encode(hashlib.sha1(_WS_KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())

_RETRY = (408, 409, 425, 429)  # with every 5xx: resent under the same key
_MAX_REFUSALS = 20  # a turn that got this many 4xx is given up; 5xx and lost connections never end one
_CONNECT_TIMEOUT_S = 5.0


class Reply(msgspec.Struct, gc=False):
    """The fields of a reply that the generator looks at."""

    session_id: str
    turn: int
    seq: int
    kind: str


class Problem(msgspec.Struct, gc=False):
    """The fields of an application/problem+json document that the generator looks at."""

    code: str = ""
    status: int = 500


class Ready(msgspec.Struct, tag="ready", gc=False):
    """The server has accepted the hello."""

    seq: int = 0


class Replied(msgspec.Struct, tag="reply", gc=False):
    """The answer to the message sent under `key`."""

    key: str
    reply: Reply


class Refused(msgspec.Struct, tag="error", gc=False):
    """The message sent under `key` (or the hello, without one) was refused."""

    key: str | None = None
    problem: Problem = msgspec.field(default_factory=Problem)


class Typing(msgspec.Struct, tag="typing", gc=False):
    """The server is at work; of no interest here."""


class Delta(msgspec.Struct, tag="delta", gc=False):
    """A model is writing; only the reply is counted."""


class Event(msgspec.Struct, tag="event", gc=False):
    """An entry of the session's log; of no interest here."""


ServerFrame = Ready | Replied | Refused | Typing | Delta | Event

decode_reply = msgspec.json.Decoder(Reply).decode
decode_problem = msgspec.json.Decoder(Problem).decode
decode_frame = msgspec.json.Decoder(ServerFrame).decode
encode_json = msgspec.json.Encoder().encode


class WireError(ValueError):
    """The peer sent bytes that are neither valid HTTP/1.1 nor a valid WebSocket frame."""


def http_template(host: str, port: int, session_id: str) -> tuple[bytes, int]:
    """The request of one session, as `template % (key, body bytes, text as JSON)`.

    Returns the template and the body's size in bytes without the text.
    """
    body = b'{"session_id":%b,"text":' % encode_json(session_id).replace(b"%", b"%%")
    head = (
        f"POST /v1/chat HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nX-Idempotency-Key: "
    )
    template = head.replace("%", "%%").encode() + b"%b\r\nContent-Length: %d\r\n\r\n" + body + b"%b}"
    return template, len(body % ()) + 1


def parse_response(data: bytes, eof: bool = False) -> tuple[int, bytes, int, bool] | None:
    """The first response in `data`: (status, body, bytes used, whether the server closes).

    None if it is incomplete. `eof` says that no more will come, which completes a body that has neither
    length nor chunks.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    try:
        status = int(data[9:12])
    except ValueError:
        raise WireError("not a status line") from None
    start = end + 4
    if status < 200:
        return status, b"", start, False
    head = data[:end].lower()
    close = b"\r\nconnection: close" in head
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        line = head.find(b"\r\n", at + 17)
        try:
            stop = start + int(head[at + 17 : line if line > 0 else end])
        except ValueError:
            raise WireError("not a content length") from None
        return (status, data[start:stop], stop, close) if len(data) >= stop else None
    if b"\r\ntransfer-encoding:" in head and b"chunked" in head:
        chunked = _join_chunks(data, start)
        return None if chunked is None else (status, chunked[0], chunked[1], close)
    if status in (204, 304):
        return status, b"", start, close
    return (status, data[start:], len(data), True) if eof else None


def _join_chunks(data: bytes, at: int) -> tuple[bytes, int] | None:
    """A chunked body that starts at `at`: (body, where it ends), None if incomplete."""
    parts: list[bytes] = []
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        try:
            size = int(data[at:line].split(b";", 1)[0], 16)
        except ValueError:
            raise WireError("not a chunk size") from None
        at = line + 2
        if size == 0:
            break
        if len(data) < at + size + 2:
            return None
        parts.append(data[at : at + size])
        at += size + 2
    while (line := data.find(b"\r\n", at)) > at:  # trailers
        at = line + 2
    return None if line < 0 else (b"".join(parts), line + 2)


def ws_handshake(host: str, port: int) -> bytes:
    """The request that opens the WebSocket; offers no extension, so frames come uncompressed."""
    head = f"GET /v1/chat/ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head.encode() + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % _WS_KEY


def text_frame(payload: bytes) -> bytes:
    """A masked text frame."""
    size = len(payload)
    if size < 126:
        return _SHORT[size] + payload
    if size < 65536:
        return b"\x81\xfe" + size.to_bytes(2, "big") + _MASK + payload
    return b"\x81\xff" + size.to_bytes(8, "big") + _MASK + payload


def control_frame(opcode: int, payload: bytes = b"") -> bytes:
    """A masked close or pong frame; `payload` is at most 125 bytes."""
    return bytes((FIN | opcode, 0x80 | len(payload))) + _MASK + payload


def next_frame(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """The server's frame that starts at `at`: (first byte, payload, where it ends), None if incomplete."""
    have = len(data) - at
    if have < 2:
        return None
    first = data[at]
    size = data[at + 1]
    if first & 0x70 or size & 0x80:
        raise WireError("a reserved bit, or a masked frame from the server")
    if size < 126:
        start = at + 2
    elif size == 126:
        if have < 4:
            return None
        size = (data[at + 2] << 8) | data[at + 3]
        start = at + 4
    else:
        if have < 10:
            return None
        size = int.from_bytes(data[at + 2 : at + 10], "big")
        start = at + 10
    end = start + size
    return None if end > len(data) else (first, data[start:end], end)


class Traffic:
    """What the clients of one run share: the questions, the counts, and who sends next."""

    def __init__(self, questions: Iterator[str], record_acks: bool, open_loop: bool) -> None:
        self.questions = questions
        self.open_loop = open_loop
        self.counting = False  # within the measured window
        self.sending = False  # new turns may begin
        self.closing = False  # lost connections stay lost
        self.latencies: list[float] = []  # seconds
        self.kinds: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.reconnects = 0
        self.resends = 0
        self.acked: list[Ack] | None = [] if record_acks else None
        self.idle: deque[Client] = deque()  # fixed rate only: clients without a turn
        self.backlog: deque[float] = deque()  # fixed rate only: scheduled times that found no idle client
        self._key_prefix = uuid.uuid4().hex[:12] + "-"
        self._keys = 0

    def next_key(self) -> str:
        """A new idempotency key, unique over runs."""
        self._keys += 1
        return self._key_prefix + str(self._keys)

    def error(self, code: str) -> None:
        """Counts one error."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def count(self, reply: Reply, key: str, latency: float) -> None:
        """Counts one reply; `latency` is in seconds."""
        if self.counting:
            self.latencies.append(latency)
            self.kinds[reply.kind] = self.kinds.get(reply.kind, 0) + 1
        if self.acked is not None:
            self.acked.append((reply.session_id, key, reply.turn, reply.seq))

    def release(self, client: Client, now: float) -> None:
        """Gives a client without a turn its next one: at once, or at a fixed rate when one is due."""
        if not self.sending:
            return
        if not self.open_loop:
            self._begin(client, now)
        elif self.backlog:
            self._begin(client, self.backlog.popleft())
        elif not client.queued:
            client.queued = True
            self.idle.append(client)

    def arrive(self, scheduled: float) -> None:
        """Begins the turn that is due at `scheduled` on the client that has been idle for longest."""
        while self.idle:
            client = self.idle.popleft()
            client.queued = False
            if client.up and not client.key:
                self._begin(client, scheduled)
                return
        self.backlog.append(scheduled)

    def _begin(self, client: Client, started: float) -> None:
        text = next(self.questions, None)
        if text is not None:
            client.begin(text, started)


class Client(asyncio.Protocol):
    """One connection, its session and its turn in flight; keeps both when the connection is lost."""

    def __init__(self, traffic: Traffic, host: str, port: int, session_id: str) -> None:
        self.traffic = traffic
        self.host, self.port = host, port
        self.session_id = session_id
        self.transport: asyncio.Transport | None = None
        self.up = False  # a turn can be sent
        self.was_up = False
        self.queued = False  # in the traffic's idle queue
        self.key = ""  # of the turn in flight; empty without one
        self.frame = b""  # its bytes on the wire
        self.started = 0.0  # when it began, as perf_counter() tells it
        self.sends = 0  # how often it was sent
        self.refusals = 0  # how often it was refused
        self.waiting_since = 0.0  # the last sending or connecting, for timeouts
        self.buffer = b""  # an incomplete response or frame
        self.failures = 0  # connections that were lost or refused in a row
        self.retry: asyncio.TimerHandle | None = None
        self.connecting: asyncio.Task[None] | None = None

    def _wrap(self, key: str, text: bytes) -> bytes:
        """The bytes that send the message `text` (a JSON string) under `key`."""
        raise NotImplementedError

    def begin(self, text: str, started: float) -> None:
        """Begins a turn; it is sent as soon as the connection is up."""
        self.key = key = self.traffic.next_key()
        self.frame = self._wrap(key, encode_json(text))
        self.started = started
        self.sends = self.refusals = 0
        if self.up:
            self._send()

    def _send(self) -> None:
        if self.sends:
            self.traffic.resends += 1
        self.sends += 1
        self.waiting_since = perf_counter()
        cast(asyncio.Transport, self.transport).write(self.frame)

    def _resend(self) -> None:
        self.retry = None
        if self.up and self.key:
            self._send()

    def replied(self, reply: Reply) -> None:
        """Ends the turn in flight with its reply."""
        now = perf_counter()
        if reply.session_id != self.session_id:
            self.traffic.error("reply_of_another_session")
        else:
            self.traffic.count(reply, self.key, now - self.started)
        if self.retry is not None:  # it was refused, and answered all the same
            self.retry.cancel()
            self.retry = None
        self.key = ""
        self.traffic.release(self, now)

    def refused(self, code: str, status: int) -> None:
        """Counts an error; then sends the turn again after a while, or gives it up if that is of no use."""
        self.traffic.error(code)
        self.refusals += 1
        if status >= 500 or (status in _RETRY and self.refusals < _MAX_REFUSALS):
            self.retry = asyncio.get_running_loop().call_later(_backoff_s(self.refusals), self._resend)
        else:
            self.key = ""
            self.traffic.release(self, perf_counter())

    def connect(self, delay_s: float = 0.0) -> None:
        """Connects in the background, again and again until it succeeds."""
        self.connecting = asyncio.get_running_loop().create_task(self._connect(delay_s))

    async def _connect(self, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(delay_s)
        while not self.traffic.closing:
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                    await loop.create_connection(lambda: self, self.host, self.port)
                return
            except OSError:  # TimeoutError is one
                self.traffic.error("connect_failed")
                self.failures += 1
                await asyncio.sleep(_backoff_s(self.failures))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.buffer = b""
        self.waiting_since = perf_counter()
        if self.traffic.closing:
            self.transport.abort()

    def ready(self) -> None:
        """The connection is up: sends the turn in flight again, or begins one."""
        self.up = True
        self.failures = 0
        if self.was_up:
            self.traffic.reconnects += 1
        self.was_up = True
        if self.key:
            self._send()
        else:
            self.traffic.release(self, perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.traffic.closing:
            return
        if not self.was_up or (self.key and self.up and self.sends and self.retry is None):
            self.traffic.error("connection_lost")
        self.up = False
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None
        self.failures += 1
        self.connect(_backoff_s(self.failures))

    def drop(self, code: str) -> None:
        """Counts an error and drops the connection, to be connected anew."""
        self.traffic.error(code)
        self.up = False
        if self.transport is not None:
            self.transport.abort()

    def drop_if_late(self, now: float, timeout_s: float) -> None:
        """Drops the connection if the server owes it an answer for longer than `timeout_s`."""
        if self.transport is not None and (self.key or not self.up) and now - self.waiting_since > timeout_s:
            self.waiting_since = now
            self.drop("timeout")

    def close(self) -> None:
        """Closes the connection for good."""
        if self.connecting is not None:
            self.connecting.cancel()
        if self.retry is not None:
            self.retry.cancel()
        if self.transport is not None:
            self.transport.close()


class HttpClient(Client):
    """One keep-alive connection that posts one turn after the other."""

    def __init__(self, traffic: Traffic, host: str, port: int, session_id: str) -> None:
        super().__init__(traffic, host, port, session_id)
        self.template, self.overhead = http_template(host, port, session_id)

    def _wrap(self, key: str, text: bytes) -> bytes:
        return self.template % (key.encode(), self.overhead + len(text), text)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self.traffic.closing:
            self.ready()

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
        self._read(data, False)

    def eof_received(self) -> None:
        if self.buffer:
            self._read(self.buffer, True)

    def _read(self, data: bytes, eof: bool) -> None:
        try:
            response = parse_response(data, eof)
        except WireError:
            self.drop("bad_response")
            return
        if response is None:
            self.buffer = data
            return
        status, body, used, close = response
        self.buffer = b""
        if status < 200:
            if used < len(data):
                self._read(data[used:], eof)
            return
        if used < len(data) or not self.key or self.retry is not None:
            self.drop("stray_response")  # more responses than requests
            return
        if close:
            self.up = False
            cast(asyncio.Transport, self.transport).close()
        if status == 200:
            try:
                reply = decode_reply(body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.refused("bad_reply", 400)
            else:
                self.replied(reply)
        else:
            self.refused(_problem_code(body, status), status)


class WsClient(Client):
    """One WebSocket that says hello and then sends one message after the other."""

    def __init__(self, traffic: Traffic, host: str, port: int, session_id: str) -> None:
        super().__init__(traffic, host, port, session_id)
        self.upgraded = False
        self.after = 0  # the last seq seen, so that a reconnect is not sent the session's past
        self.parts: list[bytes] = []  # of a fragmented message

    def _wrap(self, key: str, text: bytes) -> bytes:
        return text_frame(b'{"type":"message","key":"%b","text":%b}' % (key.encode(), text))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.upgraded = False
        self.parts.clear()
        cast(asyncio.Transport, transport).write(ws_handshake(self.host, self.port))

    def connection_lost(self, exc: Exception | None) -> None:
        self.upgraded = False
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.buffer:
            data = self.buffer + data
            self.buffer = b""
        try:
            at = 0 if self.upgraded else self._upgrade(data)
            while frame := next_frame(data, at) if self.upgraded else None:
                first, payload, at = frame
                if first == FIN | TEXT:
                    self._message(payload)
                else:
                    self._other(first, payload)
        except WireError:
            self.drop("bad_frame")
            self.upgraded = False
            return
        self.buffer = data[at:]

    def _upgrade(self, data: bytes) -> int:
        """Reads the handshake's response; returns where the first frame starts."""
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return 0
        if data[9:12] != b"101":
            self.drop("handshake_" + data[9:12].decode("ascii", "replace"))
            return len(data)
        if WS_ACCEPT not in data[:end]:
            raise WireError("wrong Sec-WebSocket-Accept")
        self.upgraded = True
        hello = {"type": "hello", "session_id": self.session_id, "after": self.after}
        cast(asyncio.Transport, self.transport).write(text_frame(encode_json(hello)))
        return end

    def _other(self, first: int, payload: bytes) -> None:
        """Handles a control frame, or a part of a fragmented message."""
        transport = cast(asyncio.Transport, self.transport)
        opcode = first & 0x0F
        if opcode == PING:
            transport.write(control_frame(PONG, payload))
        elif opcode == CLOSE:
            transport.write(control_frame(CLOSE, payload[:2]))
            transport.close()
            if not self.traffic.closing:
                self.traffic.error(f"ws_close_{int.from_bytes(payload[:2], 'big')}")
            self.up = self.upgraded = False
        elif opcode in (0, TEXT):
            self.parts.append(payload)
            if first & FIN:
                message = b"".join(self.parts)
                self.parts.clear()
                self._message(message)
        elif opcode != PONG:
            raise WireError("an opcode that nobody asked for")

    def _message(self, payload: bytes) -> None:
        try:
            frame = decode_frame(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.traffic.error("bad_message")
            return
        if isinstance(frame, Replied):
            if frame.key != self.key:
                self.traffic.error("stray_reply")
                return
            self.after = frame.reply.seq
            self.replied(frame.reply)
        elif isinstance(frame, Ready):
            self.after = frame.seq
            if not self.up:
                self.ready()
        elif isinstance(frame, Refused):
            if not self.up:
                self.drop("hello_" + frame.problem.code)
            elif self.key and self.retry is None and frame.key in (None, self.key):
                self.refused(frame.problem.code, frame.problem.status)
            else:
                self.traffic.error(frame.problem.code)

    def close(self) -> None:
        if self.transport is not None and self.upgraded:
            self.transport.write(control_frame(CLOSE, b"\x03\xe8"))
        super().close()


def _backoff_s(failures: int) -> float:
    """How long to wait after that many failures in a row: 20 ms, doubling to 0.5 s, give or take half."""
    return min(0.5, 0.01 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.5)


def _problem_code(body: bytes, status: int) -> str:
    """The code in a problem document, or else one made of the status."""
    try:
        return decode_problem(body).code or f"http_{status}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"http_{status}"
