from __future__ import annotations

import pytest
from kit.knowledge import EVERY_KNOWLEDGE_EVENT, T0, added, confirmed, entry

from events.knowledge_codec import Event, confirmation, decode, encode, entry_digest, type_name
from events.knowledge_spans import Found, Holding, Span, find, merged
from events.knowledge_store import cited
from schemas.errors import CorruptEvent


@pytest.mark.parametrize("event", EVERY_KNOWLEDGE_EVENT, ids=lambda event: type(event).__name__)
def test_events_round_trip(event: Event) -> None:
    row = encode(event)
    assert decode("acme", 1, row.event_type, row.payload) == event
    assert (row.recorded_at_ms, row.author) == (event.at_ms, event.by)
    assert type_name(row.event_type) == type(event).__name__


def test_an_unknown_type_names_tenant_and_version() -> None:
    with pytest.raises(CorruptEvent, match="tenant 'acme' version 4: event type 99"):
        decode("acme", 4, 99, b"")
    assert type_name(99) == "Unknown99"


@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\x05ab", b"\x12\x01\xff"])
def test_a_damaged_payload_names_tenant_version_and_type(payload: bytes) -> None:
    with pytest.raises(CorruptEvent, match="tenant 'acme' version 4: payload of DocumentAdded"):
        decode("acme", 4, 1, payload)


def test_digests_and_item_names_are_what_they_were() -> None:
    """Stored in the log's tables: another digest gives every entry a new revision at the next import."""
    assert entry_digest(entry("a", "yes")).hex() == "433b7efbba11e3ede394280d4684de9583dcda7d296966307c6d9d5fcdbb270d"
    assert confirmation("a", "q") == "confirmed:d6a397c242657e7dffafbe6a0c42b392"
    assert encode(confirmed("a", "q")).item == confirmation("a", "q")


def test_a_digest_is_of_all_but_the_revision() -> None:
    one = entry("a", "yes", revision=1)
    assert entry_digest(one) == entry_digest(entry("a", "yes", revision=7))
    assert one.revision == 1
    others = [entry("b", "yes"), entry("a", "no"), entry("a", "yes"), entry("a", "yes")]
    others[2].topic = "other"
    others[3].sides[0].paraphrases.append("another")
    assert len({entry_digest(other) for other in (one, *others)}) == 5


def test_spans_that_touch_or_overlap_are_one() -> None:
    spans = [Span(9, None), Span(1, 3), Span(3, 4), Span(6, 8), Span(6, 7), Span(12, 13)]
    assert merged(spans) == (Span(1, 4), Span(6, 8), Span(9, None))
    assert merged([]) == ()


def test_of_two_revisions_visible_at_once_the_higher_is_found() -> None:
    holdings = [Holding(2, 5, Span(5, None)), Holding(1, 4, Span(4, None)), Holding(3, 6, Span(6, 7))]
    assert find(holdings, None) == Found(2, 5, (Span(5, None),))
    assert find(holdings, 3) == Found(3, 6, (Span(6, 7),))
    assert find(holdings, 4) is None


@pytest.mark.parametrize("event", [added("d", entry("a", revision=2)), confirmed("a", "q", T0)])
def test_an_event_that_should_hold_an_entry_and_does_not(event: Event) -> None:
    with pytest.raises(CorruptEvent, match="tenant 'acme' version 4: should hold revision 1 of 'a'"):
        cited("acme", event, "a", Found(1, 4, (Span(4, None),)))
