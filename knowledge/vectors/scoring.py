"""Scores of given ids, for evidence about entries that the search itself did not bring up."""

from __future__ import annotations

import numpy as np

from knowledge.vectors import bitmap
from knowledge.vectors.bitmap import Floats, Ints
from knowledge.vectors.tables import Part, Recent, View


def score(view: View, query: Floats, ids: Ints) -> Floats:
    """(n,) inner products of `query`, (dim,), with each id's vector; NaN for an id that is not alive."""
    scores = np.full(len(ids), np.nan, dtype=np.float32)
    left = np.arange(len(ids))
    for part in reversed(view.parts):  # the newest rows first: of a small index they are all there is
        rows = _rows_of(part, ids[left])
        here = rows >= 0
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


def _rows_of(part: Part, ids: Ints) -> Ints:
    """The row of each id, -1 where the part has none."""
    if not isinstance(part.table, Recent):
        return part.table.rows_of(ids)
    known = part.table.ids[: part.rows]
    if not len(known) or np.any(known[1:] <= known[:-1]):  # ids that came out of order are looked up one by one
        rows = part.table.rows_of(ids)
        return np.where(rows < part.rows, rows, -1)
    rows = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[rows] == ids, rows, -1)
