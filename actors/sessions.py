"""All live sessions of one host: finds or makes the actor, bounds the work, lets idle actors go."""

from __future__ import annotations

import asyncio
import itertools

from actors.actor import Runtime, SessionActor
from schemas.api import TurnRequest
from schemas.errors import HostOverloaded

_SWEEP_S = 1.0


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
        self.activations = 0
        self.passivations = 0

    @property
    def resident(self) -> int:
        return len(self._actors)

    async def take(self, turn: TurnRequest) -> bytes:
        """The reply's JSON once the turn is durable; see SessionActor.take for what it raises."""
        if self.active >= self._max_turns:
            raise HostOverloaded(f"{self.active} turns are in progress on this host", retry_after_s=1)
        key = (turn.tenant, turn.session)
        actor = self._actors.pop(key, None)
        if actor is None:
            actor = SessionActor(self._runtime, *key)
            self.activations += 1
        if len(self._actors) >= self._capacity:
            self._let_go(len(self._actors) + 1 - self._capacity)
        self._actors[key] = actor  # most recently used last
        self.active += 1
        try:
            reply = await actor.take(turn)
            self.turns += 1
        except BaseException:
            self.failed += 1
            raise
        finally:
            self.active -= 1
        if actor.wants_snapshot:
            self._snapshot(actor)
        return reply

    async def sweep_forever(self) -> None:
        """Passivate what has been idle too long."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._passivate(self._expired(self._runtime.clock() - self._idle_ms))

    def _expired(self, oldest_ms: int) -> list[tuple[str, str]]:
        """Idle actors whose state has not changed since then. The oldest come first: the first younger ends it."""
        by_age = itertools.takewhile(lambda item: _last_at(item[1]) <= oldest_ms, self._actors.items())
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


def _last_at(actor: SessionActor) -> int:
    """When the actor's state last changed, in milliseconds since 1970; 0 if it has none."""
    return actor.state.last_at_ms if actor.state is not None else 0
