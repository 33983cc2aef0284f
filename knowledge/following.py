"""Keeps what every tenant knows as new as the log: changes are seen here a moment after they were appended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from events.knowledge_store import KnowledgeStore
from knowledge.embedder import Encoder
from knowledge.live import LiveKnowledge
from knowledge.shelf import Shelf
from knowledge.tenant import Tenant, Workshop
from schemas.errors import StoreUnavailable

POLL_S = 0.1
_WRITERS = 2
_NICENESS = 10  # of learning: behind searches
_TURN_S = 0.02

_log = logging.getLogger("kefu.knowledge")


class Follower:
    """All tenants of the log. Needs `follow_forever` to run."""

    def __init__(self, store: KnowledgeStore, encoder: Encoder, shelf: Shelf | None = None) -> None:
        """`encoder` is called from threads; `shelf`: where snapshots are kept between starts."""
        self._store = store
        self._workshop = Workshop(
            store,
            encoder,
            ThreadPoolExecutor(_WRITERS, "knowledge-apply"),
            ThreadPoolExecutor(1, "knowledge-train", initializer=_step_back),
            shelf,
        )
        self._tenants: dict[str, Tenant] = {}
        self._polled = False

    async def follow_forever(self) -> None:
        """Outages of the log are waited out."""
        away = False
        while True:
            try:
                await self.poll()
                away = False
            except StoreUnavailable as error:
                if not away:
                    _log.warning("knowledge cannot be followed, what is known stays: %s", error)
                away = True
            await asyncio.sleep(POLL_S)

    async def poll(self) -> None:
        """Looks at the heads once. Catching up goes on by itself, for each tenant apart."""
        heads = await self._store.heads()
        for name, head in heads.items():
            if name not in self._tenants:
                self._tenants[name] = Tenant(name, self._workshop)
            self._tenants[name].follow(head)
        for name in self._tenants.keys() - heads.keys():  # the log was restored from a backup
            self._tenants.pop(name).close()
        self._polled = True

    async def ready(self, tenant: str) -> None:
        """Returns when that tenant's knowledge can be searched as well as it ever will; at once if it has none."""
        while not self._polled:
            await asyncio.sleep(_TURN_S)
        if tenant in self._tenants:
            await self._tenants[tenant].trained.wait()

    async def live(self, tenant: str) -> LiveKnowledge | None:
        """What the tenant knows; None if nothing. Waits for a tenant that is being loaded."""
        known = self._tenants.get(tenant)
        if known is None:
            return None
        await known.loaded.wait()
        return known.live

    def learning(self, tenant: str) -> bool:
        """Whether answers may get better soon without a new version."""
        known = self._tenants.get(tenant)
        return known is not None and known.learning

    def close(self) -> None:
        for tenant in self._tenants.values():
            tenant.close()
        self._workshop.writers.shutdown(wait=False, cancel_futures=True)
        self._workshop.trainers.shutdown(wait=False, cancel_futures=True)


def _step_back() -> None:
    with contextlib.suppress(OSError, AttributeError):  # niceness of one thread is Linux's own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
