from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from store_contract import StoreContract

from events.postgres import PostgresStore

pytestmark = pytest.mark.timeout(20)  # of a lost wake-up there is no other sign


class TestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, shared_database: str) -> AsyncIterator[PostgresStore]:
        store = PostgresStore(shared_database)
        yield store
        await store.close()


class TestPostgresStoreWithOneConnection(StoreContract):
    """A batch under way makes everything else wait: batches are as large as they get."""

    @pytest.fixture
    async def store(self, shared_database: str) -> AsyncIterator[PostgresStore]:
        store = PostgresStore(shared_database, writers=1, readers=1)
        yield store
        await store.close()
