"""Scores of given ids, for evidence about entries that the search itself did not bring up."""

from __future__ import annotations

import numpy as np

from knowledge.vectors import bitmap
from knowledge.vectors.bitmap import Floats, Ints
from knowledge.vectors.tables import Recent, View


def score(view: View, query: Floats, ids: Ints) -> Floats:
    """(n,) inner products of `query`, (dim,), with each id's vector; NaN for an id that is not alive."""
    scores = np.full(len(ids), np.nan, dtype=np.float32)
    left = np.arange(len(ids))
    for part in reversed(view.parts):  # the newest rows first: of a small index they are all there is
        rows = part.table.rows_of(ids[left])
        here = (rows >= 0) & (rows < part.rows)
        here[here] = bitmap.has(part.alive, rows[here])
        if here.any():
            table, found = part.table, rows[here]
            if isinstance(table, Recent):
                scores[left[here]] = table.vectors[found] @ query
            else:
                scores[left[here]] = table.codec.score(query, table.encoded.rows.take(found, axis=0))
            left = left[~here]
        if not len(left):
            break
    return scores
