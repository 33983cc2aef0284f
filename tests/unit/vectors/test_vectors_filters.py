"""A filter acts inside the search: recall does not drop with the share that is allowed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from knowledge.vectors import Filter, VectorIndex, VectorSettings

_ROWS, _DIM = 24_000, 32
_SETTINGS = VectorSettings(exact_rows=2_000, filter_rows=1_000)

Floats = npt.NDArray[np.float32]


def _clustered(count: int, seed: int) -> Floats:
    """Rows around 300 centres, as sentences lie around topics."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((300, _DIM))
    rows = centres[random.integers(0, 300, count)] + random.standard_normal((count, _DIM)) * 0.8
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def filled() -> tuple[VectorIndex, Floats]:
    index, vectors = VectorIndex(_DIM, settings=_SETTINGS), _clustered(_ROWS, 1)
    index.add(np.arange(_ROWS), vectors)
    assert index.settle(60)
    index.close()
    return index, vectors


def _recall(index: VectorIndex, vectors: Floats, ids: npt.NDArray[np.int64], allowed: Filter | None) -> float:
    queries = _clustered(100, 2)
    truth = ids[np.argsort(-(queries @ vectors[ids].T), axis=1)[:, :10]]
    found = index.search(queries, 10, allowed)[1]
    assert np.isin(found, ids).all()
    return float(np.mean([np.isin(want, got).mean() for want, got in zip(truth, found, strict=True)]))


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.01, 0.002])
def test_recall_by_share(filled: tuple[VectorIndex, Floats], share: float) -> None:
    index, vectors = filled
    ids = np.flatnonzero(np.random.default_rng(3).random(_ROWS) < share)
    assert _recall(index, vectors, ids, None if share == 1 else Filter(ids)) >= 0.97


def test_a_topic_far_from_the_question(filled: tuple[VectorIndex, Floats]) -> None:
    """What a filter after the search could not find: none of the allowed is near."""
    index, vectors = filled
    query = _clustered(1, 5)
    ids = np.argsort(vectors @ query[0])[:3_000]  # the farthest; too many to be listed
    scores, found = index.search(query, 10, Filter(ids))
    assert np.isin(found, ids).all()
    best = np.sort(vectors[ids] @ query[0])[::-1][:10]
    assert scores[0, 9] >= best[9] - 0.1


def test_a_function_is_as_good_as_ids(filled: tuple[VectorIndex, Floats]) -> None:
    index, _ = filled
    queries = _clustered(20, 6)
    by_ids = index.search(queries, 10, Filter(np.arange(0, _ROWS, 3)))
    by_function = index.search(queries, 10, Filter(lambda ids: ids % 3 == 0))
    np.testing.assert_array_equal(by_ids[1], by_function[1])


def test_none_allowed(filled: tuple[VectorIndex, Floats]) -> None:
    index, _ = filled
    for nothing in (Filter(np.empty(0, dtype=np.int64)), Filter(np.array([_ROWS + 5]))):
        assert (index.search(_clustered(2, 7), 4, nothing)[1] == -1).all()


def test_a_filter_sees_later_adds_and_removals() -> None:
    vectors = _clustered(4_000, 8)
    index = VectorIndex(_DIM, settings=replace(_SETTINGS, seal_rows=500))
    even = Filter(lambda ids: ids % 2 == 0)
    index.add(np.arange(3_000), vectors[:3_000])
    index.search(vectors[:1], 5, even)
    index.add(np.arange(3_000, 4_000), vectors[3_000:])
    assert index.search(vectors[3_500:3_501], 5, even)[1][0, 0] == 3_500
    index.remove([3_500, 10])
    assert index.settle(30)
    found = index.search(vectors[[3_500, 10]], 5, even)[1]
    assert not np.isin(found, [3_500, 10]).any()
    assert (found % 2 == 0).all()
    index.close()
