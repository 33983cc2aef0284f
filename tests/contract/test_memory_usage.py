from __future__ import annotations

import pytest
from usage_contract import UsageContract

from events.memory_usage import MemoryUsage


class TestMemoryUsage(UsageContract):
    @pytest.fixture
    def store(self) -> MemoryUsage:
        return MemoryUsage()
