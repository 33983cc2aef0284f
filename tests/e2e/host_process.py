"""Real session hosts in forked processes: `python host_process.py SOCKET` is the parent of them all.

Everything heavy is imported once, here; each connection to SOCKET is then a
forked process of its own with a SessionHostCore, spoken to over that connection
in MessagePack frames. All end when standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import select
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

import msgspec
from scripted import DeadlyProbe, EarlyStore, Journal, JournalAnswerer
from tool_world import Outside, with_outside

from actors import actor
from actors.host import SessionHostCore
from actors.runtime import Runtime
from actors.snapshot import state_hash
from events.postgres import PostgresStore
from schemas.answers import Kind
from schemas.ids import Snowflake, now_ms
from schemas.settings import Settings

_LENGTH = struct.Struct("<I")
_SNAPSHOT_EVERY = 6  # events: activations then start from a snapshot more often than not
_encode = msgspec.msgpack.Encoder().encode


class HostSpec(msgspec.Struct):
    """What a forked host is made of. `early`: its store acknowledges before the commit (sabotage). `outside`: rules,
    models and tools, if it has any."""

    database_url: str
    journal: str
    worker: int
    has_effects: bool
    caches: bool
    kinds: list[Kind]
    room: int
    early: bool = False
    outside: Outside | None = None


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Raises IncompleteReadError when the other end is gone."""
    return await reader.readexactly(_LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0])


def write_frame(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(_LENGTH.pack(len(frame)) + frame)


class _Host:
    """The methods that can be called over the connection."""

    def __init__(self, spec: HostSpec) -> None:
        journal = Journal(Path(spec.journal))
        self._probe = DeadlyProbe(journal)
        answerer = JournalAnswerer(journal, has_effects=spec.has_effects, caches=spec.caches, kinds=spec.kinds)
        store = (EarlyStore if spec.early else PostgresStore)(spec.database_url)
        runtime = Runtime(store, answerer, now_ms, Snowflake(spec.worker).next, self._probe)
        if spec.outside is not None:
            runtime = with_outside(runtime, spec.outside, spec.database_url)
        self._core = SessionHostCore(f"forked-{os.getpid()}", runtime, Settings(), spec.room)

    async def hello(self) -> int:
        return os.getpid()

    async def exchange(self, client_id: str, payload: bytes) -> bytes:
        return await self._core.exchange(client_id, payload)

    async def arm(self, point: str, nth: int, signal_number: int) -> None:
        self._probe.arm(point, nth, signal_number)

    async def stats(self) -> dict[str, int]:
        return self._core.stats()

    async def state_hashes(self) -> dict[str, bytes]:
        """By session, of those in memory."""
        actors = self._core._sessions._actors.values()
        return {actor.external_id: state_hash(actor.state) for actor in actors if actor.state is not None}


async def _serve(connection: socket.socket) -> None:
    actor.SNAPSHOT_EVERY = _SNAPSHOT_EVERY
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    host = _Host(msgspec.msgpack.decode(await read_frame(reader), type=HostSpec))
    tasks: set[asyncio.Task[None]] = set()

    async def call(number: int, method: str, arguments: list[Any]) -> None:
        write_frame(writer, _encode([number, await getattr(host, method)(*arguments)]))

    while True:
        try:
            number, method, arguments = msgspec.msgpack.decode(await read_frame(reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            os._exit(0)
        task = asyncio.get_running_loop().create_task(call(number, method, arguments))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def main(path: str) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    while True:
        ready, _, _ = select.select([server, sys.stdin], [], [], 0.2)
        children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}
        if sys.stdin in ready:
            break
        if not ready:
            continue
        connection, _ = server.accept()
        pid = os.fork()
        if pid == 0:
            try:
                server.close()
                asyncio.run(_serve(connection))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        connection.close()
        children.add(pid)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
