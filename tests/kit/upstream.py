"""A scripted OpenAI-compatible server over real HTTP: it answers well or badly, as told, and remembers who asked.

In a test's own loop:

    async with Upstream(Reply("Hello")) as upstream:
        upstream.then(refusing(429, {"retry-after": "1"}), Reply(broken="reset", after=2))

or as a process of its own, with its address printed: `python -m kit.upstream --port 0 --gap-ms 10 --tokens 30`.
Written by hand over asyncio, since benchmarks call it, too: a short reply costs it some 100 microseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, cast

import msgspec
import uvloop

from kit.completions import (
    Behaviour,
    Dialect,
    Plain,
    Reply,
    Tool,
    body_bytes,
    dripping,
    hanging,
    html,
    huge,
    huge_line,
    malformed,
    plain_bytes,
    refusing,
    stream_bytes,
)

__all__ = [
    "NAMED", "Asked", "Behaviour", "Dialect", "Plain", "Reply", "Script", "Tool", "Upstream", "closed_port",
    "dripping", "hanging", "html", "huge", "huge_line", "malformed", "refusing", "tool_loop",
]  # fmt: skip


@dataclass
class Asked:
    """A request. Times of the loop's clock: when it was there, when the answer was whole or had broken off as told,
    when the client left before that. `tokens`: how many had been sent by then."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    at: float
    done_at: float | None = None
    gone_at: float | None = None
    tokens: int = 0

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def open(self) -> bool:
        return self.done_at is None and self.gone_at is None


Script = Behaviour | Callable[[Asked], Behaviour]


def tool_loop(name: str, arguments: str = "{}") -> Callable[[Asked], Reply]:
    """Whatever the tool says: one more call, please."""

    def again(asked: Asked) -> Reply:
        results = sum(message["role"] == "tool" for message in asked.body["messages"])
        return Reply("", tools=(Tool(name, arguments, f"call_{results + 1}"),))

    return again


def closed_port() -> str:
    """Base URL of a port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


@dataclass
class Upstream:
    """What is asked is answered by `then`, else by the script of the model's name, else by `script`.

    `keys`: the API keys that are accepted; all, if empty. `remember`: how many requests, the latest.
    """

    script: Script = field(default_factory=Reply)
    models: dict[str, Script] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()
    port: int = 0
    remember: int = 10_000
    asked: deque[Asked] = field(default_factory=deque)
    connections: int = 0  # ever accepted
    _next: deque[Script] = field(default_factory=deque)
    _open: set[_Connection] = field(default_factory=set)

    @property
    def url(self) -> str:
        """What clients call base_url."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.endswith("/chat/completions")]

    def then(self, *scripts: Script) -> None:
        """How the next requests are answered, one after the other."""
        self._next.extend(scripts)

    async def __aenter__(self) -> Self:
        self.asked = deque(self.asked, self.remember)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in list(self._open):
            connection.abort()
        await self._server.wait_closed()

    def behaviour(self, asked: Asked) -> Behaviour:
        if self.keys and asked.key not in self.keys:
            return refusing(401, message=f"Incorrect API key provided: {asked.key}")
        if asked.path.endswith("/models") and asked.method == "GET":
            names = [{"id": name, "object": "model", "owned_by": "upstream"} for name in self.models or ["scripted"]]
            return Plain(json.dumps({"object": "list", "data": names}).encode())
        if not asked.path.endswith("/chat/completions") or asked.method != "POST":
            return refusing(404, message=f"Unknown path {asked.path}")
        try:
            wanted = _decode(asked.raw)
        except msgspec.DecodeError as error:
            return refusing(400, message=str(error))
        script = self._next.popleft() if self._next else self.models.get(wanted.model, self.script)
        return script(asked) if callable(script) else script


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Wanted(msgspec.Struct):
    """What of a request shapes the answer."""

    model: str
    stream: bool = False
    stream_options: _StreamOptions | None = None


_decode = msgspec.json.Decoder(_Wanted).decode
_HANG_S = 30.0
_AT_ONCE = 65_536  # bytes


class _Connection(asyncio.Protocol):
    """One keep-alive connection; a request is read when the answer to the one before it is whole."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        self._asked: Asked | None = None  # in progress
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._upstream.connections += 1
        self._upstream._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._upstream._open.discard(self)
        if self._asked is not None:
            self._asked.gone_at = self._loop.time()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def abort(self) -> None:
        """Drops the connection with RST, and with all that is still in the buffers."""
        linger = struct.pack("ii", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._asked is None:
            self._next()

    def _next(self) -> None:
        """Reads one request, if it is whole, and begins to answer it."""
        end = self._unread.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._unread[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        stop = end + 4 + int(headers.get("content-length", 0))
        if len(self._unread) < stop:
            return
        method, path, _ = first.split(" ")
        asked = Asked(method, path, headers, self._unread[end + 4 : stop], self._loop.time())
        self._unread = self._unread[stop:]
        self._asked = asked
        self._upstream.asked.append(asked)
        self._answer(asked, self._upstream.behaviour(asked))

    def _answer(self, asked: Asked, behaviour: Behaviour) -> None:
        if isinstance(behaviour, Plain):
            data = plain_bytes(behaviour)
            if len(data) > _AT_ONCE:
                self._task = self._loop.create_task(self._perform(asked, Reply(), (data,), 0))
            else:
                self._transport.write(data)
                self._whole(asked)
            return
        wanted = _decode(asked.raw)
        options = wanted.stream_options
        told = bool(options and options.include_usage)
        beats = stream_bytes(behaviour, wanted.model, told) if wanted.stream else body_bytes(behaviour, wanted.model)
        slow = behaviour.first_s or behaviour.gap_s or behaviour.broken or behaviour.piece
        if slow or len(beats) > 100 or len(beats[1]) > _AT_ONCE:
            after = behaviour.after if wanted.stream else min(behaviour.after, 1)
            self._task = self._loop.create_task(self._perform(asked, behaviour, beats, after))
        else:
            asked.tokens = len(beats) - 1
            self._transport.write(b"".join(beats))
            self._whole(asked)

    async def _perform(self, asked: Asked, reply: Reply, beats: tuple[bytes, ...], after: int) -> None:
        """Sends the head and then beat by beat, each at its time, until it is whole or breaks."""
        due = asked.at + reply.first_s
        for at, beat in enumerate(beats):
            if reply.broken and at == (after + 1 if after else 0):
                break
            if at and (wait := due + (at - 1) * reply.gap_s - self._loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._write(beat, reply)
            asked.tokens = at
        if reply.broken:
            await self._break(reply)
        else:
            self._whole(asked)

    async def _write(self, data: bytes, reply: Reply) -> None:
        """Little by little: a test's own loop has others to serve, too."""
        size = reply.piece or _AT_ONCE
        for at in range(0, len(data), size):
            if self._transport.is_closing():
                raise asyncio.CancelledError  # the client has left, and connection_lost is about to be called
            self._transport.write(data[at : at + size])
            await self._writable.wait()
            if len(data) > size:
                await asyncio.sleep(reply.piece_s)

    async def _break(self, reply: Reply) -> None:
        if reply.broken == "hang":
            await asyncio.sleep(_HANG_S)
        if reply.broken == "end":
            self._transport.write(b"0\r\n\r\n")
        if reply.broken == "reset":
            # What was sent before is to be read before the reset is noticed.
            await asyncio.sleep(0.01)
        assert self._asked is not None
        self._asked.done_at = self._loop.time()
        self._asked = None
        self.abort() if reply.broken == "reset" else self._transport.close()

    def _whole(self, asked: Asked) -> None:
        asked.done_at = self._loop.time()
        self._asked = self._task = None
        if self._unread:
            self._next()


NAMED: dict[str, Script] = {
    "hang": hanging(),
    "hang-midway": hanging(2),
    "reset": Reply(broken="reset", after=2),
    "close": Reply(broken="close", after=2),
    "429": refusing(429, {"retry-after": "1"}),
    "500": refusing(500),
    "malformed": malformed(),
    "drip": dripping(),
    "huge": huge(),
    "huge-line": huge_line(),
    "html": html(),
}  # what the process answers to models of these names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--first-ms", type=float, default=0.0, help="until the first token")
    parser.add_argument("--gap-ms", type=float, default=0.0, help="between two tokens")
    parser.add_argument("--tokens", type=int, default=30, help="of a reply")
    arguments = parser.parse_args()
    text = " ".join(["word"] * arguments.tokens)
    reply = Reply(text, first_s=arguments.first_ms / 1e3, gap_s=arguments.gap_ms / 1e3)
    # A reply that is not streamed is there when its last token is.
    whole = Reply(text, first_s=reply.first_s + reply.gap_s * (arguments.tokens - 1))
    uvloop.run(
        _serve(Upstream(lambda asked: reply if _decode(asked.raw).stream else whole, NAMED, port=arguments.port))
    )


async def _serve(upstream: Upstream) -> None:
    upstream.remember = 1  # nobody will ask
    async with upstream:
        sys.stdout.write(upstream.url + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    main()
