"""What preparing an answer while the customer types is worth: time from send to the first byte of the reply.

    python -m bench.preload [--seconds 20] [--url http://127.0.0.1:8000] [--only without] [--json FILE]

Starts a Kefu of its own unless `--url` names one. Paced customers over WebSockets, no two questions alike: each
writes, pauses for 400 ms, sends, waits for the reply and reads it. With drafts, the text goes to the server as the
chat page sends it: where the customer pauses within the question, and at its end. Without, the pauses are the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
import uvloop
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from bench import questions
from bench.machine import describe
from bench.running import running

_CUSTOMERS = (1, 16, 64)
_WITHIN_S = 0.3  # the pause within the question
_BEFORE_SEND_S = 0.4  # after the last draft
_READING_S = (0.2, 0.6)
_REPLY_S = 20.0
_WARM_UP = 16  # turns before anything is measured
console = Console(width=120, highlight=False)


class Waited(Struct, frozen=True):
    """Of one run: milliseconds from send to first byte of each turn, how many first bytes were a delta, errors."""

    customers: int
    drafts: bool
    ms: list[float]
    deltas: int
    errors: dict[str, int]

    @property
    def p50(self) -> float:
        return self._percentile(50)

    @property
    def p99(self) -> float:
        return self._percentile(99)

    def _percentile(self, at: float) -> float:
        return float(np.percentile(self.ms, at)) if self.ms else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="measured, per number of customers and kind")
    parser.add_argument("--url", help="a Kefu that runs, instead of one of its own")
    parser.add_argument("--customers", type=int, nargs="+", default=_CUSTOMERS)
    parser.add_argument("--only", choices=("without", "with"), help="drafts")
    parser.add_argument("--seed", type=int, default=0, help="of the questions; 0: another one each time")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    if arguments.seconds <= 0 or min(arguments.customers) < 1:
        parser.error("seconds and customers must be positive")
    kinds = [kind == "with" for kind in ("without", "with") if arguments.only in (None, kind)]
    console.print(f"[bold]Preload bench[/]  {describe()}\n")
    with ExitStack() as stack:
        url = arguments.url or _own(stack)
        # A host's cache knows the questions of the run before: a Kefu that was asked them already needs others.
        mix = questions.all_different(arguments.seed or time.time_ns() % 1_000_000)
        found = uvloop.run(_measure(_socket_url(url), arguments.customers, kinds, arguments.seconds, mix))
    _print(found)
    if arguments.json:
        figures = {"machine": describe(), "runs": msgspec.to_builtins(found)}
        arguments.json.write_text(json.dumps(figures, indent=1))


def _own(stack: ExitStack) -> str:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kefu-preload-"))
    Path(folder).chmod(0o755)
    kefu = stack.enter_context(running(Path(folder) / "home", "--no-dashboard"))
    console.print(f"kefu up --no-dashboard: ready after {kefu.ready_s:.1f} s")
    return kefu.url


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/v1/chat/ws"


async def _measure(
    url: str, customers: list[int], kinds: list[bool], seconds: float, mix: Iterator[str]
) -> list[Waited]:
    warm = _Run(url, mix, drafts=False)
    await warm.customer(time.monotonic() + 60.0, turns=_WARM_UP, hurried=True)
    return [await _run(url, count, drafts, seconds, mix) for count in customers for drafts in kinds]


async def _run(url: str, customers: int, drafts: bool, seconds: float, mix: Iterator[str]) -> Waited:
    """`customers` of them for `seconds`, begun over one turn's time so that they do not move in step."""
    run = _Run(url, mix, drafts)
    until = time.monotonic() + seconds
    tasks = []
    for _ in range(customers):
        tasks.append(asyncio.create_task(run.customer(until)))
        await asyncio.sleep(min(1.0, seconds / 4) / customers)
    await asyncio.gather(*tasks)
    return Waited(customers, drafts, run.ms, run.deltas, run.errors)


class _Run:
    """What the customers of one run share."""

    def __init__(self, url: str, mix: Iterator[str], drafts: bool) -> None:
        self.url, self.mix, self.drafts = url, mix, drafts
        self.ms: list[float] = []
        self.deltas = 0
        self.errors: dict[str, int] = {}

    async def customer(self, until: float, turns: int = 1_000_000, hurried: bool = False) -> None:
        """A session of its own, until then or for so many turns. An error ends it: the others go on."""
        try:
            async with connect(self.url, compression=None, open_timeout=_REPLY_S) as socket:
                await _greet(socket)
                while time.monotonic() < until and turns:
                    turns -= 1
                    await self._turn(socket, next(self.mix), hurried)
        except (OSError, TimeoutError, WebSocketException, _Refused) as error:
            self._error(str(error) if isinstance(error, _Refused) else type(error).__name__)

    def _error(self, name: str) -> None:
        self.errors[name] = self.errors.get(name, 0) + 1

    async def _turn(self, socket: ClientConnection, text: str, hurried: bool) -> None:
        if not hurried:
            for draft, pause in ((text[: len(text) * 3 // 5], _WITHIN_S), (text, _BEFORE_SEND_S)):
                if self.drafts:
                    await _send(socket, type="typing", text=draft)
                await asyncio.sleep(pause)
        key = uuid.uuid4().hex
        sent = time.perf_counter()
        await _send(socket, type="message", key=key, text=text)
        first = await _reply(socket, key, ("delta", "reply"))
        self.ms.append(1e3 * (time.perf_counter() - sent))
        if first == "delta":
            self.deltas += 1
            await _reply(socket, key, ("reply",))
        if not hurried:
            await asyncio.sleep(random.uniform(*_READING_S))


class _Refused(Exception):
    """The server sent a problem; its code."""


async def _greet(socket: ClientConnection) -> None:
    await _send(socket, type="hello", session_id=None, after=0)
    async with asyncio.timeout(_REPLY_S):
        while (await _receive(socket))["type"] != "ready":
            pass


async def _reply(socket: ClientConnection, key: str, kinds: tuple[str, ...]) -> str:
    """Waits for a frame of the turn `key` that is one of these; other frames, such as `typing`, are no answer."""
    async with asyncio.timeout(_REPLY_S):
        while True:
            frame = await _receive(socket)
            if frame["type"] in kinds and frame.get("key") == key:
                return str(frame["type"])


async def _receive(socket: ClientConnection) -> dict[str, Any]:
    frame: dict[str, Any] = msgspec.json.decode(await socket.recv())
    if frame["type"] == "error":
        raise _Refused(str(frame["problem"].get("code", "error")))
    return frame


async def _send(socket: ClientConnection, **frame: Any) -> None:
    await socket.send(msgspec.json.encode(frame).decode())


def _print(found: list[Waited]) -> None:
    table = Table(
        "customers", "drafts", "turns", "p50 ms", "p99 ms", "p50 without / with", "first byte a delta", "errors",
        title="From send to first byte, all questions different",
    )  # fmt: skip
    without = {each.customers: each.p50 for each in found if not each.drafts}
    for each in found:
        ratio = f"{without[each.customers] / each.p50:.1f}x" if each.drafts and each.customers in without else ""
        table.add_row(
            f"{each.customers}",
            "with" if each.drafts else "without",
            f"{len(each.ms):,}",
            f"{each.p50:.2f}",
            f"{each.p99:.2f}",
            ratio,
            f"{each.deltas / len(each.ms):.0%}" if each.ms else "-",
            ", ".join(f"{name}: {count}" for name, count in each.errors.items()) or "0",
        )
    console.print(table)


if __name__ == "__main__":
    main()
