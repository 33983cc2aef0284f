from __future__ import annotations

import pytest
from kit.knowledge import added, rolled_back
from knowledge_contract import KnowledgeContract

from events.memory_knowledge import MemoryKnowledge


class TestMemoryKnowledge(KnowledgeContract):
    @pytest.fixture
    def store(self) -> MemoryKnowledge:
        return MemoryKnowledge()

    async def test_a_state_behind_thousands_of_rollbacks(self, store: MemoryKnowledge, tenant: str) -> None:
        """It is looked up through each of them."""
        await store.append(tenant, 0, [added("a"), *(rolled_back(version) for version in range(1, 5000))])
        assert await store.state(tenant, 5000) == {"a": 1}
