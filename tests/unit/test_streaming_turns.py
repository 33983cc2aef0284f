"""Turns that are shown while a model writes: over HTTP and the WebSocket, and what the hosts are told of them."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kit.server import until
from starlette.types import Message, Send

from actors.recorder import FINDINGS
from deployments import socket
from deployments.host_router import HostRouter
from deployments.reading import Reader
from deployments.streaming import Front, Shown
from schemas.api import TurnOutcome
from schemas.errors import DeadlineExceeded, HostUnavailable, KefuError
from schemas.metrics import Metrics
from schemas.settings import Settings

pytestmark = pytest.mark.timeout(20)

Show = Callable[[str], None]
Events = Callable[[Send], Front]


class Router:
    """Shows its pieces, then gives or raises its end, when it is let go."""

    def __init__(self, pieces: tuple[str, ...], end: TurnOutcome | KefuError) -> None:
        self.pieces = pieces
        self.end = end
        self.go = asyncio.Event()
        self.go.set()
        self.told: list[tuple[str, str]] = []
        self.turns = 0

    async def turn(
        self, tenant: str, session: str, key: str, text: str, *, priority: str = "", show: Show | None = None
    ) -> TurnOutcome:
        self.turns += 1
        for piece in self.pieces:
            assert show is not None
            show(piece)
        await self.go.wait()
        if isinstance(self.end, KefuError):
            raise self.end
        return self.end

    def tell(self, tenant: str, session: str, what: str, key: str = "", text: str = "") -> None:
        self.told.append((what, key))


class Client:
    """Everything that is sent to it; it stays until `leave`."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self._left = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self._left.set()

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def starts(self) -> list[int]:
        return [message["status"] for message in self.sent if message["type"] == "http.response.start"]


@pytest.fixture
def events() -> Events:
    """The front of `POST /v1/chat`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Serve's own, when it is imported
        from deployments.ingress import _AsEvents
    return _AsEvents


def shown(router: Router) -> Shown:
    return Shown(cast(HostRouter, router), "shop", "s", "k")


async def test_an_error_after_words_is_the_streams_end(events: Events) -> None:
    client = Client()
    router = Router(("Hel", "lo"), DeadlineExceeded("too late", retry_after_s=2))
    outcome = await shown(router).run("hi", client.receive, events(client.send))
    assert outcome is not None and (outcome.status, outcome.retry_after_s) == (503, 2)
    assert client.starts == [200]
    *deltas, error, _ = client.body.split("\n\n")
    assert len(deltas) == 2 and error.startswith("event: error\n")
    assert json.loads(error.split("data: ")[1])["code"] == "deadline_exceeded"
    assert client.sent[-1]["more_body"] is False


async def test_an_error_before_any_word_is_raised(events: Events) -> None:
    client = Client()
    with pytest.raises(HostUnavailable):
        await shown(Router((), HostUnavailable("none"))).run("hi", client.receive, events(client.send))
    assert client.sent == []


async def test_who_leaves_is_told_to_the_host(events: Events) -> None:
    client = Client()
    router = Router(("Hel",), DeadlineExceeded("too late"))
    router.go.clear()
    running = asyncio.ensure_future(shown(router).run("hi", client.receive, events(client.send)))
    await until(lambda: "Hel" in client.body, "the first words")
    client.leave()
    await until(lambda: router.told, "the host is told")
    router.go.set()
    assert await running is None and router.told == [("leave", "k")]


class Line:
    """A WebSocket's client. What it is sent goes no further while `open` is not set."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()
        self._says: asyncio.Queue[Message] = asyncio.Queue()
        self._says.put_nowait({"type": "websocket.connect"})

    def say(self, **frame: Any) -> None:
        self._says.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    def leave(self) -> None:
        self._says.put_nowait({"type": "websocket.disconnect"})

    async def receive(self) -> Message:
        return await self._says.get()

    async def send(self, message: Message) -> None:
        await self.open.wait()
        if message["type"] == "websocket.send":
            self.frames.append(json.loads(message["text"]))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]


def connect(line: Line, router: Router) -> asyncio.Task[None]:
    line.say(type="hello", session_id=None, after=0)
    metrics = SimpleNamespace(now=time.monotonic, turn=lambda front, status, started: None, sockets=0)
    serving = socket.serve(
        "shop", cast(HostRouter, router), cast(Reader, None), cast(Metrics, metrics), line.receive, line.send
    )
    return asyncio.ensure_future(serving)


async def test_a_problem_does_not_overtake_the_words_before_it() -> None:
    line, router = Line(), Router(("Hel", "lo"), DeadlineExceeded("too late"))
    serving = connect(line, router)
    await until(lambda: line.of("ready"), "ready")
    line.open.clear()
    line.say(type="message", key="k1", text="hi")
    await until(lambda: router.turns, "the turn")
    for _ in range(10):
        await asyncio.sleep(0)
    line.open.set()
    await until(lambda: line.of("error"), "the problem")
    assert [frame["type"] for frame in line.frames] == ["ready", "delta", "delta", "error"]
    assert line.frames[-1]["key"] == "k1"
    line.leave()
    await serving


async def test_only_messages_count_as_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "_MAX_UNANSWERED", 2)
    line, router = Line(), Router(("Hel",), TurnOutcome(0, 200, b'{"text":"Hello"}'))
    router.go.clear()
    serving = connect(line, router)
    await until(lambda: line.of("ready"), "ready")
    line.open.clear()  # so that the sender of the first words stays
    line.say(type="message", key="k1", text="hi")
    await until(lambda: router.turns == 1, "the first turn")
    line.say(type="message", key="k2", text="hi")
    await until(lambda: router.turns == 2, "both turns")
    line.open.set()
    line.say(type="message", key="k3", text="hi")
    await until(lambda: line.of("error"), "the third is refused")
    assert router.turns == 2
    router.go.set()
    await until(lambda: len(line.of("reply")) == 2, "both replies")
    line.say(type="message", key="k3", text="hi")
    await until(lambda: len(line.of("reply")) == 3, "the third's reply")
    line.leave()
    await serving


@pytest.mark.parametrize("placement", ["pooled", "dedicated"])
async def test_a_busy_ingress_still_says_who_left(placement: str) -> None:
    router = HostRouter(Settings(placement=placement), cast(Any, None))  # type: ignore[arg-type]
    router.hosts = ["session-host-00"]
    told: list[str] = []
    router._link = lambda name: SimpleNamespace(tell=lambda turn: told.append(turn.what))  # type: ignore
    router.tell("shop", "s", "prepare", text="hi")
    router.waiting = 7_999
    router.tell("shop", "s", "prepare", text="hi")
    router.tell("shop", "s", "leave", "k")
    assert told == ["prepare", "leave"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Serve's own, when it is imported
@pytest.mark.parametrize("rule", ["pii", "pii:email", "a:b:c"])
def test_findings_of_rules_with_colons(rule: str) -> None:
    from deployments.supervisor import finding_of

    assert finding_of(f"{FINDINGS}input:{rule}:mask") == ("input", rule, "mask")
