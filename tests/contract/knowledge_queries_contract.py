"""What every KnowledgeStore answers about single entries, about its history and times, and about vectors.

Part of knowledge_contract.py, which brings the fixture `tenant`.
"""

from __future__ import annotations

import asyncio

import pytest
from kit.knowledge import (
    T0,
    added,
    confirmed,
    digests,
    document,
    entry,
    fresh_tenant,
    removed,
    revised,
    rolled_back,
)

from events.knowledge_codec import confirmation
from events.knowledge_spans import Span
from events.knowledge_store import HistoryLine, KnowledgeStore
from schemas.errors import InvalidRequest


class RevisionContract:
    async def test_content_that_comes_back_gets_its_old_revision(self, store: KnowledgeStore, tenant: str) -> None:
        old, new = entry("a-1", "old"), entry("a-1", "new", 2)
        assert await store.revisions(tenant, digests(old)) == {"a-1": 1}
        await store.append(tenant, 0, [added("a", old)])
        assert await store.revisions(tenant, digests(old)) == {"a-1": 1}
        assert await store.revisions(tenant, digests(new)) == {"a-1": 2}
        await store.append(tenant, 1, [revised("a", new), removed("a")])
        assert await store.revisions(tenant, digests(old)) == {"a-1": 1}
        assert await store.revisions(tenant, digests(new)) == {"a-1": 2}
        assert await store.revisions(tenant, digests(entry("a-1", "third"))) == {"a-1": 3}
        assert await store.revisions(fresh_tenant(), digests(new)) == {"a-1": 1}

    async def test_many_at_once(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added("a", *(entry(f"e{n}") for n in range(0, 300, 2)))])
        wanted = digests(*(entry(f"e{n}", "yes" if n % 4 else "no") for n in range(300)))
        found = await store.revisions(tenant, wanted)
        assert found == {f"e{n}": 2 if n % 4 == 0 else 1 for n in range(300)}
        assert await store.revisions(tenant, {}) == {}

    async def test_a_revision_belongs_to_one_content(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added("a", entry("a-1", "old"))])
        for events in (
            [revised("a", entry("a-1", "new"))],
            [added("b", entry("b-1", "old")), revised("b", entry("b-1", "new"))],
        ):
            with pytest.raises(InvalidRequest, match="another content"):
                await store.append(tenant, 1, events)
        assert await store.head(tenant) == 1
        assert await store.revisions(tenant, digests(entry("b-1", "new"))) == {"b-1": 1}

    async def test_a_citation_opens_for_ever(self, store: KnowledgeStore, tenant: str) -> None:
        old, new, beside = entry("a-1", "old"), entry("a-1", "new", 2), entry("a-2")
        await store.append(tenant, 0, [added("a", old, beside), revised("a", new, beside), removed("a")])
        await store.append(tenant, 3, [rolled_back(1), rolled_back(3)])
        cited = await store.entry(tenant, "a-1", 1)
        assert cited is not None
        assert (cited.document, cited.entry, cited.version) == (document("a", old, beside), old, 1)
        assert cited.visible == (Span(1, 2), Span(4, 5))
        assert (cited.visible_from, cited.visible_until) == (1, 5)
        unchanged = await store.entry(tenant, "a-2", 1)
        assert unchanged is not None
        assert (unchanged.version, unchanged.visible) == (1, (Span(1, 3), Span(4, 5)))

    async def test_without_a_revision_the_one_that_is_visible_or_was_last(
        self, store: KnowledgeStore, tenant: str
    ) -> None:
        async def current() -> tuple[int, int | None]:
            cited = await store.entry(tenant, "a-1")
            assert cited is not None
            return cited.entry.revision, cited.visible_until

        await store.append(tenant, 0, [added("a", entry("a-1", "old"))])
        assert await current() == (1, None)
        await store.append(tenant, 1, [revised("a", entry("a-1", "new", 2))])
        assert await current() == (2, None)
        await store.append(tenant, 2, [rolled_back(1)])
        assert await current() == (1, None)
        await store.append(tenant, 3, [removed("a")])
        assert await current() == (1, 4)

    async def test_an_entry_that_moves_to_another_document_stays_visible(
        self, store: KnowledgeStore, tenant: str
    ) -> None:
        one = entry("faq-1")
        await store.append(tenant, 0, [added("a", one), added("b", one), removed("a"), removed("b"), added("c", one)])
        cited = await store.entry(tenant, "faq-1")
        assert cited is not None
        assert (cited.document.id, cited.visible) == ("a", (Span(1, 4), Span(5, None)))

    async def test_which_documents_hold_entries_now(self, store: KnowledgeStore, tenant: str) -> None:
        async def holders(*ids: str) -> dict[str, str]:
            return await store.holders(tenant, ids)

        one, other = entry("one"), entry("other")
        await store.append(tenant, 0, [added("b", one, other), added("c", one), confirmed("one", "q")])
        assert await holders("one", "other", "none") == {"one": "b", "other": "b"}
        await store.append(tenant, 3, [revised("b", other)])
        assert await holders("one", "other") == {"one": "c", "other": "b"}
        await store.append(tenant, 4, [removed("c"), removed("b"), rolled_back(2)])
        assert await holders("other", "one", "one") == {"one": "b", "other": "b"}
        assert await holders() == {}
        assert await store.holders(fresh_tenant(), ["one"]) == {}

    async def test_no_such_entry_or_revision(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added("a", entry("a-1"))])
        assert await store.entry(tenant, "a-1", 2) is None
        assert await store.entry(tenant, "a-2") is None
        assert await store.entry(fresh_tenant(), "a-1") is None


class HistoryContract:
    async def test_newest_first_with_the_title_of_what_was_removed(self, store: KnowledgeStore, tenant: str) -> None:
        events = [
            added("a", title="First"), revised("a", title="Second", at_ms=T0 + 1), removed("a", T0 + 2),
            removed("never"), confirmed("a-1", "q"), rolled_back(1, T0 + 7), removed("a"),
        ]  # fmt: skip
        await store.append(tenant, 0, events)
        assert await store.history(tenant, 10) == [
            HistoryLine(7, "DocumentRemoved", T0, "cyd", "a", "First", None),
            HistoryLine(6, "KnowledgeRolledBack", T0 + 7, "dan", "", "", 1),
            HistoryLine(5, "AnswerConfirmed", T0, "eve", confirmation("a-1", "q"), "q", None),
            HistoryLine(4, "DocumentRemoved", T0, "cyd", "never", "", None),
            HistoryLine(3, "DocumentRemoved", T0 + 2, "cyd", "a", "Second", None),
            HistoryLine(2, "DocumentRevised", T0 + 1, "bob", "a", "Second", None),
            HistoryLine(1, "DocumentAdded", T0, "ann", "a", "First", None),
        ]

    async def test_limit_and_before(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added(f"d{n}") for n in range(5)])

        async def versions(limit: int, before: int | None = None) -> list[int]:
            return [line.version for line in await store.history(tenant, limit, before)]

        assert await versions(2) == [5, 4]
        assert await versions(2, 4) == [3, 2]
        assert await versions(2, 2) == [1]
        assert await versions(2, 1) == []
        assert await versions(2, 99) == [5, 4]
        assert await versions(0) == []
        assert await store.history(fresh_tenant(), 10) == []

    async def test_version_at_is_inclusive_to_the_millisecond(self, store: KnowledgeStore, tenant: str) -> None:
        times = [T0 + 123, T0 + 124, T0 + 124, T0 + 999]
        await store.append(tenant, 0, [added("a", at_ms=at) for at in times])
        moments = [T0, T0 + 123, T0 + 124, T0 + 998, T0 + 999, T0 + 10**9]
        assert [await store.version_at(tenant, moment) for moment in moments] == [0, 1, 3, 3, 4, 4]
        assert await store.version_at(fresh_tenant(), T0) == 0

    async def test_version_at_when_a_clock_was_ahead(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added("a", at_ms=T0 + at) for at in (0, 500, 100)])
        assert await store.version_at(tenant, T0 + 100) == 3
        assert await store.version_at(tenant, T0 + 99) == 1


class VectorContract:
    async def test_vectors_by_model_and_digest(self, store: KnowledgeStore, tenant: str) -> None:
        model, other = f"{tenant}-model", f"{tenant}-other"
        assert await store.vectors(model, [b"1"]) == {}
        await store.save_vectors(model, {b"1": b"one", b"2": b"\x00\xff" * 5000, b"3": b""})
        await store.save_vectors(other, {b"1": b"uno"})
        assert await store.vectors(model, [b"2", b"1", b"1", b"9"]) == {b"1": b"one", b"2": b"\x00\xff" * 5000}
        assert await store.vectors(other, [b"1", b"2"]) == {b"1": b"uno"}
        assert await store.vectors(model, []) == {}
        await store.save_vectors(model, {})

    async def test_what_is_there_stays(self, store: KnowledgeStore, tenant: str) -> None:
        await store.save_vectors(tenant, {b"1": b"first"})
        await store.save_vectors(tenant, {b"1": b"second", b"2": b"new"})
        assert await store.vectors(tenant, [b"1", b"2"]) == {b"1": b"first", b"2": b"new"}

    async def test_ten_thousand_saved_by_several_at_once(self, store: KnowledgeStore, tenant: str) -> None:
        vectors = {f"{n}".encode(): n.to_bytes(64) for n in range(10_000)}
        backwards = dict(reversed(vectors.items()))
        await asyncio.gather(*(store.save_vectors(tenant, one) for one in (vectors, backwards, vectors)))
        assert await store.vectors(tenant, vectors.keys()) == vectors
