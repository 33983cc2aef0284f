"""What evaluations measure: pure functions of ranks, confidences and truths.

`sure`: (n,) confidences, `right`: (n,) flags. Nothing here depends on the order of the questions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def hit_rate(ranks: Sequence[int], k: int) -> float:
    """Share of questions with a right one among the first k. Ranks count from 1; 0 is none."""
    return sum(1 <= rank <= k for rank in ranks) / len(ranks)


def mean_reciprocal_rank(ranks: Sequence[int]) -> float:
    """Mean of 1/rank, 0 where there is none."""
    return sum(1 / rank for rank in ranks if rank) / len(ranks)


def coverage(sure: Array, right: Bools, precision: float) -> float:
    """The largest share of questions that can be answered, surest first, with at least this share of them right.

    No threshold tells questions of equal confidence apart: they are answered together or not at all.
    """
    if not len(sure):
        return 0.0
    order = np.argsort(-sure, kind="stable")
    precise = np.cumsum(right[order]) >= precision * np.arange(1, len(sure) + 1) - 1e-9
    last_of_its_kind = np.append(np.diff(sure[order]) != 0, True)
    places = np.flatnonzero(precise & last_of_its_kind)
    return float((places[-1] + 1) / len(sure)) if len(places) else 0.0


def auroc(inside: Array, outside: Array) -> float:
    """Probability that a question in scope is surer than one that is not; ties count half.

    The Mann-Whitney U over its maximum. Raises ValueError if there are none of either.
    """
    if not len(inside) or not len(outside):
        raise ValueError("needs questions in scope and out of it")
    _, place, counts = np.unique(np.concatenate([inside, outside]), return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    above = float(mean_ranks[place[: len(inside)]].sum()) - len(inside) * (len(inside) + 1) / 2
    return above / (len(inside) * len(outside))


def calibration_error(sure: Array, right: Array | Bools, bins: int = 10) -> float:
    """Expected calibration error: |mean confidence - share right| per tenth, weighted by size."""
    cell = np.minimum((sure * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(cell, weights=sure - right.astype(np.float64), minlength=bins)
    return float(np.abs(gaps).sum()) / max(len(sure), 1)


def margin(share: float, count: int) -> float:
    """Half the width of the 95 % interval (Wilson) of a share that was seen in `count` questions."""
    z = 1.96
    return z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))


def sign_test(fixed: int, broken: int) -> float:
    """Probability of so uneven a split, or a more uneven one, if each were as likely (two-sided, exact)."""
    changed = fixed + broken
    tail: int = sum(math.comb(changed, each) for each in range(min(fixed, broken) + 1))
    # Of two integers: floats would overflow at a thousand questions.
    return min(1.0, float(2 * tail / 2**changed))
