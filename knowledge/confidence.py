"""How sure to be: calibrated probabilities from the evidence of the best few entries.

Logistic regressions over features that do not depend on the size or the domain of the knowledge.
Their coefficients come from knowledge/calibration.json (`python -m bench.calibrate`) or, where a
tenant has enough questions of its own, from those (knowledge/tuning.py).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from knowledge import ranking
from knowledge.found import Confidence
from knowledge.ranking import Calibration

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

FEATURES = (
    "bias",
    *ranking.EVIDENCE,
    "log odds",  # of the best against the rest and the background, clipped to [-4, 8]
    "dense agrees",  # no other entry has a better body
    "lexical agrees",  # no other entry covers more
    "coverage margin",
    "head margin",
    "background",
)

# A question that is, word for word, one of the entry's own.
_EXACT = 0.99
# How far the score of an entry lies above what the background's nearest line would get, at the least.
_ODDS = (-4.0, 8.0)


def estimate(calibration: Calibration, evidence: Floats, scores: Floats, exact: Bools, background: float) -> Confidence:
    """Of one question's candidates, best first: (n, len(EVIDENCE)) evidence, (n,) scores and flags."""
    if not len(scores):
        return Confidence(first=0.0, among_three=0.0)
    if exact[0]:
        return Confidence(first=_EXACT / int(exact.sum()), among_three=_EXACT)
    measured = features(calibration.weights, evidence, scores, background)
    first = _logistic(calibration.first, measured)
    return Confidence(first=first, among_three=max(first, _logistic(calibration.among_three, measured)))


def features(weights: tuple[float, ...], evidence: Floats, scores: Floats, background: float) -> tuple[float, ...]:
    """The features named in FEATURES, of candidates that come best first."""
    best, others = evidence[0], evidence[1:]
    # The background is the rival that even a knowledge of one entry has.
    unrelated = sum(weights[ranking.ENGLISH : ranking.COVERAGE]) * background
    rivals = np.append(scores[1:], unrelated) - scores[0]
    odds = -math.log(float(np.exp(np.minimum(rivals, 50.0)).sum()) + 1e-9)
    body, coverage, head = ranking.ENGLISH + 2, ranking.COVERAGE, ranking.HEAD
    return (
        1.0,
        *best.tolist(),
        min(max(odds, _ODDS[0]), _ODDS[1]),
        float(best[body] >= _most(others, body)),
        float(best[coverage] >= _most(others, coverage)),
        float(best[coverage]) - _most(others, coverage),
        float(best[head]) - _most(others, head),
        background,
    )


def _most(evidence: Floats, column: int) -> float:
    return float(evidence[:, column].max()) if len(evidence) else 0.0


def _logistic(weights: tuple[float, ...], measured: tuple[float, ...]) -> float:
    z = sum(weight * value for weight, value in zip(weights, measured, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))
