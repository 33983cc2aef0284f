"""A client of the whole Kefu."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.running import Running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.serve)


@pytest.fixture
def api(kefu: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=kefu.url, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def session() -> str:
    """A session id that no other test uses."""
    return f"test-{uuid.uuid4().hex}"
