"""What was known in earlier versions, searchable while somebody is looking: rebuilt from the log, soon forgotten."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from events.knowledge_store import KnowledgeStore
from knowledge.contents import read_in_batches
from knowledge.embedder import Encoder
from knowledge.live import LiveKnowledge

_KEPT = 2


class Past:
    """Builds each version once, however many ask for it, and keeps the last two that were asked for."""

    def __init__(self, store: KnowledgeStore, encoder: Encoder) -> None:
        """`encoder` is called from threads."""
        self._store = store
        self._encoder = encoder
        self._built: OrderedDict[tuple[str, int], asyncio.Task[LiveKnowledge]] = OrderedDict()

    async def at(self, tenant: str, version: int) -> LiveKnowledge:
        """What the tenant knew in that version, its questions learnt. Raises StoreUnavailable, CorruptEvent."""
        wanted = tenant, version
        task = self._built.get(wanted)
        if task is None or (task.done() and task.exception() is not None):
            task = self._built[wanted] = asyncio.get_running_loop().create_task(self._build(tenant, version))
        self._built.move_to_end(wanted)
        while len(self._built) > _KEPT:
            _, oldest = self._built.popitem(last=False)
            oldest.add_done_callback(_close)
        return await asyncio.shield(task)

    async def _build(self, tenant: str, version: int) -> LiveKnowledge:
        live = await asyncio.to_thread(LiveKnowledge, self._encoder)
        try:
            state = await self._store.state(tenant, version)
            await asyncio.to_thread(live.apply, version, (), {})
            async for contents in read_in_batches(self._store, tenant, state):
                await asyncio.to_thread(live.apply, version, (), contents)
            await asyncio.to_thread(live.train)
        except BaseException:
            live.close()
            raise
        return live


def _close(built: asyncio.Task[LiveKnowledge]) -> None:
    """Searches that still hold it end well."""
    if not built.cancelled() and built.exception() is None:
        asyncio.get_running_loop().run_in_executor(None, built.result().close)
