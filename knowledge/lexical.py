"""The lexical channel: how much of a question's weight in words an entry covers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
from scipy import sparse  # type: ignore[import-untyped,unused-ignore]

from knowledge import text

Floats = npt.NDArray[np.float32]

# BM25's usual values; b is low because an entry with more paraphrases is not less to the point.
_K1 = 1.2
_B = 0.4


class LexicalIndex:
    """BM25 and coverage over one bag of terms per entry, as sparse products for whole batches."""

    def __init__(self, documents: list[list[str]]) -> None:
        """`documents`: the terms of each entry, all its passages together."""
        self._vocabulary: dict[str, int] = {}
        rows: list[int] = []
        columns: list[int] = []
        counts: list[int] = []
        for column, document in enumerate(documents):
            for term, count in Counter(document).items():
                rows.append(self._vocabulary.setdefault(term, len(self._vocabulary)))
                columns.append(column)
                counts.append(count)

        shape = (len(self._vocabulary), len(documents))
        holders = np.bincount(rows, minlength=shape[0])
        self._idf = _idf(holders, len(documents))
        # A word no entry holds is the strongest sign that the question is about something else.
        self._unknown_idf = float(_idf(np.zeros(1), len(documents))[0])

        lengths = np.array([len(document) for document in documents], dtype=np.float32)
        relative = lengths / max(float(lengths.mean()), 1.0)
        tf = np.array(counts, dtype=np.float32)
        saturated = tf / (tf + _K1 * (1 - _B + _B * relative[columns]))
        weights = self._idf[rows]
        self._present = sparse.csr_matrix((weights, (rows, columns)), shape=shape, dtype=np.float32)
        self._bm25 = sparse.csr_matrix((weights * saturated, (rows, columns)), shape=shape, dtype=np.float32)

    def score(self, texts: list[str]) -> tuple[Floats, Floats]:
        """Coverage and BM25, both (n, entries) in [0, 1].

        Coverage is the idf-weighted share of the question's distinct terms that the entry
        holds; BM25 is divided by what a perfect match would score.
        """
        columns: list[int] = []
        starts = [0]
        totals = np.full(len(texts), 1e-9, dtype=np.float32)
        for row, each in enumerate(texts):
            for term in set(text.terms(each)):
                known = self._vocabulary.get(term)
                if known is None:
                    totals[row] += self._unknown_idf
                else:
                    totals[row] += self._idf[known]
                    columns.append(known)
            starts.append(len(columns))
        ones = np.ones(len(columns), dtype=np.float32)
        asked = sparse.csr_matrix((ones, columns, starts), shape=(len(texts), len(self._vocabulary)))
        scale = 1.0 / totals[:, None]
        return (asked @ self._present).toarray() * scale, (asked @ self._bm25).toarray() * scale


def _idf(holders: npt.NDArray[np.generic], documents: int) -> Floats:
    counts = np.asarray(holders, dtype=np.float64)
    return np.log(1 + (documents - counts + 0.5) / (counts + 0.5)).astype(np.float32)
