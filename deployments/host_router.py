"""Brings every turn to a host that can run it, and repeats it elsewhere when that host fails.

Repeating is safe because the turn carries its idempotency key and the log is
the fence: whichever host appends first wins, the other one finds the reply.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from ray.util import list_named_actors

from actors.host import BuildRuntime, start_host
from actors.placement import DEDICATED, NAMESPACE, POOLED, dedicated_name, ranked
from deployments.host_link import HostGone, HostLink, Show
from schemas.api import TurnOutcome, TurnRequest, What
from schemas.errors import HostOverloaded, HostUnavailable
from schemas.ids import now_ms
from schemas.settings import Settings

DOWN_S = 1.0  # a host that failed is passed over for so long, if there is another one
_RETRY_S = 0.05
_BEAT_S = 0.1  # how late a deadline may be noticed
_BEATS_PER_REFRESH = 10
_MAX_WAITING = 8_000  # turns of one replica without outcome

_log = logging.getLogger("kefu.ingress")


class HostRouter:
    """One per ingress replica."""

    def __init__(self, settings: Settings, build: BuildRuntime, find: Callable[[str], Any] | None = None) -> None:
        self._settings = settings
        self._build = build
        self._find = find
        self._client_id = uuid.uuid4().hex
        self._links: dict[str, HostLink] = {}
        self.hosts: list[str] = []
        self._down: dict[str, float] = {}  # until when, monotonic
        self.waiting = 0

    async def turn(
        self, tenant: str, session: str, key: str, text: str, *, priority: str = "", show: Show | None = None
    ) -> TurnOutcome:
        """The turn's outcome. Raises HostOverloaded at once, HostUnavailable or DeadlineExceeded at the deadline.

        `show` takes a model's words as they come; they are not final.
        """
        if self.waiting >= _MAX_WAITING:
            raise HostOverloaded(f"{self.waiting} turns are waiting at this ingress", retry_after_s=1)
        deadline_ms = now_ms() + int(self._settings.turn_deadline_s * 1000)
        failed: set[str] = set()  # hosts that let this turn down
        self.waiting += 1
        try:
            while True:
                name = self._choose(tenant, session, failed)
                if name is not None:
                    try:
                        turn = TurnRequest(
                            0, tenant, session, key, text, deadline_ms, "turn", priority, show is not None
                        )
                        return await self._link(name).send(turn, show)
                    except HostGone:
                        failed.add(name)
                        await self._lost(name)
                await self._pause(deadline_ms)
        finally:
            self.waiting -= 1

    def tell(self, tenant: str, session: str, what: What, key: str = "", text: str = "") -> None:
        """Something for the session that has no outcome; lost if its host is not there.

        A busy ingress leaves it out, but for `leave`, which makes it less busy.
        """
        name = self._choose(tenant, session, set())
        if name is not None and (what == "leave" or self.waiting < _MAX_WAITING // 4):
            self._link(name).tell(TurnRequest(0, tenant, session, key, text, 0, what))

    async def _pause(self, deadline_ms: int) -> None:
        if now_ms() > deadline_ms:
            raise HostUnavailable("no session host is running; retry with the same key", retry_after_s=2)
        await asyncio.sleep(_RETRY_S)

    async def _lost(self, name: str) -> None:
        self._down[name] = time.monotonic() + DOWN_S
        if self._settings.placement == "dedicated":
            await asyncio.to_thread(start_host, name, self._settings, self._build, room=1)

    def _choose(self, tenant: str, session: str, failed: set[str]) -> str | None:
        """The session's first host that is not known to be down; those that failed this very turn come last."""
        if self._settings.placement == "dedicated":
            return dedicated_name(tenant, session)
        order = ranked(tenant, session, self.hosts)
        if not self._down and not failed:
            return order[0] if order else None
        now = time.monotonic()
        self._down = {name: until for name, until in self._down.items() if until > now}
        return min(order, key=lambda name: (name in failed, name in self._down), default=None)

    def _link(self, name: str) -> HostLink:
        link = self._links.get(name)
        if link is None:
            link = self._links[name] = HostLink(name, self._client_id, self._find)
        return link

    async def refresh(self) -> None:
        """Look up which hosts exist."""
        named = await asyncio.to_thread(list_named_actors, True)
        names = [actor["name"] for actor in named if actor["namespace"] == NAMESPACE]
        self.hosts = sorted(name for name in names if name.startswith(POOLED))
        alive = {*names}
        for name, link in list(self._links.items()):
            if name.startswith(DEDICATED) and name not in alive and not link.waiting:
                del self._links[name]

    async def refresh_forever(self) -> None:
        """Notice hosts that come and go, and turns that take too long."""
        for beat in itertools.count():
            if beat % _BEATS_PER_REFRESH == 0:
                try:
                    await self.refresh()
                except Exception:  # Ray's head may be away for a moment; deadlines must be kept all the same
                    _log.exception("cannot look up the session hosts; keeping those known")
            for link in self._links.values():
                link.expire(now_ms())
            await asyncio.sleep(_BEAT_S)
