from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from definitions_contract import DefinitionsContract

from events.postgres_definitions import PostgresDefinitions

pytestmark = pytest.mark.timeout(60)


class TestPostgresDefinitions(DefinitionsContract):
    @pytest.fixture
    async def store(self, shared_database: str) -> AsyncIterator[PostgresDefinitions]:
        """With as many connections as the contract has writers, so that they do meet in the database."""
        store = PostgresDefinitions(shared_database, connections=20)
        yield store
        await store.close()
