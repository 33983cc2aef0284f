"""Things that arrive together travel together, without waiting for company.

While `width` batches are under way, new items gather; the moment one finishes,
all that gathered leave as the next. An idle batcher sends a lone item at once,
so there is no artificial linger, and batches grow by themselves under load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Runs `run(items)`, which returns one result or exception per item, in order."""

    def __init__(
        self,
        run: Callable[[list[Item]], Awaitable[Sequence[Result | BaseException]]],
        *,
        max_items: int,
        width: int,
    ) -> None:
        self._run = run
        self._max_items = max_items
        self._width = width
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._active = 0  # drains that will look at `_waiting` again before they end
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, item: Item) -> asyncio.Future[Result]:
        """A future of the item's result. Cancelling it does not take the item back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if self._active < self._width:
            self._active += 1
            task = loop.create_task(self._drain())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _drain(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_items))]
            results = await self._results([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        # No await since `_waiting` was found empty, so no item can fall between two drains.
        self._active -= 1

    async def _results(self, items: list[Item]) -> Sequence[Result | BaseException]:
        try:
            results = await self._run(items)
        except Exception as error:
            return [error] * len(items)
        if len(results) != len(items):
            return [RuntimeError(f"{len(results)} results for {len(items)} items")] * len(items)
        return results

    async def close(self) -> None:
        """Wait until everything submitted has been run."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
