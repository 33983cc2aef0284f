"""Knowledge events in a few words, one of each with every field set, and histories of them with a model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from events.knowledge_codec import Event, confirmation, entry_digest
from schemas.knowledge_pb2 import (
    FAQ,
    AnswerConfirmed,
    DocumentAdded,
    DocumentRemoved,
    DocumentRevised,
    EntrySide,
    KnowledgeDocument,
    KnowledgeEntry,
    KnowledgeRolledBack,
)

T0 = 1_760_000_000_000  # milliseconds since 1970: the moment at which tests take place
State = dict[str, int]
_numbers = itertools.count(1)


def fresh_tenant() -> str:
    """A tenant of its own in the whole run."""
    return f"tenant-{next(_numbers)}"


def entry(name: str, answer: str = "yes", revision: int = 1) -> KnowledgeEntry:
    side = EntrySide(language="en", question=f"what of {name}?", answer=answer, paraphrases=[f"{name}?"])
    return KnowledgeEntry(id=name, kind=FAQ, topic="tests", sides=[side], revision=revision)


def document(name: str, *entries: KnowledgeEntry, title: str = "") -> KnowledgeDocument:
    return KnowledgeDocument(id=name, title=title or f"About {name}", source=f"{name}.md", entries=entries)


def added(name: str, *entries: KnowledgeEntry, at_ms: int = T0, title: str = "") -> DocumentAdded:
    return DocumentAdded(document=document(name, *entries, title=title), by="ann", at_ms=at_ms)


def revised(name: str, *entries: KnowledgeEntry, at_ms: int = T0, title: str = "") -> DocumentRevised:
    return DocumentRevised(document=document(name, *entries, title=title), by="bob", at_ms=at_ms)


def removed(name: str, at_ms: int = T0) -> DocumentRemoved:
    return DocumentRemoved(document_id=name, by="cyd", at_ms=at_ms)


def rolled_back(to_version: int, at_ms: int = T0) -> KnowledgeRolledBack:
    return KnowledgeRolledBack(to_version=to_version, by="dan", at_ms=at_ms)


def confirmed(entry_id: str, question: str, at_ms: int = T0) -> AnswerConfirmed:
    return AnswerConfirmed(entry_id=entry_id, question=question, by="eve", at_ms=at_ms)


def digests(*entries: KnowledgeEntry) -> dict[str, bytes]:
    return {one.id: entry_digest(one) for one in entries}


_WHOLE = KnowledgeDocument(
    id="returns", title="Returns · 退货", source="https://example.com/returns", collection="shop",
    tags=["orders", "退款"], digest=bytes(range(32)),
    entries=[
        KnowledgeEntry(
            id="returns-1", kind=FAQ, topic="returns", revision=3,
            sides=[
                EntrySide(language="en", question="Can I return it?", answer="Within 7 days.", paraphrases=["refund?"]),
                EntrySide(language="zh", question="可以退货吗？", answer="七天内可以。", paraphrases=["能退吗", "📦?"]),
            ],
        )
    ],
)  # fmt: skip

# One of each stored event, every field set.
EVERY_KNOWLEDGE_EVENT: tuple[Event, ...] = (
    DocumentAdded(document=_WHOLE, by="key-1", at_ms=T0),
    DocumentRevised(document=_WHOLE, by="kefu kb import", at_ms=T0 + 1),
    confirmed("returns-1", "wo ist mein Päckchen? 📦", T0 + 2),
    removed("returns", T0 + 3),
    rolled_back(2, T0 + 4),
)

# --- Random histories: what may be done to few documents, and a model of it in one dictionary a version -----------

_NAMES = st.sampled_from(["a", "b", "c", "文档"])
_ANSWERS = st.sampled_from(["yes", "no", "maybe"])
# Functions from the version an event brings about to the event: a rollback goes to an earlier one.
_ONE = st.one_of(
    st.builds(lambda name, answer: lambda _: added(name, entry(f"{name}-1", answer)), _NAMES, _ANSWERS),
    st.builds(lambda name, answer: lambda _: revised(name, entry(f"{name}-1", answer)), _NAMES, _ANSWERS),
    st.builds(lambda name: lambda _: removed(name), _NAMES),
    st.builds(lambda name, question: lambda _: confirmed(f"{name}-1", question), _NAMES, st.sampled_from("xy")),
    st.builds(lambda share: lambda version: rolled_back(int(share * version)), st.floats(0, 0.999)),
)
HISTORIES: st.SearchStrategy[list[list[Callable[[int], Event]]]] = st.lists(
    st.lists(_ONE, min_size=1, max_size=5), min_size=1, max_size=5
)


def after(states: list[State], event: Event) -> State:
    """What is known after the event, given what was known in every version before it."""
    known, version = dict(states[-1]), len(states)
    match event:
        case DocumentAdded() | DocumentRevised():
            known[event.document.id] = version
        case AnswerConfirmed():
            known[confirmation(event.entry_id, event.question)] = version
        case DocumentRemoved():
            known.pop(event.document_id, None)
        case KnowledgeRolledBack():
            known = dict(states[event.to_version])
    return known


def entries_of(event: Any) -> list[KnowledgeEntry]:
    return list(event.document.entries) if isinstance(event, DocumentAdded | DocumentRevised) else []
