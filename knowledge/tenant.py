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
from knowledge.shelf import Shelf
from schemas.errors import StoreUnavailable

_RETRY_S = 0.5
_SAVE_S = 30.0  # between snapshots: what came since the last is read from the log at the next start
_RETRY_MOST_S = 10.0

_log = logging.getLogger("kefu.knowledge")

T = TypeVar("T")


class Workshop(NamedTuple):
    """What following takes. Searches have threads of their own, and wait for neither of these."""

    store: KnowledgeStore
    encoder: Encoder
    writers: Executor
    trainers: Executor
    shelf: Shelf | None = None


class Tenant:
    """Follows one tenant. Errors are logged and tried again; what was known stays searchable meanwhile."""

    def __init__(self, name: str, workshop: Workshop) -> None:
        self._name = name
        self._store, self._encoder, self._writers, self._trainers, self._shelf = workshop
        self._saved_at = -_SAVE_S
        self._saved_version = 0
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
        """Builds it aside, from the last snapshot if there is one: until it is whole, what was known is searched."""
        saved = await self._from_snapshot()
        fresh = saved if saved is not None else await self._write(lambda: LiveKnowledge(self._encoder))
        try:
            changes = await self._store.changes(self._name, fresh.version)
            await self._write(lambda: fresh.apply(changes.head, changes.removed, {}))
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

    async def _from_snapshot(self) -> LiveKnowledge | None:
        if self._shelf is None or self.live is not None:  # this process has had it, and something was wrong
            return None
        shelf = self._shelf
        saved = await self._write(lambda: shelf.open(self._name, self._encoder))
        if saved is None:
            return None
        head = await self._store.head(self._name)
        events = await self._store.read(self._name, [saved.version]) if 0 < saved.version <= head else {}
        if shelf.is_of(self._name, events.get(saved.version)):
            self._saved_version = saved.version
            return saved
        await self._write(saved.close)
        return None

    async def _save(self) -> None:
        """A snapshot now and then; missing one costs only time at the next start."""
        live, shelf = self.live, self._shelf
        loop = asyncio.get_running_loop()
        if shelf is None or live is None or self._applying or live.version in (0, self._saved_version):
            return
        if loop.time() - self._saved_at < _SAVE_S:
            return
        self._saved_at, version = loop.time(), live.version
        event = (await self._store.read(self._name, [version]))[version]
        if live.version == version and await loop.run_in_executor(self._trainers, shelf.save, self._name, live, event):
            self._saved_version = version

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
            await self._save()
        except Exception:
            _log.exception(
                "the questions of %r cannot be learnt, or kept; answers go by the other evidence", self._name
            )
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
