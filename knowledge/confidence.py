"""How sure to be: calibrated probabilities from the evidence of the best few entries.

Logistic regressions per language over a few features that do not depend on the size
or the domain of the knowledge. `bench/calibrate.py` prints the coefficients below.
"""

from __future__ import annotations

import math

from msgspec import Struct

from knowledge.index import WEIGHTS, Hit
from knowledge.text import Language

FEATURES = (
    "bias",
    "nearest",
    "mean",
    "coverage",
    "bm25",
    "log odds",
    "agreement",
    "coverage margin",
    "background",
)

# A question that is, word for word, one of the entry's own.
_EXACT = 0.99


class Confidence(Struct, frozen=True):
    """Probabilities that the best entry answers the question, and that one of the best three does."""

    first: float
    among_three: float


_FIRST: dict[Language, tuple[float, ...]] = {
    "en": (-3.15, 0.94, 3.62, 1.41, -1.82, 0.66, 0.22, -0.69, -0.59),
    "zh": (-2.68, -0.51, 4.85, -0.7, 2.85, 0.68, 0.42, -1.73, -3.04),
}
_AMONG_THREE: dict[Language, tuple[float, ...]] = {
    "en": (-2.53, 1.89, 4.5, 1.53, -1.74, 0.47, 0.12, -0.75, -3.28),
    "zh": (-3.22, 1.32, 5.18, 1.83, 2.61, 0.45, 0.16, -2.18, -4.16),
}


def estimate(hits: list[Hit]) -> Confidence:
    """`hits`: the best entries of one question, best first, at least three where the index has them."""
    if not hits:
        return Confidence(first=0.0, among_three=0.0)
    if hits[0].exact:
        tied = sum(hit.exact for hit in hits)
        return Confidence(first=_EXACT / tied, among_three=_EXACT)
    measured = features(hits)
    language = hits[0].language
    first = _logistic(_FIRST[language], measured)
    return Confidence(first=first, among_three=max(first, _logistic(_AMONG_THREE[language], measured)))


def features(hits: list[Hit]) -> tuple[float, ...]:
    """The features named in FEATURES.

    `log odds`: of the first against the rest and the background, clipped to [-4, 8]. The
    background is the rival that even a knowledge of one entry has.
    """
    first = hits[0]
    weights = WEIGHTS[first.language]
    background = (weights.nearest + weights.mean) * first.background
    rivals = [background, *(hit.score for hit in hits[1:])]
    odds = -math.log(sum(math.exp(min(score - first.score, 50.0)) for score in rivals) + 1e-9)
    agree = first.mean >= max(hit.mean for hit in hits) and first.coverage >= max(hit.coverage for hit in hits)
    others = max((hit.coverage for hit in hits[1:]), default=0.0)
    return (
        1.0,
        first.nearest,
        first.mean,
        first.coverage,
        first.bm25,
        min(max(odds, -4.0), 8.0),
        float(agree),
        first.coverage - others,
        first.background,
    )


def _logistic(weights: tuple[float, ...], measured: tuple[float, ...]) -> float:
    z = sum(weight * value for weight, value in zip(weights, measured, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))
