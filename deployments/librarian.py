"""Changing and reading what tenants know, as a Serve deployment of one replica: for operators, not for the chat."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import msgspec
from ray.serve.handle import DeploymentHandle

from deployments import outcomes
from deployments.remote_encoder import cached_encoder
from deployments.timestamps import timestamp
from events.postgres_knowledge import PostgresKnowledge
from knowledge import crawling, showing
from knowledge.catalogue import Catalogue
from knowledge.crawling import Site
from knowledge.intake import Given, Intake, Report
from knowledge.library import Library
from schemas.ids import now_ms
from schemas.settings import Settings

_PATIENCE_S = 15.0  # an import waits so long for the embedder and the log, then it is refused and may be sent again

T = TypeVar("T")


class LibrarianDeployment:
    """Answers are MessagePack Outcomes. What is heavy runs beside the event loop, so reading stays quick meanwhile."""

    def __init__(self, settings: Settings, embedder: DeploymentHandle) -> None:
        self._embedder = embedder
        self._allowed = settings.crawl_allowed
        self._store = PostgresKnowledge(settings.database_url, readers=4)
        self._catalogue = Catalogue(self._store)
        self._library = Library(self._store, now_ms)
        self._bench = _Bench()
        self._intake = asyncio.get_event_loop().create_task(self._set_up(settings.database_url))

    async def _set_up(self, database_url: str) -> Intake:
        encoder = await cached_encoder(self._embedder, self._store, _PATIENCE_S)
        return Intake(PostgresKnowledge(database_url), encoder, now_ms)

    async def check_health(self) -> None:
        """Serve calls this before the replica counts as running."""
        await asyncio.shield(self._intake)

    # --- Changing --------------------------------------------------------------------------------------

    async def take(self, given: bytes, data: bytes) -> bytes:
        """Imports a file. `given`: a MessagePack Given. The body is a Report."""
        return await outcomes.outcome(self._take(msgspec.msgpack.decode(given, type=Given), data))

    async def _take(self, given: Given, data: bytes) -> Report:
        intake = await asyncio.shield(self._intake)
        return await self._bench.run(intake.take(given, data))

    async def crawl(self, site: bytes) -> AsyncIterator[bytes]:
        """Imports a web site, page by page. `site`: a MessagePack Site. Yields lines of JSON, the last a summary."""
        try:
            async for line in crawling.crawl(msgspec.msgpack.decode(site, type=Site), self._allowed, self._take):
                yield msgspec.json.encode(line) + b"\n"
        except Exception as error:
            yield outcomes.failed(error).body + b"\n"

    async def remove(self, tenant: str, document: str, by: str) -> bytes:
        return await outcomes.outcome(self._library.remove(tenant, document, by))

    async def roll_back(self, tenant: str, to_version: int, by: str) -> bytes:
        return await outcomes.outcome(self._library.roll_back(tenant, to_version, by))

    async def confirm(self, tenant: str, entry: str, question: str, by: str) -> bytes:
        return await outcomes.outcome(self._confirm(tenant, entry, question, by))

    async def _confirm(self, tenant: str, entry: str, question: str, by: str) -> object:
        intake = await asyncio.shield(self._intake)
        await intake.embed_question(question)
        return await self._library.confirm(tenant, entry, question, by)

    # --- Reading ---------------------------------------------------------------------------------------

    async def version(self, tenant: str, version: int | None, at_ms: int | None) -> bytes:
        return await outcomes.outcome(self._catalogue.version(tenant, version, at_ms))

    async def documents(self, tenant: str, version: int | None, at_ms: int | None, after: str, limit: int) -> bytes:
        async def listed() -> object:
            meant = await self._catalogue.version(tenant, version, at_ms)
            lines = await self._catalogue.documents(tenant, meant, after, limit)
            return {
                "version": meant,
                "documents": lines,
                "next_after": lines[-1].id if len(lines) == limit else None,
            }

        return await outcomes.outcome(listed())

    async def document(self, tenant: str, version: int | None, at_ms: int | None, id: str) -> bytes:
        async def found() -> object:
            return await self._catalogue.document(tenant, await self._catalogue.version(tenant, version, at_ms), id)

        return await outcomes.outcome(found())

    async def entry(self, tenant: str, id: str, revision: int | None) -> bytes:
        return await outcomes.outcome(self._catalogue.entry(tenant, id, revision))

    async def history(self, tenant: str, limit: int, before: int | None) -> bytes:
        async def listed() -> object:
            events = await self._catalogue.history(tenant, limit, before)
            return {
                "events": [showing.event(each, timestamp(each.recorded_at_ms)) for each in events],
                "next_before": events[-1].version if len(events) == limit else None,
            }

        return await outcomes.outcome(listed())

    async def export(self, tenant: str, version: int) -> AsyncIterator[bytes]:
        """Lines of JSON, one for each entry."""
        async for lines in self._catalogue.export(tenant, version):
            yield b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


class _Bench:
    """A thread with an event loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="intake", daemon=True).start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result; it is cancelled with its caller."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
