"""A search over one view: recent rows exactly, segments by scan and refinement."""

from __future__ import annotations

import math

import numpy as np

from knowledge.vectors import bitmap, reach
from knowledge.vectors.bitmap import Bits, Floats, Ints
from knowledge.vectors.filters import Filter
from knowledge.vectors.quantised import Codec, nearest
from knowledge.vectors.settings import VectorSettings
from knowledge.vectors.tables import Part, Segment, View

_REFINED_PER_RESULT = 4  # at least, for a larger k
# Rows whose last bits are read. Upper bits alone end at a recall@10 of 0.985 on 1M sentences; among their
# best 30 the best 10 are practically always.
_FINAL = 30
_FINAL_PER_RESULT = 3

Found = tuple[Floats, Ints]
Scanned = tuple[Segment, Part, Bits | None]


def search(view: View, queries: Floats, k: int, allowed: Filter | None, settings: VectorSettings) -> Found:
    """Scores and ids, (q, k), best first; -inf and -1 where there are fewer."""
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    recent = _recent(view, queries, k, allowed)
    segments, share = _scanned(view, allowed)
    few = allowed is not None and share * sum(part.rows for _, part, _ in segments) <= settings.filter_rows
    for at, query in enumerate(queries):
        found = [(each[0][at], each[1][at]) for each in recent]
        if allowed is not None and few:
            found += _listed(segments, query, k, allowed)
        elif segments:
            found += _quantised(view, segments, query, k, share, settings)
        if found:
            best_scores, best_ids = _best(
                np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found]), k
            )
            scores[at, : len(best_ids)], ids[at, : len(best_ids)] = best_scores, best_ids
    return scores, ids


def _best(scores: Floats, ids: Ints, k: int) -> Found:
    if len(scores) > 2 * k:
        top = np.argpartition(scores, -k)[-k:]
        scores, ids = scores[top], ids[top]
    order = np.argsort(-scores, kind="stable")[:k]
    order = order[ids[order] >= 0]
    return scores[order], ids[order]


def _recent(view: View, queries: Floats, k: int, allowed: Filter | None) -> list[Found]:
    """Of each recent table, scores and ids, (q, k or fewer); id -1 where there are fewer."""
    found = []
    for table, part in view.recents:
        if not part.live:
            continue
        only = part.alive if part.dead else None
        if allowed is not None:
            mask = allowed.mask(table.ids[: part.rows])
            if not mask.any():
                continue
            only = bitmap.of(mask & part.alive_flags())
        scores, rows = nearest(queries, table.vectors[: part.rows], min(k, part.rows), only)
        found.append((scores, np.where(rows >= 0, table.ids[rows], -1)))
    return found


def _scanned(view: View, allowed: Filter | None) -> tuple[list[Scanned], float]:
    """The segments worth a look, each with the rows that may be found, and the share these are of all."""
    if allowed is None:
        return [(segment, part, None) for segment, part in view.segments], 1.0
    scanned: list[Scanned] = []
    kept, total = 0, 0
    for segment, part in view.segments:
        total += part.rows
        if (of := allowed.of(segment)).count:
            kept += of.count
            scanned.append((segment, part, of.bits & part.alive if part.dead else of.bits))
    return scanned, kept / max(1, sum(part.rows for _, part, _ in scanned))


def _listed(segments: list[Scanned], query: Floats, k: int, allowed: Filter) -> list[Found]:
    """Every allowed row."""
    chosen = []
    for segment, part, _ in segments:
        rows = allowed.of(segment).rows
        if rows is None:  # more than a filter lists
            rows = np.flatnonzero(bitmap.flags(allowed.of(segment).bits, part.rows))
        chosen.append((segment, rows[bitmap.has(part.alive, rows)] if part.dead else rows))
    return _scored(chosen, query, k)


def _quantised(
    view: View, segments: list[Scanned], query: Floats, k: int, share: float, settings: VectorSettings
) -> list[Found]:
    """The best rows of the likeliest lists; of the scan's best over all segments, the scores."""
    wanted = max(settings.refine, k * _REFINED_PER_RESULT)
    gap = reach.gap(view.gaps, k, share)
    most_probed = min(1.0, settings.most_probed * math.sqrt(reach.thinned(k, share)))
    probed: dict[int, tuple[Floats, Ints]] = {}
    scans: list[Found] = []
    for segment, part, only in segments:
        codec: Codec = segment.codec
        if id(codec) not in probed:
            most = max(1, math.ceil(len(codec.centroids) * most_probed))
            probed[id(codec)] = codec.probe(query, gap, most)
        scans.append(_scan(segment, part, only, query, probed[id(codec)], wanted))
    cut = _cut([scores for scores, _ in scans], wanted)
    return _scored(
        [(segment, rows[scores >= cut]) for (segment, _, _), (scores, rows) in zip(segments, scans, strict=True)],
        query,
        k,
    )


def _scan(
    segment: Segment, part: Part, only: Bits | None, query: Floats, probed: tuple[Floats, Ints], wanted: int
) -> Found:
    """The best rows alive of the probed lists; `only`: those that a filter leaves, None without one."""
    wanted = min(wanted, part.rows)
    if only is not None or not part.dead:
        return segment.inverted.scan(query, probed, wanted, only)
    # Asking for a few more and leaving out the dead takes a third less time than a scan that looks at every row's bit.
    more = min(math.ceil(wanted * part.rows / part.live), part.rows)
    scores, rows = segment.inverted.scan(query, probed, more, None)
    alive = bitmap.has(part.alive, rows)
    if 2 * np.count_nonzero(alive) < min(wanted, len(rows)):  # the dead lie just here
        return segment.inverted.scan(query, probed, wanted, part.alive)
    return scores[alive], rows[alive]


def _scored(chosen: list[tuple[Segment, Ints]], query: Floats, k: int) -> list[Found]:
    """By their upper 8 bits, and of these the best by all 12."""
    coarse = [segment.codec.score(query, segment.encoded.rows.take(rows, axis=0)) for segment, rows in chosen]
    cut = _cut(coarse, max(_FINAL, _FINAL_PER_RESULT * k))
    found = []
    for (segment, rows), scores in zip(chosen, coarse, strict=True):
        best = np.flatnonzero(scores >= cut)
        if len(best):
            rows = rows[best]
            scores = scores[best] + segment.codec.correction(query, segment.encoded.fine.take(rows, axis=0))
            found.append((scores, segment.ids[rows]))
    return found


def _cut(scores: list[Floats], count: int) -> float:
    """The `count`th best of all these scores; below all of them where there are fewer."""
    if sum(map(len, scores)) <= count:
        return -math.inf
    return float(np.partition(np.concatenate(scores), -count)[-count])
