"""kill -9 of Postgres under load: the host lives on, callers are told to retry, nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger import Tally
from outage import killed_database
from runs import RUNS

from events.embedded import EmbeddedPostgres
from events.migrate import migrate

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(60 + 5 * RUNS)]


async def test_postgres_killed_under_load(
    own_server: EmbeddedPostgres, tmp_path: Path, rng: random.Random, tally: Callable[[str], Tally]
) -> None:
    await migrate(own_server.url)
    await killed_database(own_server, tmp_path / "journal", RUNS, rng, tally("kill -9 Postgres under load"))
