"""The ledger: own use counts at once, that of others after a flush; an outage loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date

import pytest
from kit.server import until

from deployments.usage import UsageLedger
from events.memory_usage import MemoryUsage
from events.usage import UsageRow
from schemas.errors import StoreUnavailable
from schemas.models import Spent, Usage

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2


class Clock:
    now = NOON

    def __call__(self) -> int:
        return self.now


class Store(MemoryUsage):
    """Fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: set[str] = set()
        self.meanwhile: Callable[[], None] = lambda: None

    async def add(self, rows: Iterable[UsageRow]) -> None:
        await asyncio.sleep(0)
        if "add" in self.fails:
            raise StoreUnavailable("away")
        await super().add(rows)
        self.meanwhile()

    async def spent(self, day: date) -> dict[str, Spent]:
        if "spent" in self.fails:
            raise StoreUnavailable("away")
        return await super().spent(day)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


NewLedger = Callable[[], Awaitable[UsageLedger]]


@pytest.fixture
def new_ledger(store: Store, clock: Clock) -> NewLedger:
    """Ledgers that have begun, and do nothing more by themselves."""

    async def begun() -> UsageLedger:
        ledger = UsageLedger(store, clock, flush_s=3600)
        ledger.spent("shop")
        for _ in range(2):  # its own first flush has its turn before the second of these
            await ledger.flush()
        return ledger

    return begun


async def total(store: Store) -> Spent:
    return (await store.spent(date(2024, 10, 4)))["shop"]


def use(ledger: UsageLedger, tokens: int = 10, cost: float = 0.5, tenant: str = "shop") -> None:
    ledger(tenant, "openai", "big", Usage(tokens - 2, 2, cost))


async def test_own_use_at_once_that_of_others_after_a_flush(new_ledger: NewLedger) -> None:
    one, two = await new_ledger(), await new_ledger()
    assert one.spent("shop") == Spent()
    use(one)
    use(one)
    use(one, tenant="other")
    assert (one.spent("shop"), two.spent("shop")) == (Spent(20, 1.0), Spent())
    await one.flush()
    use(one)
    use(two, 100)
    await two.flush()
    assert (one.spent("shop"), two.spent("shop")) == (Spent(30, 1.5), Spent(120, 1.5))
    await one.flush()
    await two.flush()
    assert one.spent("shop") == two.spent("shop") == Spent(130, 2.0)
    await one.close()
    await two.close()


async def test_counts_calls_and_failures(new_ledger: NewLedger, store: Store) -> None:
    ledger = await new_ledger()
    use(ledger)
    ledger("shop", "openai", "big", Usage(), failed=True)
    await ledger.close()
    (row,) = store._rows
    assert row == UsageRow("shop", row.day, "openai", "big", 2, 1, 8, 2, 0.5)


async def test_a_failed_flush_keeps_what_it_has(new_ledger: NewLedger, store: Store) -> None:
    ledger = await new_ledger()
    for fails in ({"add"}, {"spent"}, {"add", "spent"}, {"spent"}):
        use(ledger)
        before, store.fails = ledger.spent("shop"), fails
        with pytest.raises(StoreUnavailable):
            await ledger.flush()
        assert ledger.spent("shop") == before
    store.fails = set()
    await ledger.flush()
    assert ledger.spent("shop") == Spent(40, 2.0)
    await ledger.flush()
    assert ledger.spent("shop") == await total(store) == Spent(40, 2.0)
    await ledger.close()


async def test_use_in_the_middle_of_a_flush_counts_once(new_ledger: NewLedger, store: Store) -> None:
    ledger = await new_ledger()
    use(ledger)
    store.meanwhile = lambda: use(ledger, 1000)
    await ledger.flush()
    assert ledger.spent("shop") == Spent(1010, 1.0)
    store.meanwhile = lambda: None
    await ledger.flush()
    assert ledger.spent("shop") == Spent(1010, 1.0)
    await ledger.close()


async def test_a_new_day_begins_with_nothing(new_ledger: NewLedger, store: Store, clock: Clock) -> None:
    ledger = await new_ledger()
    use(ledger)
    await ledger.flush()
    use(ledger, 7)
    clock.now += DAY_MS
    assert ledger.spent("shop") == Spent()
    use(ledger, 5)
    assert ledger.spent("shop") == Spent(5, 0.5)
    await ledger.flush()
    assert ledger.spent("shop") == Spent(5, 0.5)
    assert await total(store) == Spent(17, 1.0)  # what was used late yesterday belongs to it
    await ledger.close()


async def test_flushes_by_itself_through_outages(store: Store, clock: Clock) -> None:
    ledger = UsageLedger(store, clock, flush_s=0.01)
    store.fails = {"add"}
    use(ledger)
    await asyncio.sleep(0.05)
    store.fails = set()
    await until(lambda: store._rows, "the flush")
    await ledger.close()
    assert await total(store) == Spent(10, 0.5)


async def test_close_adds_what_is_left_once(store: Store, clock: Clock) -> None:
    ledger = UsageLedger(store, clock, flush_s=3600)
    use(ledger)
    await asyncio.sleep(0)  # its first flush is under way
    use(ledger)
    await ledger.close()
    assert await total(store) == Spent(20, 1.0)
