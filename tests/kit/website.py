"""A small web server in the test's own loop: it says what it is told to, well or badly, and remembers who asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import pytest


@dataclass(frozen=True)
class Reply:
    """What one path answers. `headers` replace the usual ones of the same name."""

    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def raw(self) -> bytes:
        usual = {"content-type": self.content_type, "content-length": str(len(self.body))}
        own = {name for name, _ in self.headers}
        lines = [f"{name}: {value}" for name, value in usual.items() if name not in own and value]
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = f"HTTP/1.1 {self.status} X\r\n" + "".join(f"{line}\r\n" for line in lines) + "connection: close\r\n\r\n"
        return head.encode() + self.body


def html(body: str, *, head: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(f"<html><head>{head}</head><body>{body}</body></html>".encode(), headers=headers)


def links(*targets: str, text: str = "") -> Reply:
    """A page of links; `text` tells it from others with the same ones."""
    return html(text + "".join(f'<a href="{target}">x</a>' for target in targets))


def redirect(target: str, status: int = 302) -> Reply:
    return Reply(status=status, headers=(("location", target),))


# Writes to the connection as it likes, and returns when it is done with it.
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer = Reply | Raw


_NO_ROBOTS = Reply(status=404)


@dataclass
class Website:
    """Routes by path and query; `else_` answers the rest but robots.txt.

    `async with` starts it on a free port and ends it with all its connections.
    """

    routes: dict[str, Answer] = field(default_factory=dict)
    else_: Callable[[str], Answer] = lambda _: Reply(b"not here", status=404)
    tls: ssl.SSLContext | None = None
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    at_once: int = 0
    most_at_once: int = 0
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def pages(self) -> list[str]:
        """What was asked for, less robots.txt."""
        return [path for path in self.asked if path != "/robots.txt"]

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self.tls)
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

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self.at_once -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = first.split(" ")[1]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
        self.asked.append(path)
        self.hosts.append(headers["host"])
        self.headers.append(headers)
        answer = self.routes.get(path) or (_NO_ROBOTS if path == "/robots.txt" else self.else_(path))
        if isinstance(answer, Reply):
            writer.write(answer.raw())
            await writer.drain()
        else:
            await answer(reader, writer)


class Names:
    """A resolver of the test's own: each name has a list of answers, the last of which holds from then on."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[str, ...]]] = {}
        self.asked: list[str] = []

    def give(self, name: str, *answers: str | Iterable[str]) -> None:
        self.answers[name] = [(answer,) if isinstance(answer, str) else tuple(answer) for answer in answers]

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answers = self.answers[host]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in (answers.pop(0) if len(answers) > 1 else answers[0])
        ]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Into the running loop."""
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self.getaddrinfo)
