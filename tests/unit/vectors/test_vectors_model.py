"""Any history of adds, replacements, removals, upkeep, saves and searches gives the model's answers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from unit.vectors.vector_model import DIM, SMALL, Model, unit

from knowledge.vectors import VectorIndex

_ID = st.integers(0, 120)
_SEED = st.integers(0, 2**16)


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.index = VectorIndex(DIM, settings=SMALL)
        self.folder = tempfile.TemporaryDirectory(prefix="vectors-")

    @rule(ids=st.lists(_ID, min_size=1, max_size=40), seed=_SEED)
    def add(self, ids: list[int], seed: int) -> None:
        vectors = unit(len(ids), seed)
        self.index.add(np.array(ids), vectors)
        self.model.add(ids, vectors)

    @rule(ids=st.lists(_ID, max_size=60))
    def remove(self, ids: list[int]) -> None:
        assert self.index.remove(ids) == self.model.remove(ids)

    @rule()
    def remove_all(self) -> None:
        assert self.index.remove(range(200)) == self.model.remove(list(range(200)))

    @rule()
    def settle(self) -> None:
        assert self.index.settle(20)

    @rule()
    def save_and_open(self) -> None:
        folder = Path(self.folder.name)
        self.index.save(folder)
        self.index.close()
        self.index = VectorIndex.open(folder, settings=SMALL)

    @rule(seed=_SEED, k=st.integers(1, 12))
    def search(self, seed: int, k: int) -> None:
        self.model.check(self.index, unit(2, seed), k)

    @rule(seed=_SEED, allowed=st.sets(_ID, max_size=60))
    def search_filtered(self, seed: int, allowed: set[int]) -> None:
        self.model.check(self.index, unit(1, seed), 5, allowed)

    @invariant()
    def counts(self) -> None:
        assert len(self.index) == self.index.stats().rows == len(self.model.rows)

    def teardown(self) -> None:
        self.index.close()
        self.folder.cleanup()


Histories.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestHistories = Histories.TestCase
