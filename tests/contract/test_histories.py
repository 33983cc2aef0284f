"""Random histories of a session on both stores; kit/histories.py has the rules and the invariants."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from kit.histories import Histories

from events.postgres import PostgresStore

pytestmark = pytest.mark.timeout(120)
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)  # without the slow explanation
_SETTINGS = settings(deadline=None, phases=_PHASES, suppress_health_check=list(HealthCheck), print_blob=True)


class OnPostgres(Histories):
    def make_store(self) -> PostgresStore:
        return PostgresStore(self.store_url)


def test_histories_in_memory() -> None:
    run_state_machine_as_test(Histories, settings=settings(_SETTINGS, max_examples=120, stateful_step_count=30))


def test_histories_on_postgres(shared_database: str) -> None:
    OnPostgres.store_url = shared_database
    run_state_machine_as_test(OnPostgres, settings=settings(_SETTINGS, max_examples=20, stateful_step_count=25))
