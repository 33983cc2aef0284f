"""Subscriptions see every event exactly once, whatever commits late, is cancelled or restarted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import asyncpg
import pytest
from kit.server import until

from events.embedded import EmbeddedPostgres
from events.migrate import migrate
from events.postgres import PostgresStore
from events.store import START, LogEntry, NewEvent
from events.subscription import Checkpoints, batches, follow
from schemas.errors import StoreUnavailable
from schemas.ids import Snowflake

INSERT = "INSERT INTO session_events (session_id, seq, event_type, recorded_at, payload) VALUES ($1, 1, 1, now(), $2)"


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(database)
    yield store
    await store.close()


@pytest.fixture
async def checkpoints(database: str) -> AsyncIterator[Checkpoints]:
    checkpoints = Checkpoints(database)
    yield checkpoints
    await checkpoints.close()


class Recorder:
    """A handler that remembers what it was given."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    async def __call__(self, entries: list[LogEntry]) -> None:
        self.seen += [entry.event.payload for entry in entries]


async def append(store: PostgresStore, new_id: Snowflake, *names: str) -> None:
    for name in names:
        await store.append(new_id.next(), 0, [NewEvent(1, 1, name.encode())])


async def test_a_transaction_that_began_earlier_and_commits_later_is_not_skipped(
    database: str, store: PostgresStore, new_id: Snowflake
) -> None:
    await append(store, new_id, "before")
    slow = await asyncpg.connect(database)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(INSERT, new_id.next(), b"late")
    await append(store, new_id, "after 1", "after 2")

    first = await store.read_log(START, 100)
    assert [entry.event.payload for entry in first] == [b"before"]  # what follows might be overtaken
    assert await store.read_log(first[-1].position, 100) == []

    await transaction.commit()
    second = await store.read_log(first[-1].position, 100)
    assert [entry.event.payload for entry in second] == [b"late", b"after 1", b"after 2"]
    assert await store.read_log(second[-1].position, 100) == []
    await slow.close()


async def test_a_transaction_rolled_back_holds_nothing_up_for_ever(
    database: str, store: PostgresStore, new_id: Snowflake
) -> None:
    slow = await asyncpg.connect(database)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(INSERT, new_id.next(), b"never")
    await append(store, new_id, "a")
    assert await store.read_log(START, 100) == []
    await transaction.rollback()
    assert [entry.event.payload for entry in await store.read_log(START, 100)] == [b"a"]
    await slow.close()


async def test_a_reader_during_heavy_writing_sees_each_event_once_in_stream_order(
    store: PostgresStore, new_id: Snowflake
) -> None:
    async def write() -> None:
        session = new_id.next()
        for seq in range(10):
            await store.append(session, seq, [NewEvent(1, 1, b"%d/%d" % (session, seq))])

    writing = [asyncio.ensure_future(write()) for _ in range(30)]
    seen: list[LogEntry] = []
    while len(seen) < 300:
        async for entries in batches(store, seen[-1].position if seen else START, limit=7):
            seen += entries
        for writer in writing:
            if writer.done():
                writer.result()
    streams: dict[int, list[int]] = {}
    for entry in seen:
        streams.setdefault(entry.position.session_id, []).append(entry.event.seq)
    assert len(streams) == 30
    assert all(seqs == list(range(1, 11)) for seqs in streams.values())


async def test_follow_resumes_from_its_checkpoint(
    store: PostgresStore, checkpoints: Checkpoints, new_id: Snowflake
) -> None:
    first = Recorder()
    following = asyncio.ensure_future(follow(store, checkpoints, "index", first, poll_s=0.01))
    await append(store, new_id, "a", "b")
    await until(lambda: len(first.seen) == 2, "two events")
    while (await checkpoints.load("index")) == START or (await store.read_log(await checkpoints.load("index"), 1)):
        await asyncio.sleep(0.005)  # the checkpoint of both; pytest-timeout is the deadline
    await stop(following)

    await append(store, new_id, "c")
    second, other = Recorder(), Recorder()
    again = asyncio.ensure_future(follow(store, checkpoints, "index", second, poll_s=0.01))
    from_start = asyncio.ensure_future(follow(store, checkpoints, "other", other, poll_s=0.01))
    await append(store, new_id, "d")
    await until(lambda: len(second.seen) >= 2 and len(other.seen) >= 4, "the rest")
    assert (first.seen, second.seen, other.seen) == ([b"a", b"b"], [b"c", b"d"], [b"a", b"b", b"c", b"d"])
    await stop(again)
    await stop(from_start)


async def test_a_batch_whose_handler_failed_comes_again(
    store: PostgresStore, checkpoints: Checkpoints, new_id: Snowflake
) -> None:
    await append(store, new_id, "a")

    async def fail(_: list[LogEntry]) -> None:
        raise RuntimeError("handler")

    with pytest.raises(RuntimeError, match="handler"):
        await follow(store, checkpoints, "index", fail)
    assert await checkpoints.load("index") == START
    seen = Recorder()
    following = asyncio.ensure_future(follow(store, checkpoints, "index", seen, poll_s=0.01))
    await until(lambda: seen.seen == [b"a"], "the batch again")
    await stop(following)


async def test_follow_goes_on_after_the_server_was_away(own_server: EmbeddedPostgres, new_id: Snowflake) -> None:
    await migrate(own_server.url)
    async with AsyncExitStack() as stack:
        store, checkpoints, recorder = PostgresStore(own_server.url), Checkpoints(own_server.url), Recorder()
        stack.push_async_callback(store.close)
        stack.push_async_callback(checkpoints.close)
        following = asyncio.ensure_future(follow(store, checkpoints, "index", recorder, poll_s=0.01))
        stack.push_async_callback(stop, following)
        await append(store, new_id, "a")
        await until(lambda: recorder.seen == [b"a"], "the first event")
        await asyncio.to_thread(own_server.stop)
        with pytest.raises(StoreUnavailable):
            await store.read_log(START, 1)
        await asyncio.to_thread(own_server.start)
        await append(store, new_id, "b", "c")
        await until(lambda: recorder.seen[-1] == b"c", "events after the restart")
        # At least once: the batch whose checkpoint was lost comes again, nothing else.
        assert recorder.seen[-2:] == [b"b", b"c"]
        assert set(recorder.seen[:-2]) == {b"a"}
        assert not following.done()


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
