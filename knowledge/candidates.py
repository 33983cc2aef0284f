"""The entries that may answer a question, nominated by every channel, with the evidence for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge import evidence, ranking, text
from knowledge.evidence import NUMBER_BITS
from knowledge.passages import bare
from knowledge.tables import Row
from knowledge.text import Language
from knowledge.vectors.index import VectorIndex
from knowledge.views import View, Within

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Nearest passages looked at per question, and entries that each channel nominates.
_NEAREST = 160
_NOMINATED = 16
_BY_HEAD = 8
_LEFT_OUT = 2  # questions, when one is asked as if it were not there


class Channel:
    """One encoder's index and its nearest passages for every question of a batch."""

    def __init__(self, index: VectorIndex, vectors: Floats, reads: Bools, within: Within) -> None:
        """`reads`: (n,) which questions this encoder is asked about."""
        self.index, self.vectors, self.reads = index, np.ascontiguousarray(vectors), reads
        self._place = np.cumsum(reads) - 1
        self._cosines, self._ids = index.search(self.vectors[reads], _NEAREST, within.passages())

    def nearest(self, at: int) -> tuple[Floats, Ints]:
        """Cosines and passage ids, best first; none where the encoder was not asked."""
        if not self.reads[at]:
            return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        cosines, ids = self._cosines[self._place[at]], self._ids[self._place[at]]
        there = ids >= 0
        return cosines[there], ids[there]


def channels(view: View, within: Within, vectors: Floats, languages: Sequence[Language]) -> list[Channel]:
    """Those of a batch: `vectors` (n, dim), the encoder's."""
    tables = view.tables
    split = tables.english.dim
    found = [Channel(tables.english, vectors[:, :split], np.ones(len(vectors), dtype=np.bool_), within)]
    if tables.multilingual is not None:
        chinese = np.array([language == "zh" for language in languages], dtype=np.bool_)
        found.append(Channel(tables.multilingual, vectors[:, split:], chinese, within))
    return found


class HeadScores(Struct, frozen=True):
    """What the head says of one question, by entry number; `odds` as Head has it."""

    by_number: dict[int, float]
    odds: float


class LeftOut(Struct, frozen=True):
    """A question of the knowledge's own that is asked as if it were not there: `passage` of entry `number`.

    The entry's question nearest to it is left out too: whoever writes paraphrases writes some of them alike, and
    customers' questions are further from all of them.
    """

    number: int
    passage: int


class Candidates(Struct, frozen=True):
    """(n,) entry numbers, ascending, their rows, (n, len(EVIDENCE)) evidence, and which hold the very question."""

    numbers: Ints
    rows: tuple[Row, ...]
    evidence: Floats
    exact: Bools


def candidates(
    view: View,
    within: Within,
    asked: Sequence[Channel],
    at: int,
    question: str,
    head: HeadScores | None,
    left_out: LeftOut | None = None,
) -> Candidates:
    """Of the question at place `at` of the batch that `asked` was made for."""
    tables = view.tables
    near = [channel.nearest(at) for channel in asked]
    exact: set[int] = set()
    if left_out is None:
        own = bare(question)
        exact = _shown(within, tables.titles.get(own, ())) or _shown(within, tables.paraphrases.get(own, ()))
    else:
        near = [_without(cosines, ids, left_out) for cosines, ids in near]
    nominated = [_best_owners(ids) for _, ids in near]
    nominated.append(np.array([*exact, *_best_of(head)], dtype=np.int64))
    chosen = np.unique(np.concatenate(nominated))
    chosen = chosen[within.entries(chosen)]
    terms = text.terms(question)
    lexical = tables.lexical.search(terms, _NOMINATED, chosen, within.entries)
    order = np.argsort(lexical.numbers)
    rows = {number: row for number in lexical.numbers.tolist() if (row := view.row(number)) is not None}
    order = order[[number in rows for number in lexical.numbers[order].tolist()]]
    numbers = lexical.numbers[order]

    counts = np.array([rows[number].asked for number in numbers.tolist()], dtype=np.int64)
    if left_out is not None:
        counts[numbers == left_out.number] -= _LEFT_OUT
    ids, cosines, floors = _cosines(asked, at, near, numbers, rows)
    gathered = evidence.of_entries(numbers, counts, ids, cosines, floors)
    gathered[:, ranking.COVERAGE] = lexical.coverage[order]
    gathered[:, ranking.BM25] = lexical.bm25[order]
    if left_out is not None and left_out.number in rows:
        place = int(np.searchsorted(numbers, left_out.number))
        gathered[place, ranking.COVERAGE : ranking.HEAD] = tables.lexical.score_without(terms, left_out.number)
    if head is not None:
        scores = np.array([head.by_number.get(number, 0.0) for number in numbers.tolist()], dtype=np.float32)
        gathered[:, ranking.HEAD] = ranking.HEAD_SCALE * scores
        gathered[:, ranking.HEAD_ODDS] = head.odds * scores
    flags = np.array([number in exact for number in numbers.tolist()], dtype=np.bool_)
    return Candidates(numbers, tuple(rows[number] for number in numbers.tolist()), gathered, flags)


def _without(cosines: Floats, ids: Ints, left_out: LeftOut) -> tuple[Floats, Ints]:
    kept = ids != left_out.passage
    alike = np.flatnonzero(kept & (ids >> NUMBER_BITS == left_out.number) & evidence.is_question(ids))
    kept[alike[: _LEFT_OUT - 1]] = False
    return cosines[kept], ids[kept]


def _best_owners(ids: Ints) -> Ints:
    """Numbers of the entries with the nearest passages; `ids` come nearest first."""
    numbers, first = np.unique(ids >> NUMBER_BITS, return_index=True)
    nearest: Ints = numbers[np.argsort(first)][:_NOMINATED]
    return nearest


def _shown(within: Within, numbers: tuple[int, ...]) -> set[int]:
    """Those that the search may find: what a scope or this moment leaves out hides no one else's question."""
    every = np.array(numbers, dtype=np.int64)
    return {*every[within.entries(every)].tolist()}


def _best_of(head: HeadScores | None) -> list[int]:
    if head is None:
        return []
    best = sorted(head.by_number, key=head.by_number.__getitem__, reverse=True)[:_BY_HEAD]
    return [number for number in best if number >= 0]


def _cosines(
    asked: Sequence[Channel], at: int, near: Sequence[tuple[Floats, Ints]], numbers: Ints, rows: dict[int, Row]
) -> tuple[Ints, list[Floats], list[float]]:
    """Passages of the entries and, per encoder asked, their cosines and the least that was among the nearest."""
    fixed = [rows[number].fixed for number in numbers.tolist()]
    ids = np.unique(np.concatenate([*(ids for _, ids in near), *fixed]))
    ids = ids[np.isin(ids >> NUMBER_BITS, numbers)]
    english = np.nan_to_num(asked[0].index.score(asked[0].vectors[at], ids), nan=-1.0)
    cosines, floors = [english], [_floor(near[0][0])]
    for channel, (nearest, _) in zip(asked[1:], near[1:], strict=True):
        if channel.reads[at]:
            own = channel.index.score(channel.vectors[at], ids)
            # A passage in a language that this encoder does not hold: the other one speaks for both.
            cosines.append(np.where(np.isnan(own), english, own))
            floors.append(_floor(nearest))
    return ids, cosines, floors


def _floor(cosines: Floats) -> float:
    return float(cosines[-1]) if len(cosines) else 0.0
