"""New tables out of old ones: what sealing, merging and re-encoding have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from knowledge.vectors import bitmap
from knowledge.vectors.bitmap import Floats, Ints
from knowledge.vectors.quantised import Codec, Encoded, joined
from knowledge.vectors.settings import VectorSettings
from knowledge.vectors.tables import Part, Recent, Segment, Table


class Rewritten(Struct, frozen=True):
    """A table made of `sources`: its row i is row `rows[i]` of source `source[i]`."""

    table: Table
    sources: tuple[Part, ...]
    source: Ints
    rows: Ints

    def part(self, current: list[Part]) -> Part:
        """The table as a part, dead where its rows died meanwhile. `current`: the sources as they are now."""
        alive = np.empty(len(self.rows), dtype=np.bool_)
        for number, part in enumerate(current):
            mine = self.source == number
            alive[mine] = part.alive_flags()[self.rows[mine]]
        return Part(self.table, len(alive), bitmap.of(alive), int(len(alive) - np.count_nonzero(alive)))


def compacted(parts: list[Part], dim: int) -> Rewritten:
    """Recent tables as one, without their dead rows."""
    source, rows, ids = _live(parts)
    table = Recent(len(ids), dim)
    table.write(0, ids, _vectors(parts, source, rows, dim))
    return Rewritten(table, tuple(parts), source, rows)


def segment(parts: list[Part], codec: Codec, pause: Callable[[], None] = lambda: None) -> Rewritten | None:
    """Tables of either kind as one segment under `codec`, without their dead rows; None when all are dead."""
    source, rows, ids = _live(parts)
    if not len(ids):
        return None
    encoded = joined(
        [_encoded(part, rows[source == number], codec, pause) for number, part in enumerate(parts) if part.live]
    )
    order = np.argsort(ids)
    return Rewritten(Segment(ids[order], encoded.take(order), codec), tuple(parts), source[order], rows[order])


def sample(parts: list[Part], count: int, dim: int) -> Floats:
    """`count` live rows or all of them, shuffled, (n, dim) float32. The same rows give the same sample."""
    source, rows, _ = _live(parts)
    chosen = np.random.default_rng(1).permutation(len(rows))[:count]
    # In order of their table, for `_vectors`; the learner wants no order, so they are shuffled again after.
    chosen.sort()
    vectors = _vectors(parts, source[chosen], rows[chosen], dim)
    return vectors[np.random.default_rng(2).permutation(len(vectors))]


def to_merge(parts: list[Part], settings: VectorSettings) -> list[Part]:
    """The segments to make one of, smallest first; one alone has too many dead rows; [] when all is well."""
    by_size = sorted(parts, key=lambda part: part.live)
    chosen: list[Part] = []
    rows = 0
    for part in by_size:
        fits = rows + part.live <= settings.segment_rows
        if chosen and not (fits and part.live <= settings.merge_ratio * rows):
            break
        chosen.append(part)
        rows += part.live
    if len(chosen) > 1:
        return chosen
    return [part for part in by_size if part.dead > settings.dead_share * part.rows][:1]


def _live(parts: list[Part]) -> tuple[Ints, Ints, Ints]:
    """Of every live row: its part's number, its row there, its id."""
    rows = [np.flatnonzero(part.alive_flags()) for part in parts]
    source = np.repeat(np.arange(len(parts)), [len(each) for each in rows])
    ids = [part.table.ids[each] for part, each in zip(parts, rows, strict=True)]
    return source, np.concatenate(rows), np.concatenate(ids)


def _vectors(parts: list[Part], source: Ints, rows: Ints, dim: int) -> Floats:
    """(n, dim) float32 of rows that are in order of their part."""
    pieces: list[Floats] = [np.empty((0, dim), dtype=np.float32)]
    for number, part in enumerate(parts):
        mine = rows[source == number]
        table = part.table
        pieces.append(
            table.vectors[mine] if isinstance(table, Recent) else table.codec.decode(table.encoded.take(mine))
        )
    return np.concatenate(pieces)


def _encoded(part: Part, rows: Ints, codec: Codec, pause: Callable[[], None]) -> Encoded:
    table = part.table
    if isinstance(table, Segment) and table.codec is codec:
        return table.encoded.take(rows)
    if isinstance(table, Segment):
        return codec.encode(table.codec.decode(table.encoded.take(rows)), pause)
    return codec.encode(table.vectors[rows], pause)
