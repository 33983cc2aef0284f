"""From the bytes of a file to what a tenant knows: read, sifted, embedded, and only then written, in one step."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from events.knowledge_store import KnowledgeStore
from knowledge import evidence
from knowledge.embedder import Encoder
from knowledge.entries import Document
from knowledge.familiar import Familiar
from knowledge.importing.content import Skipped
from knowledge.importing.duplicates import Duplicate
from knowledge.importing.reading import read
from knowledge.importing.twins import without_twins
from knowledge.library import Library, Written
from knowledge.passages import passages

_TEXTS = 1024  # embedded at once: the vectors of a book need not fit into memory


class Given(Struct, frozen=True):
    """A file to import. `name`: its path or URL; `dry_run`: say what would be done, and do nothing."""

    tenant: str
    name: str
    collection: str = "default"
    tags: tuple[str, ...] = ()
    by: str = ""
    dry_run: bool = False


class Report(Struct, frozen=True):
    """What became of a file. `version`: the knowledge version in which it is done.

    `skipped`: parts left out; `notes`: parts that were used but deserve a look; `duplicates`: entries that nearly
    repeat others, or answer a question otherwise than these do.
    """

    version: int
    documents: tuple[Written, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[Skipped, ...]
    duplicates: tuple[Duplicate, ...]


class Intake:
    """Imports, one at a time for each tenant. An import that is cut off changes nothing; begun again it goes on,
    because what was embedded is kept."""

    def __init__(self, store: KnowledgeStore, encoder: Encoder, clock: Callable[[], int]) -> None:
        """`encoder` is called from threads, and must keep what it makes."""
        self._store = store
        self._encoder = encoder
        self._library = Library(store, clock)
        self._familiar: dict[str, Familiar] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, given: Given, data: bytes) -> Report:
        """Raises Unreadable, InvalidRequest if an entry's id is taken, StoreUnavailable; then nothing is changed."""
        reading = await asyncio.to_thread(read, given.name, data, collection=given.collection, tags=given.tags)
        async with self._turns[given.tenant]:
            known = await self._familiar_to(given.tenant).like(reading.documents)
            sifted = await asyncio.to_thread(without_twins, reading.documents, known)
            state = await self._store.state(given.tenant, await self._store.head(given.tenant))
            # A document of which nothing is left is written only to empty one that is known.
            documents = [each for each in sifted.documents if each.entries or each.id in state]
            change = await self._library.plan(given.tenant, documents)
            if not given.dry_run:
                outcomes = zip(documents, change.written, strict=True)
                await self._embed([each for each, written in outcomes if written.outcome != "unchanged"])
                change = await self._library.add(given.tenant, documents, given.by)
        return Report(change.version, change.written, (*reading.skipped, *sifted.skipped), reading.notes, sifted.alike)

    async def embed_question(self, question: str) -> None:
        """Ahead of its confirmation."""
        await asyncio.to_thread(self._encoder.encode, [question])

    def _familiar_to(self, tenant: str) -> Familiar:
        if tenant not in self._familiar:
            self._familiar[tenant] = Familiar(self._store, tenant)
        return self._familiar[tenant]

    async def _embed(self, documents: Sequence[Document]) -> None:
        """The vectors are there before the event is, so that whoever follows the log need not make them."""
        some: list[str] = []
        for text in _texts(documents):
            some.append(text)
            if len(some) == _TEXTS:
                await asyncio.to_thread(self._encoder.encode, some)
                some = []
        if some:
            await asyncio.to_thread(self._encoder.encode, some)


def _texts(documents: Sequence[Document]) -> Iterator[str]:
    """What knowledge/tables.py will ask the vectors of."""
    for document in documents:
        for entry in document.entries:
            for passage in passages(entry)[: evidence.MOST_PASSAGES]:
                yield passage.text
