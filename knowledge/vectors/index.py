"""The index itself: one writer, any number of searchers, upkeep behind them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from knowledge.vectors import reach, scoring, stored
from knowledge.vectors.bitmap import Floats, Ints
from knowledge.vectors.filters import Filter
from knowledge.vectors.searching import search
from knowledge.vectors.settings import VectorSettings
from knowledge.vectors.tables import Part, Recent, View, empty
from knowledge.vectors.upkeep import Upkeep
from schemas.errors import KefuError

_LONGEST_WAIT_S = 600.0  # for upkeep to make room; learning 4,096 lists takes a minute or two


class UpkeepFailed(KefuError):
    """The index can take no more rows: sealing failed or hangs. Rebuild it."""

    code, title = "vector_upkeep_failed", "Vector index upkeep failed"


class VectorStats(Struct, frozen=True):
    """`rows` alive, `tombstones` not yet merged away, sealed `segments`, `bytes` of all tables and the codec."""

    rows: int
    tombstones: int
    segments: int
    bytes: int


class Searcher:
    """Searches what upkeep has published, with settings of its own."""

    def __init__(self, upkeep: Upkeep, dim: int, settings: VectorSettings, gap: float | None = None) -> None:
        self._upkeep, self._dim, self._settings, self._gap = upkeep, dim, settings, gap

    def search(self, queries: npt.ArrayLike, k: int, allowed: Filter | None = None) -> tuple[Floats, Ints]:
        """As `VectorIndex.search`."""
        rows = np.ascontiguousarray(queries, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self._dim or k < 1:
            raise ValueError(f"queries must be (q, {self._dim}) and k at least 1, not {rows.shape} and {k}")
        view = self._upkeep.view
        if self._gap is not None:
            view = replace(view, gaps=(self._gap,) * len(view.gaps))
        return search(view, rows, k, allowed, self._settings)


class Frozen:
    """What an index held at one moment, to be saved while it goes on."""

    def __init__(self, view: View, learnt: stored.Learnt, dim: int) -> None:
        self._view, self._learnt, self._dim = view, learnt, dim

    def save(self, folder: Path) -> None:
        """As `VectorIndex.save`."""
        stored.save(self._view, self._learnt, self._dim, folder)


class VectorIndex:
    """Inner-product search over L2-normalised vectors by int64 id, while ids come and go.

    A search that begins after `add` or `remove` returned sees it. Searches take no lock and may run in any number
    of threads; a search sees one moment of the index. One thread writes at a time: a lock makes others wait.
    Exact up to `settings.exact_rows` rows; past that new rows are exact and the rest quantised.
    """

    def __init__(self, dim: int, *, settings: VectorSettings = VectorSettings()) -> None:  # noqa: B008 - frozen
        """Raises ValueError for a `dim` that codes of `settings.code_dims` do not divide."""
        if dim < 1 or dim % 2 or dim % settings.code_dims:
            raise ValueError(f"dim must be even and a multiple of code_dims, {settings.code_dims}, not {dim}")
        first = View.of([empty(settings.seal_rows, dim)], reach.unmeasured(settings.list_recall))
        self._begin(dim, settings, Upkeep(first, dim, settings, stored.Learnt()))

    def _begin(self, dim: int, settings: VectorSettings, upkeep: Upkeep) -> None:
        self.dim, self._settings, self._upkeep = dim, settings, upkeep
        self._searcher = Searcher(upkeep, dim, settings)
        self._writing = threading.Lock()

    def add(self, ids: npt.ArrayLike, vectors: npt.ArrayLike) -> None:
        """(n,) int64 and (n, dim) float32, rows of length 1; an id that is present gets the new vector.

        Of an id given twice the last vector counts. More than `settings.seal_rows` rows become visible piece by
        piece, and wait while upkeep is too far behind. Raises ValueError for shapes that do not fit, ids below 0 and
        vectors that are not finite; UpkeepFailed when no room is made.
        """
        ids, vectors = self._checked(ids, vectors)
        with self._writing:
            while len(ids):
                if not self._upkeep.wait_for_room(_LONGEST_WAIT_S):
                    raise UpkeepFailed("the vector index cannot seal its new rows: see the log, then rebuild it")
                done = self._add_some(ids, vectors)
                ids, vectors = ids[done:], vectors[done:]

    def _add_some(self, ids: Ints, vectors: Floats) -> int:
        """As many rows as the newest table has room for; how many that was."""
        with self._upkeep.lock:
            table, part = self._upkeep.view.recents[-1]
            count = min(len(ids), len(table.ids) - part.rows)
            # The old rows first: `write` would hide where they are.
            parts = self._without(ids[:count])[0]
            table.write(part.rows, ids[:count], vectors[:count])
            newest = parts.pop()
            parts.append(Part(table, newest.rows + count, newest.alive, newest.dead))
            if newest.rows + count == len(table.ids):
                parts.append(empty(self._settings.seal_rows, self.dim))
            self._publish(parts)
            return count

    def remove(self, ids: npt.ArrayLike) -> int:
        """How many of `ids` were present; none of them is any more."""
        unique = np.unique(np.asarray(ids, dtype=np.int64))
        with self._writing, self._upkeep.lock:
            parts, removed = self._without(unique)
            if removed:
                self._publish(parts)
            return removed

    def _without(self, ids: Ints) -> tuple[list[Part], int]:
        """Every part with `ids`, each given once, dead; and how many rows that were."""
        parts, removed = [], 0
        for part in self._upkeep.view.parts:
            rows = part.alive_rows(ids)
            removed += len(rows)
            parts.append(part.without(rows))
        return parts, removed

    def _publish(self, parts: list[Part]) -> None:
        self._upkeep.view = View.of(parts, self._upkeep.view.gaps)
        self._upkeep.wake()

    def search(self, queries: npt.ArrayLike, k: int, allowed: Filter | None = None) -> tuple[Floats, Ints]:
        """Scores and ids, (q, k), best first, of (q, dim) float32; -inf and -1 where fewer than `k` are there.

        With `allowed` only those ids are compared, and as many are found as without it. Raises ValueError for
        queries of another shape and a `k` below 1.
        """
        return self._searcher.search(queries, k, allowed)

    def score(self, query: npt.ArrayLike, ids: Ints) -> Floats:
        """(n,) inner products of one query, (dim,), with the vectors of `ids`; NaN for those that are not there."""
        return scoring.score(self._upkeep.view, np.ascontiguousarray(query, dtype=np.float32), ids)

    def tuned(self, settings: VectorSettings, gap: float | None = None) -> Searcher:
        """The same rows, searched with other settings, and with a `gap` (reach.py) that was not measured."""
        return Searcher(self._upkeep, self.dim, settings, gap)

    def __len__(self) -> int:
        return self._upkeep.view.live

    def stats(self) -> VectorStats:
        parts, codec = self._upkeep.view.parts, self._upkeep.learnt.codec
        return VectorStats(
            rows=sum(part.live for part in parts),
            tombstones=sum(part.dead for part in parts),
            segments=sum(not isinstance(part.table, Recent) for part in parts),
            bytes=sum(part.table.nbytes + part.alive.nbytes for part in parts) + (codec.nbytes if codec else 0),
        )

    def settle(self, timeout_s: float = _LONGEST_WAIT_S) -> bool:
        """Waits until all that can be sealed and merged is; False when that takes longer, or upkeep has failed."""
        return self._upkeep.settle(timeout_s)

    def frozen(self) -> Frozen:
        """What is visible now. Costs nothing, and keeps what it refers to in memory."""
        with self._upkeep.lock:
            return Frozen(self._upkeep.view, self._upkeep.learnt, self.dim)

    def save(self, folder: Path) -> None:
        """Writes what is visible now; searches and writers go on. Segments that `folder` has are not written again.

        The folder holds the last whole snapshot at any moment. One save at a time for each folder.
        """
        self.frozen().save(folder)

    @classmethod
    def open(cls, folder: Path, *, settings: VectorSettings = VectorSettings()) -> VectorIndex:  # noqa: B008
        """The index as `save` wrote it. Raises DamagedSnapshot where there is none, or any byte of it is wrong."""
        dim, parts, gaps, learnt = stored.load(folder)
        index = cls.__new__(cls)
        newest = empty(settings.seal_rows, dim)
        if parts and isinstance(last := parts[-1].table, Recent) and parts[-1].rows < settings.seal_rows:
            # It goes on where it was, instead of being sealed half empty.
            rows = parts.pop().rows
            table = Recent(settings.seal_rows, dim)
            table.write(0, last.ids[:rows], last.vectors[:rows])
            newest = Part(table, rows, newest.alive, 0)
        view = View.of([*parts, newest], gaps)
        index._begin(dim, settings, Upkeep(view, dim, settings, learnt))
        return index

    def close(self) -> None:
        """Ends upkeep. The index can still be searched."""
        self._upkeep.close()

    def _checked(self, ids: Any, vectors: Any) -> tuple[Ints, Floats]:
        ids = np.asarray(ids, dtype=np.int64)
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if ids.ndim != 1 or vectors.shape != (len(ids), self.dim):
            raise ValueError(f"need (n,) ids and (n, {self.dim}) vectors, not {ids.shape} and {vectors.shape}")
        if len(ids) and ids.min() < 0:
            raise ValueError("ids must not be negative: -1 stands for a missing place")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors must be finite")
        unique, last = np.unique(ids[::-1], return_index=True)
        if len(unique) < len(ids):
            kept = np.sort(len(ids) - 1 - last)
            return ids[kept], vectors[kept]
        return ids, vectors
