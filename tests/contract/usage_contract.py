"""What every UsageStore does. A store joins with a subclass that has a fixture `store`; see test_memory_usage.py."""

from __future__ import annotations

import asyncio
import math
from datetime import date

import pytest
from kit.knowledge import fresh_tenant

from events.usage import UsageRow, UsageStore
from schemas.models import Spent

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)


class UsageContract:
    @pytest.fixture
    def tenant(self) -> str:
        """One that no other test writes to."""
        return fresh_tenant()

    async def test_sums_by_tenant_and_day(self, store: UsageStore, tenant: str) -> None:
        other = fresh_tenant()
        await store.add([
            UsageRow(tenant, DAY, "openai", "big", 1, 0, 100, 20, 0.5),
            UsageRow(tenant, DAY, "openai", "small", 1, 1, 10, 0, 0.25),
            UsageRow(tenant, NEXT, "openai", "big", 1, 0, 7, 0, 0.0),
            UsageRow(other, DAY, "openai", "big", 1, 0, 3, 0, 0.125),
        ])  # fmt: skip
        spent = await store.spent(DAY)
        assert (spent[tenant], spent[other]) == (Spent(130, 0.75), Spent(3, 0.125))
        assert (await store.spent(NEXT))[tenant] == Spent(7, 0.0)
        assert other not in await store.spent(NEXT)
        assert await store.spent(date(1999, 1, 1)) == {}

    async def test_rows_add_up_within_a_call_and_between_calls(self, store: UsageStore, tenant: str) -> None:
        row = UsageRow(tenant, DAY, "本地", "通义", 1, 0, 2, 3, 0.5)
        await store.add([row, row])
        await store.add(iter([row]))
        await store.add([])
        assert (await store.spent(DAY))[tenant] == Spent(15, 1.5)

    async def test_concurrent_batches_over_the_same_rows(self, store: UsageStore, tenant: str) -> None:
        models = [f"m{n}" for n in range(10)]

        async def add(n: int) -> None:
            await store.add(UsageRow(tenant, DAY, "p", model, 1, 0, 1, 0, 0.5) for model in models[n:] + models[:n])

        await asyncio.gather(*(add(n) for n in range(10)))
        assert (await store.spent(DAY))[tenant] == Spent(100, 50.0)

    async def test_whatever_a_provider_says_is_counted(self, store: UsageStore, tenant: str) -> None:
        await store.add([
            UsageRow(tenant, DAY, "p\0", "m\ud800", 1, 0, 5, 0, math.nan),
            UsageRow(tenant, DAY, "p", "m" * 10_000, 1, 0, 5, -3, math.inf),
            UsageRow(tenant, DAY, "p", "", 1, 0, 10**30, 0, -1.0),
            UsageRow(tenant, DAY, "p", "", 1, 0, 10**30, 0, 0.5),
        ])  # fmt: skip
        assert (await store.spent(DAY))[tenant] == Spent(10**15 + 10, 0.5)
