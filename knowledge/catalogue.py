"""Reading what a tenant knows, or knew in any version: lists, documents, cited entries, history, export."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from events.knowledge_codec import CONFIRMED
from events.knowledge_store import HistoryLine, KnowledgeStore
from knowledge import showing
from knowledge.contents import read_contents, read_in_batches
from knowledge.entries import Confirmed, Document
from schemas.errors import NotFound


class Catalogue:
    """Calls raise StoreUnavailable when the log cannot be reached."""

    def __init__(self, store: KnowledgeStore) -> None:
        self._store = store

    async def version(self, tenant: str, version: int | None = None, at_ms: int | None = None) -> int:
        """The version that is meant: this one, the one at that time, or the newest. Raises NotFound for none yet."""
        if at_ms is not None:
            return await self._store.version_at(tenant, at_ms)
        head = await self._store.head(tenant)
        if version is not None and version > head:
            raise NotFound(f"there is no version {version}; the newest is {head}")
        return head if version is None else version

    async def documents(self, tenant: str, version: int, after: str, limit: int) -> list[showing.DocumentLine]:
        """By id, at most `limit` of those after the id `after`."""
        state = await self._store.state(tenant, version)
        ids = sorted(item for item in state if not item.startswith(CONFIRMED) and item > after)[:limit]
        lines: dict[str, showing.DocumentLine] = {}
        async for contents in read_in_batches(self._store, tenant, {item: state[item] for item in ids}):
            for item, document in contents.items():
                if isinstance(document, Document):
                    lines[item] = showing.line(document, state[item])
        return [lines[item] for item in ids]

    async def document(self, tenant: str, version: int, id: str) -> dict[str, Any]:
        """All of it. Raises NotFound."""
        state = await self._store.state(tenant, version)
        if id in state and not id.startswith(CONFIRMED):
            found = (await read_contents(self._store, tenant, {id: state[id]}))[id]
            if isinstance(found, Document):
                return showing.whole(found, state[id])
        raise NotFound(f"there is no document {id!r} in version {version}; list them with GET /v1/knowledge/documents")

    async def entry(self, tenant: str, id: str, revision: int | None) -> dict[str, Any]:
        """The cited revision, visible now or not; without a number, the one that is or was last. Raises NotFound."""
        found = await self._store.entry(tenant, id, revision)
        if found is None:
            which = "" if revision is None else f" with revision {revision}"
            raise NotFound(f"there has never been an entry {id!r}{which}; take both from a citation")
        return showing.cited(found)

    async def history(self, tenant: str, limit: int, before: int | None) -> list[HistoryLine]:
        """Events, the newest first."""
        return await self._store.history(tenant, limit, before)

    async def export(self, tenant: str, version: int) -> AsyncIterator[list[dict[str, Any]]]:
        """Every entry, a batch of documents at a time."""
        state = await self._store.state(tenant, version)
        confirmed: dict[str, list[str]] = {}
        async for contents in read_in_batches(self._store, tenant, state):
            for content in contents.values():
                if isinstance(content, Confirmed):  # these come first
                    confirmed.setdefault(content.entry, []).append(content.question)
            yield [
                showing.exported(document, entry, tuple(confirmed.get(entry.id, ())))
                for document in contents.values()
                if isinstance(document, Document)
                for entry in document.entries
            ]
