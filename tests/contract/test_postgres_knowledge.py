from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from knowledge_contract import KnowledgeContract

from events.postgres_knowledge import PostgresKnowledge

pytestmark = pytest.mark.timeout(60)


class TestPostgresKnowledge(KnowledgeContract):
    @pytest.fixture
    async def store(self, shared_database: str) -> AsyncIterator[PostgresKnowledge]:
        store = PostgresKnowledge(shared_database)
        yield store
        await store.close()
