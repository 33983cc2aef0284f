"""Databases in a running server, and a proxy that cuts connections at chosen moments."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import asyncpg

from events.migrate import migrate

Cut = Literal["before", "in_flight", "after", "stall_before", "stall_after"]
_READY = b"Z\x00\x00\x00\x05I"  # ReadyForQuery, outside a transaction: the commit is done
_SOCKET = ".s.PGSQL.5432"


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread with a loop of its own, so that sync fixtures leave pytest-asyncio's loop alone."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder for a server. Not below pytest's own, which every pytest that starts closes
    to other users (mode 700), the one that Postgres runs as included."""
    with tempfile.TemporaryDirectory(prefix="kefu-test-") as name:
        yield Path(name) / "pg"


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(url: str, statement: str, *args: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *args))
    finally:
        await connection.close()


class Databases:
    """Makes databases; a migrated one is a copy of a template, which is faster than migrating again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._template: str | None = None

    def empty(self) -> str:
        return self._url_of(self._create(""))

    def migrated(self) -> str:
        if self._template is None:
            self._template = self._create("")
            run(migrate(self._url_of(self._template)))
        return self._url_of(self._create(f"TEMPLATE {self._template}"))

    def _create(self, options: str) -> str:
        name = f"test_{next(self._numbers)}"
        run(execute(self._url, f"CREATE DATABASE {name} {options}"))
        return name

    def _url_of(self, name: str) -> str:
        return self._url.replace("/postgres?", f"/{name}?")


async def until(condition: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
    """Wait for a condition; a missed deadline says which."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.002)


class Proxy:
    """A Unix socket in front of the server's. `cut` arms it for the next statement of any connection:

    before: the statement never reaches the server; in_flight: it does, but nobody
    waits for it; after: the server has committed, the client is not told; stall_*:
    as before and after, but the connection stays open and says nothing more.
    With `refuse`, whatever is cut off cannot connect again.
    """

    def __init__(self, url: str, folder: Path) -> None:
        base, _, self._upstream = url.partition("?host=")
        self.url = f"{base}?host={folder}"
        self._path = folder / _SOCKET
        self.cut: Cut | None = None
        self.refuse = False
        self._stalled = False
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_unix_server(self._accept, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.close()
            return
        self.connections += 1
        up_reader, up_writer = await asyncio.open_unix_connection(f"{self._upstream}/{_SOCKET}")
        swallow = asyncio.Event()  # from now on the server's words stay here
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._to_server(reader, up_writer, swallow))
                group.create_task(self._to_client(up_reader, writer, swallow))
        except* (_CutOff, OSError):
            pass
        finally:
            for end in (writer, up_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _to_server(
        self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, swallow: asyncio.Event
    ) -> None:
        while data := await reader.read(1 << 16):
            if self.cut is not None and data.startswith(b"B"):  # Bind + Execute: the statement itself
                cut, self.cut = self.cut, None
                if cut == "before":
                    raise _CutOff
                if cut == "stall_before":
                    await self._hang_up(reader)
                if cut in ("after", "stall_after"):
                    swallow.set()
                    self._stalled = cut == "stall_after"
                up_writer.write(data)
                await up_writer.drain()
                if cut == "in_flight":
                    raise _CutOff
                if cut == "stall_after":
                    await self._hang_up(reader)
                continue
            up_writer.write(data)
            await up_writer.drain()
        raise _CutOff  # the client left

    async def _hang_up(self, reader: asyncio.StreamReader) -> None:
        """Say nothing until the client gives up."""
        while await reader.read(1 << 16):
            pass
        raise _CutOff

    async def _to_client(
        self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: asyncio.Event
    ) -> None:
        swallowed = b""
        while data := await up_reader.read(1 << 16):
            if swallow.is_set():
                swallowed += data
                if swallowed.endswith(_READY) and not self._stalled:
                    raise _CutOff
                continue
            writer.write(data)
            await writer.drain()
        raise _CutOff  # the server left


class _CutOff(Exception):
    """This connection is to be cut now."""
