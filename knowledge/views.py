"""One moment of a tenant's knowledge: what a search works on from its beginning to its end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from knowledge.evidence import NUMBER_BITS
from knowledge.ranking import CALIBRATION, Calibration, Regime
from knowledge.scope import EVERYTHING, Scope
from knowledge.tables import Row, Tables
from knowledge.text import Language
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
        self.limit, self._retired = limit, np.array(sorted(retired), dtype=np.int64)
        self._shown: Filter | None = None

    def row(self, number: int) -> Row | None:
        """None for a number that this view does not show, or that was let go of meanwhile."""
        return self.tables.rows.get(number) if number < self.limit else None

    def calibration(self, language: Language) -> Calibration:
        """What holds for knowledge of this kind."""
        mostly_faq = 2 * self.tables.faqs >= len(self.tables.rows)
        return CALIBRATION[Regime(language, "faq" if mostly_faq else "documents")]

    def within(self, scope: Scope) -> Within:
        return Within(self, scope)

    def shows(self, numbers: Ints) -> Bools:
        """(n,) flags."""
        return _shown(numbers, self.limit, self._retired)

    def passages(self) -> Filter | None:
        """Those of the entries it shows, while there are others: a document that is coming may fill all
        nearest places."""
        if not len(self._retired) and self.tables.top <= self.limit:
            return None
        if self._shown is None:
            # Not of `self`: the writer waits until nothing refers to this view, and a cycle would keep it.
            limit, retired = self.limit, self._retired
            self._shown = Filter(lambda ids: _shown(ids >> NUMBER_BITS, limit, retired))
        return self._shown


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
        """For the vector indexes; None if nothing is left out."""
        if self._labels is None:
            return self._view.passages()
        return Filter(lambda ids: self.entries(ids >> NUMBER_BITS))


def _shown(numbers: Ints, limit: int, retired: Ints) -> Bools:
    shown: Bools = numbers < limit
    if len(retired):
        shown &= ~np.isin(numbers, retired)
    return shown
