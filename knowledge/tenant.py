"""One tenant's knowledge, brought up to the log whenever it is told that the log has moved."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple, TypeVar

from events.knowledge_store import KnowledgeStore
from knowledge.contents import read_contents, read_in_batches
from knowledge.embedder import Encoder
from knowledge.live import LiveKnowledge
from schemas.errors import StoreUnavailable

_RETRY_S = 0.5
_RETRY_MOST_S = 10.0

_log = logging.getLogger("kefu.knowledge")

T = TypeVar("T")


class Workshop(NamedTuple):
    """What following takes. Searches have threads of their own, and wait for neither of these."""

    store: KnowledgeStore
    encoder: Encoder
    writers: Executor
    trainers: Executor


class Tenant:
    """Follows one tenant. Errors are logged and tried again; what was known stays searchable meanwhile."""

    def __init__(self, name: str, workshop: Workshop) -> None:
        self._name = name
        self._store, self._encoder, self._writers, self._trainers = workshop
        self._catching_up: asyncio.Task[None] | None = None
        self._training: asyncio.Task[None] | None = None
        self._applying = self._untrained = self._closed = False
        self._head = 0
        self.live: LiveKnowledge | None = None
        self.loaded = asyncio.Event()
        self.trained = asyncio.Event()

    @property
    def learning(self) -> bool:
        """Answers may get better soon without a new version."""
        return self._applying or self._untrained or self._training is not None

    def follow(self, head: int) -> None:
        """The log is at version `head`. Returns at once."""
        self._head = head
        if self._catching_up is None and (self.live is None or self.live.version != head):
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    async def _catch_up(self) -> None:
        pause_s = _RETRY_S
        try:
            while not self._closed and (self.live is None or self.live.version != self._head):
                try:
                    await self._step(self.live)
                    pause_s = _RETRY_S
                except StoreUnavailable as error:
                    _log.warning("knowledge of %r waits for the log: %s", self._name, error)
                    await asyncio.sleep(_RETRY_S)
                except Exception:
                    _log.exception("knowledge of %r cannot follow the log; trying again", self._name)
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, _RETRY_MOST_S)
        finally:
            self._catching_up = None

    async def _step(self, live: LiveKnowledge | None) -> None:
        # An apply that broke off may have done half of its work: what it worked on is not trusted again.
        if live is None or self._applying:
            await self._load()
            return
        changes = await self._store.changes(self._name, live.version)
        if changes.head < live.version:  # the log was restored from a backup
            await self._load()
            return
        self._head = max(self._head, changes.head)
        if changes.head == live.version:
            return
        changed = await read_contents(self._store, self._name, changes.changed)
        self._applying = True
        await self._write(lambda: live.apply(changes.head, changes.removed, changed))
        self._applying = False
        self._learn()

    async def _load(self) -> None:
        """Builds it aside: until it is whole, what was known before is searched."""
        fresh = await self._write(lambda: LiveKnowledge(self._encoder))
        try:
            changes = await self._store.changes(self._name, 0)
            await self._write(lambda: fresh.apply(changes.head, (), {}))
            async for contents in read_in_batches(self._store, self._name, changes.changed):
                await self._write(functools.partial(fresh.apply, changes.head, (), contents))
        except BaseException:
            fresh.close()
            raise
        before, self.live = self.live, fresh
        self._head = changes.head
        self._applying = False
        self._learn()
        self.loaded.set()
        if before is not None:
            await self._write(before.close)

    def _learn(self) -> None:
        self._untrained = True
        if self._training is None:
            self._training = asyncio.get_running_loop().create_task(self._train())

    async def _train(self) -> None:
        """One training at a time: what changes meanwhile is learnt in the next."""
        try:
            while self._untrained and self.live is not None:
                self._untrained = False
                await asyncio.get_running_loop().run_in_executor(self._trainers, self.live.train)
                self.trained.set()
        except Exception:
            _log.exception("the questions of %r cannot be learnt; answers go by the other evidence", self._name)
            self.trained.set()
        finally:
            self._training = None

    async def _write(self, step: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writers, step)

    def close(self) -> None:
        """Nothing is followed any more; searches under way end well."""
        self._closed = True
        for task in (self._catching_up, self._training):
            if task is not None:
                task.cancel()
        if self.live is not None:
            self.live.close()
