"""A classifier over examples of intents and utterances of none: which intent, and whether any.

Kernel ridge regression as in knowledge/head.py, on
k = exp(sharpness (cosine - 1)) (1 + code code') + wording . wording.
What is talked about may interact; how it is worded adds up; that an order is named counts where that was seen with
what is talked about, not everywhere. One column of targets per intent, zero for utterances of none.
The best column says which intent it would be. Whether it is one at all is a matter of all columns together: "is this
a wish" is learnt from the examples of every intent at once. How sure to be of that is a logistic regression on the
examples' own scores, each as if it had been left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from scipy import linalg  # type: ignore[import-untyped,unused-ignore]
from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Fitted on the demo shop, banking77 and clinc150 with ten examples an intent (bench/intents.py): flat around here.
_SHARPNESS = 3.0
_RIDGE = 0.3
_WORDING = 0.4  # scale of a feature of wording
_CODE = 3.0  # how much more two utterances of one matter say of each other where both name an order
_DIM = 192  # directions of the examples that are kept: a quarter of the time, no loss
_BEST = 3  # intents whose scores together say how much of a wish it is

# Of the log-odds: bias, root of the best score, root of the best three together. Where examples are few, they count.
_PRIOR = (-6.0, 6.0, 8.0)
_PULL = 0.02
_MOST_WEIGHT = 100.0
# How much likelier than a wish, of any intent, a message is that wishes for nothing.
_OTHERS = 2.0


class Said(Struct, frozen=True):
    """Utterances: (n, dim) `texts`, rows of length 1; (n, f) `wordings`; (n,) `codes`, 1 where an order is named."""

    texts: Floats
    wordings: Floats
    codes: Floats


class IntentHead:
    """Trained once, never changed; safe to use from several threads."""

    def __init__(self, directions: Floats, known: Said, weights: Floats, logit: Doubles) -> None:
        """`directions`: (dim, d); `known`: along them; `weights`: (n, c); `logit`: (3,)."""
        self._directions = directions
        self._known = known
        self._weights = weights
        self._logit = logit

    @classmethod
    def train(cls, labels: Ints, said: Said, unlike: int = 0) -> IntentHead:
        """`labels`: (n,) 0 ... c - 1, -1 for utterances of none.

        `unlike`: further utterances of none, so unlike all examples that they score nothing.
        """
        directions = _main_directions(said.texts)
        known = Said(said.texts @ directions, said.wordings, said.codes)
        gram = _kernel(known, known)
        gram[np.diag_indices_from(gram)] += _RIDGE
        targets = np.zeros((len(labels), int(labels.max()) + 1), dtype=np.float32)
        own = np.flatnonzero(labels >= 0)
        targets[own, labels[own]] = 1.0
        factor = linalg.cholesky(gram.T, lower=True, overwrite_a=True, check_finite=False)
        weights = linalg.cho_solve((factor, True), targets, check_finite=False)
        inverse, _ = linalg.lapack.strtri(factor, lower=1, overwrite_c=1)
        left_out = targets - weights / (inverse**2).sum(axis=0)[:, None]
        right = left_out.argmax(axis=1) == labels
        logit = _fit(_features(left_out), right, labels >= 0, unlike)
        return cls(directions, known, np.asarray(weights, dtype=np.float32), logit)

    def judge(self, said: Said) -> tuple[Ints, Doubles]:
        """For each utterance the likeliest intent, and the probability that the customer wishes for it."""
        along = Said(said.texts @ self._directions, said.wordings, said.codes)
        scores = _kernel(along, self._known) @ self._weights
        return scores.argmax(axis=1), 1 / (1 + np.exp(-(_features(scores) @ self._logit)))


def _main_directions(texts: Floats) -> Floats:
    """(dim, d) orthonormal: those in which the texts vary most, as many as are worth their time."""
    if min(texts.shape) <= _DIM:
        return np.eye(texts.shape[1], dtype=np.float32)
    dim = texts.shape[1]
    _, directions = linalg.eigh(texts.T @ texts, subset_by_index=(dim - _DIM, dim - 1), check_finite=False)
    return np.ascontiguousarray(directions, dtype=np.float32)


def _kernel(a: Said, b: Said) -> Floats:
    near = a.texts @ b.texts.T
    near -= 1.0
    near *= _SHARPNESS
    np.exp(near, out=near)
    coded = np.flatnonzero(a.codes)
    near[coded] *= 1.0 + _CODE * b.codes
    near += (a.wordings * _WORDING**2) @ b.wordings.T
    return near


def _features(scores: Floats) -> Doubles:
    """(n, 3) of (n, c) scores. Roots, because the noise of a score grows with it."""
    best = -np.sort(-scores, axis=1)[:, :_BEST]
    together = np.stack([best[:, 0], best.sum(axis=1)], axis=1)
    rooted = np.sqrt(np.maximum(together, 0.0)).astype(np.float64)
    return np.concatenate([np.ones((len(scores), 1)), rooted], axis=1)


def _fit(features: Doubles, right: npt.NDArray[np.bool_], wishes: npt.NDArray[np.bool_], unlike: int) -> Doubles:
    """The coefficients that explain best which examples were given their own intent when they were left out."""
    examples = int(wishes.sum())
    others = len(wishes) - examples + unlike
    weight = min(float(examples), _MOST_WEIGHT)
    counts = np.where(wishes, weight / examples, _OTHERS * weight / max(others, 1))
    features = np.concatenate([features, [[1.0, 0.0, 0.0]]])
    counts = np.append(counts, _OTHERS * weight * unlike / max(others, 1))
    truth = np.append(wishes & right, False).astype(np.float64)
    prior = np.array(_PRIOR)

    def loss(logit: Doubles) -> tuple[float, Doubles]:
        z = features @ logit
        away = logit - prior
        value = float(counts @ (np.logaddexp(0, z) - truth * z)) + _PULL * float(away @ away)
        return value, features.T @ (counts * (1 / (1 + np.exp(-z)) - truth)) + 2 * _PULL * away

    # A better score never speaks against an intent.
    bounds = [(None, None), (0.0, None), (0.0, None)]
    return np.asarray(minimize(loss, prior, jac=True, bounds=bounds).x)
