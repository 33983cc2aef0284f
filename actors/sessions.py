"""All live sessions of one host: finds or makes the actor, bounds the work, lets idle actors go."""

from __future__ import annotations

import asyncio
import itertools

from actors.actor import SessionActor
from actors.running import Show
from actors.runtime import Runtime
from schemas.api import TurnRequest
from schemas.errors import HostOverloaded

_SWEEP_S = 1.0
_DRAFTS = 8  # looked up at once: what customers ask in earnest must not queue behind what others type


class Sessions:
    """Up to `capacity` resident actors; the least recently used leave first, and any after `idle_s` seconds.

    Nothing is lost when one leaves, because nothing lives only in memory.
    """

    def __init__(self, runtime: Runtime, *, capacity: int, max_turns: int, idle_s: float) -> None:
        """`max_turns`: turns in progress at once; one more is refused with HostOverloaded."""
        self._runtime = runtime
        self._capacity = capacity
        self._max_turns = max_turns
        self._idle_ms = int(idle_s * 1000)
        self._actors: dict[tuple[str, str], SessionActor] = {}  # least recently used first
        self._snapshots: set[asyncio.Task[None]] = set()
        self.turns = 0  # finished since the start
        self.failed = 0
        self.active = 0  # in progress now
        self.prepared = 0
        self._preparing = 0
        self.activations = 0
        self.passivations = 0

    @property
    def resident(self) -> int:
        return len(self._actors)

    async def take(self, turn: TurnRequest, show: Show | None = None) -> bytes:
        """The reply's JSON once the turn is durable; see SessionActor.take for `show` and for what it raises."""
        if self.active >= self._max_turns:
            raise HostOverloaded(f"{self.active} turns are in progress on this host", retry_after_s=1)
        actor = self._actor(turn)
        self.active += 1
        try:
            reply = await actor.take(turn, show)
            self.turns += 1
        except BaseException:
            self.failed += 1
            raise
        finally:
            self.active -= 1
        if actor.wants_snapshot:
            self._snapshot(actor)
        return reply

    async def prepare(self, turn: TurnRequest) -> None:
        """Have ready what the customer will need: the session (`open`), or the answer to a text being typed too.

        What the customer asks in earnest goes first: on a busy host nothing is prepared.
        """
        if self.active >= self._max_turns // 4 or (turn.what == "prepare" and self._preparing >= _DRAFTS):
            return
        actor = self._actor(turn)
        self.prepared += 1
        if turn.what != "prepare":
            await actor.open()
            return
        self._preparing += 1
        try:
            await actor.prepare(turn.text)
        finally:
            self._preparing -= 1

    def leave(self, turn: TurnRequest) -> None:
        """Nobody waits for this turn any more."""
        actor = self._actors.get((turn.tenant, turn.session))
        if actor is not None:
            actor.leave(turn.key)

    def _actor(self, turn: TurnRequest) -> SessionActor:
        """The session's actor, now the most recently used."""
        key = (turn.tenant, turn.session)
        actor = self._actors.pop(key, None)
        if actor is None:
            actor = SessionActor(self._runtime, *key)
            self.activations += 1
        if len(self._actors) >= self._capacity:
            self._let_go(len(self._actors) + 1 - self._capacity)
        self._actors[key] = actor
        actor.used_at_ms = self._runtime.clock()
        return actor

    async def sweep_forever(self) -> None:
        """Passivate what has been idle too long."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._passivate(self._expired(self._runtime.clock() - self._idle_ms))

    def _expired(self, oldest_ms: int) -> list[tuple[str, str]]:
        """Idle actors that nobody has wanted since then. The oldest come first: the first younger ends it."""
        by_age = itertools.takewhile(lambda item: item[1].used_at_ms <= oldest_ms, self._actors.items())
        return [key for key, actor in by_age if actor.idle]

    def _let_go(self, count: int) -> None:
        """Passivate up to `count` actors, the least recently used first, passing over those at work."""
        idle = (key for key, actor in self._actors.items() if actor.idle)
        self._passivate(list(itertools.islice(idle, count)))

    def _passivate(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            actor = self._actors.pop(key)
            self.passivations += 1
            if actor.wants_snapshot:
                self._snapshot(actor)

    def _snapshot(self, actor: SessionActor) -> None:
        task = asyncio.get_running_loop().create_task(actor.save_snapshot())
        self._snapshots.add(task)
        task.add_done_callback(self._snapshots.discard)
