"""What tenants used of models today, as a process knows it: its own at once, that of the others a second later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import date

from events.usage import UsageRow, UsageStore, day_of, merged
from schemas.errors import StoreUnavailable
from schemas.models import Spent, Usage

FLUSH_S = 1.0

_log = logging.getLogger("kefu.usage")


class UsageLedger:
    """Collects what this process used, adds it to the store once a second, and reads what all have used together.

    `clock`: milliseconds since 1970. Begins when it is first told or asked something. What could not be added is
    kept and added later. Counting is best effort where the outcome is unknown: if the connection breaks around the
    commit, a second's worth may be counted twice (so a budget ends early rather than late); a process that is killed
    takes its last second with it.
    """

    def __init__(self, store: UsageStore, clock: Callable[[], int], *, flush_s: float = FLUSH_S) -> None:
        self._store = store
        self._clock = clock
        self._flush_s = flush_s
        self._own: list[UsageRow] = []  # not yet in the store; one a tenant, day, provider and model
        self._added: list[UsageRow] = []  # in the store, or on the way there, and not yet in the totals
        self._day: date | None = None
        self._totals: dict[str, Spent] = {}  # of `_day`
        self._busy = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    def __call__(self, tenant: str, provider: str, model: str, usage: Usage, *, failed: bool = False) -> None:
        """A model was called. Does no I/O."""
        self._start()
        counts = 1, int(failed), usage.input_tokens, usage.output_tokens, usage.cost
        self._own = merged([*self._own, UsageRow(tenant, day_of(self._clock()), provider, model, *counts)])

    def spent(self, tenant: str) -> Spent:
        """What the tenant has used today, in UTC. Does no I/O."""
        self._start()
        today = day_of(self._clock())
        known = self._totals.get(tenant, Spent()) if self._day == today else Spent()
        own = [row for row in (*self._own, *self._added) if row.tenant == tenant and row.day == today]
        return Spent(
            known.tokens + sum(row.input_tokens + row.output_tokens for row in own),
            known.cost + sum(row.cost for row in own),
        )

    async def flush(self) -> None:
        """Add what is collected, and read the totals. Raises StoreUnavailable; what was collected is then kept."""
        async with self._busy:
            adding, added, self._own = self._own, self._added, []
            self._added = merged([*added, *adding])
            try:
                await self._store.add(adding)
            except BaseException:
                self._added, self._own = added, merged([*adding, *self._own])
                raise
            today = day_of(self._clock())
            self._totals = await self._store.spent(today)
            self._day = today
            self._added = []

    async def close(self) -> None:
        """Add what is left, if the store can be reached, and stop."""
        if self._running is not None:
            async with self._busy:  # not in the middle of adding, which would leave its outcome unknown
                self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._flush_quietly()

    def _start(self) -> None:
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._flush_forever())

    async def _flush_forever(self) -> None:
        while True:
            await self._flush_quietly()
            await asyncio.sleep(self._flush_s)

    async def _flush_quietly(self) -> None:
        try:
            await self.flush()
        except StoreUnavailable as error:
            _log.debug("usage is kept until the log is back: %s", error)
