"""Changing what a tenant knows: import, removal, confirmation, roll-back. Each is an event, or many in one append."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from msgspec import Struct

from events.knowledge_codec import Event, confirmation, entry_digest
from events.knowledge_store import KnowledgeStore
from knowledge.entries import Document
from knowledge.stored import to_stored
from schemas.errors import InvalidRequest, NotFound, WrongExpectedVersion
from schemas.knowledge_pb2 import (
    AnswerConfirmed,
    DocumentAdded,
    DocumentRemoved,
    DocumentRevised,
    KnowledgeDocument,
    KnowledgeRolledBack,
)

_ATTEMPTS = 5  # somebody else may write at the same time

Outcome = Literal["added", "revised", "unchanged"]


class Written(Struct, frozen=True):
    """What became of one document: entries that are new, have new content, are gone, and all it has."""

    document: str
    title: str
    outcome: Outcome
    entries: int
    new: int = 0
    revised: int = 0
    removed: int = 0


class Change(Struct, frozen=True):
    """`version`: the knowledge version in which it is done; unchanged if nothing had to be."""

    version: int
    written: tuple[Written, ...] = ()


class Library:
    """Writes to the knowledge log. Calls raise StoreUnavailable when it cannot be reached."""

    def __init__(self, store: KnowledgeStore, clock: Callable[[], int]) -> None:
        """`clock`: milliseconds since 1970."""
        self._store = store
        self._clock = clock

    async def add(self, tenant: str, documents: Sequence[Document], by: str) -> Change:
        """Adds or revises documents, all in one step. What has not changed is not written.

        Raises InvalidRequest if an entry's id belongs to another document.
        """
        stored = _stored(documents)

        async def decide(head: int) -> tuple[list[Event], tuple[Written, ...]]:
            known, written = await self._compare(tenant, head, stored)
            events: list[Event] = []
            for document, outcome in zip(stored, written, strict=True):
                if outcome.outcome == "unchanged":
                    continue
                cls = DocumentRevised if document.id in known else DocumentAdded
                numbered = await self._numbered(tenant, document)
                events.append(cls(document=numbered, by=by, at_ms=self._clock()))
            return events, written

        return await self._write(tenant, decide)

    async def plan(self, tenant: str, documents: Sequence[Document]) -> Change:
        """What `add` would do now; nothing is written. Raises as `add` does."""
        stored, head = _stored(documents), await self._store.head(tenant)
        return Change(head, (await self._compare(tenant, head, stored))[1])

    async def _compare(
        self, tenant: str, head: int, stored: Sequence[KnowledgeDocument]
    ) -> tuple[dict[str, KnowledgeDocument], tuple[Written, ...]]:
        """What the documents are now, those that there are, and what would become of each."""
        known = await self._known(tenant, head, [document.id for document in stored])
        await self._check_owners(tenant, stored)
        return known, tuple(_compared(document, known.get(document.id)) for document in stored)

    async def _numbered(self, tenant: str, document: KnowledgeDocument) -> KnowledgeDocument:
        """The document with its entries' revisions."""
        revisions = await self._store.revisions(tenant, {entry.id: entry_digest(entry) for entry in document.entries})
        numbered = KnowledgeDocument()
        numbered.CopyFrom(document)
        for entry in numbered.entries:
            entry.revision = revisions[entry.id]
        return numbered

    async def remove(self, tenant: str, document: str, by: str) -> Change:
        """Raises NotFound if the tenant has no such document."""

        async def decide(head: int) -> tuple[list[Event], tuple[Written, ...]]:
            if document not in await self._store.state(tenant, head):
                raise NotFound(f"there is no document {document!r}; list them to see their ids")
            return [DocumentRemoved(document_id=document, by=by, at_ms=self._clock())], ()

        return await self._write(tenant, decide)

    async def confirm(self, tenant: str, entry: str, question: str, by: str) -> Change:
        """The entry answers the question: it counts as one more paraphrase. Raises NotFound for an unknown entry."""
        item = confirmation(entry, question)

        async def decide(head: int) -> tuple[list[Event], tuple[Written, ...]]:
            if item in await self._store.state(tenant, head):
                return [], ()
            held = await self._store.entry(tenant, entry)
            if held is None or held.visible_until is not None:
                raise NotFound(f"there is no entry {entry!r} now; search for the one that answers the question")
            return [AnswerConfirmed(entry_id=entry, question=question, by=by, at_ms=self._clock())], ()

        return await self._write(tenant, decide)

    async def roll_back(self, tenant: str, to_version: int, by: str) -> Change:
        """What is known becomes what was known at `to_version`. Raises InvalidRequest for a version there is not."""

        async def decide(head: int) -> tuple[list[Event], tuple[Written, ...]]:
            if not 0 <= to_version < head:
                raise InvalidRequest(
                    f"cannot go back to version {to_version} from version {head}; choose an earlier one"
                )
            return [KnowledgeRolledBack(to_version=to_version, by=by, at_ms=self._clock())], ()

        return await self._write(tenant, decide)

    async def _write(
        self, tenant: str, decide: Callable[[int], Awaitable[tuple[list[Event], tuple[Written, ...]]]]
    ) -> Change:
        """Decides on the newest state, and again if another writer was faster."""
        for attempt in range(_ATTEMPTS):
            head = await self._store.head(tenant)
            events, written = await decide(head)
            if not events:
                return Change(head, written)
            try:
                return Change(await self._store.append(tenant, head, events), written)
            except WrongExpectedVersion:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    async def _known(self, tenant: str, head: int, ids: Sequence[str]) -> dict[str, KnowledgeDocument]:
        """What the documents are now, those that there are."""
        state = await self._store.state(tenant, head)
        versions = {state[item]: item for item in ids if item in state}
        events = await self._store.read(tenant, sorted(versions))
        found: dict[str, KnowledgeDocument] = {}
        for version, event in events.items():
            if isinstance(event, DocumentAdded | DocumentRevised):
                found[versions[version]] = event.document
        return found

    async def _check_owners(self, tenant: str, documents: Sequence[KnowledgeDocument]) -> None:
        own = {document.id for document in documents}
        # An id that is made from the document's own id is nobody else's, but in a file that was exported.
        entries = {
            entry.id: document.source
            for document in documents
            for entry in document.entries
            if not entry.id.startswith(f"{document.id}#")
        }
        for entry, holder in (await self._store.holders(tenant, entries)).items():
            if holder not in own:
                raise InvalidRequest(
                    f"{entries[entry]}: entry id {entry!r} is taken by document {holder!r}; "
                    "remove that one first, or choose another id"
                )


def _stored(documents: Sequence[Document]) -> list[KnowledgeDocument]:
    stored = [to_stored(document) for document in documents]
    _unique([document.id for document in stored], "document")
    _unique([entry.id for document in stored for entry in document.entries], "entry")
    return stored


def _compared(document: KnowledgeDocument, before: KnowledgeDocument | None) -> Written:
    if before is None:
        return Written(document.id, document.title, "added", len(document.entries), new=len(document.entries))
    was = {entry.id: entry_digest(entry) for entry in before.entries}
    now = {entry.id: entry_digest(entry) for entry in document.entries}
    return Written(
        document.id,
        document.title,
        "unchanged" if before.digest == document.digest else "revised",
        len(now),
        new=len(now.keys() - was.keys()),
        revised=sum(was[entry] != digest for entry, digest in now.items() if entry in was),
        removed=len(was.keys() - now.keys()),
    )


def _unique(ids: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise InvalidRequest(f"two {what}s of this import are called {each!r}; rename one")
        seen.add(each)
