"""What every EventStore does, sentence by sentence of the protocol in events/store.py.

A store joins with a subclass that has a fixture `store` (an empty one, or one
that holds other sessions only); see test_memory_store.py.
"""

from __future__ import annotations

import asyncio

import pytest

from events.store import (
    START,
    EventStore,
    LogEntry,
    NewEvent,
    Position,
    Resolved,
    StoredEvent,
    StoredSnapshot,
)
from events.subscription import batches
from schemas.errors import WrongExpectedVersion
from schemas.ids import Snowflake

T0 = 1_760_000_000_123


def event(name: str, at_ms: int = T0) -> NewEvent:
    return NewEvent(2, at_ms, name.encode())


def names(stored: list[StoredEvent]) -> list[tuple[int, str]]:
    return [(one.seq, one.payload.decode()) for one in stored]


def snapshot(seq: int, fold_version: int = 1, payload: bytes = b"state") -> StoredSnapshot:
    return StoredSnapshot(seq, fold_version, b"hash", payload)


class AppendContract:
    async def test_events_are_read_back_as_appended(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.append(session, 0, [NewEvent(1, T0, b"\x00\xff"), NewEvent(4, T0 + 1, b"")])
        assert await store.read(session) == [
            StoredEvent(1, 1, T0, b"\x00\xff"),
            StoredEvent(2, 4, T0 + 1, b""),
        ]

    async def test_expected_version_right(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.append(session, 0, [event("a"), event("b")])
        await store.append(session, 2, [event("c")])
        assert names(await store.read(session)) == [(1, "a"), (2, "b"), (3, "c")]

    @pytest.mark.parametrize("expected", [0, 1, 3, 100])
    async def test_expected_version_too_low_or_too_high_writes_nothing(
        self, store: EventStore, new_id: Snowflake, expected: int
    ) -> None:
        session = new_id.next()
        await store.append(session, 0, [event("a"), event("b")])
        with pytest.raises(WrongExpectedVersion, match=f"session {session} "):
            await store.append(session, expected, [event("x"), event("y"), event("z")])
        assert names(await store.read(session)) == [(1, "a"), (2, "b")]

    async def test_expected_version_on_a_stream_that_does_not_exist(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        with pytest.raises(WrongExpectedVersion):
            await store.append(session, 1, [event("a")])
        assert await store.read(session) == []
        await store.append(session, 0, [event("a")])  # the failure left nothing behind

    async def test_a_stale_batch_of_3_and_4_loses_both_where_3_exists(
        self, store: EventStore, new_id: Snowflake
    ) -> None:
        session = new_id.next()
        await store.append(session, 0, [event("a"), event("b")])
        await store.append(session, 2, [event("fresh")])
        with pytest.raises(WrongExpectedVersion):
            await store.append(session, 2, [event("stale 3"), event("stale 4")])
        assert names(await store.read(session)) == [(1, "a"), (2, "b"), (3, "fresh")]

    async def test_of_concurrent_appends_to_one_stream_exactly_one_wins(
        self, store: EventStore, new_id: Snowflake
    ) -> None:
        session = new_id.next()
        for expected in (0, 2, 4):
            outcomes = await asyncio.gather(
                *(store.append(session, expected, [event(f"{n}a"), event(f"{n}b")]) for n in range(20)),
                return_exceptions=True,
            )
            winners = [n for n, outcome in enumerate(outcomes) if outcome is None]
            losers = [outcome for outcome in outcomes if outcome is not None]
            assert len(winners) == 1
            assert all(isinstance(loser, WrongExpectedVersion) for loser in losers)
            assert names(await store.read(session, after=expected)) == [
                (expected + 1, f"{winners[0]}a"),
                (expected + 2, f"{winners[0]}b"),
            ]

    async def test_500_streams_at_once_all_land_contiguous(self, store: EventStore, new_id: Snowflake) -> None:
        sessions = [new_id.next() for _ in range(500)]

        async def grow(session: int) -> None:
            await store.append(session, 0, [event("a"), event("b")])
            await store.append(session, 2, [event("c")])

        await asyncio.gather(*(grow(session) for session in sessions))
        for stream in await asyncio.gather(*(store.read(session) for session in sessions)):
            assert names(stream) == [(1, "a"), (2, "b"), (3, "c")]

    async def test_a_conflict_fails_only_its_own_stream(self, store: EventStore, new_id: Snowflake) -> None:
        behind, beyond, *fine = (new_id.next() for _ in range(20))
        await store.append(beyond, 0, [event("first")])
        outcomes = await asyncio.gather(
            store.append(behind, 3, [event("x")]),
            *(store.append(session, 0, [event("a")]) for session in fine),
            store.append(beyond, 0, [event("x")]),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in (outcomes[0], outcomes[-1])] == [WrongExpectedVersion] * 2
        assert outcomes[1:-1] == [None] * len(fine)
        assert await store.read(behind) == []
        assert names(await store.read(beyond)) == [(1, "first")]
        for session in fine:
            assert names(await store.read(session)) == [(1, "a")]

    async def test_appends_in_turn_to_one_stream_sent_together(self, store: EventStore, new_id: Snowflake) -> None:
        """The second knows what the first will have written; whatever wins, the stream has no gap."""
        session = new_id.next()
        outcomes = await asyncio.gather(
            store.append(session, 0, [event("a")]),
            store.append(session, 1, [event("b")]),
            return_exceptions=True,
        )
        assert outcomes[0] is None
        found = names(await store.read(session))
        assert found == ([(1, "a"), (2, "b")] if outcomes[1] is None else [(1, "a")])

    async def test_close_finishes_appends_in_progress(self, store: EventStore, new_id: Snowflake) -> None:
        appends = [asyncio.ensure_future(store.append(new_id.next(), 0, [event("a")])) for _ in range(10)]
        await asyncio.sleep(0)  # let them begin
        await store.close()
        assert await asyncio.wait_for(asyncio.gather(*appends), 5) == [None] * 10


class ReadContract:
    async def test_after_and_limit(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.append(session, 0, [event(letter) for letter in "abcde"])
        assert names(await store.read(session, after=2)) == [(3, "c"), (4, "d"), (5, "e")]
        assert names(await store.read(session, after=1, limit=2)) == [(2, "b"), (3, "c")]
        assert names(await store.read(session, limit=0)) == []
        assert names(await store.read(session, after=5)) == []
        assert names(await store.read(session, after=99)) == []

    async def test_until_is_inclusive_to_the_millisecond(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        times = [T0, T0 + 1, T0 + 1, T0 + 2]
        await store.append(session, 0, [event(letter, at) for letter, at in zip("abcd", times, strict=True)])
        assert names(await store.read(session, until_ms=T0 - 1)) == []
        assert names(await store.read(session, until_ms=T0)) == [(1, "a")]
        assert names(await store.read(session, until_ms=T0 + 1)) == [(1, "a"), (2, "b"), (3, "c")]
        assert names(await store.read(session, until_ms=T0 + 1, after=1, limit=1)) == [(2, "b")]

    async def test_every_millisecond_survives_storage(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        times = [T0 + n for n in range(1000)]
        await store.append(session, 0, [event("x", at) for at in times])
        assert [stored.recorded_at_ms for stored in await store.read(session)] == times

    async def test_a_session_without_events_is_empty(self, store: EventStore, new_id: Snowflake) -> None:
        assert await store.read(new_id.next()) == []


class ResolveContract:
    async def test_the_first_caller_registers_its_proposal(self, store: EventStore, new_id: Snowflake) -> None:
        name, first, second = str(new_id.next()), new_id.next(), new_id.next()
        assert await store.find("acme", name) is None
        assert await store.resolve("acme", name, first) == Resolved(first, True)
        assert await store.resolve("acme", name, second) == Resolved(first, False)
        assert await store.find("acme", name) == first

    async def test_tenants_do_not_share_names(self, store: EventStore, new_id: Snowflake) -> None:
        name, first, second = str(new_id.next()), new_id.next(), new_id.next()
        await store.resolve("acme", name, first)
        assert await store.find("other", name) is None
        assert await store.resolve("other", name, second) == Resolved(second, True)

    async def test_racing_callers_get_one_id_and_one_of_them_is_told_it_is_new(
        self, store: EventStore, new_id: Snowflake
    ) -> None:
        name = str(new_id.next())
        outcomes = await asyncio.gather(*(store.resolve("acme", name, new_id.next()) for _ in range(40)))
        assert len({outcome.session_id for outcome in outcomes}) == 1
        assert [outcome.is_new for outcome in outcomes].count(True) == 1

    async def test_many_names_at_once(self, store: EventStore, new_id: Snowflake) -> None:
        wanted = {str(new_id.next()): new_id.next() for _ in range(300)}
        outcomes = await asyncio.gather(*(store.resolve("acme", name, one) for name, one in wanted.items()))
        assert [outcome.session_id for outcome in outcomes] == list(wanted.values())
        assert all(outcome.is_new for outcome in outcomes)


class OpenContract:
    async def test_without_snapshot_everything_is_tail(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        assert await store.open(session, 1) == (session, None, [])
        await store.append(session, 0, [event("a"), event("b")])
        opened = await store.open(session, 1)
        assert (opened.session_id, opened.snapshot) == (session, None)
        assert opened.tail == await store.read(session)

    async def test_with_snapshot_only_what_follows(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.append(session, 0, [event(letter) for letter in "abc"])
        await store.save_snapshot(session, snapshot(2))
        opened = await store.open(session, 1)
        assert opened.snapshot == snapshot(2)
        assert names(opened.tail) == [(3, "c")]

    async def test_a_snapshot_of_another_fold_is_not_there(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.append(session, 0, [event("a"), event("b")])
        await store.save_snapshot(session, snapshot(2, fold_version=1))
        opened = await store.open(session, 2)
        assert opened.snapshot is None
        assert names(opened.tail) == [(1, "a"), (2, "b")]

    async def test_opened_at_once(self, store: EventStore, new_id: Snowflake) -> None:
        """Each session gets its own snapshot and tail, also when it is asked for twice and by two folds."""
        sessions = [new_id.next() for _ in range(100)]
        for n, session in enumerate(sessions):
            await store.append(session, 0, [event(f"{n}a"), event(f"{n}b")])
            if n % 2:
                await store.save_snapshot(session, snapshot(1, payload=str(n).encode()))
        opened = await asyncio.gather(*(store.open(session, 1) for session in sessions))
        for n, one in enumerate(opened):
            assert one.session_id == sessions[n]
            assert one.snapshot == (snapshot(1, payload=str(n).encode()) if n % 2 else None)
            assert names(one.tail) == [(1, f"{n}a"), (2, f"{n}b")][n % 2 :]

    async def test_one_session_opened_by_several_at_once(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.append(session, 0, [event("a"), event("b")])
        for opened in await asyncio.gather(*(store.open(session, 1) for _ in range(5))):
            assert names(opened.tail) == [(1, "a"), (2, "b")]

    async def test_opened_at_once_by_two_folds(self, store: EventStore, new_id: Snowflake) -> None:
        one, two = new_id.next(), new_id.next()
        for session, fold_version in ((one, 1), (two, 2)):
            await store.append(session, 0, [event("a")])
            await store.save_snapshot(session, snapshot(1, fold_version))
        for fold_version in (1, 2):
            opened = await asyncio.gather(
                *(store.open(session, version) for session, version in ((one, 1), (two, 2), (one, fold_version)))
            )
            assert opened[0].snapshot == snapshot(1, 1)
            assert opened[1].snapshot == snapshot(1, 2)
            assert opened[2].snapshot == (snapshot(1, 1) if fold_version == 1 else None)


class SnapshotContract:
    async def test_a_newer_snapshot_replaces_an_older_one(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.save_snapshot(session, snapshot(10, payload=b"old"))
        await store.save_snapshot(session, snapshot(20, payload=b"new"))
        assert (await store.open(session, 1)).snapshot == snapshot(20, payload=b"new")

    async def test_an_older_snapshot_never_replaces_a_newer_one(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.save_snapshot(session, snapshot(20, payload=b"new"))
        await store.save_snapshot(session, snapshot(10, payload=b"old"))
        await store.save_snapshot(session, snapshot(20, payload=b"again"))
        assert (await store.open(session, 1)).snapshot == snapshot(20, payload=b"new")

    async def test_a_snapshot_of_another_fold_is_replaced(self, store: EventStore, new_id: Snowflake) -> None:
        session = new_id.next()
        await store.save_snapshot(session, snapshot(20, fold_version=1))
        await store.save_snapshot(session, snapshot(10, fold_version=2))
        assert (await store.open(session, 2)).snapshot == snapshot(10, fold_version=2)


class LogContract:
    async def test_log_is_in_order_and_each_stream_too(self, store: EventStore, new_id: Snowflake) -> None:
        before = await end_of(store)
        first, second = new_id.next(), new_id.next()
        await store.append(second, 0, [event("s1"), event("s2")])
        await store.append(first, 0, [event("f1")])
        await store.append(second, 2, [event("s3")])
        entries = await store.read_log(before, 100)
        assert [entry.position for entry in entries] == sorted(entry.position for entry in entries)
        assert [(e.position.session_id, *names([e.event])[0]) for e in entries] == [
            (second, 1, "s1"), (second, 2, "s2"), (first, 1, "f1"), (second, 3, "s3"),
        ]  # fmt: skip
        assert all(entry.position.seq == entry.event.seq for entry in entries)

    async def test_resuming_from_any_position_yields_the_rest_exactly_once(
        self, store: EventStore, new_id: Snowflake
    ) -> None:
        before = await end_of(store)
        sessions = [new_id.next() for _ in range(4)]
        for turn in range(3):
            await asyncio.gather(*(store.append(s, turn * 2, [event("a"), event("b")]) for s in sessions))
        everything = await store.read_log(before, 1000)
        assert len(everything) == 24
        for at, entry in enumerate(everything):
            assert await store.read_log(entry.position, 1000) == everything[at + 1 :]
        for limit in (1, 5, 24, 25):
            assert await drain(store, before, limit) == everything

    async def test_limit(self, store: EventStore, new_id: Snowflake) -> None:
        before = await end_of(store)
        await store.append(new_id.next(), 0, [event(letter) for letter in "abc"])
        assert len(await store.read_log(before, 2)) == 2
        assert await store.read_log(before, 0) == []
        assert await store.read_log(await end_of(store), 10) == []

    async def test_a_refused_append_leaves_no_trace(self, store: EventStore, new_id: Snowflake) -> None:
        before, session = await end_of(store), new_id.next()
        with pytest.raises(WrongExpectedVersion):
            await store.append(session, 1, [event("x")])
        await store.append(session, 0, [event("a")])
        assert [entry.event.payload for entry in await store.read_log(before, 10)] == [b"a"]


async def drain(store: EventStore, after: Position, limit: int = 500) -> list[LogEntry]:
    return [entry async for batch in batches(store, after, limit) for entry in batch]


async def end_of(store: EventStore) -> Position:
    """The position behind all that is in the log now."""
    entries = await drain(store, START)
    return entries[-1].position if entries else START


class StoreContract(AppendContract, ReadContract, ResolveContract, OpenContract, SnapshotContract, LogContract):
    """Everything above."""
