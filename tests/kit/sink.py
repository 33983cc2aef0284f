"""An endpoint that has effects, counts them, and fails as it is told to: the other side of exactly-once.

Over real HTTP, in the test's own loop (`async with Sink()`) or as a process of its own (`python -m kit.sink
--journal FILE`, or `running(FILE)`), which a test may kill and start again on its journal.

| request | what it does |
| --- | --- |
| any method on /act... | the effect, once for each Idempotency-Key; a repeat gets the first reply. 400 without a key |
| the same on /twice... | the effect each time: what a tool without idempotency does |
| GET /effects | {"effects": [...], "arrivals": {key: times}}: each effect with its key, path, session and arguments |
| GET /effects/KEY | 200 with that effect's reply, or 404 |
| POST /faults | body {"path": "/act", "faults": [...]}: what the next requests to that path meet, one each |
| POST /forget | drops faults that were not met |

`?fault=NAME` makes one request meet a fault. The faults are in FAULTS; "after" means that the effect has happened.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gzip
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

FAULTS = {
    "ok": "none",
    "hang": "never answers, without the effect",
    "hang_after": "never answers",
    "reset_before": "the connection is reset, without the effect",
    "reset_after": "the connection is reset",
    "cut_after": "the connection closes in the middle of the reply",
    "error_before": "status 500, without the effect",
    "error_after": "status 500",
    "unavailable": "status 503 with Retry-After: 1, without the effect",
    "too_many": "status 429 with Retry-After: 1, without the effect",
    "conflict": "status 409, without the effect",
    "not_found": "status 404, without the effect",
    "refused": "status 422 with a JSON error, without the effect",
    "slow": "the reply comes in five pieces, 50 ms apart",
    "trickle": "the reply comes a byte every 100 ms",
    "redirect_internal": "status 302 to http://169.254.169.254/, without the effect",
    "redirect_loopback": "status 307 to /act of the same server by another name, without the effect",
    "huge": "a reply of 10 MB",
    "bomb": "a gzipped reply of 50 MB",
    "wrong_type": "the reply is called text/html",
    "invalid_json": "the reply is no JSON",
    "deep": "the reply is JSON, nested 10,000 deep",
    "empty": "status 204",
    "echo": "the reply repeats the request's headers",
    "echo_error": "status 400 whose body repeats the request's headers, without the effect",
}
_WITHOUT_EFFECT = {
    "hang", "reset_before", "error_before", "unavailable", "too_many", "conflict", "not_found", "refused",
    "redirect_internal", "redirect_loopback", "echo_error",
}  # fmt: skip


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Sink:
    """`journal`: effects and arrivals are appended to it, and read from it at the start. Effects are synced to disk
    before the reply, so that what was answered is never forgotten."""

    journal: Path | None = None
    port: int = 0
    effects: list[dict[str, Any]] = field(default_factory=list)
    arrivals: Counter[str] = field(default_factory=Counter)
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    _replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    _faults: dict[str, deque[str]] = field(default_factory=dict)
    _connections: set[asyncio.Task[None]] = field(default_factory=set)
    _at_once: int = 0

    def url(self, path: str = "/act", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def script(self, *faults: str, path: str = "/act") -> None:
        """What the next requests to `path` meet, one each."""
        unknown = set(faults) - set(FAULTS)
        assert not unknown, f"no such faults: {unknown}"
        self._faults.setdefault(path, deque()).extend(faults)

    def forget(self) -> None:
        """Drops faults that were not met."""
        self._faults.clear()

    def times(self, key: str) -> int:
        """How often the effect with that key happened."""
        return sum(effect["key"] == key for effect in self.effects)

    async def __aenter__(self) -> Self:
        self._recall()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _recall(self) -> None:
        if self.journal is None or not self.journal.exists():
            return
        *whole, torn = self.journal.read_bytes().split(b"\n")
        for line in whole:
            entry = json.loads(line)
            if "arrival" in entry:
                self.arrivals[entry["arrival"]] += 1
            else:
                self.effects.append(entry)
                self._replies.setdefault(entry["key"], _reply(entry))
        if torn:  # it was killed while it wrote this; nobody was told of it
            with self.journal.open("r+b") as file:
                file.truncate(self.journal.stat().st_size - len(torn))

    def _note(self, entry: dict[str, Any], *, sync: bool) -> None:
        if self.journal is None:
            return
        with self.journal.open("ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            if sync:
                os.fsync(file.fileno())

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            # Cancelled only when the sink ends; asyncio would complain of a connection that ends so.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        target = urlsplit(first.split(" ")[1])
        asked = Asked(first.split(" ")[0], target.path, parse_qs(target.query), headers, body)
        self.asked.append(asked)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._answer(asked, reader, writer)
        finally:
            self._at_once -= 1

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if asked.path.startswith(("/act", "/twice")):
            return await self._act(asked, reader, writer)
        if asked.path == "/faults":
            given = json.loads(asked.body)
            self.script(*given["faults"], path=given.get("path", "/act"))
            found: tuple[int, Any] = 200, {"faults": len(given["faults"])}
        elif asked.path == "/forget":
            self.forget()
            found = 200, {}
        elif asked.path == "/effects":
            found = 200, {"effects": self.effects, "arrivals": self.arrivals}
        elif asked.path.startswith("/effects/"):
            reply = self._replies.get(unquote(asked.path.removeprefix("/effects/")))
            found = (200, reply) if reply is not None else (404, {"error": "no such effect"})
        else:
            found = 404, {"error": "no such path"}
        writer.write(_raw(found[0], json.dumps(found[1], ensure_ascii=False).encode()))
        await writer.drain()
        return True

    async def _act(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        key = unquote(asked.headers.get("idempotency-key", ""))
        if not key:
            writer.write(_raw(400, b'{"error":"no Idempotency-Key"}'))
            await writer.drain()
            return True
        self.arrivals[key] += 1
        self._note({"arrival": key}, sync=False)
        waiting = self._faults.get(asked.path)
        fault = asked.query.get("fault", [waiting.popleft() if waiting else "ok"])[0]
        reply = {} if fault in _WITHOUT_EFFECT else self._effect(key, asked)
        return await _met(fault, reply, asked, self.port, reader, writer)

    def _effect(self, key: str, asked: Asked) -> dict[str, Any]:
        if key in self._replies and not asked.path.startswith("/twice"):
            return self._replies[key]
        given = json.loads(asked.body) if asked.body else {name: values[0] for name, values in asked.query.items()}
        effect = {
            "key": key,
            "n": len(self.effects) + 1,
            "path": asked.path,
            "session": asked.headers.get("x-kefu-session", ""),
            "arguments": given,
        }
        self._note(effect, sync=True)
        self.effects.append(effect)
        return self._replies.setdefault(key, _reply(effect))


def _reply(effect: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "n": effect["n"], "key": effect["key"], "arguments": effect["arguments"]}


async def _met(
    fault: str,
    reply: dict[str, Any],
    asked: Asked,
    port: int,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> bool:
    """Answers as the fault has it. Whether the connection goes on."""
    body = json.dumps(reply, ensure_ascii=False).encode()
    raw = _raw(200, body)
    match fault:
        case "hang" | "hang_after":
            await reader.read()
            return False
        case "reset_before" | "reset_after":
            _reset(writer)
            return False
        case "cut_after":
            raw = raw[: len(raw) - len(body) // 2]
        case "slow":
            size = len(raw) // 5 + 1
            for at in range(0, len(raw), size):
                writer.write(raw[at : at + size])
                await writer.drain()
                await asyncio.sleep(0.05)
            return True
        case "trickle":
            for byte in raw:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)
            return True
        case "error_before" | "error_after":
            raw = _raw(500, b'{"error":"broken"}')
        case "unavailable":
            raw = _raw(503, b'{"error":"busy"}', ("retry-after", "1"))
        case "too_many":
            raw = _raw(429, b'{"error":"too many"}', ("retry-after", "1"))
        case "conflict":
            raw = _raw(409, b'{"error":"in progress"}')
        case "not_found":
            raw = _raw(404, b'{"error":"no such order"}')
        case "refused":
            raw = _raw(422, b'{"error":"not_refundable","detail":"too late"}')
        case "redirect_internal":
            raw = _raw(302, b"", ("location", "http://169.254.169.254/latest/meta-data/"))
        case "redirect_loopback":
            raw = _raw(307, b"", ("location", f"http://localhost:{port}/act"))
        case "huge":
            raw = _raw(200, b'"' + b"x" * 10_000_000 + b'"')
        case "bomb":
            raw = _raw(200, _bomb(), ("content-encoding", "gzip"))
        case "wrong_type":
            raw = _raw(200, body, ("content-type", "text/html"))
        case "invalid_json":
            raw = _raw(200, b'{"ok": tru')
        case "deep":
            raw = _raw(200, b"[" * 10_000 + b"]" * 10_000)
        case "empty":
            raw = b"HTTP/1.1 204 No Content\r\n\r\n"
        case "echo":
            raw = _raw(200, json.dumps({"headers": asked.headers}).encode())
        case "echo_error":
            raw = _raw(400, json.dumps({"headers": asked.headers}).encode())
        case _:
            assert fault == "ok", f"no such fault: {fault}"
    writer.write(raw)
    await writer.drain()
    return fault != "cut_after"


def _raw(status: int, body: bytes, *headers: tuple[str, str]) -> bytes:
    usual = {"content-type": "application/json", "content-length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in (usual | dict(headers)).items()]
    return f"HTTP/1.1 {status} X\r\n{''.join(line + chr(13) + chr(10) for line in lines)}\r\n".encode() + body


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(b'"' + b"x" * 50_000_000 + b'"', 1)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def running(journal: Path, port: int = 0) -> Iterator[str]:
    """A sink in a process of its own; gives its address, such as http://127.0.0.1:40123."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kit.sink", "--journal", str(journal), "--port", str(port)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, f"the sink ended at once, with status {process.wait()}"
        yield json.loads(said)["url"]
    finally:
        process.kill()
        process.communicate()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="a free one if 0")
    parser.add_argument("--journal", type=Path, help="file that effects are kept in")
    given = parser.parse_args()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with Sink(given.journal, given.port) as sink:
        sys.stdout.write(json.dumps({"url": sink.url("")}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_main())
