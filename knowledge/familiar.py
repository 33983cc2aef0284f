"""Finds the known entries that new ones may nearly repeat, without comparing with all.

Two sets of which nine tenths are common share one of the first tenth of their members, in any order
that is the same for both: so only these are looked up. What near_duplicates would report among all
entries is found this way too, unless dozens of others share that piece.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence

from events.knowledge_store import KnowledgeStore
from knowledge.contents import read_contents, read_in_batches
from knowledge.entries import Content, Document, Entry
from knowledge.importing.duplicates import NEAR
from knowledge.importing.shingles import shingles

_NEIGHBOURS = 64  # entries taken of one look-up: headings of templates are shared by thousands


class Familiar:
    """What one tenant knows, by a few pieces of each text. Follows the log when it is asked; one at a time."""

    def __init__(self, store: KnowledgeStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant
        self._version = 0
        self._by_piece: dict[int, dict[tuple[str, str], None]] = {}
        self._pieces: dict[str, list[tuple[int, str]]] = {}  # of each item: pieces and entry ids

    async def like(self, documents: Sequence[Document]) -> list[Entry]:
        """Entries of other documents that may be near duplicates of entries of these."""
        await self._follow()
        own = {document.id for document in documents}
        places = await asyncio.to_thread(self._places, documents)
        wanted: dict[str, set[str]] = {}
        for item, entry in places:
            if item not in own:
                wanted.setdefault(item, set()).add(entry)
        state = await self._store.state(self._tenant, self._version)
        contents = await read_contents(
            self._store, self._tenant, {item: state[item] for item in wanted if item in state}
        )
        return [
            entry
            for item, document in contents.items()
            if isinstance(document, Document)
            for entry in document.entries
            if entry.id in wanted[item]
        ]

    def _places(self, documents: Sequence[Document]) -> set[tuple[str, str]]:
        return {
            place
            for document in documents
            for entry in document.entries
            for piece in _pieces(entry)
            for place in list(self._by_piece.get(piece, ()))[:_NEIGHBOURS]
        }

    async def _follow(self) -> None:
        changes = await self._store.changes(self._tenant, self._version)
        if changes.head < self._version:  # the log was restored from a backup
            self._version, self._by_piece, self._pieces = 0, {}, {}
            changes = await self._store.changes(self._tenant, 0)
        for item in (*changes.removed, *changes.changed):
            self._forget(item)
        async for contents in read_in_batches(self._store, self._tenant, changes.changed):
            await asyncio.to_thread(self._learn, contents)
        self._version = changes.head

    def _learn(self, contents: dict[str, Content]) -> None:
        for item, document in contents.items():
            if isinstance(document, Document):
                self._pieces[item] = [(piece, entry.id) for entry in document.entries for piece in _pieces(entry)]
                for piece, entry_id in self._pieces[item]:
                    self._by_piece.setdefault(piece, {})[item, entry_id] = None

    def _forget(self, item: str) -> None:
        for piece, entry_id in self._pieces.pop(item, ()):
            places = self._by_piece[piece]
            places.pop((item, entry_id), None)
            if not places:
                del self._by_piece[piece]


def _pieces(entry: Entry) -> Iterator[int]:
    """The first tenth of each side's shingles; what is compared is chosen as near_duplicates does."""
    for _, side in entry.sides():
        found = shingles(side.question if entry.kind == "faq" else side.answer)
        yield from found[: len(found) - math.ceil(NEAR * len(found)) + 1].tolist()
