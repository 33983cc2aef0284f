"""From knowledge events to what LiveKnowledge holds, a batch at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from events.knowledge_codec import CONFIRMED, Event
from events.knowledge_store import KnowledgeStore
from knowledge.entries import Confirmed, Content
from knowledge.stored import from_stored
from schemas.knowledge_pb2 import AnswerConfirmed, DocumentAdded, DocumentRevised

_BATCH = 64  # items held as objects at once while all that a tenant knows is read


async def read_contents(store: KnowledgeStore, tenant: str, versions: Mapping[str, int]) -> dict[str, Content]:
    """The contents of items, given their content versions. Raises StoreUnavailable, CorruptEvent."""
    events = await store.read(tenant, versions.values())
    return {item: _content(events[version]) for item, version in versions.items()}


async def read_in_batches(
    store: KnowledgeStore, tenant: str, versions: Mapping[str, int]
) -> AsyncIterator[dict[str, Content]]:
    """The same, for more than should be held at once. Confirmations come first, so that no entry is indexed twice."""
    items = sorted(versions, key=lambda item: (not item.startswith(CONFIRMED), versions[item]))
    for start in range(0, len(items), _BATCH):
        yield await read_contents(store, tenant, {item: versions[item] for item in items[start : start + _BATCH]})


def _content(event: Event) -> Content:
    match event:
        case DocumentAdded() | DocumentRevised():
            return from_stored(event.document)
        case AnswerConfirmed():
            return Confirmed(event.entry_id, event.question)
    raise AssertionError(f"{type(event).__name__} holds no content")
