"""One moment of a tenant's knowledge: what a search works on from its beginning to its end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from knowledge.evidence import NUMBER_BITS
from knowledge.scope import EVERYTHING, Scope
from knowledge.tables import Row, Tables
from knowledge.vectors.filters import Filter

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class View:
    """Numbers below `limit`, but for the `retired`, as of knowledge version `version`."""

    def __init__(
        self, tables: Tables, background: Floats, version: int, limit: int, retired: frozenset[int] = frozenset()
    ) -> None:
        self.tables, self.background, self.version = tables, background, version
        self._limit, self._retired = limit, np.array(sorted(retired), dtype=np.int64)
        self.limit = limit

    def row(self, number: int) -> Row | None:
        """None for a number that this view does not show, or that was let go of meanwhile."""
        return self.tables.rows.get(number) if number < self._limit else None

    def within(self, scope: Scope) -> Within:
        return Within(self, scope)

    def shows(self, numbers: Ints) -> Bools:
        """(n,) flags."""
        shown: Bools = numbers < self._limit
        if len(self._retired):
            shown &= ~np.isin(numbers, self._retired)
        return shown


class Within:
    """The entries of a view that a scope allows, as filters for the channels."""

    def __init__(self, view: View, scope: Scope) -> None:
        self._view = view
        self._labels: Bools | None = None
        if scope != EVERYTHING:
            labels = list(view.tables.labels)
            self._labels = np.array([scope.allows(label) for label in labels], dtype=np.bool_)

    def entries(self, numbers: Ints) -> Bools:
        """(n,) flags of entry numbers."""
        shown = self._view.shows(numbers)
        if self._labels is not None:
            # A label that came later belongs to entries that this view does not show.
            label = np.minimum(self._view.tables.label_of[numbers], len(self._labels) - 1)
            shown &= self._labels[label] if len(self._labels) else False
        return shown

    def passages(self) -> Filter | None:
        """For the vector indexes; None if a scope leaves nothing out."""
        if self._labels is None:
            return None
        return Filter(lambda ids: self.entries(ids >> NUMBER_BITS))
