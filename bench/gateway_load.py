"""Closed-loop load on an OpenAI-compatible endpoint: raw sockets, little CPU of its own, first token and total."""

from __future__ import annotations

import asyncio
import re
from time import perf_counter
from typing import cast

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from bench.wire import WireError, encode_json, parse_response

_TOKEN = re.compile(rb'"content": ?"(?!")')  # a delta with text in it
_END = b"0\r\n\r\n"  # of a chunked body
_TIMEOUT_S = 30.0
_PROMPT = [
    {"role": "system", "content": "You are the assistant of a shop. Answer from the passages. " * 20},
    {"role": "user", "content": "How long do I have to send back a coat that does not fit?"},
]


class Endpoint(Struct, frozen=True):
    """Where chat completions are asked for. `path` ends in /chat/completions."""

    host: str
    port: int
    path: str
    model: str
    key: str = "sk-bench"


class ChatFigures(Struct, frozen=True):
    """One run: requests answered after the warm-up, in milliseconds. `first`: to the first token; of a reply that is
    not streamed, NaN. `tokens`: pieces of text in a reply, mean."""

    requests: int
    seconds: float
    warmup_s: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    tokens: float
    errors: dict[str, int]

    @property
    def per_s(self) -> float:
        return self.requests / self.seconds


async def chat_load(
    endpoint: Endpoint, *, connections: int, stream: bool, seconds: float, warmup_s: float = 1.0, spread_s: float = 0.0
) -> ChatFigures:
    """Each of the connections asks again as soon as it has its answer. Their first requests are spread over
    `spread_s`: replies that all take the same time would keep them in step for good, and 32 requests in the same
    instant are not what 32 customers send. Raises ConnectionError if there is no connection to be had."""
    run = _Run(endpoint, stream)
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(run), endpoint.host, endpoint.port))[1]
        for _ in range(connections)
    ]
    for at, client in enumerate(clients):
        loop.call_later(spread_s * at / connections, client.ask)
    await asyncio.sleep(warmup_s + spread_s)
    run.counting = True
    started = perf_counter()
    await asyncio.sleep(seconds)
    run.counting = run.asking = False
    elapsed = perf_counter() - started
    deadline = perf_counter() + _TIMEOUT_S
    while any(client.busy for client in clients) and perf_counter() < deadline:
        await asyncio.sleep(0.01)
    for client in clients:
        if client.busy:
            run.error("unanswered")
        client.close()
    return run.figures(elapsed, warmup_s + spread_s)


class _Run:
    """What the clients of one run have in common: the request's bytes, and what was measured."""

    def __init__(self, endpoint: Endpoint, stream: bool) -> None:
        body = {"model": endpoint.model, "messages": _PROMPT, "stream": stream, "max_tokens": 200}
        raw = encode_json(body)
        self.endpoint, self.stream = endpoint, stream
        self.request = (
            f"POST {endpoint.path} HTTP/1.1\r\nHost: {endpoint.host}:{endpoint.port}\r\n"
            f"Authorization: Bearer {endpoint.key}\r\nContent-Type: application/json\r\n"
            f"Accept: {'text/event-stream' if stream else 'application/json'}\r\nContent-Length: {len(raw)}\r\n\r\n"
        ).encode() + raw
        self.asking = True
        self.counting = False
        self.totals: list[float] = []
        self.firsts: list[float] = []
        self.tokens = 0
        self.errors: dict[str, int] = {}

    def error(self, code: str) -> None:
        self.errors[code] = self.errors.get(code, 0) + 1

    def figures(self, elapsed: float, warmup_s: float) -> ChatFigures:
        total, first = np.array(self.totals) * 1e3, np.array(self.firsts) * 1e3
        return ChatFigures(
            len(total),
            elapsed,
            warmup_s,
            _percentile(total, 50),
            _percentile(total, 99),
            _percentile(first, 50),
            _percentile(first, 99),
            self.tokens / len(total) if len(total) else 0.0,
            self.errors,
        )


def _percentile(values: npt.NDArray[np.float64], of: float) -> float:
    return float(np.percentile(values, of)) if len(values) else float("nan")


class _Client(asyncio.Protocol):
    """One keep-alive connection with one request in flight; a lost connection is an error and is made anew."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._asked_at = 0.0
        self._first_at = 0.0
        self._again: asyncio.Task[None] | None = None
        self._closed = False
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._closed:
            return
        if self.busy:
            self._run.error("connection_lost")
            self.busy = False
        self._again = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        """Backs off a little, since whoever hung up may be in trouble."""
        await asyncio.sleep(0.05)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self, self._run.endpoint.host, self._run.endpoint.port
            )
        except OSError:
            self._run.error("connect_failed")
        else:
            self.ask()

    def ask(self) -> None:
        if self._transport is None or not self._run.asking:
            return
        self._buffer.clear()
        self._first_at = 0.0
        self.busy = True
        self._asked_at = perf_counter()
        self._transport.write(self._run.request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._run.stream and self._buffer.startswith(b"HTTP/1.1 200"):
            self._streamed()
        else:
            self._whole()

    def _streamed(self) -> None:
        if not self._first_at and _TOKEN.search(self._buffer):
            self._first_at = perf_counter()
        if self._buffer.endswith(_END) and b"data: [DONE]" in self._buffer[-200:]:
            self._answered(len(_TOKEN.findall(self._buffer)))

    def _whole(self) -> None:
        try:
            response = parse_response(bytes(self._buffer))
        except WireError:
            self._failed("bad_response")
            return
        if response is None:
            return
        status, body, _, _ = response
        if status != 200:
            self._failed(f"http_{status}")
        elif self._run.stream:
            self._failed("not_streamed")
        else:
            self._answered(len(_TOKEN.findall(body)))

    def _answered(self, tokens: int) -> None:
        now = perf_counter()
        self.busy = False
        run = self._run
        if not tokens:
            run.error("empty_reply")
        elif run.counting:
            run.totals.append(now - self._asked_at)
            run.tokens += tokens
            if self._first_at:
                run.firsts.append(self._first_at - self._asked_at)
        self.ask()

    def _failed(self, code: str) -> None:
        """A refusal is counted and the next request sent a little later, lest refusals be all there is to see."""
        self._run.error(code)
        self.busy = False
        asyncio.get_running_loop().call_later(0.05, self.ask)

    def close(self) -> None:
        self._closed = True
        if self._again is not None:
            self._again.cancel()
        if self._transport is not None:
            self._transport.close()
