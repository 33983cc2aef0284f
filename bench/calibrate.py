"""Fits and judges knowledge/calibration.json: the weights of the ranking and of the confidence.

    python -m bench.calibrate [--cache FOLDER] [--judge]

Every question is asked of knowledge in which it does not stand (bench/question_sets.py), through the
same search as the live chat. `--judge` fits each regime on all sets but one and prints how that one
does, for every set in turn; without it the coefficients are fitted on all of them and written.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench import question_sets as sets
from bench.question_sets import FIXTURES, QuestionSet
from knowledge import confidence, ranking
from knowledge.embedder import Embedder
from knowledge.live import LiveKnowledge
from knowledge.ranking import Calibration, Regime

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_DEPTH = 20  # candidates looked at


class Case(msgspec.Struct, frozen=True):
    """One question: (n, len(EVIDENCE)) of its candidates, which of them are right, whether any entry is."""

    evidence: Floats
    right: npt.NDArray[np.bool_]
    in_scope: bool
    background: float


class Judged(msgspec.Struct, frozen=True):
    """All questions of a set, with the regime they were asked in."""

    name: str
    regime: Regime
    cases: tuple[Case, ...]


class Memo:
    """An encoder that embeds no text twice, also between runs."""

    def __init__(self, embedder: Embedder, folder: Path | None) -> None:
        self.name, self.parts, self._embedder = embedder.name, embedder.parts, embedder
        digest = hashlib.sha256(embedder.name.encode()).hexdigest()[:12]
        self._path = folder / f"texts-{digest}.npz" if folder else None
        self._known: dict[str, npt.NDArray[np.float16]] = {}
        if self._path and self._path.exists():
            with np.load(self._path, allow_pickle=False) as kept:
                self._known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def encode(self, texts: list[str]) -> Floats:
        new = [each for each in dict.fromkeys(texts) if each not in self._known]
        for start in range(0, len(new), 2_000):
            some = new[start : start + 2_000]
            self._known.update(zip(some, self._embedder.encode(some).astype(np.float16), strict=True))
        return np.array([self._known[each] for each in texts], dtype=np.float32).reshape(-1, sum(self.parts))

    def save(self) -> None:
        if self._path:
            np.savez(self._path, texts=np.array([*self._known]), vectors=np.array([*self._known.values()]))


def every_set() -> Iterator[QuestionSet]:
    yield sets.faq("bank zh", "zh", "zh_bank")
    yield sets.faq("mixed en", "en", "en")
    for language in ("en", "zh"):
        yield sets.shop_titles(language)
        yield from (sets.shop_held_out(language, fold) for fold in range(0, 6, 2))
        yield from (sets.shop_topic_removed(language, group) for group in range(0, 5, 2))
    if FIXTURES.exists():
        yield sets.help_centre()
        yield from (sets.banking(examples) for examples in (1, 3, 10, None))
        yield from (sets.clinc(examples) for examples in (1, 10, None))
    else:
        sys.stdout.write(f"skipped: banking77, clinc150 and the help centre ({FIXTURES} is not there)\n")


def judged(each: QuestionSet, memo: Memo) -> Judged:
    """Asks every question of the set."""
    live = LiveKnowledge(memo)
    live.apply(1, (), {document.id: document for document in each.documents})
    live.train()
    texts = [asked.text for asked in each.asked]
    found = live.search(texts, memo.encode(texts), _DEPTH)
    live.close()
    cases = []
    for asked, result in zip(each.asked, found, strict=True):
        if not result.hits or result.hits[0].exact:
            continue
        evidence = np.array([hit.evidence for hit in result.hits], dtype=np.float32)
        right = np.array([bool({hit.id, hit.document} & asked.want) for hit in result.hits])
        cases.append(Case(evidence, right, bool(asked.want), result.background))
    headed = each.language in live.languages_learnt
    return Judged(each.name, Regime(each.language, headed), tuple(cases))


def _family(name: str) -> str:
    """Sets of one origin count as one, and are left out together."""
    return name.split(",")[0]


def fit_weights(sets_: list[Judged]) -> tuple[float, ...]:
    """Softmax over the candidates; non-negative, so that more evidence never counts against."""
    data = []
    for each in sets_:
        usable = [case for case in each.cases if case.right.any() and len(case.right) == _DEPTH]
        if usable:
            data.append((np.array([c.evidence for c in usable], dtype=np.float64), np.array([c.right for c in usable])))
    columns = len(ranking.EVIDENCE)

    def loss(w: Array) -> tuple[float, Array]:
        value, slope = 1e-4 * float(w @ w), 2e-4 * w
        for x, right in data:
            z = x @ w
            z -= z.max(axis=1, keepdims=True)
            p = np.exp(z)
            p /= p.sum(axis=1, keepdims=True)
            mass = np.maximum((p * right).sum(axis=1), 1e-12)
            wanted = p * right / mass[:, None]
            value -= float(np.log(mass).mean()) / len(data)
            slope = slope - ((wanted - p)[:, :, None] * x).sum(axis=1).mean(axis=0) / len(data)
        return value, slope

    found = minimize(loss, np.ones(columns), jac=True, bounds=[(0, 60)] * columns).x
    return tuple(found.round(2).tolist())


def ordered(case: Case, weights: tuple[float, ...]) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Evidence, scores and right flags, best first."""
    scores = case.evidence @ np.array(weights, dtype=np.float32)
    order = np.argsort(-scores, kind="stable")
    return case.evidence[order], scores[order], case.right[order]


def fit_confidence(sets_: list[Judged], weights: tuple[float, ...], depth: int) -> tuple[float, ...]:
    x, y, weight = [], [], []
    for each in sets_:
        kinds = [case.in_scope for case in each.cases]
        for case in each.cases:
            evidence, scores, right = ordered(case, weights)
            x.append(confidence.features(each.regime, evidence, scores, case.background))
            y.append(float(right[:depth].any()))
            share = 0.75 if case.in_scope else 0.25
            weight.append(share / kinds.count(case.in_scope))
    features, truth, counts = np.array(x), np.array(y), np.array(weight)
    counts /= counts.mean()

    def loss(w: Array) -> tuple[float, Array]:
        z = features @ w
        p = 1 / (1 + np.exp(-z))
        value = float((counts * (np.logaddexp(0, z) - truth * z)).mean()) + 2e-4 * float(w[1:] @ w[1:])
        slope = features.T @ (counts * (p - truth)) / len(truth) + 4e-4 * np.r_[0.0, w[1:]]
        return value, slope

    return tuple(minimize(loss, np.zeros(features.shape[1]), jac=True).x.round(2).tolist())


def fit(sets_: list[Judged]) -> Calibration:
    """Sets of one regime."""
    weights = fit_weights(sets_)
    blank = tuple([0.0] * len(confidence.FEATURES))
    ranking.CALIBRATION[sets_[0].regime] = Calibration(weights, blank, blank)
    return Calibration(weights, fit_confidence(sets_, weights, 1), fit_confidence(sets_, weights, 3))


def report(each: Judged, calibration: Calibration) -> str:
    """One line: accuracy, coverage at a precision, how well it tells what is out of scope."""
    ranking.CALIBRATION[each.regime] = calibration
    first, five, sure, scope = [], [], [], []
    for case in each.cases:
        evidence, scores, right = ordered(case, calibration.weights)
        sure.append(confidence.estimate(each.regime, evidence, scores, np.zeros(len(right), dtype=np.bool_),
                                        case.background).first)  # fmt: skip
        first.append(bool(right[0]))
        five.append(bool(right[:5].any()))
        scope.append(case.in_scope)
    inside = np.array(scope)
    right_, sure_ = np.array(first), np.array(sure)
    top = f"{np.array(five)[inside].mean():6.3f}" if inside.any() else "     -"
    one = f"{right_[inside].mean():6.3f}" if inside.any() else "     -"
    covers = (
        "  ".join(f"{coverage(sure_[inside], right_[inside], p):5.3f}" for p in (0.9, 0.95)) if inside.any() else ""
    )
    area = f"{auroc(sure_[inside], sure_[~inside]):.3f}" if inside.any() and not inside.all() else "-"
    gap = abs(sure_ - right_).mean() if len(sure_) else 0.0
    error = calibration_error(sure_, right_.astype(float))
    return f"{each.name:28} {each.regime.name:10} {len(each.cases):5} {one} {top}  {covers:12}  {area:>6} {error:6.3f} {gap:6.3f}"


def coverage(sure: Array, right: npt.NDArray[np.bool_], precision: float) -> float:
    """The largest share of questions that can be answered, surest first, with at least this share right."""
    order = np.argsort(-sure, kind="stable")
    precise = np.flatnonzero(np.cumsum(right[order]) / np.arange(1, len(right) + 1) >= precision)
    return float((precise[-1] + 1) / len(right)) if len(precise) else 0.0


def auroc(inside: Array, outside: Array) -> float:
    """Probability that a question in scope is surer than one that is not."""
    every = np.concatenate([inside, outside])
    ranks = np.empty(len(every))
    order = np.argsort(every, kind="stable")
    ranks[order] = np.arange(1, len(every) + 1)
    for value in np.unique(every[np.flatnonzero(np.diff(every[order]) == 0)]) if len(every) else ():
        ranks[every == value] = ranks[every == value].mean()
    return float((ranks[: len(inside)].sum() - len(inside) * (len(inside) + 1) / 2) / (len(inside) * len(outside)))


def calibration_error(sure: Array, right: Array, bins: int = 10) -> float:
    """Expected calibration error: |mean confidence - share right| per tenth, weighted by size."""
    cell = np.minimum((sure * bins).astype(int), bins - 1)
    return sum(abs(float((sure - right)[cell == at].sum())) for at in range(bins)) / max(len(sure), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=None, help="folder for the ONNX files and vectors")
    parser.add_argument("--judge", action="store_true", help="leave each set out in turn; write nothing")
    arguments = parser.parse_args()
    out = sys.stdout.write
    out(f"machine: {platform.machine()}, Python {platform.python_version()}\n")
    memo = Memo(Embedder(cache_dir=arguments.cache), arguments.cache)
    found = [judged(each, memo) for each in every_set()]
    memo.save()
    out(
        f"{'set':28} {'regime':10} {'asked':>5} {'hit@1':>6} {'hit@5':>6}  {'c@90   c@95':12}  {'AUROC':>6} {'ECE':>6}\n"
    )
    for regime in ranking.REGIMES:
        own = [each for each in found if each.regime == regime]
        fitted = fit(own) if own else ranking.CALIBRATION[regime]
        for each in own:
            others = [other for other in own if _family(other.name) != _family(each.name)]
            used = fit(others) if arguments.judge and others else fitted
            out(report(each, used) + "\n")
        ranking.CALIBRATION[regime] = fitted
        out(f"  {dict(zip(ranking.EVIDENCE, fitted.weights, strict=True))}\n")
    if not arguments.judge:
        table = {regime.name: ranking.CALIBRATION[regime] for regime in ranking.REGIMES}
        ranking.FILE.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")


if __name__ == "__main__":
    main()
