"""What holds rows: a recent table that grows, and sealed segments that never change."""

from __future__ import annotations

import uuid

import numpy as np
from msgspec import Struct

from knowledge.vectors import bitmap
from knowledge.vectors.bitmap import Bits, Bools, Floats, Ints
from knowledge.vectors.quantised import Codec, Encoded


class Recent:
    """Rows in float32, in the order they came. Rows are only ever added, beyond what any search was told of."""

    def __init__(self, capacity: int, dim: int) -> None:
        self.vectors: Floats = np.empty((capacity, dim), dtype=np.float32)
        self.ids: Ints = np.empty(capacity, dtype=np.int64)
        self.places: dict[int, int] = {}  # id to its last row; for the writer alone

    def write(self, row: int, ids: Ints, vectors: Floats) -> None:
        """Rows from `row` on; no search sees them until a view says so."""
        end = row + len(ids)
        self.vectors[row:end] = vectors
        self.ids[row:end] = ids
        self.places.update(zip(ids.tolist(), range(row, end), strict=True))

    def rows_of(self, ids: Ints) -> Ints:
        """The last row of each id, -1 where it has none."""
        return np.array([self.places.get(each, -1) for each in ids.tolist()], dtype=np.int64)

    @property
    def nbytes(self) -> int:
        return int(self.vectors.nbytes + self.ids.nbytes)


class Segment:
    """Rows as codes, sorted by id, with their inverted lists. Identity is what a filter's cache goes by."""

    def __init__(self, ids: Ints, encoded: Encoded, codec: Codec, name: str | None = None) -> None:
        """`ids`: ascending, each once. `name` tells its file from every other's."""
        self.name = name or uuid.uuid4().hex
        self.ids, self.encoded, self.codec = ids, encoded, codec
        self.inverted = codec.inverted(encoded)

    def rows_of(self, ids: Ints) -> Ints:
        """The row of each id, -1 where it has none."""
        rows = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[rows] == ids, rows, -1)

    @property
    def nbytes(self) -> int:
        return int(self.ids.nbytes + self.encoded.nbytes + self.inverted.nbytes)


Table = Recent | Segment
Gaps = tuple[float, ...]


class Part(Struct, frozen=True, eq=False):
    """A table as a view shows it: its first `rows` rows, those dead that `alive` lacks."""

    table: Table
    rows: int
    alive: Bits
    """One bit per row of the table's capacity."""
    dead: int

    @property
    def live(self) -> int:
        return self.rows - self.dead

    def alive_rows(self, ids: Ints) -> Ints:
        """Rows, here and alive, of `ids`."""
        rows = self.table.rows_of(ids)
        rows = rows[rows >= 0]
        return rows[bitmap.has(self.alive, rows)]

    def without(self, rows: Ints) -> Part:
        """The part with `rows`, alive until now and each once, dead."""
        if not len(rows):
            return self
        return Part(self.table, self.rows, bitmap.without(self.alive, rows), self.dead + len(rows))

    def alive_flags(self) -> Bools:
        return bitmap.flags(self.alive, self.rows)


def empty(capacity: int, dim: int) -> Part:
    """A recent table with room for `capacity` rows."""
    return Part(Recent(capacity, dim), 0, bitmap.full(capacity), 0)


class View(Struct, frozen=True, eq=False):
    """All that one search needs, never changed once published. An id is alive in one part at most."""

    recents: tuple[tuple[Recent, Part], ...]
    """The last is being written; those before it are full and wait for sealing."""
    segments: tuple[tuple[Segment, Part], ...]
    gaps: Gaps
    """Lists are scanned whose centroid scores at most this much less than the best one (reach.py)."""

    @classmethod
    def of(cls, parts: list[Part], gaps: Gaps) -> View:
        """Parts in order of age; those that are dead to the last row are left out, but for the newest recent."""
        recents = [(part.table, part) for part in parts if isinstance(part.table, Recent)]
        segments = [(part.table, part) for part in parts if isinstance(part.table, Segment) and part.live]
        return cls(tuple(pair for pair in recents if pair[1].live or pair is recents[-1]), tuple(segments), gaps)

    @property
    def parts(self) -> list[Part]:
        return [part for _, part in (*self.segments, *self.recents)]

    @property
    def live(self) -> int:
        return sum(part.live for part in self.parts)
