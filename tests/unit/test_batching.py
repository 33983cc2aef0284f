"""Batches grow by themselves, keep order, and let nothing wait for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from events.batching import Batcher

pytestmark = pytest.mark.timeout(20)


class Work:
    """`run` for a batcher: doubles its items when the gate is open, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = self.most_at_once = 0

    async def __call__(self, items: list[int]) -> Sequence[int | BaseException]:
        self.batches.append(items)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        await asyncio.sleep(0)
        self.at_once -= 1
        return [item * 2 if item >= 0 else ValueError(item) for item in items]


async def ticks(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def soon(*futures: asyncio.Future[int]) -> list[int | BaseException]:
    async with asyncio.timeout(5):
        return await asyncio.gather(*futures, return_exceptions=True)


async def test_a_lone_item_leaves_at_once() -> None:
    work = Work()
    assert await soon(Batcher(work, max_items=10, width=1).submit(3)) == [6]
    assert work.batches == [[3]]


async def test_what_gathers_meanwhile_leaves_together_in_order() -> None:
    work = Work()
    batcher = Batcher(work, max_items=10, width=1)
    work.gate.clear()
    futures = [batcher.submit(0)]
    await ticks()
    futures += [batcher.submit(n) for n in range(1, 6)]
    await ticks()
    assert work.batches == [[0]]
    work.gate.set()
    assert await soon(*futures) == [0, 2, 4, 6, 8, 10]
    assert work.batches == [[0], [1, 2, 3, 4, 5]]


async def test_a_batch_holds_at_most_max_items() -> None:
    work = Work()
    batcher = Batcher(work, max_items=4, width=1)
    assert await soon(*[batcher.submit(n) for n in range(10)]) == [n * 2 for n in range(10)]
    assert work.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


async def test_at_most_width_batches_at_once() -> None:
    work = Work()
    batcher = Batcher(work, max_items=2, width=3)
    await soon(*[batcher.submit(n) for n in range(40)])
    assert work.most_at_once == 3
    assert sorted(item for batch in work.batches for item in batch) == list(range(40))


async def test_an_exception_goes_to_its_item_only() -> None:
    batcher = Batcher(Work(), max_items=10, width=1)
    outcomes = await soon(*[batcher.submit(n) for n in (1, -2, 3)])
    assert outcomes[::2] == [2, 6]
    assert isinstance(outcomes[1], ValueError)


async def test_a_failed_batch_fails_all_its_items_and_no_later_ones() -> None:
    calls = 0

    async def run(items: list[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("gone")
        return items

    batcher: Batcher[int, int] = Batcher(run, max_items=2, width=1)
    outcomes = await soon(*[batcher.submit(n) for n in range(4)])
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError, int, int]


async def test_a_run_that_returns_too_few_results_leaves_nobody_waiting() -> None:
    async def run(items: list[int]) -> list[int]:
        return items[1:]

    batcher: Batcher[int, int] = Batcher(run, max_items=10, width=1)
    outcomes = await soon(*[batcher.submit(n) for n in range(3)])
    assert all(isinstance(outcome, Exception) for outcome in outcomes)


async def test_a_cancelled_item_is_run_and_harms_nobody() -> None:
    work = Work()
    batcher = Batcher(work, max_items=10, width=1)
    work.gate.clear()
    futures = [batcher.submit(n) for n in range(3)]
    await ticks()
    futures[1].cancel()
    work.gate.set()
    outcomes = await soon(*futures)
    assert (outcomes[0], outcomes[2]) == (0, 4)
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert work.batches == [[0, 1, 2]]


async def test_close_waits_for_all_that_was_submitted() -> None:
    work = Work()
    batcher = Batcher(work, max_items=2, width=2)
    futures = [batcher.submit(n) for n in range(9)]
    await asyncio.wait_for(batcher.close(), 5)
    assert [future.result() for future in futures] == [n * 2 for n in range(9)]
    await batcher.close()


@pytest.mark.parametrize("width", [1, 2, 3])
async def test_an_item_submitted_the_moment_a_result_comes_does_not_wait_for_ever(width: int) -> None:
    """All batches finish in one turn of the loop; whoever wakes first submits again, while they still count as
    running."""
    work = Work()
    batcher = Batcher(work, max_items=1, width=width)
    work.gate.clear()

    async def two_in_turn(first: int) -> int:
        await batcher.submit(first)
        return await batcher.submit(first + 100)

    async def one(first: int) -> int:
        return await batcher.submit(first)

    tasks = [asyncio.ensure_future(two_in_turn(0)), *(asyncio.ensure_future(one(n)) for n in range(1, width))]
    await ticks()
    assert work.at_once == width
    work.gate.set()
    assert await soon(*tasks) == [200, *(n * 2 for n in range(1, width))]
