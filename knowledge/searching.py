"""A search over one view: candidates are gathered, ordered and judged.

The one way to an answer: the live chat, the tester and the evaluation all come through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from knowledge import confidence, ranking, text
from knowledge.candidates import Candidates, HeadScores, candidates, channels
from knowledge.examples import unit
from knowledge.found import Confidence, Found, Hit
from knowledge.learnt import Learnt
from knowledge.scope import Scope
from knowledge.tables import Row
from knowledge.text import Language
from knowledge.views import View

Floats = npt.NDArray[np.float32]

# On the score: a question that is an entry's own, word for word, comes before all others.
_EXACT = 1_000.0
_NEAR_BACKGROUND = 3  # lines of the background that the mean is over


def search(view: View, texts: Sequence[str], vectors: Floats, k: int, scope: Scope) -> list[Found]:
    """The k best entries for each text, as LiveKnowledge.search says."""
    if not texts:
        return []
    within = view.within(scope)
    languages = [text.language(each) for each in texts]
    asked = channels(view, within, vectors, languages)
    learnt = view.tables.learnt  # read once: training may replace it at any moment
    heads = _heads(view, learnt, languages, vectors)
    near = background(view, vectors)
    found = []
    for at, each in enumerate(texts):
        own = candidates(view, within, asked, at, text.without_references(each), heads[at])
        found.append(_judged(view, learnt, languages[at], own, float(near[at]), k))
    return found


def background(view: View, vectors: Floats) -> Floats:
    """(n,) how near each question is to what no company's knowledge answers."""
    cosines = vectors[:, : view.tables.english.dim] @ view.background.T
    near: Floats = np.partition(cosines, -_NEAR_BACKGROUND, axis=1)[:, -_NEAR_BACKGROUND:].mean(axis=1)
    return near


def _heads(
    view: View, known: Mapping[Language, Learnt], languages: Sequence[Language], vectors: Floats
) -> list[HeadScores | None]:
    """For each question; None where nothing was learnt for its language."""
    found: list[HeadScores | None] = [None] * len(languages)
    for language, learnt in known.items():
        rows = [at for at, each in enumerate(languages) if each == language]
        if rows:
            numbers = [view.tables.newest.get(entry, -1) for entry in learnt.head.entries]
            for at, scores in zip(rows, learnt.head.score(unit(vectors[rows])), strict=True):
                found[at] = HeadScores(dict(zip(numbers, scores.tolist(), strict=True)), learnt.head.odds)
    return found


def _judged(
    view: View, known: Mapping[Language, Learnt], language: Language, own: Candidates, near: float, k: int
) -> Found:
    if not len(own.numbers):
        return Found(view.version, language, (), Confidence(0.0, 0.0), near)
    learnt = known.get(language)
    calibration = view.calibration(language) if learnt is None else learnt.calibration
    scores = ranking.scores(calibration.weights, own.evidence)
    scores[own.exact] += _EXACT
    best = np.argsort(-scores, kind="stable")
    sure = confidence.estimate(calibration, own.evidence[best], scores[best], own.exact[best], near)
    hits = tuple(
        _hit(own.rows[at], language, float(scores[at]), own.evidence[at], bool(own.exact[at]))
        for at in best[:k].tolist()
    )
    return Found(view.version, language, hits, sure, near)


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
