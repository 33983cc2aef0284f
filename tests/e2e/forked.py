"""Starts forked hosts and speaks to them through the same HostLink that ingress replicas use."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec
import psutil
from host_process import HostSpec, read_frame, write_frame
from kit.server import until

from deployments.host_link import HostLink
from schemas.ids import WORKERS

_START_S = 30.0
_encode = msgspec.msgpack.Encoder().encode


class Forker:
    """The preloaded process whose forks are hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = folder / "forker.sock"
        self._workers = itertools.count(10)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("host_process.py")), str(self._socket)],
            stdin=subprocess.PIPE,
        )

    def stop(self) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    async def host(
        self, database_url: str, journal: Path, *, has_effects: bool, caches: bool = True, room: int = 100, **more: Any
    ) -> ForkedHost:
        """A new host process. `more`: see HostSpec."""
        await until(self._socket.is_socket, "the forker listens", _START_S)
        more.setdefault("kinds", ["answer", "clarify", "answer", "escalated"])
        worker = next(self._workers) % WORKERS
        spec = HostSpec(database_url, str(journal), worker, has_effects, caches, room=room, **more)
        host = ForkedHost(*await asyncio.open_unix_connection(str(self._socket)))
        write_frame(host.writer, _encode(spec))
        host.pid = await host.call("hello")
        return host


class ForkedHost:
    """One host process. `link` carries turns to it; `gone` is set when the process is dead."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = 0
        self.writer = writer
        self.gone = asyncio.Event()
        self.link = HostLink("forked", uuid.uuid4().hex, find=lambda _: self)
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))

    # HostLink calls `handle.exchange.remote(...)`, as Ray has it.
    @property
    def exchange(self) -> ForkedHost:
        return self

    def remote(self, client_id: str, payload: bytes) -> asyncio.Future[Any]:
        return self.call("exchange", client_id, payload)

    def call(self, method: str, *arguments: Any) -> asyncio.Future[Any]:
        """The method's result, or ConnectionError if the process dies first."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.gone.is_set():
            future.set_exception(ConnectionError("the host is dead"))
            return future
        number = next(self._numbers)
        self._waiting[number] = future
        write_frame(self.writer, _encode([number, method, arguments]))
        return future

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                number, value = msgspec.msgpack.decode(await read_frame(reader))
                future = self._waiting.pop(number)
                if not future.done():
                    future.set_result(value)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
            self.writer.close()
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError("the host died"))
                    future.exception()  # nobody may be waiting any more

    @property
    def stopped(self) -> bool:
        return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def kill(self) -> None:
        """kill -9; returns when it is dead."""
        if not self.gone.is_set():
            os.kill(self.pid, signal.SIGKILL)
        await self._reading
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
