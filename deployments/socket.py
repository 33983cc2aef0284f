"""The WebSocket of a customer: hello, missed events, then messages and replies until one side leaves.

A client that was cut off says hello again with the last seq it has seen, gets
what it missed, and sends its unanswered message again under the same key.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Coroutine

from starlette.types import Receive, Send

from deployments import requests
from deployments.host_router import HostRouter
from deployments.reading import Reader
from schemas.api import MAX_BODY, MAX_TEXT, encode_json, problem
from schemas.errors import BodyTooLarge, InvalidRequest, KefuError
from schemas.metrics import Metrics

TYPING_S = 0.25  # a turn that takes longer is announced
_MAX_UNANSWERED = 32  # messages of one socket
_LEAVE_S = 5.0  # a customer who is back by then has not left
_DRAFT_S = 0.15  # between two drafts that are looked at
_PONG = '{"type":"pong"}'


async def serve(
    tenant: str, router: HostRouter, reader: Reader, metrics: Metrics, receive: Receive, send: Send
) -> None:
    """Runs one socket to its end. Turns under way when the client leaves are finished and recorded all the same."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    socket = _Socket(tenant, router, reader, metrics, receive, send)
    _open_sockets.add(socket)
    metrics.sockets += 1
    try:
        await socket.run()
    finally:
        metrics.sockets -= 1
        _open_sockets.discard(socket)


async def announce_forever() -> None:
    """One timer for all sockets of the process announces the turns that take long."""
    while True:
        await asyncio.sleep(TYPING_S / 2)
        before = Metrics.now() - TYPING_S
        for socket in _open_sockets:
            socket.announce(before)


class _Socket:
    def __init__(
        self, tenant: str, router: HostRouter, reader: Reader, metrics: Metrics, receive: Receive, send: Send
    ) -> None:
        self._tenant = tenant
        self._router = router
        self._reader = reader
        self._metrics = metrics
        self._receive = receive
        self._send = send
        self._session: str | None = None
        self._turns: set[asyncio.Task[None]] = set()  # messages that have no reply yet
        self._others: set[asyncio.Task[None]] = set()
        self._unannounced: dict[str, float] = {}  # when a turn began, by its key
        self._unanswered: set[str] = set()
        self._next_draft = 0.0
        self._queue: list[str] = []  # pieces of replies that are being written
        self._open = True

    async def run(self) -> None:
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                self._spawn(self._gone(), self._others)
                return
            text, data = event.get("text"), event.get("bytes")
            try:
                self._check_size(text, data)
                await self._frame(requests.frame(text if text is not None else data or b""))
            except KefuError as error:
                await self._problem(None, error)

    def _check_size(self, text: str | None, data: bytes | None) -> None:
        if len(text or data or "") > MAX_BODY:
            raise BodyTooLarge(f"the frame has over {MAX_BODY} bytes; send a shorter message")

    async def _frame(self, frame: requests.Frame) -> None:
        if isinstance(frame, requests.Message):
            if self._session is None:
                raise InvalidRequest('say hello first: {"type":"hello","session_id":null,"after":0}')
            if len(self._turns) >= _MAX_UNANSWERED:
                raise InvalidRequest(f"{_MAX_UNANSWERED} messages have no reply yet; wait for some")
            self._spawn(self._turn(self._session, frame), self._turns)
        elif isinstance(frame, requests.Hello):
            await self._hello(frame)
        elif isinstance(frame, requests.Typing):
            self._prepare(frame.text.strip())
        else:
            await self._text(_PONG)

    async def _hello(self, hello: requests.Hello) -> None:
        if hello.session_id is None:
            self._session, seq = requests.new_session_id(), 0
        else:
            self._session = requests.checked_id(hello.session_id, "session_id")
            seq = max(hello.after, 0)
            async for event in self._reader.missed(self._session, seq):
                await self._text(f'{{"type":"event",{event.json[1:]}')
                seq = event.seq
        await self._text(encode_json({"type": "ready", "session_id": self._session, "seq": seq}).decode())
        self._router.tell(self._tenant, self._session, "open")

    def _prepare(self, text: str) -> None:
        """The client sends drafts when the customer pauses; one that comes sooner after another is passed over."""
        now = self._metrics.now()
        if self._session is None or not text or len(text) > MAX_TEXT or now < self._next_draft:
            return
        self._next_draft = now + _DRAFT_S
        self._router.tell(self._tenant, self._session, "prepare", text=text)

    async def _turn(self, session: str, message: requests.Message) -> None:
        started = self._metrics.now()
        self._unannounced[message.key] = started
        try:
            key = requests.checked_id(message.key, "key")
            self._unanswered.add(key)
            text = requests.checked_text(message.text)
            outcome = await self._router.turn(self._tenant, session, key, text, show=functools.partial(self._more, key))
        except KefuError as error:
            self._metrics.turn("ws", error.status, started)
            await self._problem(message.key, error)
            return
        finally:
            self._unannounced.pop(message.key, None)
            self._unanswered.discard(message.key)
        self._metrics.turn("ws", outcome.status, started)
        kind, field = ("reply", "reply") if outcome.status == 200 else ("error", "problem")
        head = f'{{"type":"{kind}","key":{_quoted(key)},"{field}":'
        await self._in_order(f"{head}{outcome.body.decode()}}}")

    def _more(self, key: str, text: str) -> None:
        """More of what a model writes. The reply, when it comes, is what counts."""
        self._unannounced.pop(key, None)
        self._queue.append(f'{{"type":"delta","key":{_quoted(key)},"text":{_quoted(text)}}}')
        if len(self._queue) == 1:
            self._spawn(self._send_queue(), self._others)

    async def _in_order(self, frame: str) -> None:
        """Send it after the pieces that are still queued."""
        if self._queue:
            self._queue.append(frame)
        else:
            await self._text(frame)

    async def _send_queue(self) -> None:
        """One task for all that gathers, in order. What is being sent stays queued, so that no second task begins."""
        while self._queue:
            await self._text(self._queue[0])
            del self._queue[0]

    async def _gone(self) -> None:
        """The customer left. Who comes back sends what has no reply again, which counts as waiting for it."""
        self._open = False
        if self._session is None or not self._unanswered:
            return
        await asyncio.sleep(_LEAVE_S)
        for key in self._unanswered:
            self._router.tell(self._tenant, self._session, "leave", key)

    def announce(self, before: float) -> None:
        """Tell the customer that turns which began before that moment are being worked on."""
        for key in [key for key, started in self._unannounced.items() if started < before]:
            del self._unannounced[key]
            self._spawn(self._text(f'{{"type":"typing","key":{_quoted(key)}}}'), self._others)

    def _spawn(self, coroutine: Coroutine[None, None, None], kept: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        kept.add(task)
        task.add_done_callback(kept.discard)

    async def _problem(self, key: str | None, error: KefuError) -> None:
        await self._in_order(encode_json({"type": "error", "key": key, "problem": problem(error)}).decode())

    async def _text(self, text: str) -> None:
        if not self._open:
            return
        try:
            await self._send({"type": "websocket.send", "text": text})
        except Exception:  # the client left between two awaits: the server closed its side, and says so its own way
            self._open = False


_open_sockets: set[_Socket] = set()


def _quoted(text: str) -> str:
    return encode_json(text).decode()
