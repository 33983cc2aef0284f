"""Documents to protobuf and back."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from knowledge.entries import Document, Entry, Side
from knowledge.stored import entry_from_stored, from_stored, to_stored
from schemas.knowledge_pb2 import KnowledgeDocument

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)  # surrogates are no text
_SIDES = st.builds(Side, _TEXTS, _TEXTS, st.lists(_TEXTS, max_size=3).map(tuple))
_ENTRIES = st.builds(
    Entry,
    _TEXTS,
    _TEXTS,
    st.none() | _SIDES,
    st.none() | _SIDES,
    st.integers(1, 2**31 - 1),
    st.sampled_from(["faq", "passage"]),
)
_DOCUMENTS = st.builds(
    Document,
    _TEXTS,
    _TEXTS,
    _TEXTS,
    st.lists(_ENTRIES, max_size=3).map(tuple),
    _TEXTS,
    st.lists(_TEXTS, max_size=3).map(tuple),
)


def unnumbered(document: Document) -> Document:
    """As `to_stored` leaves it: revisions are given when it is written."""
    entries = tuple(msgspec.structs.replace(entry, revision=0) for entry in document.entries)
    return msgspec.structs.replace(document, entries=entries)


@given(_DOCUMENTS)
def test_a_document_comes_back_as_it_was(document: Document) -> None:
    stored = to_stored(document)
    for entry, own in zip(stored.entries, document.entries, strict=True):
        entry.revision = own.revision
    assert from_stored(KnowledgeDocument.FromString(stored.SerializeToString())) == document
    assert [entry_from_stored(entry) for entry in stored.entries] == list(document.entries)


@given(_DOCUMENTS, _DOCUMENTS)
def test_the_digest_tells_contents_apart_and_does_not_look_at_revisions(one: Document, other: Document) -> None:
    same = unnumbered(one) == unnumbered(other)
    assert (to_stored(one).digest == to_stored(other).digest) is same
    assert to_stored(one) == to_stored(unnumbered(one))


@given(_DOCUMENTS, st.sampled_from(["title", "source", "collection", "tags", "entries"]))
def test_whatever_changes_changes_the_digest(document: Document, field: str) -> None:
    more: dict[str, object] = {
        "tags": (*document.tags, "more"),
        "entries": (*document.entries, Entry("more", zh=Side("问", "答"))),
    }
    value = more.get(field) or getattr(document, field) + "x"
    changed = msgspec.structs.replace(document, **{field: value})
    assert to_stored(changed).digest != to_stored(document).digest


def test_the_digest_is_a_contract() -> None:
    """It is in the log: another one would make every document look changed."""
    entry = Entry(
        "returns", "orders", Side("Can I return it?", "Yes.", ("refund?",)), Side("能退吗", "能。"), 3, "passage"
    )
    stored = to_stored(Document("a.md", "A", "https://example.com/a", (entry,), "shop", ("x", "y")))
    assert stored.digest.hex() == "723030c029170a7198367126234739af158a5ca07e2adece4c1a402b025d5013"
