"""Fits and judges knowledge/calibration.json: the weights of the ranking and of the confidence.

    python -m bench.calibrate --cache FOLDER [--judge]

Every question is asked of knowledge in which it does not stand (bench/question_sets.py), through the
same search as the live chat. `--judge` fits each regime on all sets but one and prints how that one
does, for every set in turn; without it the coefficients are fitted on all of them and written. Knowledge
with enough questions of its own to learn from is always shown as the live path judged it.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from bench import question_sets as sets
from bench.memo import Memo
from bench.question_sets import FIXTURES, QuestionSet
from knowledge import confidence, ranking
from knowledge.embedder import Embedder
from knowledge.evaluating.measures import auroc, calibration_error, coverage
from knowledge.fitting import Case, Pull, fit, ordered
from knowledge.live import LiveKnowledge
from knowledge.ranking import Calibration, Kind, Regime

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_DEPTH = 20  # candidates looked at
_OUTSIDE = 0.25  # share of questions out of scope
_CASES = 1_000  # what all questions of a regime count together
_PULL = Pull(weights=0.1, confidence=0.3)  # towards nothing: enough to settle what the questions leave open


class Judged(msgspec.Struct, frozen=True):
    """All questions of a set, with the regime they were asked in and the calibration the live path used.

    `in_scope`: whether any entry is right; `outcomes`: as the live path had them, (rank of a right entry or
    _DEPTH, confidence).
    """

    name: str
    regime: Regime
    cases: tuple[Case, ...]
    in_scope: tuple[bool, ...]
    outcomes: tuple[tuple[int, float], ...]


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
    cases, in_scope, outcomes = [], [], []
    for asked, result in zip(each.asked, found, strict=True):
        if not result.hits or result.hits[0].exact:
            continue
        right = np.array([bool({hit.id, hit.document} & asked.want) for hit in result.hits])
        evidence = np.array([hit.evidence for hit in result.hits], dtype=np.float32)
        cases.append(Case(evidence, right, result.background))
        in_scope.append(bool(asked.want))
        outcomes.append((int(np.argmax(right)) if right.any() else _DEPTH, result.confidence.first))
    passages = sum(entry.kind == "passage" for document in each.documents for entry in document.entries)
    entries = sum(len(document.entries) for document in each.documents)
    kind: Kind = (
        "headed" if each.language in live.languages_learnt else "documents" if 2 * passages > entries else "faq"
    )
    return Judged(each.name, Regime(each.language, kind), tuple(cases), tuple(in_scope), tuple(outcomes))


def _family(name: str) -> str:
    """Sets of one origin count as one, and are left out together."""
    return name.split(",")[0]


def fitted(own: list[Judged]) -> Calibration:
    """To sets of one regime; each family of sets counts the same, and of ten questions 7.5 are in scope."""
    nothing = Calibration((0.0,) * len(ranking.EVIDENCE), *((0.0,) * len(confidence.FEATURES),) * 2)
    families = Counter(_family(each.name) for each in own)
    weighted = []
    for each in own:
        scopes = Counter(each.in_scope)
        for case, inside in zip(each.cases, each.in_scope, strict=True):
            share = (1 - _OUTSIDE if inside else _OUTSIDE) / scopes[inside] / families[_family(each.name)]
            weighted.append(msgspec.structs.replace(case, count=share))
    total = sum(case.count for case in weighted)
    weighted = [msgspec.structs.replace(case, count=case.count * _CASES / total) for case in weighted]
    return fit(weighted, nothing, _PULL)


def outcomes(each: Judged, calibration: Calibration) -> list[tuple[int, float]]:
    """Of the candidates the live path found, in the order and with the confidence of another calibration."""
    found = []
    for case in each.cases:
        evidence, scores, right = ordered(case, calibration.weights)
        none = np.zeros(len(right), dtype=np.bool_)
        sure = confidence.estimate(calibration, evidence, scores, none, case.background).first
        found.append((int(np.argmax(right)) if right.any() else _DEPTH, sure))
    return found


def report(each: Judged, found: Sequence[tuple[int, float]]) -> str:
    """One line: accuracy, coverage at a precision, how well it tells what is out of scope."""
    inside = np.array(each.in_scope)
    rank, sure = np.array([rank for rank, _ in found]), np.array([sure for _, sure in found])
    right = rank == 0
    line = f"{each.name:28} {each.regime.name:13} {len(found):5}"
    if inside.any():
        covers = "  ".join(f"{coverage(sure[inside], right[inside], precision):5.3f}" for precision in (0.9, 0.95))
        line += f" {right[inside].mean():6.3f} {(rank[inside] < 5).mean():6.3f}  {covers}"
        area = f"{auroc(sure[inside], sure[~inside]):6.3f}" if not inside.all() else f"{'-':>6}"
        line += f"  {area} {calibration_error(sure, right.astype(float)):6.3f}"
    else:
        line += f"  taken for in scope at 0.5: {(sure > 0.5).mean():.3f}"
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the ONNX files and vectors")
    parser.add_argument("--judge", action="store_true", help="leave each set out in turn; write nothing")
    arguments = parser.parse_args()
    out = sys.stdout.write
    out(f"machine: {platform.machine()}, Python {platform.python_version()}\n")
    memo = Memo(Embedder(cache_dir=arguments.cache), arguments.cache)
    found = [judged(each, memo) for each in every_set()]
    memo.save()
    columns = f"{'set':28} {'regime':13} {'asked':>5} {'hit@1':>6} {'hit@5':>6}"
    out(f"{columns}  {'c@90   c@95':12}  {'AUROC':>6} {'ECE':>6}\n")
    table: dict[str, Calibration] = {}
    for regime in ranking.REGIMES:
        own = [each for each in found if each.regime == regime]
        # No English help centre here has questions: its passages are judged as FAQ entries are.
        table[regime.name] = best = fitted(own) if own else table[f"{regime.language} faq"]
        for each in own:
            others = [other for other in own if _family(other.name) != _family(each.name)]
            if regime.kind == "headed":
                seen: Sequence[tuple[int, float]] = each.outcomes  # each tenant has a calibration of its own
            else:
                seen = outcomes(each, fitted(others) if arguments.judge and others else best)
            out(report(each, seen) + "\n")
        out(f"  {dict(zip(ranking.EVIDENCE, best.weights, strict=True))}\n")
    if not arguments.judge:
        ranking.FILE.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")


if __name__ == "__main__":
    main()
