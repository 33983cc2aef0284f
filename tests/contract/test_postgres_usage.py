from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from usage_contract import UsageContract

from events.postgres_usage import PostgresUsage

pytestmark = pytest.mark.timeout(60)


class TestPostgresUsage(UsageContract):
    @pytest.fixture
    async def store(self, shared_database: str) -> AsyncIterator[PostgresUsage]:
        store = PostgresUsage(shared_database, connections=10)
        yield store
        await store.close()
