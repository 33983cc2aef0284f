"""Which ids a search may return."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from knowledge.vectors import bitmap
from knowledge.vectors.bitmap import Bits, Bools, Ints
from knowledge.vectors.tables import Segment

# So few rows of a segment are also kept as a list: what an exact search needs.
_LISTED = 20_000


class Allowed(Struct, frozen=True):
    """A filter's rows of one segment, dead ones included."""

    bits: Bits
    count: int
    rows: Ints | None
    """The same as ascending row numbers, where there are few."""


class Filter:
    """The ids that may be found. Keep one and use it again: what it works out for a segment stays with it.

    Applied inside the search, so a strict one costs no recall. Safe to use from several threads.
    """

    def __init__(self, allowed: Ints | Callable[[Ints], Bools]) -> None:
        """`allowed`: int64 ids in any order, or a function from ids, (n,) int64, to a mask, (n,) bool.

        The function must give an id the same answer for as long as the filter is used.
        """
        self._allowed = allowed if callable(allowed) else np.unique(np.asarray(allowed, dtype=np.int64))
        self._by_segment: weakref.WeakKeyDictionary[Segment, Allowed] = weakref.WeakKeyDictionary()

    def mask(self, ids: Ints) -> Bools:
        """Whether each id is allowed."""
        if callable(self._allowed):
            return np.asarray(self._allowed(ids), dtype=np.bool_)
        if not len(self._allowed):
            return np.zeros(len(ids), dtype=np.bool_)
        places = np.minimum(np.searchsorted(self._allowed, ids), len(self._allowed) - 1)
        found: Bools = self._allowed[places] == ids
        return found

    def of(self, segment: Segment) -> Allowed:
        """The segment's allowed rows; 10 ms for 262,144 rows the first time, nothing after."""
        known = self._by_segment.get(segment)
        if known is None:
            mask = self.mask(segment.ids)
            count = int(np.count_nonzero(mask))
            known = Allowed(bitmap.of(mask), count, np.flatnonzero(mask) if count <= _LISTED else None)
            self._by_segment[segment] = known
        return known
