"""How sure to be: calibrated probabilities from the evidence of the best few entries.

Logistic regressions per language over a few features that do not depend on the size
or the domain of the knowledge. `bench/calibrate.py` prints the coefficients below.
"""

from __future__ import annotations

import math

from msgspec import Struct

from knowledge.index import Hit
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
    "en": (-3.38, 1.27, 4.09, 1.58, -1.92, 0.62, 0.23, -0.7, -1.7),
    "zh": (-2.86, -0.28, 5.18, -0.59, 3.03, 0.62, 0.51, -1.67, -3.87),
}
_AMONG_THREE: dict[Language, tuple[float, ...]] = {
    "en": (-2.78, 2.25, 4.92, 1.66, -1.79, 0.41, 0.15, -0.73, -4.18),
    "zh": (-3.26, 1.17, 5.49, 1.71, 3.12, 0.4, 0.3, -2.04, -4.78),
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
    """The features named in FEATURES. `log odds`: of the first against the rest, clipped to [-4, 8]."""
    first = hits[0]
    rest = sum(math.exp(hit.score - first.score) for hit in hits[1:])
    odds = -math.log(rest) if rest > 0 else 8.0
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
