"""What every KnowledgeStore does, sentence by sentence of the protocol in events/knowledge_store.py.

A store joins with a subclass that has a fixture `store`, which may hold tenants
other than those of the fixture `tenant`; see test_memory_knowledge.py. What concerns
single entries, times and vectors is in knowledge_queries_contract.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from kit.knowledge import (
    EVERY_KNOWLEDGE_EVENT,
    HISTORIES,
    State,
    added,
    after,
    confirmed,
    digests,
    entries_of,
    entry,
    fresh_tenant,
    removed,
    revised,
    rolled_back,
)
from knowledge_queries_contract import HistoryContract, RevisionContract, VectorContract

from events.knowledge_codec import CONFIRMED, Event, confirmation
from events.knowledge_store import Changes, KnowledgeStore
from schemas.errors import InvalidRequest, WrongExpectedVersion


class Tenant:
    @pytest.fixture
    def tenant(self) -> str:
        """One that no other test writes to."""
        return fresh_tenant()


class AppendContract:
    async def test_events_are_read_back_as_appended(self, store: KnowledgeStore, tenant: str) -> None:
        assert await store.append(tenant, 0, EVERY_KNOWLEDGE_EVENT) == 5
        assert await store.read(tenant, range(10)) == dict(enumerate(EVERY_KNOWLEDGE_EVENT, 1))
        assert await store.read(tenant, [4, 2, 4]) == {2: EVERY_KNOWLEDGE_EVENT[1], 4: EVERY_KNOWLEDGE_EVENT[3]}
        assert await store.read(tenant, []) == {}

    async def test_heads_are_where_the_last_append_left_them(self, store: KnowledgeStore, tenant: str) -> None:
        other = fresh_tenant()
        assert await store.head(tenant) == 0
        assert tenant not in await store.heads()
        assert await store.append(tenant, 0, [added("a"), added("b")]) == 2
        assert await store.append(tenant, 2, [added("c")]) == 3
        await store.append(other, 0, [added("a")])
        heads = await store.heads()
        assert (heads[tenant], heads[other], await store.head(tenant)) == (3, 1, 3)
        assert await store.tenants() == sorted(heads)

    @pytest.mark.parametrize("expected", [-1, 0, 1, 3, 100])
    async def test_expected_version_too_low_or_too_high_writes_nothing(
        self, store: KnowledgeStore, tenant: str, expected: int
    ) -> None:
        await store.append(tenant, 0, [added("a"), added("b", entry("b-1"))])
        for events in ([removed("a"), revised("b", entry("b-1", "new", revision=2))], []):
            with pytest.raises(WrongExpectedVersion, match=f"'{tenant}'"):
                await store.append(tenant, expected, events)
        assert await store.head(tenant) == 2
        assert await store.state(tenant, 2) == {"a": 1, "b": 2}
        assert await store.entry(tenant, "b-1", 2) is None
        assert await store.revisions(tenant, digests(entry("b-1", "new"))) == {"b-1": 2}

    async def test_a_refused_first_append_leaves_no_tenant(self, store: KnowledgeStore, tenant: str) -> None:
        with pytest.raises(WrongExpectedVersion):
            await store.append(tenant, 1, [added("a")])
        assert await store.append(tenant, 0, []) == 0
        assert tenant not in await store.tenants()
        assert await store.append(tenant, 0, [added("a")]) == 1

    async def test_of_concurrent_appends_exactly_one_wins(self, store: KnowledgeStore, tenant: str) -> None:
        for expected in (0, 2, 4):
            outcomes = await asyncio.gather(
                *(store.append(tenant, expected, [added(f"{n}"), added(f"{n}+")]) for n in range(10)),
                return_exceptions=True,
            )
            losers = [outcome for outcome in outcomes if outcome != expected + 2]
            assert len(losers) == 9
            assert all(isinstance(loser, WrongExpectedVersion) for loser in losers)
            winner = next(str(n) for n, outcome in enumerate(outcomes) if outcome == expected + 2)
            new = (await store.changes(tenant, expected)).changed
            assert new == {winner: expected + 1, f"{winner}+": expected + 2}

    async def test_tenants_do_not_wait_for_each_other_and_never_mix(self, store: KnowledgeStore) -> None:
        tenants = [fresh_tenant() for _ in range(8)]

        async def grow(tenant: str) -> None:
            for version in range(5):
                await store.append(tenant, version, [added("a", entry("a-1", f"{tenant} {version}", version + 1))])

        await asyncio.gather(*(grow(tenant) for tenant in tenants))
        for tenant in tenants:
            assert await store.state(tenant, 5) == {"a": 5}
            cited = await store.entry(tenant, "a-1", 3)
            assert cited is not None
            assert cited.entry == entry("a-1", f"{tenant} 2", 3)

    async def test_an_import_of_500_documents_is_one_append(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added(f"d{n}", entry(f"d{n}-1")) for n in range(500)])
        assert await store.state(tenant, 500) == {f"d{n}": n + 1 for n in range(500)}
        read = await store.read(tenant, range(1, 501))
        assert [read[version].document.id for version in (1, 500)] == ["d0", "d499"]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        ("event", "says"),
        [
            (added(""), "document id ''"),
            (added("x" * 1025), "document id"),
            (removed("a\0b"), "NUL"),
            (added(CONFIRMED + "x"), "reserved"),
            (added("d", entry("")), "entry id ''"),
            (added("d", entry("e", revision=0)), "no revision"),
            (added("d", entry("e"), entry("e", "again", 2)), "two entries"),
            (confirmed("", "q"), "entry id ''"),
            (rolled_back(2), "from 0 to 1"),
            (rolled_back(-1), "from 0 to 1"),
        ],
    )
    async def test_an_event_that_cannot_be_stored_is_refused_with_its_batch(
        self, store: KnowledgeStore, tenant: str, event: Event, says: str
    ) -> None:
        with pytest.raises(InvalidRequest, match=says):
            await store.append(tenant, 0, [added("a"), event])
        assert await store.head(tenant) == 0

    async def test_text_that_postgres_cannot_hold_is_kept_in_the_event(
        self, store: KnowledgeStore, tenant: str
    ) -> None:
        event = added("a", entry("é" * 512), title="nul\0 and " + "long " * 100)
        event.by = "a\0nn"
        await store.append(tenant, 0, [event, confirmed("é" * 512, "\0?")])
        assert (await store.read(tenant, [1]))[1] == event
        assert [(line.by, line.title[:10], len(line.title)) for line in await store.history(tenant, 9)] == [
            ("eve", "?", 1), ("ann", "nul and lo", 200),
        ]  # fmt: skip
        assert await store.entry(tenant, "é" * 512) is not None


class StateContract:
    async def test_a_document_through_its_life(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(tenant, 0, [added("a"), revised("a"), removed("a"), removed("a"), revised("a")])
        states = [await store.state(tenant, version) for version in range(8)]
        assert states == [{}, {"a": 1}, {"a": 2}, {}, {}, {"a": 5}, {"a": 5}, {"a": 5}]

    async def test_confirmations_are_items_of_their_own(self, store: KnowledgeStore, tenant: str) -> None:
        await store.append(
            tenant, 0, [added("a", entry("a-1")), confirmed("a-1", "q"), confirmed("a-1", "r"), confirmed("a-1", "q")]
        )
        q, r = confirmation("a-1", "q"), confirmation("a-1", "r")
        assert await store.state(tenant, 3) == {"a": 1, q: 2, r: 3}
        assert await store.state(tenant, 4) == {"a": 1, q: 4, r: 3}
        assert q.startswith(CONFIRMED)
        assert confirmation("a-1q", "") != confirmation("a-1", "q")

    async def test_rollback_and_its_rollback(self, store: KnowledgeStore, tenant: str) -> None:
        events = [added("a"), added("b"), revised("a"), removed("b"), added("c"), confirmed("a-1", "q")]
        await store.append(tenant, 0, events)
        newest = await store.state(tenant, 6)
        await store.append(tenant, 6, [rolled_back(2), rolled_back(6), rolled_back(0), rolled_back(7)])
        states = [await store.state(tenant, version) for version in range(7, 11)]
        assert states == [{"a": 1, "b": 2}, newest, {}, {"a": 1, "b": 2}]
        assert await store.state(tenant, 6) == newest
        await store.append(tenant, 10, [revised("b")])  # life goes on
        assert await store.state(tenant, 11) == {"a": 1, "b": 11}

    async def test_changes_are_the_net_difference(self, store: KnowledgeStore, tenant: str) -> None:
        assert await store.changes(tenant, 0) == Changes(0, [], {})
        await store.append(tenant, 0, [added("keep"), added("revise"), added("remove"), added("return")])
        await store.append(tenant, 4, [revised("revise"), removed("remove"), added("new"), added("brief")])
        await store.append(tenant, 8, [removed("brief"), removed("return"), rolled_back(8), removed("brief")])
        assert await store.changes(tenant, 4) == Changes(12, ["remove"], {"new": 7, "revise": 5})
        assert await store.changes(tenant, 8) == Changes(12, ["brief"], {})
        assert await store.changes(tenant, 12) == Changes(12, [], {})
        assert await store.changes(tenant, 99) == Changes(12, [], {})
        assert (await store.changes(tenant, 0)).changed == await store.state(tenant, 12)

    @given(HISTORIES)
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    async def test_histories(self, store: KnowledgeStore, batches: list[list[Callable[[int], Event]]]) -> None:
        """Any history, against a model that keeps the whole state of every version."""
        tenant, beside = fresh_tenant(), fresh_tenant()
        states: list[State] = [{}]
        log: list[Event] = []
        for batch in batches:
            events = [make(version) for version, make in enumerate(batch, len(states))]
            for event in events:  # each is numbered as if it came alone
                for one in entries_of(event):
                    one.revision = {"yes": 1, "no": 2, "maybe": 3}[one.sides[0].answer]
                states.append(after(states, event))
            assert await store.append(tenant, len(log), events) == len(log) + len(events)
            await store.append(beside, await store.head(beside), [added("a"), rolled_back(0)])
            log += events
        newest, head = states[-1], len(log)
        for version, state in enumerate(states):
            assert await store.state(tenant, version) == state, version
            gone = sorted(state.keys() - newest.keys())
            new = {item: content for item, content in newest.items() if state.get(item) != content}
            assert await store.changes(tenant, version) == Changes(head, gone, new), version
        assert await store.read(tenant, range(head + 1)) == dict(enumerate(log, 1))
        await self.check_citations(store, tenant, states, log)

    async def check_citations(self, store: KnowledgeStore, tenant: str, states: list[State], log: list[Event]) -> None:
        """Every revision there has ever been opens, and says exactly when it could be seen."""
        for one in {(e.id, e.revision): e for event in log for e in entries_of(event)}.values():
            cited = await store.entry(tenant, one.id, one.revision)
            assert cited is not None
            assert cited.entry == one
            assert cited.version == 1 + next(n for n, event in enumerate(log) if one in entries_of(event))
            assert cited.document == log[cited.version - 1].document  # type: ignore[union-attr]
            for version, state in enumerate(states):
                visible = any(one in entries_of(log[content - 1]) for content in state.values())
                spans = [s for s in cited.visible if s.start <= version and (s.until is None or version < s.until)]
                assert len(spans) == visible, version


class KnowledgeContract(AppendContract, StateContract, RevisionContract, HistoryContract, VectorContract, Tenant):
    """All of it."""
