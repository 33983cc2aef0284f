"""How many calls go on at once: a tool that hangs holds up its own callers, not everybody's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Busy(Exception):
    """No room in time, and nothing was begun."""


class _Gate:
    def __init__(self, width: int) -> None:
        self.free = asyncio.Semaphore(width)
        self.users = 0


class Gates:
    """At most `each` at once by key, and `total` in all. More than `waiting` that wait are turned away at once."""

    def __init__(self, each: int, total: int, waiting: int) -> None:
        self._each = each
        self._waiting = waiting
        self._present = 0
        self._total = total
        self._all = asyncio.Semaphore(total)
        self._gates: dict[Hashable, _Gate] = {}

    @asynccontextmanager
    async def entered(self, key: Hashable, wait_s: float) -> AsyncIterator[None]:
        """Raises Busy after `wait_s` seconds without room."""
        if self._present >= self._total + self._waiting:
            raise Busy
        self._present += 1
        gate = self._gates.setdefault(key, _Gate(self._each))
        gate.users += 1
        try:
            held: list[asyncio.Semaphore] = []
            try:
                try:
                    async with asyncio.timeout(wait_s):
                        # Its own first: those who wait for a slow tool must not hold what others could use.
                        for semaphore in (gate.free, self._all):
                            await semaphore.acquire()
                            held.append(semaphore)
                except TimeoutError:
                    raise Busy from None
                yield
            finally:
                for semaphore in held:
                    semaphore.release()
        finally:
            self._present -= 1
            gate.users -= 1
            if gate.users == 0:
                del self._gates[key]
