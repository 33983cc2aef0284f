"""The way from an ingress replica to one session host: turns that arrive together travel together.

An actor call costs about half a millisecond of CPU whatever it carries, so at
most a few are under way per host. Each takes along every turn that gathered
meanwhile and brings back every reply that is ready, not only its own turns':
a slow turn never holds up a fast one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import ray

from actors.host import CALLS, HOLD_S
from actors.placement import NAMESPACE
from schemas.api import MORE, TurnOutcome, TurnRequest
from schemas.errors import DeadlineExceeded

MAX_TURNS = 256  # turns in one call
STALL_S = 2.5  # beyond HOLD_S a host that says nothing is taken for stalled

Show = Callable[[str], None]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[TurnOutcome]).decode


class HostGone(Exception):
    """The host died, stalled or cannot be found. The turn may or may not have run: repeat it with its key."""


class _Waiting(NamedTuple):
    deadline_ms: int
    outcome: asyncio.Future[TurnOutcome]
    show: Show | None


class HostLink:
    """Carries turns to the host called `name`. `client_id`: this replica's own, unique name."""

    def __init__(self, name: str, client_id: str, find: Callable[[str], Any] | None = None) -> None:
        self.name = name
        self._client_id = client_id
        self._find = find or (lambda actor: ray.get_actor(actor, namespace=NAMESPACE))
        self._handle: Any = None
        self._outbox: list[TurnRequest] = []
        self._waiting: dict[int, _Waiting] = {}
        self._active = 0  # exchanges that will look at the outbox again before they end
        self._calls: set[asyncio.Task[None]] = set()
        self._refs = 0

    @property
    def waiting(self) -> int:
        """Turns that have no outcome yet."""
        return len(self._waiting)

    def send(self, turn: TurnRequest, show: Show | None = None) -> asyncio.Future[TurnOutcome]:
        """The turn's outcome. The future raises HostGone, or DeadlineExceeded soon after the turn's deadline.

        `show` takes what a model has written so far, piece by piece.
        """
        self._refs += 1
        turn.ref = self._refs
        future: asyncio.Future[TurnOutcome] = asyncio.get_running_loop().create_future()
        self._waiting[turn.ref] = _Waiting(turn.deadline_ms, future, show)
        self._post(turn)
        return future

    def tell(self, turn: TurnRequest) -> None:
        """For what has no outcome. A host that is gone does not get it."""
        self._post(turn)

    def _post(self, turn: TurnRequest) -> None:
        self._outbox.append(turn)
        if self._active < CALLS:
            self._call()

    def _call(self) -> None:
        self._active += 1
        task = asyncio.get_running_loop().create_task(self._exchange())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _exchange(self) -> None:
        """Make calls as long as there is something to send, or to wait for and nobody else who waits."""
        try:
            while self._outbox or (self._waiting and self._active == 1):
                batch, self._outbox = self._outbox[:MAX_TURNS], self._outbox[MAX_TURNS:]
                if self._handle is None:
                    self._handle = await asyncio.to_thread(self._find, self.name)
                reply = self._handle.exchange.remote(self._client_id, _encode(batch))
                for outcome in _decode(await asyncio.wait_for(_value(reply), HOLD_S + STALL_S)):
                    self._take(outcome)
        except Exception as error:
            self._fail(error)
        finally:
            # No await since the loop looked, so of two that end together the second still sees what waits.
            self._active -= 1

    def _take(self, outcome: TurnOutcome) -> None:
        if outcome.status == MORE:
            waiting = self._waiting.get(outcome.ref)
            if waiting is not None and waiting.show is not None:
                waiting.show(outcome.body.decode())
            return
        waiting = self._waiting.pop(outcome.ref, None)
        if waiting is not None and not waiting.outcome.done():
            waiting.outcome.set_result(outcome)

    def expire(self, at_ms: int) -> None:
        """Give up on turns whose deadline has passed. One sweep over all is cheaper than a timer for each."""
        for ref in [ref for ref, waiting in self._waiting.items() if waiting.deadline_ms < at_ms]:
            future = self._waiting.pop(ref).outcome
            if not future.done():
                future.set_exception(DeadlineExceeded("no reply in time; retry with the same key", retry_after_s=2))

    def _fail(self, error: Exception) -> None:
        self._handle = None
        self._outbox.clear()
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            if not each.outcome.done():
                each.outcome.set_exception(HostGone(f"{self.name}: {type(error).__name__}"))


async def _value(reference: Any) -> bytes:
    value: bytes = await reference
    return value
