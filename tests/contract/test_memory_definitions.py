from __future__ import annotations

import pytest
from definitions_contract import DefinitionsContract

from events.memory_definitions import MemoryDefinitions


class TestMemoryDefinitions(DefinitionsContract):
    @pytest.fixture
    def store(self) -> MemoryDefinitions:
        return MemoryDefinitions()
