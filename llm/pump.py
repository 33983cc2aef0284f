"""Reads one provider's reply in a task of its own, and watches the time, so that no reader ever waits too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import cast

from llm.provider import End, ProviderChunk, ProviderFailed, Raw, Text, Thought, ToolDelta
from llm.routes import Timeouts

# After the end of a reply its connection may have something left to read before it can be used again.
_DRAIN_S = 0.25

_log = logging.getLogger("kefu.llm")


class Pump:
    """`deadline`: of the loop's clock. `on_first`: the first token is there; `on_slow`: it is not, after `slow_s`.

    The reader takes what has come. It may leave at any time with `stop`, and whatever the provider does then, nobody
    waits for it. `on_done` is called when the provider's work has really ended.
    """

    def __init__(
        self,
        source: AsyncIterator[ProviderChunk | Raw],
        *,
        timeouts: Timeouts,
        deadline: float,
        most_bytes: int,
        slow_s: float,
        on_first: Callable[[], None],
        on_slow: Callable[[], None],
        on_done: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._source = source
        self._timeouts = timeouts
        self._deadline = deadline
        self._left = most_bytes
        self._on_first, self._on_slow = on_first, on_slow
        self._items: list[ProviderChunk | Raw] = []
        self._waiter: asyncio.Future[None] | None = None
        self._pacing = False
        self._stopped = False
        self.failure: ProviderFailed | None = None
        self.ended = False
        now = self._loop.time()
        self.started = now
        self.first_at: float | None = None
        self._alive_at = now
        self._slow_at: float | None = now + slow_s
        self._timer = self._loop.call_at(min(self._slow_at, self._due()[0]), self._check)
        self.task = self._loop.create_task(self._run())
        # Also of a task that is cancelled before it runs at all.
        self.task.add_done_callback(lambda _: on_done())

    async def take(self, not_before: float = 0.0) -> list[ProviderChunk | Raw]:
        """What has come since the last time, at least one thing; it waits until `not_before`, if the reply is not at
        its end by then. Raises ProviderFailed when everything that came before the failure has been taken."""
        if not_before > self._loop.time() and not self._over:
            self._pacing = True
            timer = self._loop.call_at(not_before, self._wake)
            try:
                await self._wait()
            finally:
                self._pacing = False
                timer.cancel()
        while not self._items and not self._over:
            await self._wait()
        if self._items:
            items, self._items = self._items, []
            return items
        assert self.failure is not None
        raise self.failure

    def stop(self) -> None:
        """Lets go of the provider: closes the connection, unless the reply was whole."""
        self._stopped = True
        if not self.ended:
            self.task.cancel()

    @property
    def _over(self) -> bool:
        return self.ended or self.failure is not None

    async def _run(self) -> None:
        try:
            async for item in self._source:
                self._put(item)
            if not self._over:
                self._fail(ProviderFailed("reset", "the reply ended without an end", retryable=True))
        except ProviderFailed as failure:
            self._fail(failure)
        except asyncio.CancelledError:
            self._fail(ProviderFailed("cancelled", "nobody waits any more", healthy=True))
            if not self._stopped:
                raise
        except Exception as error:  # a provider must not bring down more than its own call
            _log.exception("a provider failed in a way it should not")
            self._fail(ProviderFailed("internal", f"{type(error).__name__}"))
        finally:
            self._timer.cancel()
            try:
                await cast(AsyncGenerator[ProviderChunk, None], self._source).aclose()
            except Exception:
                _log.warning("a provider's stream could not be closed", exc_info=True)

    def _put(self, item: ProviderChunk | Raw) -> None:
        if self._over:
            return  # only what is left to read
        kind = type(item)
        if kind is not Thought:
            self._items.append(item)
        if kind is End:
            self.ended = True
            self._timer.cancel()
            self._timer = self._loop.call_later(_DRAIN_S, self.task.cancel)
            self._wake()
            return
        if kind is not Raw or cast(Raw, item).alive:
            self._alive_at = self._loop.time()
            if self.first_at is None:
                self.first_at = self._alive_at
                self._on_first()
        if kind is Text:
            self._left -= bytes_of(cast(Text, item).text)
        elif kind is ToolDelta:
            self._left -= bytes_of(cast(ToolDelta, item).arguments)
        elif kind is Raw:
            self._left -= cast(Raw, item).size
        if self._left < 0:
            raise ProviderFailed("too_large", "the reply is longer than max_reply_bytes allows")
        if not self._pacing:
            self._wake()

    def _fail(self, failure: ProviderFailed) -> None:
        if not self._over:
            self.failure = failure
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _due(self) -> tuple[float, str]:
        """When time is up, and which one it is."""
        total = self.started + self._timeouts.total
        if self.first_at is None:
            token, what = self.started + self._timeouts.first_token, "first_token"
        else:
            token, what = self._alive_at + self._timeouts.idle, "idle"
        due = min(total, token, self._deadline)
        return due, "deadline" if due == self._deadline else "total" if due == total else what

    def _check(self) -> None:
        """The one timer: it is not set anew with every token, but looks when it rings whether one came."""
        now = self._loop.time()
        if self._slow_at is not None and now >= self._slow_at:
            self._slow_at = None
            if self.first_at is None:
                self._on_slow()
        due, what = self._due()
        if now < due:
            self._timer = self._loop.call_at(min(due, self._slow_at or due), self._check)
            return
        waited = now - self.started
        # That the caller had no more time says nothing about the provider.
        self._fail(ProviderFailed("timeout", f"{what} time is up after {waited:.1f} s", healthy=what == "deadline"))
        self._stopped = True
        self.task.cancel()


def bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
