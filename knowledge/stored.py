"""Documents as they are stored: to protobuf and back."""

from __future__ import annotations

import hashlib

from knowledge.entries import Document, Entry, Kind, Side
from knowledge.text import LANGUAGES
from schemas import knowledge_pb2 as pb
from schemas.knowledge_pb2 import KnowledgeDocument, KnowledgeEntry

_KINDS: dict[Kind, pb.EntryKind] = {"faq": pb.FAQ, "passage": pb.PASSAGE}
_KIND_OF: dict[int, Kind] = {number: kind for kind, number in _KINDS.items()}


def to_stored(document: Document) -> KnowledgeDocument:
    """Revisions are left out: they are known when it is written. `digest` says whether anything changed."""
    stored = KnowledgeDocument(
        id=document.id,
        title=document.title,
        source=document.source,
        collection=document.collection,
        tags=document.tags,
        entries=[_entry(entry) for entry in document.entries],
    )
    stored.digest = hashlib.sha256(stored.SerializeToString(deterministic=True)).digest()
    return stored


def _entry(entry: Entry) -> KnowledgeEntry:
    sides = [
        pb.EntrySide(language=language, question=side.question, answer=side.answer, paraphrases=side.paraphrases)
        for language, side in entry.sides()
    ]
    return KnowledgeEntry(id=entry.id, kind=_KINDS[entry.kind], topic=entry.topic, sides=sides)


def from_stored(stored: KnowledgeDocument) -> Document:
    """The document, its entries with their revisions."""
    return Document(
        id=stored.id,
        title=stored.title,
        source=stored.source,
        entries=tuple(entry_from_stored(entry) for entry in stored.entries),
        collection=stored.collection,
        tags=tuple(stored.tags),
    )


def entry_from_stored(stored: KnowledgeEntry) -> Entry:
    sides = {side.language: Side(side.question, side.answer, tuple(side.paraphrases)) for side in stored.sides}
    known = {language: sides.get(language) for language in LANGUAGES}
    return Entry(
        id=stored.id,
        topic=stored.topic,
        en=known["en"],
        zh=known["zh"],
        revision=stored.revision,
        kind=_KIND_OF[stored.kind],
    )
