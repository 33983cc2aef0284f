"""A provider's places: so many calls at once, a bounded queue for more, and no tenant that takes them all."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque


class Full(Exception):
    """No place, and none came free in time, or too many wait already."""


class Places:
    """`count` calls at a time. A tenant may hold fewer places the fewer are free: with `share` 0.75 it may have three
    quarters while it is alone, and each newcomer still finds some (the dynamic thresholds of switch buffers, Choudhury
    and Hahne 1998). Those who wait are served tenant by tenant in turn, each tenant's own in their order.

    With `share` 1 everybody may take everything, and order is all there is.
    """

    def __init__(self, count: int, waiting: int, share: float) -> None:
        self.count = count
        self.taken = 0
        self.waiting = 0
        self._queue_size = waiting
        self._weight = share / (1.0 - share) if share < 1.0 else float("inf")
        self._held: dict[str, int] = {}
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def try_take(self, tenant: str) -> bool:
        """A place at once, if nobody of the same tenant waits."""
        if tenant in self._queues or not self._may(tenant):
            return False
        self._hold(tenant)
        return True

    async def take(self, tenant: str, wait_s: float) -> None:
        """Raises Full. Whoever has taken a place must give it back."""
        if self.try_take(tenant):
            return
        queue = self._queues.get(tenant)
        # The same rule for places in the queue: who has many waiting must leave some to others.
        mine, free = len(queue) if queue else 0, self._queue_size - self.waiting
        if wait_s <= 0 or free <= 0 or (mine and mine >= self._weight * free):
            raise Full
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if queue is None:
            queue = self._queues[tenant] = deque()
        queue.append(place)
        self.waiting += 1
        timer = asyncio.get_running_loop().call_later(wait_s, _give_up, place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.give_back(tenant)  # it came in the same moment
            else:
                self._leave(tenant, place)
            raise
        except Full:
            self._leave(tenant, place)
            raise
        finally:
            timer.cancel()

    def give_back(self, tenant: str) -> None:
        self.taken -= 1
        left = self._held[tenant] - 1
        if left:
            self._held[tenant] = left
        else:
            del self._held[tenant]
        self._serve()

    def _may(self, tenant: str) -> bool:
        free = self.count - self.taken
        held = self._held.get(tenant, 0)
        return free > 0 and (
            held == 0 or (held < self._weight * free and (held < self.count - 1 or self._weight > 1e9))
        )

    def _hold(self, tenant: str) -> None:
        self.taken += 1
        self._held[tenant] = self._held.get(tenant, 0) + 1

    def _serve(self) -> None:
        """Goes once round the tenants that wait, for as long as somebody may be served."""
        turns = len(self._queues)
        while turns > 0 and self._queues and self.taken < self.count:
            tenant, queue = next(iter(self._queues.items()))
            self._queues.move_to_end(tenant)
            turns -= 1
            while queue and queue[0].done():
                queue.popleft()
                self.waiting -= 1
            if queue and self._may(tenant):
                queue.popleft().set_result(None)
                self.waiting -= 1
                self._hold(tenant)
                turns = len(self._queues)
            if not queue:
                del self._queues[tenant]

    def _leave(self, tenant: str, place: asyncio.Future[None]) -> None:
        queue = self._queues.get(tenant)
        if queue is not None and place in queue:
            queue.remove(place)
            self.waiting -= 1
            if not queue:
                del self._queues[tenant]


def _give_up(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(Full())
