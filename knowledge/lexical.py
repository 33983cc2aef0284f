"""The lexical channel: how much of a question's weight in words an entry covers. Live: entries come and go."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.postings import Bools, Ints, Postings, term_code

Floats = npt.NDArray[np.float32]

# BM25's usual k1; b is low because an entry with more paraphrases is not less to the point.
_K1 = 1.2
_B = 0.4
# A part joins a merge when it has at most this many times the entries of all newer parts together:
# the number of parts stays logarithmic, and an entry is copied about as often.
_MERGE_RATIO = 3


class Found(Struct, frozen=True):
    """Evidence of one question, by entry number: (n,) numbers, coverage and bm25 in [0, 1].

    Coverage is the idf-weighted share of the question's distinct terms that the entry holds;
    BM25 is divided by what a perfect match would score.
    """

    numbers: Ints
    coverage: Floats
    bm25: Floats


class _Part(Struct, frozen=True):
    """`words`: in the entries that are alive."""

    postings: Postings
    alive: Bools
    live: int
    words: float

    @classmethod
    def of(cls, postings: Postings, alive: Bools) -> _Part:
        return cls(postings, alive, int(np.count_nonzero(alive)), float(postings.lengths[alive].sum(dtype=np.float64)))

    def holders(self, starts: Ints, ends: Ints) -> Ints:
        """(t,) entries alive in each span: what is gone must not make a word common."""
        if self.live == len(self.alive):
            return ends - starts
        rows = self.postings.rows
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        return np.array([np.count_nonzero(self.alive[rows[start:end]]) for start, end in spans], dtype=np.int64)


class LexicalIndex:
    """BM25 and coverage over one bag of terms per entry.

    A log-structured store in small: parts are never changed, new entries come as a new part, and
    parts are merged when they have grown alike. A search works on the parts it finds when it begins,
    so any number of threads may search while one writes.
    """

    def __init__(self) -> None:
        self._parts: tuple[_Part, ...] = ()
        self._writing = threading.Lock()

    def __len__(self) -> int:
        return sum(part.live for part in self._parts)

    def add(self, documents: Sequence[tuple[int, list[str]]]) -> None:
        """(number, terms) of new entries; a number must not have been used before."""
        if not documents:
            return
        new = Postings.of(sorted(documents, key=lambda each: each[0]))
        with self._writing:
            parts = [*self._parts, _Part.of(new, np.ones(len(documents), dtype=np.bool_))]
            joined = 1
            while joined < len(parts) and _size(parts[-joined - 1 : -joined]) <= _MERGE_RATIO * _size(parts[-joined:]):
                joined += 1
            if joined > 1:
                merged = Postings.merged([(part.postings, part.alive) for part in parts[-joined:]])
                parts[-joined:] = [_Part.of(merged, np.ones(len(merged.numbers), dtype=np.bool_))]
            self._parts = tuple(parts)

    def remove(self, numbers: Ints) -> None:
        """Numbers that are not there are passed over."""
        with self._writing:
            parts = [_without(part, numbers) for part in self._parts]
            self._parts = tuple(part for part in parts if part.live)

    def search(self, terms: list[str], k: int, also: Ints, allowed: Callable[[Ints], Bools] | None = None) -> Found:
        """The k entries with the highest BM25 and, whatever they score, those numbered `also`.

        `terms`: the question's. With `allowed`, a function from numbers to flags, no others are found.
        """
        parts = self._parts
        asked = _Asked(parts, terms)
        found = [asked.score(at, k, also, allowed) for at in range(len(parts))]
        if not found:
            return Found(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.float32))
        numbers = np.concatenate([each.numbers for each in found])
        coverage = np.concatenate([each.coverage for each in found])
        bm25 = np.concatenate([each.bm25 for each in found])
        if len(parts) > 1 and len(numbers) > k:
            kept = np.isin(numbers, also)
            kept[np.argpartition(-bm25, k - 1)[:k]] = True
            numbers, coverage, bm25 = numbers[kept], coverage[kept], bm25[kept]
        return Found(numbers, coverage, bm25)

    def score_without(self, terms: list[str], number: int) -> tuple[float, float]:
        """Coverage and BM25 of one entry for a question of its own, as if it did not hold that question."""
        parts = self._parts
        return _Asked(parts, terms).score_without(number)

    def parts(self) -> list[tuple[Postings, Bools]]:
        """What it is made of now, and which entries of each part are still there: for a snapshot."""
        return [(part.postings, part.alive) for part in self._parts]

    @classmethod
    def of(cls, parts: Sequence[tuple[Postings, Bools]]) -> LexicalIndex:
        """The index whose `parts` these were."""
        index = cls()
        index._parts = tuple(_Part.of(postings, alive) for postings, alive in parts)
        return index


class _Asked:
    """One question's terms against the parts: their spans, and their weights over all parts together."""

    def __init__(self, parts: tuple[_Part, ...], terms: list[str]) -> None:
        counts = Counter(map(term_code, terms))
        codes = np.array(sorted(counts), dtype=np.uint64)
        self._parts = parts
        self._own = np.array([counts[code] for code in codes.tolist()], dtype=np.float32)
        self._spans = [part.postings.spans(codes) for part in parts]
        total = sum(part.live for part in parts)
        held = np.zeros(len(codes), dtype=np.int64)
        for part, span in zip(parts, self._spans, strict=True):
            held += part.holders(*span)
        # A word no entry holds weighs most: it is the strongest sign that the question is about something else.
        idf = _idf(held, total)
        self._weights = idf / max(float(idf.sum()), 1e-9)
        self._mean = max(sum(part.words for part in parts) / max(total, 1), 1.0)

    def score(self, at: int, k: int, also: Ints, allowed: Callable[[Ints], Bools] | None) -> Found:
        part, (starts, ends) = self._parts[at], self._spans[at]
        postings = part.postings
        size = len(postings.numbers)
        sizes = ends - starts
        places = np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(int(sizes.sum()))
        rows, counts = postings.rows[places], postings.counts[places]
        weights = np.repeat(self._weights, sizes)
        coverage = np.bincount(rows, weights, size).astype(np.float32)
        bm25 = np.bincount(rows, weights * self._saturated(counts, postings.lengths[rows]), size).astype(np.float32)

        candidates = np.flatnonzero((bm25 > 0) & part.alive)
        if allowed is not None:
            candidates = candidates[allowed(postings.numbers[candidates])]
        if len(candidates) > k:
            candidates = candidates[np.argpartition(-bm25[candidates], k - 1)[:k]]
        asked = postings.rows_of(also)
        asked = asked[asked >= 0]
        asked = asked[part.alive[asked]]
        if allowed is not None:
            asked = asked[allowed(postings.numbers[asked])]
        candidates = np.union1d(candidates, asked)
        return Found(postings.numbers[candidates], coverage[candidates], bm25[candidates])

    def score_without(self, number: int) -> tuple[float, float]:
        for part, (starts, ends) in zip(self._parts, self._spans, strict=True):
            (row,) = part.postings.rows_of(np.array([number]))
            if row < 0:
                continue
            counts = np.zeros(len(starts), dtype=np.float32)
            for term, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
                rows = part.postings.rows[start:end]  # ascending
                place = int(np.searchsorted(rows, row))
                if place < len(rows) and rows[place] == row:
                    counts[term] = part.postings.counts[start + place]
            counts = np.maximum(counts - self._own, 0.0)
            length = part.postings.lengths[row] - self._own.sum()
            coverage = float((self._weights * (counts > 0)).sum())
            return coverage, float((self._weights * self._saturated(counts, length)).sum())
        return 0.0, 0.0

    def _saturated(self, counts: Floats, lengths: Floats) -> Floats:
        return np.asarray(counts / (counts + _K1 * (1 - _B + _B * lengths / self._mean)), dtype=np.float32)


def _size(parts: Sequence[_Part]) -> int:
    return sum(len(part.alive) for part in parts)


def _without(part: _Part, numbers: Ints) -> _Part:
    rows = part.postings.rows_of(numbers)
    rows = rows[rows >= 0]
    if not len(rows):
        return part
    alive = part.alive.copy()
    alive[rows] = False
    if 2 * np.count_nonzero(alive) > len(alive):
        return _Part.of(part.postings, alive)
    # More is dead than alive: searches should not read it, nor memory hold it.
    return _Part.of(Postings.merged([(part.postings, alive)]), np.ones(int(alive.sum()), dtype=np.bool_))


def _idf(holders: Ints, documents: int) -> Floats:
    counts = holders.astype(np.float64)
    return np.log(1 + (documents - counts + 0.5) / (counts + 0.5)).astype(np.float32)
