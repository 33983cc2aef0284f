"""How far from the best list a query's neighbours lie: measured on the index itself, not guessed for an encoder."""

from __future__ import annotations

import math

import numpy as np

from knowledge.vectors.bitmap import Floats, Ints
from knowledge.vectors.quantised import nearest
from knowledge.vectors.tables import Gaps, Part, Segment

# Of the nearest so many rows. What a filter leaves of all rows, or a larger k asks for, lies deeper: the ten
# nearest of a tenth of the rows are as good as drawn from the hundred nearest of all.
DEPTHS = (10, 32, 100, 320, 1000)
# 256 queries and 2,560 neighbours tell a 98.8 % quantile to 0.2 %; at 1M rows they take some 10 s of one core.
_QUERIES = 256
_FOR_FILTERS = 0.3  # of the share that is missing
_CHUNK = 16_384  # rows decoded at once: 25 MB
# What 50,000 sentences need at each depth, more than any larger index.
_UNMEASURED = (0.45, 0.50, 0.55, 0.60, 0.65)


def unmeasured(share: float) -> Gaps:
    """The gaps until they are measured; past all gaps for a `share` of 1, which asks for every list."""
    return (math.inf,) * len(DEPTHS) if share >= 1 else _UNMEASURED


def measured(parts: list[tuple[Segment, Part]], share: float) -> Gaps:
    """At each depth, the gap to the best centroid's score within which `share` of the nearest rows' lists lie.

    Queries are rows of the index, each without itself. All segments have one codec.
    """
    if share >= 1:
        return unmeasured(share)
    random = np.random.default_rng(3)
    codec = parts[0][0].codec
    rows_each = np.array([part.rows for _, part in parts])
    picked = random.multinomial(_QUERIES, rows_each / rows_each.sum())
    queries = np.concatenate(
        [
            codec.decode(segment.encoded.take(random.integers(part.rows, size=count)))
            for (segment, part), count in zip(parts, picked, strict=True)
        ]
    )
    best = np.full((len(queries), DEPTHS[-1] + 1), -np.inf, dtype=np.float32)
    lists = np.zeros(best.shape, dtype=np.int64)
    for segment, part in parts:
        for start in range(0, part.rows, _CHUNK):
            chunk = codec.decode(segment.encoded.take(np.arange(start, min(start + _CHUNK, part.rows))))
            scores, rows = nearest(queries, chunk, min(best.shape[1], len(chunk)), None)
            best, lists = _kept(best, lists, scores, segment.encoded.lists[start + rows].astype(np.int64))
    centroid_scores = queries @ codec.centroids.T
    gaps = centroid_scores.max(axis=1, keepdims=True) - np.take_along_axis(centroid_scores, lists, axis=1)
    gaps[np.isneginf(best)] = np.nan  # fewer rows than that
    # A filter's lists are scanned for less, so their share must be higher for an equal recall: at 1M rows and 3 %
    # allowed, 0.975 for every depth found 0.975, where 0.98 was found without a filter.
    shares = [share, *[share + (1 - share) * _FOR_FILTERS] * (len(DEPTHS) - 1)]
    # The first neighbour is the query itself.
    return tuple(
        float(np.nanquantile(gaps[:, 1 : depth + 1], each)) for depth, each in zip(DEPTHS, shares, strict=True)
    )


def gap(gaps: Gaps, k: int, share: float) -> float:
    """The gap for the `k` nearest among a `share` of all rows; past the last depth as at it."""
    if math.isinf(gaps[0]):
        return math.inf
    return float(np.interp(math.log(DEPTHS[0] * thinned(k, share)), np.log(DEPTHS), gaps))


def thinned(k: int, share: float) -> float:
    """How many times deeper than the first depth the neighbours lie; at least 1."""
    return max(k, DEPTHS[0]) / DEPTHS[0] / share


def _kept(best: Floats, lists: Ints, scores: Floats, theirs: Ints) -> tuple[Floats, Ints]:
    depth = best.shape[1]
    best, lists = np.concatenate([best, scores], axis=1), np.concatenate([lists, theirs], axis=1)
    top = np.argsort(-best, axis=1, kind="stable")[:, :depth]
    return np.take_along_axis(best, top, axis=1), np.take_along_axis(lists, top, axis=1)
