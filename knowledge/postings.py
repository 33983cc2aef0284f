"""Which entries hold which terms, as flat arrays: one sealed part of the lexical index."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Terms = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]


@lru_cache(maxsize=200_000)
def term_code(term: str) -> int:
    """Eight bytes stand for a term: arrays of them are searched, kept and merged without any dictionary."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")


class Postings:
    """Entries by number, ascending, and their terms. Never changed once made.

    `codes`: (t,) sorted term codes; the postings of term i are `rows[starts[i]:starts[i+1]]`
    (places in `numbers`) with `counts` (how often the entry holds the term).
    """

    def __init__(
        self,
        numbers: Ints,
        lengths: npt.NDArray[np.float32],
        codes: Terms,
        starts: Ints,
        rows: npt.NDArray[np.int32],
        counts: npt.NDArray[np.float32],
    ) -> None:
        self.numbers, self.lengths = numbers, lengths
        self.codes, self.starts, self.rows, self.counts = codes, starts, rows, counts

    @classmethod
    def of(cls, documents: Sequence[tuple[int, list[str]]]) -> Postings:
        """`documents`: (number, its terms as they occur), numbers ascending."""
        codes: list[int] = []
        rows: list[int] = []
        counts: list[int] = []
        for row, (_, terms) in enumerate(documents):
            for term, count in Counter(terms).items():
                codes.append(term_code(term))
                rows.append(row)
                counts.append(count)
        return cls._sorted(
            np.array([number for number, _ in documents], dtype=np.int64),
            np.array([len(terms) for _, terms in documents], dtype=np.float32),
            np.array(codes, dtype=np.uint64),
            np.array(rows, dtype=np.int32),
            np.array(counts, dtype=np.float32),
        )

    @classmethod
    def merged(cls, parts: Sequence[tuple[Postings, Bools]]) -> Postings:
        """One of many, without the rows whose flag (alive) is False. Numbers may interleave."""
        numbers = np.concatenate([part.numbers[alive] for part, alive in parts])
        order = np.argsort(numbers)
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        codes, rows, counts, before = [], [], [], 0
        for part, alive in parts:
            moved = np.full(len(alive), -1, dtype=np.int32)
            moved[alive] = place[before : before + int(alive.sum())]
            before += int(alive.sum())
            kept = alive[part.rows]
            codes.append(np.repeat(part.codes, np.diff(part.starts))[kept])
            rows.append(moved[part.rows[kept]])
            counts.append(part.counts[kept])
        lengths = np.concatenate([part.lengths[alive] for part, alive in parts])[order]
        return cls._sorted(numbers[order], lengths, np.concatenate(codes), np.concatenate(rows), np.concatenate(counts))

    @classmethod
    def _sorted(
        cls,
        numbers: Ints,
        lengths: npt.NDArray[np.float32],
        codes: Terms,
        rows: npt.NDArray[np.int32],
        counts: npt.NDArray[np.float32],
    ) -> Postings:
        order = np.lexsort((rows, codes))
        unique, starts = np.unique(codes[order], return_index=True)
        starts = np.append(starts, len(codes)).astype(np.int64)
        return cls(numbers, lengths, unique, starts, rows[order], counts[order])

    def spans(self, codes: Terms) -> tuple[Ints, Ints]:
        """(t,) starts and ends of each code's postings; empty for a term that no entry holds."""
        at = np.searchsorted(self.codes, codes)
        known = at < len(self.codes)
        known[known] = self.codes[at[known]] == codes[known]
        at = np.where(known, at, 0)
        starts = np.where(known, self.starts[at], 0)
        return starts, np.where(known, self.starts[np.minimum(at + 1, len(self.starts) - 1)], starts)

    def rows_of(self, numbers: Ints) -> Ints:
        """Places of entry numbers; -1 for one that is not here."""
        at = np.minimum(np.searchsorted(self.numbers, numbers), max(len(self.numbers) - 1, 0))
        if not len(self.numbers):
            return np.full(len(numbers), -1, dtype=np.int64)
        return np.where(self.numbers[at] == numbers, at, -1)
