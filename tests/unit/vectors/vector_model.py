"""What the index must answer: a dict and a brute force. And the small settings under which everything happens soon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from knowledge.vectors import Filter, VectorIndex, VectorSettings

DIM = 16
# 12 bits a dimension lose 0.001; a value beyond what 50 rows taught the codec is cut, which loses more.
TOLERANCE = 0.02

Floats = npt.NDArray[np.float32]

# Every list is scanned and every row refined, so that only the 8 bits stand between the index and the truth.
SMALL = VectorSettings(
    exact_rows=40,
    seal_rows=16,
    segment_rows=160,
    merge_ratio=4,
    list_recall=1.0,
    most_probed=1.0,
    refine=1_000,
    filter_rows=12,
    waiting_rows=64,
)


def unit(count: int, seed: int, dim: int = DIM) -> Floats:
    """(count, dim) rows of length 1."""
    rows = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


class Model:
    """Ids and vectors."""

    def __init__(self) -> None:
        self.rows: dict[int, Floats] = {}

    def add(self, ids: list[int], vectors: Floats) -> None:
        self.rows.update(zip(ids, vectors, strict=True))

    def remove(self, ids: list[int]) -> int:
        return sum(self.rows.pop(each, None) is not None for each in set(ids))

    def check(
        self, index: VectorIndex, queries: Floats, k: int, allowed: set[int] | None = None, tolerance: float = TOLERANCE
    ) -> None:
        """The index finds as many as there are, each once, each with its own score, and none that is too far."""
        chosen = None if allowed is None else Filter(np.array(sorted(allowed), dtype=np.int64))
        scores, ids = index.search(queries, k, chosen)
        candidates = {each: row for each, row in self.rows.items() if allowed is None or each in allowed}
        assert scores.shape == ids.shape == (len(queries), k)
        for query, found_scores, found_ids in zip(queries, scores, ids.tolist(), strict=True):
            truth = {each: float(row @ query) for each, row in candidates.items()}
            count = min(k, len(truth))
            found = found_ids[:count]
            assert len(set(found)) == count, f"{found_ids} of {len(truth)}"
            assert set(found) <= truth.keys()
            assert found_ids[count:] == [-1] * (k - count)
            assert np.isneginf(found_scores[count:]).all()
            assert (np.diff(found_scores[:count]) <= 0).all()
            np.testing.assert_allclose(found_scores[:count], [truth[each] for each in found], atol=tolerance)
            best = sorted(truth.values(), reverse=True)[:count]
            # Sorted score by sorted score: what was found instead of the true one is as near, to the tolerance.
            got = sorted((truth[each] for each in found), reverse=True)
            np.testing.assert_allclose(got, best, atol=2 * tolerance)
