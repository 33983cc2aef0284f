"""The Ray actor that session actors live in.

`pooled`: a few named hosts (`session-host-00` ...) hold thousands of sessions
each. `dedicated`: a host with room for one session. Both show by name in the
Ray dashboard. Restarts are on and task retries off: a call may have run before
its host died, so only the caller, who holds the idempotency key, may repeat it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from collections import deque
from collections.abc import Callable, Coroutine

import msgspec
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.placement import NAMESPACE
from actors.running import Show
from actors.runtime import Runtime
from actors.sessions import Sessions
from schemas.api import MORE, TurnOutcome, TurnRequest, encode_json, problem
from schemas.errors import KefuError
from schemas.settings import Settings

HOLD_S = 0.5  # how long an exchange waits for a reply before it returns empty
CALLS = 3  # exchanges under way at once, of one client
_CLIENT_IDLE_S = 60.0

_log = logging.getLogger("kefu.host")
_decode = msgspec.msgpack.Decoder(list[TurnRequest]).decode
_encode = msgspec.msgpack.Encoder().encode


class _Client:
    """One ingress replica, as this host sees it: replies that wait for it, exchanges that wait for replies."""

    __slots__ = ("ready", "seen", "waiters")

    def __init__(self) -> None:
        self.ready: list[TurnOutcome] = []
        self.waiters: deque[asyncio.Future[None]] = deque()
        self.seen = 0.0

    def deliver(self, outcome: TurnOutcome) -> None:
        self.ready.append(outcome)
        # One wake-up takes all that is ready by then; replies of one commit come together.
        while len(self.ready) == 1 and self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class SessionHostCore:
    """A host without Ray around it, so that tests can run it in any process."""

    def __init__(self, name: str, runtime: Runtime, settings: Settings, room: int) -> None:
        self.name = name
        self._sessions = Sessions(runtime, capacity=room, max_turns=settings.max_turns, idle_s=settings.idle_s)
        self._tally = runtime.tally
        self._clients: dict[str, _Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._spawn(self._sessions.sweep_forever())
        self._spawn(self._forget_clients_forever())

    async def exchange(self, client_id: str, payload: bytes) -> bytes:
        """Take new turns, return finished ones: those of this call or of earlier ones, as they come.

        `payload`: MessagePack list of TurnRequest, may be empty. Returns a MessagePack
        list of TurnOutcome: at least one, or none after HOLD_S seconds.
        """
        client = self._clients.get(client_id)
        if client is None:
            client = self._clients[client_id] = _Client()
        client.seen = self._loop.time()
        for turn in _decode(payload):
            if turn.what == "turn":
                self._spawn(self._serve(client, turn))
            elif turn.what == "leave":
                self._sessions.leave(turn)
            else:
                self._spawn(self._prepare(turn))
        if not client.ready:
            # A turn that comes now must find a call to travel with: one of the client's is always given back.
            while len(client.waiters) >= CALLS - 1:
                _release(client.waiters.popleft())
            waiter: asyncio.Future[None] = self._loop.create_future()
            client.waiters.append(waiter)
            timer = self._loop.call_later(HOLD_S, _release, waiter)
            await waiter
            timer.cancel()
            with contextlib.suppress(ValueError):  # still there if nothing came in time
                client.waiters.remove(waiter)
        ready, client.ready = client.ready, []
        return _encode(ready)

    async def _serve(self, client: _Client, turn: TurnRequest) -> None:
        show: Show | None = None
        if turn.stream:

            def show(text: str) -> None:
                client.deliver(TurnOutcome(turn.ref, MORE, text.encode()))

        try:
            outcome = TurnOutcome(turn.ref, 200, await self._sessions.take(turn, show))
        except KefuError as error:
            outcome = TurnOutcome(turn.ref, error.status, encode_json(problem(error)), error.retry_after_s)
        except Exception:  # a defect: the customer gets an answer, the operator the trace
            _log.exception("session %r of %r: turn failed", turn.session, turn.tenant)
            defect = KefuError("the turn failed by a defect; it is in the host's log", retry_after_s=1)
            outcome = TurnOutcome(turn.ref, 500, encode_json(problem(defect)), 1)
        client.deliver(outcome)

    async def _prepare(self, turn: TurnRequest) -> None:
        # Nobody waits for it; when the turn itself comes, whatever is wrong will be said.
        with contextlib.suppress(Exception):
            await self._sessions.prepare(turn)

    def stats(self) -> dict[str, int]:
        """Counters since the start and gauges of now."""
        sessions = self._sessions
        return {
            "pid": os.getpid(),
            "resident_sessions": sessions.resident,
            "turns_in_progress": sessions.active,
            "turns": sessions.turns,
            "failed_turns": sessions.failed,
            "prepared": sessions.prepared,
            "activations": sessions.activations,
            "passivations": sessions.passivations,
            **(self._tally or {}),
        }

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget_clients_forever(self) -> None:
        """An ingress that died never fetches its replies; they are in the log all the same."""
        while True:
            await asyncio.sleep(_CLIENT_IDLE_S)
            stale = self._loop.time() - _CLIENT_IDLE_S
            self._clients = {key: client for key, client in self._clients.items() if client.seen > stale}


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


BuildRuntime = Callable[[Settings, str], Runtime]


class SessionHost:
    """The Ray face of a host. Start it with `start_host`."""

    def __init__(self, name: str, settings: Settings, build: BuildRuntime, room: int) -> None:
        self._name = name
        self._settings = settings
        self._build = build
        self._room = room
        self._core: SessionHostCore | None = None

    def __repr__(self) -> str:  # what the dashboard and the logs show
        return getattr(self, "_name", "SessionHost")  # Ray asks also when __init__ never ran

    async def exchange(self, client_id: str, payload: bytes) -> bytes:
        return await (self._core or self._start()).exchange(client_id, payload)

    async def stats(self) -> dict[str, int]:
        return (self._core or self._start()).stats()

    def _start(self) -> SessionHostCore:
        # Not in __init__: Ray runs that outside the event loop. No await between here and the
        # assignment, so two first calls cannot make two cores.
        runtime = self._build(self._settings, self._name)
        core = self._core = SessionHostCore(self._name, runtime, self._settings, self._room)
        spare_the_collector()
        return core


def spare_the_collector() -> None:
    """Resident sessions are no garbage: a full collection over thousands of them would stop all turns for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def start_host(name: str, settings: Settings, build: BuildRuntime, *, room: int, node_id: str | None = None) -> None:
    """Make sure that a host of this name exists somewhere in the cluster; `node_id`: preferably there."""
    strategy: object = "SPREAD"
    if node_id is not None:
        strategy = NodeAffinitySchedulingStrategy(node_id, soft=True)
    ray.remote(SessionHost).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=0,
        num_cpus=0.001,  # with 0, Ray does not honour the node
        max_concurrency=1_000,
        scheduling_strategy=strategy,
    ).remote(name, settings, build, room)
