"""The load generator: closed-loop or fixed-rate chat turns over HTTP or WebSocket, at little CPU of its own.

python -m bench.load --url http://127.0.0.1:8000 --mode ws --connections 128 --seconds 10 --mix repeated
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import math
import os
import resource
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from urllib.parse import urlsplit

import msgspec
import numpy as np
import uvloop

from bench import questions as mixes
from bench.wire import Ack, Client, HttpClient, Traffic, WsClient

_LIBC = ctypes.CDLL(None, use_errno=True)  # Python 3.11 has no timerfd of its own


class LoadResult(msgspec.Struct, kw_only=True):
    """What one run measured; turns, latencies and kinds are those answered after the warm-up.

    Errors, reconnects, resends and acks count from the first connection to the end of the drain. A latency
    runs from a turn's first sending (at a fixed rate: its scheduled time) to its reply, resends included.
    """

    mode: str
    connections: int  # those that were ready when the warm-up began
    turns: int
    seconds: float  # the measured window
    turns_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    errors: dict[str, int]
    kinds: dict[str, int]
    reconnects: int
    resends: int
    unanswered: int  # turns begun, or due at a fixed rate, that had no reply by the end of the drain
    cpu_s: float  # this process, user and system, in the measured window
    acked: list[Ack] = []

    def table_line(self) -> str:
        """One line for a table: throughput, latencies in ms, errors, own CPU in microseconds a turn."""
        cpu_us = 1e6 * self.cpu_s / self.turns if self.turns else float("nan")
        return (
            f"{self.mode:4} {self.connections:6} conns {self.turns_per_s:9.0f} turns/s"
            f"  p50 {self.p50_ms:8.2f}  p90 {self.p90_ms:8.2f}  p99 {self.p99_ms:8.2f}"
            f"  max {self.max_ms:8.2f} ms  errors {sum(self.errors.values())}  reconnects {self.reconnects}"
            f"  unanswered {self.unanswered}  own CPU {cpu_us:.1f} us/turn"
        )


async def http_load(
    host: str,
    port: int,
    connections: int,
    seconds: float,
    questions: Iterator[str],
    warmup_s: float = 2.0,
    session_prefix: str | None = None,
    *,
    connect_rate: float = 1000.0,
    rate: float | None = None,
    record_acks: bool = False,
    timeout_s: float = 10.0,
    drain_s: float = 2.0,
) -> LoadResult:
    """Posts turns over `connections` keep-alive connections, one session each.

    `connect_rate` is in connections per second; `rate`, in turns per second over all of them, replaces the
    closed loop by a fixed rate. A turn without an answer for `timeout_s` is sent again on a new connection.
    After the measured `seconds`, turns in flight get `drain_s` to end.
    """
    traffic = Traffic(questions, record_acks, rate is not None)
    prefix = _prefix(session_prefix)
    clients = [HttpClient(traffic, host, port, f"{prefix}{i}") for i in range(connections)]
    return await _run("http", traffic, clients, seconds, warmup_s, connect_rate, rate, timeout_s, drain_s)


async def ws_load(
    host: str,
    port: int,
    sockets: int,
    seconds: float,
    questions: Iterator[str],
    warmup_s: float = 2.0,
    session_prefix: str | None = None,
    *,
    connect_rate: float = 500.0,
    rate: float | None = None,
    record_acks: bool = False,
    timeout_s: float = 10.0,
    drain_s: float = 2.0,
) -> LoadResult:
    """Sends turns over `sockets` WebSockets, one session each; the rest is as in `http_load`."""
    traffic = Traffic(questions, record_acks, rate is not None)
    prefix = _prefix(session_prefix)
    clients = [WsClient(traffic, host, port, f"{prefix}{i}") for i in range(sockets)]
    return await _run("ws", traffic, clients, seconds, warmup_s, connect_rate, rate, timeout_s, drain_s)


def _prefix(session_prefix: str | None) -> str:
    """The given prefix of the session ids, or one of this run's own."""
    return f"bench-{uuid.uuid4().hex[:8]}-" if session_prefix is None else session_prefix


async def _run(
    mode: str,
    traffic: Traffic,
    clients: Sequence[Client],
    seconds: float,
    warmup_s: float,
    connect_rate: float,
    rate: float | None,
    timeout_s: float,
    drain_s: float,
) -> LoadResult:
    """Connects, warms up, measures, drains and closes."""
    _allow_sockets(len(clients) + 200)
    sweep = asyncio.create_task(_sweep(clients, timeout_s))
    try:
        await _connect_all(clients, connect_rate, timeout_s)
        ready = sum(client.up for client in clients)
        if not ready:
            raise ConnectionError(f"no connection became ready: {traffic.errors}")
        await _begin_all(traffic, clients, min(1.0, warmup_s / 2))
        with _arrivals(traffic, rate):
            await asyncio.sleep(warmup_s)
            traffic.counting = True
            start, cpu_start = perf_counter(), _cpu_s()
            await asyncio.sleep(seconds)
            traffic.counting = traffic.sending = False
            elapsed, cpu_s = perf_counter() - start, _cpu_s() - cpu_start
        deadline = perf_counter() + drain_s
        while any(client.key for client in clients) and perf_counter() < deadline:
            await asyncio.sleep(0.01)
        unanswered = sum(bool(client.key) for client in clients) + len(traffic.backlog)
    finally:
        traffic.closing = True
        sweep.cancel()
        for client in clients:
            client.close()
        await _all_closed(clients)

    turns = len(traffic.latencies)
    latencies_ms = np.array(traffic.latencies or [np.nan]) * 1e3
    p50, p90, p99, longest = np.percentile(latencies_ms, (50, 90, 99, 100)).tolist()
    return LoadResult(
        mode=mode,
        connections=ready,
        turns=turns,
        seconds=elapsed,
        turns_per_s=turns / elapsed,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        max_ms=longest,
        errors=traffic.errors,
        kinds=traffic.kinds,
        reconnects=traffic.reconnects,
        resends=traffic.resends,
        unanswered=unanswered,
        cpu_s=cpu_s,
        acked=traffic.acked or [],
    )


async def _connect_all(clients: Sequence[Client], connect_rate: float, timeout_s: float) -> None:
    """Starts `connect_rate` connections per second, then waits up to `timeout_s` for all to be ready."""
    start = perf_counter()
    for i, client in enumerate(clients):
        if i % 10 == 0:
            await asyncio.sleep(max(0.0, start + i / connect_rate - perf_counter()))
        client.connect()
    deadline = perf_counter() + timeout_s
    while not all(client.up for client in clients) and perf_counter() < deadline:
        await asyncio.sleep(0.01)


async def _begin_all(traffic: Traffic, clients: Sequence[Client], over_s: float) -> None:
    """Lets the clients begin, spread over `over_s` seconds so that they do not move in step."""
    traffic.sending = True
    start = perf_counter()
    for i, client in enumerate(clients):
        if i % 10 == 0:
            await asyncio.sleep(max(0.0, start + over_s * i / len(clients) - perf_counter()))
        if client.up and not client.key:
            traffic.release(client, perf_counter())


@contextmanager
def _arrivals(traffic: Traffic, rate: float | None) -> Iterator[None]:
    """Lets turns arrive at `rate` per second, in bursts so small that there are at most 1000 per second.

    Driven by a timerfd, as the event loop's own timers are up to 2 ms late. Does nothing without a rate.
    """
    if rate is None:
        yield
        return
    burst = math.ceil(rate / 1000.0)
    interval_ns = int(1e9 * burst / rate)
    period = (ctypes.c_long * 4)(*divmod(interval_ns, 10**9) * 2)  # the interval, then the first expiry
    fd = _LIBC.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    due = perf_counter()
    if fd < 0 or _LIBC.timerfd_settime(fd, 0, period, None) < 0:
        raise OSError(ctypes.get_errno(), "no timerfd")

    def tick() -> None:
        nonlocal due
        for _ in range(int.from_bytes(os.read(fd, 8), sys.byteorder)):
            due += interval_ns * 1e-9
            for _ in range(burst):
                traffic.arrive(due)

    loop = asyncio.get_running_loop()
    loop.add_reader(fd, tick)
    try:
        yield
    finally:
        loop.remove_reader(fd)
        os.close(fd)


async def _sweep(clients: Sequence[Client], timeout_s: float) -> None:
    """Drops connections whose server has gone silent, ten times per `timeout_s`."""
    while True:
        await asyncio.sleep(timeout_s / 10)
        now = perf_counter()
        for client in clients:
            client.drop_if_late(now, timeout_s)


async def _all_closed(clients: Sequence[Client]) -> None:
    """Waits up to a second for the connections to close, then drops what is left."""
    deadline = perf_counter() + 1.0
    while any(client.transport is not None for client in clients) and perf_counter() < deadline:
        await asyncio.sleep(0.01)
    for client in clients:
        if client.transport is not None:
            client.transport.abort()


def _cpu_s() -> float:
    """This process's CPU time so far, user and system, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _allow_sockets(count: int) -> None:
    """Raises the limit on open files to `count` where the hard limit allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def main() -> int:
    """The command line: prints a table line and the result as JSON; fails if no turn was answered."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Loads Kefu's chat API.")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--mode", choices=("http", "ws"), default="http")
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warmup", type=float, default=2.0, help="seconds before the measured window")
    parser.add_argument("--mix", choices=("repeated", "different"), default="repeated")
    parser.add_argument("--seed", type=int, default=1, help="of the question mix")
    parser.add_argument("--rate", type=float, help="turns per second, instead of the closed loop")
    args = parser.parse_args()
    url = urlsplit(args.url)
    if args.connections < 1 or args.seconds <= 0 or (args.rate is not None and args.rate <= 0):
        parser.error("connections, seconds and rate must be positive")
    if url.scheme != "http" or not url.hostname or url.path not in ("", "/"):
        parser.error(f"not an http://host:port URL: {args.url}")
    mix = mixes.repeated(seed=args.seed) if args.mix == "repeated" else mixes.all_different(args.seed)
    load = http_load if args.mode == "http" else ws_load
    port = url.port or 80
    try:
        result = uvloop.run(load(url.hostname, port, args.connections, args.seconds, mix, args.warmup, rate=args.rate))
    except ConnectionError as error:
        print(f"{args.url}: {error}", file=sys.stderr)
        return 1
    print(result.table_line())
    print(msgspec.json.encode(result).decode())
    return 0 if result.turns else 1


if __name__ == "__main__":
    sys.exit(main())
