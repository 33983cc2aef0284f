"""Which entries may answer a question: dense and lexical evidence, fused per entry."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge import text
from knowledge.background import BACKGROUND
from knowledge.dense import DenseIndex
from knowledge.embedder import Encoder
from knowledge.entries import Entry, Side
from knowledge.lexical import LexicalIndex
from knowledge.text import Language

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Nearest passages looked at per question; an entry has about a dozen per language.
_CANDIDATES = 160
# An entry's dense evidence is the mean of its best passages: one lucky passage counts less.
_BEST = 5
# Questions x entries held at once.
_CELLS = 4_000_000

_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


class Weights(Struct, frozen=True):
    """How much each channel counts in the fused score, a log-odds scale, from bench/calibrate.py.

    The default model reads Chinese through a glossary only, so words count for more there.
    """

    nearest: float
    mean: float
    coverage: float
    bm25: float


WEIGHTS: dict[Language, Weights] = {
    "en": Weights(nearest=5.3, mean=17.8, coverage=1.7, bm25=0.9),
    "zh": Weights(nearest=0.0, mean=15.7, coverage=0.9, bm25=8.3),
}


class Hit(Struct, frozen=True):
    """An entry that may answer, with the evidence. All but `score` lie in [-1, 1].

    `score`: fused, comparable within one question only. `nearest`: cosine of the entry's
    best passage; `mean`: of its best five. `coverage`, `bm25`: see LexicalIndex.
    `background`: mean cosine of the three nearest lines of background.py, the same for all hits.
    `exact`: the question is one of the entry's own, word for word.
    """

    entry: Entry
    language: Language
    score: float
    nearest: float
    mean: float
    coverage: float
    bm25: float
    background: float
    exact: bool
    passage: str


class HybridIndex:
    """All passages of all entries, in both languages, fixed once built."""

    def __init__(self, entries: Sequence[Entry], passages: list[str], owners: Ints, vectors: Floats) -> None:
        """`passages[i]` belongs to `entries[owners[i]]` and has the vector `vectors[i]`; those of
        BACKGROUND follow."""
        self._entries = list(entries)
        self._passages = passages
        self._owners = owners
        self._dense = DenseIndex(vectors[: len(passages)])
        self._background = vectors[len(passages) :]
        self._lexical = LexicalIndex([_words(entry) for entry in self._entries])
        self._exact: dict[str, set[int]] = {}
        titles: set[str] = set()
        for number, entry in enumerate(self._entries):
            for _, side in entry.sides():
                titles.add(_bare(side.question))
                self._exact.setdefault(_bare(side.question), {number})
        for number, entry in enumerate(self._entries):
            for _, side in entry.sides():
                for own in map(_bare, side.paraphrases):
                    # A title means its own entry even where another lists it as a paraphrase:
                    # choosing an option sends the title back, and must lead to an answer.
                    if own not in titles:
                        self._exact.setdefault(own, set()).add(number)

    @classmethod
    def build(cls, entries: Sequence[Entry], embedder: Encoder) -> HybridIndex:
        """Embeds every passage: about two seconds per hundred bilingual entries on one core."""
        passages: list[str] = []
        owners: list[int] = []
        for number, entry in enumerate(entries):
            for _, side in entry.sides():
                own = _side_passages(side)
                passages += own
                owners += [number] * len(own)
        return cls(entries, passages, np.array(owners, dtype=np.int64), embedder.encode([*passages, *BACKGROUND]))

    def search(self, texts: list[str], vectors: Floats, k: int) -> list[list[Hit]]:
        """The k best entries for each text, best first. `vectors`: (n, dim), of the same texts."""
        texts = [text.without_references(each) for each in texts]
        step = max(1, _CELLS // len(self._entries))
        hits: list[list[Hit]] = []
        for start in range(0, len(texts), step):
            hits += self._search(texts[start : start + step], vectors[start : start + step], k)
        return hits

    def _search(self, texts: list[str], vectors: Floats, k: int) -> list[list[Hit]]:
        nearest, mean, best = self._evidence(vectors)
        coverage, bm25 = self._lexical.score(texts)
        background = np.partition(vectors @ self._background.T, -3, axis=1)[:, -3:].mean(axis=1)
        languages = [text.language(each) for each in texts]
        exact = np.zeros(nearest.shape, dtype=np.bool_)
        for row, each in enumerate(texts):
            for number in self._exact.get(_bare(each), ()):
                exact[row, number] = True

        weights = [WEIGHTS[language] for language in languages]
        score = np.zeros(nearest.shape, dtype=np.float32)
        for name, channel in (("nearest", nearest), ("mean", mean), ("coverage", coverage), ("bm25", bm25)):
            score += np.array([getattr(each, name) for each in weights], dtype=np.float32)[:, None] * channel
        score += 100.0 * exact

        k = min(k, len(self._entries))
        top = np.argpartition(-score, k - 1, axis=1)[:, :k]
        top = np.take_along_axis(top, np.argsort(-np.take_along_axis(score, top, axis=1), axis=1), axis=1)
        return [
            [
                Hit(
                    entry=self._entries[number],
                    language=languages[row],
                    score=float(score[row, number]),
                    nearest=float(nearest[row, number]),
                    mean=float(mean[row, number]),
                    coverage=float(coverage[row, number]),
                    bm25=float(bm25[row, number]),
                    background=float(background[row]),
                    exact=bool(exact[row, number]),
                    passage=self._passages[best[row, number]] if best[row, number] >= 0 else "",
                )
                for number in top[row].tolist()
            ]
            for row in range(len(texts))
        ]

    def _evidence(self, vectors: Floats) -> tuple[Floats, Floats, Ints]:
        """Per question and entry: the best cosine, the mean of the best five, the best passage.

        Passages that are not among the nearest count as much as the last that is.
        """
        cosines, passages = self._dense.search(vectors, _CANDIDATES)
        cosines = np.where(passages < 0, cosines.min(initial=0.0), cosines)
        rows = np.repeat(np.arange(len(vectors)), cosines.shape[1])
        cells = rows * len(self._entries) + self._owners[passages.ravel()]

        # Candidates come best first; a stable sort by cell keeps that, so the place in the cell is the rank.
        order = np.argsort(cells, kind="stable")
        ordered = cells[order]
        first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        rank = np.arange(len(ordered)) - np.repeat(first, np.diff(np.r_[first, len(ordered)]))

        shape = (len(vectors), len(self._entries))
        floor = cosines[:, -1]
        nearest = np.repeat(floor, shape[1])
        total = np.repeat(floor * np.float32(_BEST), shape[1])
        best = np.full(shape[0] * shape[1], -1, dtype=np.int64)
        values = cosines.ravel()[order]
        nearest[ordered[first]] = values[first]
        best[ordered[first]] = passages.ravel()[order][first]
        above = rank < _BEST
        np.add.at(total, ordered[above], (values - floor[rows[order]])[above])
        mean = (total / np.float32(_BEST)).astype(np.float32)
        return nearest.reshape(shape), mean.reshape(shape), best.reshape(shape)


def sentences(answer: str) -> list[str]:
    """The answer cut after full stops, question and exclamation marks of both scripts."""
    return [piece.strip() for piece in _SENTENCE.split(answer) if piece.strip()]


def _side_passages(side: Side) -> list[str]:
    asked = [side.question, *side.paraphrases]
    return [*asked, " ".join(asked), f"{side.question} {side.answer}", *sentences(side.answer)]


def _words(entry: Entry) -> list[str]:
    sides = [side for _, side in entry.sides()]
    return [
        term for side in sides for own in (side.question, *side.paraphrases, side.answer) for term in text.terms(own)
    ]


def _bare(question: str) -> str:
    """What two spellings of one question share: no case, no punctuation, no spaces."""
    return re.sub(r"[\W_]+", "", text.normalise(question))
