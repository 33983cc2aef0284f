"""Fits ranking weights and confidence to questions whose right entries are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

from knowledge import confidence, ranking
from knowledge.ranking import Calibration

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_MOST_WEIGHT = 60.0


class Case(Struct, frozen=True):
    """One question: (n, len(EVIDENCE)) of its candidates, which of them are right, how near it is to the background.

    `count`: how much it counts.
    """

    evidence: Floats
    right: Bools
    background: float
    count: float = 1.0


class Pull(Struct, frozen=True):
    """How many badly explained cases it takes to move a coefficient by one from where it was."""

    weights: float
    confidence: float


def fit(cases: Sequence[Case], prior: Calibration, pull: Pull) -> Calibration:
    """The calibration that explains the cases best while staying near `prior`."""
    weights = fit_weights(cases, prior.weights, pull.weights)
    return Calibration(
        weights,
        _fit_confidence(cases, weights, 1, prior.first, pull.confidence),
        _fit_confidence(cases, weights, 3, prior.among_three, pull.confidence),
    )


def fit_weights(cases: Sequence[Case], prior: tuple[float, ...], pull: float) -> tuple[float, ...]:
    """Softmax over the candidates; non-negative, so that more evidence never counts against an entry."""
    usable = [case for case in cases if case.right.any()]
    deepest = max((len(case.right) for case in usable), default=0)
    start = np.array(prior)
    if not usable:
        return prior
    # Candidates of all questions as one array; missing ones have no chance.
    x = np.zeros((len(usable), deepest, len(ranking.EVIDENCE)))
    right = np.zeros((len(usable), deepest), dtype=np.bool_)
    there = np.zeros((len(usable), deepest), dtype=np.bool_)
    for at, case in enumerate(usable):
        x[at, : len(case.right)] = case.evidence
        right[at, : len(case.right)] = case.right
        there[at, : len(case.right)] = True
    counts = np.array([case.count for case in usable])

    def loss(w: Array) -> tuple[float, Array]:
        z = np.where(there, x @ w, -np.inf)
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(axis=1, keepdims=True)
        mass = np.maximum((p * right).sum(axis=1), 1e-12)
        wanted = p * right / mass[:, None]
        value = -float(counts @ np.log(mass)) + pull * float((w - start) @ (w - start))
        slope = -np.einsum("q,qn,qnf->f", counts, wanted - p, x) + 2 * pull * (w - start)
        return value, slope

    found = minimize(loss, start, jac=True, bounds=[(0, _MOST_WEIGHT)] * len(start)).x
    return tuple(found.round(3).tolist())


def ordered(case: Case, weights: tuple[float, ...]) -> tuple[Floats, Floats, Bools]:
    """Evidence, scores and right flags, best first."""
    scores = ranking.scores(weights, case.evidence)
    order = np.argsort(-scores, kind="stable")
    return case.evidence[order], scores[order], case.right[order]


def _fit_confidence(
    cases: Sequence[Case], weights: tuple[float, ...], depth: int, prior: tuple[float, ...], pull: float
) -> tuple[float, ...]:
    x, y = [], []
    for case in cases:
        evidence, scores, right = ordered(case, weights)
        x.append(confidence.features(weights, evidence, scores, case.background))
        y.append(float(right[:depth].any()))
    features, truth = np.array(x), np.array(y)
    counts, start = np.array([case.count for case in cases]), np.array(prior)

    def loss(w: Array) -> tuple[float, Array]:
        z = features @ w
        p = 1 / (1 + np.exp(-z))
        # The first is the bias: how common right answers are is the cases' to say.
        away = np.r_[0.0, (w - start)[1:]]
        value = float(counts @ (np.logaddexp(0, z) - truth * z)) + pull * float(away @ away)
        return value, features.T @ (counts * (p - truth)) + 2 * pull * away

    # As with the weights, more evidence never counts against an answer, so that what no case showed is safe:
    # the last feature alone, nearness to the background, counts against it.
    bounds = [(None, None), *[(0.0, None)] * (len(start) - 2), (None, 0.0)]
    return tuple(minimize(loss, start, jac=True, bounds=bounds).x.round(3).tolist())
