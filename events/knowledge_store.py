"""The knowledge port: what each tenant knows, and knew at any version, as one stream of events per tenant.

Version n is what is known after the tenant's n-th event; version 0 is nothing. An
*item* is a document, by its id, or a confirmed answer, by `knowledge_codec.confirmation`;
its *content version* is the version of the event that holds its content. What the
events mean, whatever their order:

- DocumentAdded, DocumentRevised, AnswerConfirmed: the item has the content of this event;
- DocumentRemoved: the document is not known (no change if it was not);
- KnowledgeRolledBack: everything is as it was in `to_version`, confirmations included.

Whether an event is worth appending (an unchanged document, an answer confirmed
before) is the caller's to decide. Every implementation passes
`tests/contract/knowledge_contract.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from events.knowledge_codec import Event
from events.knowledge_spans import Found, Span
from schemas.errors import CorruptEvent
from schemas.knowledge_pb2 import DocumentAdded, DocumentRevised, KnowledgeDocument, KnowledgeEntry


class Changes(NamedTuple):
    """The way from one state to the one as of `head`. An item whose content was replaced is in `changed` only."""

    head: int
    removed: list[str]
    changed: dict[str, int]  # content versions, by item


class HistoryLine(NamedTuple):
    """An event in short. `title`: of the document (also of a removed one), or the confirmed question,
    its first 200 characters; `to_version`: of a rollback."""

    version: int
    kind: str
    recorded_at_ms: int
    by: str
    item: str
    title: str
    to_version: int | None


class CitedEntry(NamedTuple):
    """A revision of an entry, in the document that first held it (that of event `version`),
    and the versions in which any document held it: at least one span, in order, apart from each other."""

    document: KnowledgeDocument
    entry: KnowledgeEntry
    version: int
    visible: tuple[Span, ...]

    @property
    def visible_from(self) -> int:
        """The first version in which it was visible."""
        return self.visible[0].start

    @property
    def visible_until(self) -> int | None:
        """The version in which it was last withdrawn; None if it is visible now."""
        return self.visible[-1].until


def cited(tenant: str, event: Event, entry_id: str, found: Found) -> CitedEntry:
    """The entry out of the event that holds it. Raises CorruptEvent if it does not."""
    if isinstance(event, DocumentAdded | DocumentRevised):
        for entry in event.document.entries:
            if (entry.id, entry.revision) == (entry_id, found.revision):
                return CitedEntry(event.document, entry, found.version, found.visible)
    raise CorruptEvent(
        f"knowledge of tenant {tenant!r} version {found.version}: should hold revision {found.revision} of "
        f"{entry_id!r} and does not; restore the row from a backup"
    )


class KnowledgeStore(Protocol):
    """Every call raises StoreUnavailable when the log cannot be reached."""

    async def append(self, tenant: str, expected: int, events: Sequence[Event]) -> int:
        """Make the events durable, all of them or none, and return the new head.

        Each event's `at_ms` is when it counts as recorded. Raises
        WrongExpectedVersion if the tenant's head is not exactly `expected`
        (nothing was written: reload and decide again), AppendOutcomeUnknown if
        the connection broke and the log does not show the events (they may yet
        appear: reload before retrying), InvalidRequest for an event that cannot
        be stored, such as an entry whose revision belongs to another content.
        """

    async def revisions(self, tenant: str, digests: Mapping[str, bytes]) -> dict[str, int]:
        """The revision to give to each entry, by entry id, for a content with this `entry_digest`.

        A content that the id has had before keeps its number; a new one gets
        the next. An append at the version that was the head before this call
        cannot find them taken: whoever numbers a content in between moves the
        head, and the append is refused. So: head, revisions, append.
        """

    async def head(self, tenant: str) -> int:
        """The tenant's newest version; 0 if it knows nothing."""

    async def heads(self) -> dict[str, int]:
        """The newest version of every tenant with events. Cheap: made to be polled several times a second."""

    async def tenants(self) -> list[str]:
        """Every tenant with events, sorted."""

    async def state(self, tenant: str, version: int) -> dict[str, int]:
        """The content version of every item known in `version`; beyond the head, as of the head."""

    async def changes(self, tenant: str, after: int) -> Changes:
        """The net difference between the state in version `after` and the newest, in one consistent view.

        A head below `after` means that this is not the log that the caller has
        read before (a restored backup): read the whole state again.
        """

    async def read(self, tenant: str, versions: Iterable[int]) -> dict[int, Event]:
        """The events of these versions, by version; those that do not exist are left out. Raises CorruptEvent."""

    async def history(self, tenant: str, limit: int, before: int | None = None) -> list[HistoryLine]:
        """At most `limit` events, the newest first, of those with a version below `before` (None: of all)."""

    async def version_at(self, tenant: str, at_ms: int) -> int:
        """The last version recorded at or before `at_ms`, in milliseconds since 1970; 0 if there is none."""

    async def entry(self, tenant: str, entry_id: str, revision: int | None = None) -> CitedEntry | None:
        """This revision of the entry, visible now or not; None: the one that is visible now or was last.

        Returns None if there has been none. Raises CorruptEvent.
        """

    async def holders(self, tenant: str, entry_ids: Collection[str]) -> dict[str, str]:
        """The document that holds each of these entries now; those that none holds are left out.

        Of several documents, the one whose id is the smallest.
        """

    async def vectors(self, model: str, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """The vectors that this model gave to the contents with these digests, as far as they are kept."""

    async def save_vectors(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        """Keep vectors by digest of the content. What is there stays: it is a cache of a pure function."""

    async def close(self) -> None:
        """Release connections."""
