"""A search over one view: channels nominate entries, their evidence is gathered, fused and judged.

The one way to an answer: the live chat, the tester and the evaluation all come through here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from knowledge import confidence, evidence, ranking, text
from knowledge.evidence import NUMBER_BITS
from knowledge.examples import unit
from knowledge.found import Confidence, Found, Hit
from knowledge.passages import bare
from knowledge.ranking import Regime
from knowledge.scope import Scope
from knowledge.tables import Row
from knowledge.text import Language
from knowledge.vectors.index import VectorIndex
from knowledge.views import View, Within

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Nearest passages looked at per question, and entries that each channel nominates.
_NEAREST = 160
_NOMINATED = 24
_BY_HEAD = 8
# On the score: a question that is an entry's own, word for word, comes before all others.
_EXACT = 1_000.0


class _Channel:
    """One encoder's index and its nearest passages for every question of a batch."""

    def __init__(self, index: VectorIndex, vectors: Floats, reads: Bools, within: Within) -> None:
        """`reads`: (n,) which questions this encoder is asked about."""
        self.index, self.vectors, self.reads = index, np.ascontiguousarray(vectors), reads
        self._place = np.cumsum(self.reads) - 1
        self._cosines, self._ids = index.search(self.vectors[self.reads], _NEAREST, within.passages())

    def nearest(self, at: int) -> tuple[Floats, Ints]:
        """Cosines and passage ids, best first; none where the encoder was not asked."""
        if not self.reads[at]:
            return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        cosines, ids = self._cosines[self._place[at]], self._ids[self._place[at]]
        there = ids >= 0
        return cosines[there], ids[there]


def search(view: View, texts: Sequence[str], vectors: Floats, k: int, scope: Scope) -> list[Found]:
    """The k best entries for each text, as LiveKnowledge.search says."""
    if not texts:
        return []
    tables, within = view.tables, view.within(scope)
    split = tables.english.dim
    languages = [text.language(each) for each in texts]
    channels = [_Channel(tables.english, vectors[:, :split], np.ones(len(texts), dtype=np.bool_), within)]
    if tables.multilingual is not None:
        chinese = np.array([language == "zh" for language in languages])
        channels.append(_Channel(tables.multilingual, vectors[:, split:], chinese, within))
    background = np.partition(channels[0].vectors @ view.background.T, -3, axis=1)[:, -3:].mean(axis=1)
    heads = _heads(view, languages, vectors)
    return [
        _search_one(view, within, channels, at, text.without_references(each), languages[at], heads[at],
                    float(background[at]), k)
        for at, each in enumerate(texts)
    ]  # fmt: skip


def _heads(view: View, languages: Sequence[Language], vectors: Floats) -> list[tuple[dict[int, float], float] | None]:
    """For each question, the head's score by entry number and its sharpness; None where there is no head."""
    found: list[tuple[dict[int, float], float] | None] = [None] * len(languages)
    for language, head in view.tables.examples.heads.items():
        rows = [at for at, each in enumerate(languages) if each == language]
        if rows:
            numbers = [view.tables.newest.get(entry, -1) for entry in head.entries]
            for at, scores in zip(rows, head.score(unit(vectors[rows])), strict=True):
                found[at] = dict(zip(numbers, scores.tolist(), strict=True)), head.odds
    return found


def _search_one(
    view: View,
    within: Within,
    channels: Sequence[_Channel],
    at: int,
    question: str,
    language: Language,
    head: tuple[dict[int, float], float] | None,
    background: float,
    k: int,
) -> Found:
    tables = view.tables
    near = [channel.nearest(at) for channel in channels]
    own = bare(question)
    exact = {*tables.titles.get(own, ())} or {*tables.paraphrases.get(own, ())}
    nominated = [_best_owners(cosines, ids) for cosines, ids in near]
    nominated.append(np.array([*exact, *_best_of(head[0] if head else {})], dtype=np.int64))
    chosen = np.unique(np.concatenate(nominated))
    chosen = chosen[within.entries(chosen)]
    lexical = tables.lexical.search(text.terms(question), _NOMINATED, chosen, within.entries)
    rows = {number: row for number in lexical.numbers.tolist() if (row := view.row(number)) is not None}
    kept = np.isin(lexical.numbers, np.fromiter(rows, dtype=np.int64, count=len(rows)))
    order = np.argsort(lexical.numbers[kept])
    numbers = lexical.numbers[kept][order]
    if not len(numbers):
        return Found(view.version, language, (), Confidence(0.0, 0.0), background)

    gathered = _cosine_evidence(channels, at, near, numbers, [rows[number] for number in numbers.tolist()])
    gathered[:, ranking.COVERAGE] = lexical.coverage[kept][order]
    gathered[:, ranking.BM25] = lexical.bm25[kept][order]
    if head is not None:
        by_number, odds = head
        gathered[:, ranking.HEAD] = [by_number.get(number, 0.0) for number in numbers.tolist()]
        gathered[:, ranking.HEAD_ODDS] = odds * gathered[:, ranking.HEAD]
    regime = Regime(language, head is not None)
    own_words = np.isin(numbers, np.fromiter(exact, dtype=np.int64, count=len(exact)))
    scores = ranking.scores(regime, gathered) + _EXACT * own_words
    best = np.argsort(-scores, kind="stable")
    sure = confidence.estimate(regime, gathered[best], scores[best], own_words[best], background)
    hits = tuple(
        _hit(rows[int(numbers[place])], language, float(scores[place]), gathered[place], bool(own_words[place]))
        for place in best[:k]
    )
    return Found(view.version, language, hits, sure, background)


def _best_owners(cosines: Floats, ids: Ints) -> Ints:
    """Numbers of the entries with the nearest passages; `cosines` come best first."""
    numbers, first = np.unique(ids >> NUMBER_BITS, return_index=True)
    return numbers[np.argsort(first)][:_NOMINATED]


def _best_of(head: dict[int, float]) -> list[int]:
    best = sorted(head, key=head.__getitem__, reverse=True)[:_BY_HEAD]
    return [number for number in best if number >= 0]


def _cosine_evidence(
    channels: Sequence[_Channel], at: int, near: Sequence[tuple[Floats, Ints]], numbers: Ints, rows: Sequence[Row]
) -> Floats:
    ids = np.unique(np.concatenate([*(ids for _, ids in near), *(row.fixed for row in rows)]))
    ids = ids[np.isin(ids >> NUMBER_BITS, numbers)]
    english = np.nan_to_num(channels[0].index.score(channels[0].vectors[at], ids), nan=-1.0)
    cosines, floors = [english], [_floor(near[0][0])]
    for channel, (near_cosines, _) in zip(channels[1:], near[1:], strict=True):
        if channel.reads[at]:
            own = channel.index.score(channel.vectors[at], ids)
            # A passage in a language that this encoder is not asked about: the other one speaks for both.
            cosines.append(np.where(np.isnan(own), english, own))
            floors.append(_floor(near_cosines))
    asked = np.array([row.asked for row in rows], dtype=np.int64)
    return evidence.of_entries(numbers, asked, ids, cosines, floors)


def _floor(cosines: Floats) -> float:
    return float(cosines[-1]) if len(cosines) else 0.0


def _hit(row: Row, language: Language, score: float, own: Floats, exact: bool) -> Hit:
    entry = row.entry
    given, side = entry.side(language)
    return Hit(
        id=entry.id,
        revision=entry.revision,
        kind=entry.kind,
        document=row.item,
        source=row.source,
        language=given,
        title=side.question,
        answer=side.answer,
        score=score,
        evidence=tuple(own.tolist()),
        exact=exact,
    )
