"""The index by itself: exactness, replacement, limits, tombstones, its errors."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from unit.vectors.vector_model import DIM, SMALL, Model, unit

from knowledge.vectors import VectorIndex, VectorSettings
from knowledge.vectors.index import UpkeepFailed
from knowledge.vectors.quantised import Codec


def test_small_sets_are_exact_after_any_churn() -> None:
    index, model = VectorIndex(DIM, settings=replace(SMALL, exact_rows=100)), Model()
    for turn in range(30):
        ids = [(turn * 7 + each) % 90 for each in range(20)]
        vectors = unit(len(ids), turn)
        index.add(ids, vectors)
        model.add(ids, vectors)
    assert index.settle(20)
    assert index.stats().segments == 0
    model.check(index, unit(20, 99), 10, tolerance=1e-6)
    # Dead rows do not pile up where nothing is ever sealed.
    assert index.stats().tombstones < 90
    index.close()


def test_an_id_has_its_latest_vector() -> None:
    index = VectorIndex(DIM, settings=SMALL)
    vectors = unit(300, 1)
    index.add(np.arange(300), vectors)
    assert index.settle(20)
    new = unit(1, 2)
    index.add([7, 7], np.concatenate([vectors[8:9], new]))
    scores, ids = index.search(new, 2)
    assert ids[0, 0] == 7
    assert scores[0, 0] == pytest.approx(1, abs=1e-6)
    assert len(index) == 300
    assert index.search(vectors[7:8], 1)[1][0, 0] != 7
    index.close()


def test_segments_stay_few_and_tombstones_are_merged_away() -> None:
    index, model = VectorIndex(DIM, settings=SMALL), Model()
    vectors = unit(1_000, 3)
    for start in range(0, 1_000, 10):
        ids = list(range(start, start + 10))
        index.add(ids, vectors[ids])
        model.add(ids, vectors[ids])
    assert index.settle(20)
    assert index.stats().segments <= 1_000 // 80 + 3
    gone = list(range(0, 1_000, 2))
    assert index.remove(gone) == model.remove(gone) == 500
    assert index.remove(gone) == 0
    assert index.settle(20)
    assert index.stats().tombstones <= 0.2 * 1_000
    model.check(index, unit(20, 4), 10)
    index.close()


def test_empty_and_emptied() -> None:
    index = VectorIndex(DIM, settings=SMALL)
    scores, ids = index.search(unit(2, 1), 3)
    assert (ids == -1).all()
    assert np.isneginf(scores).all()
    index.add(range(200), unit(200, 1))
    assert index.settle(20)
    assert index.remove(range(200)) == 200
    assert (index.search(unit(2, 1), 3)[1] == -1).all()
    assert index.settle(20)
    assert index.stats().segments == 0
    index.add([5], unit(1, 5))
    assert index.search(unit(1, 5), 3)[1].tolist() == [[5, -1, -1]]
    index.close()


def test_closed_index_still_answers() -> None:
    index = VectorIndex(DIM, settings=SMALL)
    index.add(range(300), unit(300, 1))
    index.close()
    assert index.search(unit(300, 1)[9:10], 1)[1][0, 0] == 9


def test_bad_arguments() -> None:
    index = VectorIndex(DIM, settings=SMALL)
    bad = unit(1, 1)
    bad[0, 0] = np.nan
    for ids, vectors in (([1], unit(2, 1)), ([1], unit(1, 1, dim=8)), ([-1], unit(1, 1)), ([1], bad)):
        with pytest.raises(ValueError, match=r"ids|vectors"):
            index.add(ids, vectors)
    with pytest.raises(ValueError, match="queries"):
        index.search(unit(1, 1, dim=8), 1)
    with pytest.raises(ValueError, match="k at least 1"):
        index.search(unit(1, 1), 0)
    with pytest.raises(ValueError, match="code_dims"):
        VectorIndex(18)
    assert len(index) == 0
    index.close()


def test_failed_upkeep_is_told_to_the_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Codec:
        raise RuntimeError("no memory")

    monkeypatch.setattr(Codec, "train", broken)
    index = VectorIndex(DIM, settings=SMALL)
    with pytest.raises(UpkeepFailed, match="rebuild"):
        index.add(range(2_000), unit(2_000, 1))
    # What was taken is still found.
    assert index.search(unit(2_000, 1)[:1], 1)[1][0, 0] == 0
    assert not index.settle(1)
    index.close()


def test_lists_grow_with_the_index() -> None:
    settings = VectorSettings()
    assert settings.lists_for(8) == 1
    assert settings.lists_for(20_000) == 1_131
    assert settings.lists_for(10**6) == settings.most_lists
