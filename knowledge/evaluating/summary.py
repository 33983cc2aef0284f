"""The figures of an evaluation, from its outcomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from knowledge.evaluating import measures
from knowledge.evaluating.outcomes import Outcome

PRECISIONS = (0.9, 0.95, 0.97)


class Summary(Struct, frozen=True):
    """Shares between 0 and 1; None where no question tells it.

    `coverage`: by precision, of the questions in scope; `coverage_of_all`: of all, those out of scope being wrong.
    `answered`, `clarified`, `declined`: of the questions in scope, what the customer is given.
    """

    questions: int
    in_scope: int
    out_of_scope: int
    hit_1: float | None
    hit_1_margin: float | None
    hit_k: float | None
    reciprocal_rank: float | None
    coverage: dict[str, float]
    coverage_of_all: dict[str, float]
    auroc: float | None
    answered: float | None
    clarified: float | None
    declined: float | None
    right_of_answered: float | None
    right_of_clarified: float | None
    out_of_scope_answered: float | None
    calibration_error: float | None


def summarise(outcomes: Sequence[Outcome], k: int) -> Summary:
    """`k`: of hit_k."""
    inside = [each for each in outcomes if each.in_scope]
    outside = [each for each in outcomes if not each.in_scope]
    ranks = [each.rank for each in inside]
    sure = np.array([each.sure for each in outcomes])
    first = np.array([each.rank == 1 for each in outcomes], dtype=np.bool_)
    scope = np.array([each.in_scope for each in outcomes], dtype=np.bool_)
    hit_1 = measures.hit_rate(ranks, 1) if ranks else None
    answered = [each for each in inside if each.kind == "answer"]
    clarified = [each for each in inside if each.kind == "clarify"]
    told = all(each.kind for each in outcomes)
    calibrated = bool(outcomes) and all(each.calibrated for each in outcomes)
    return Summary(
        questions=len(outcomes),
        in_scope=len(inside),
        out_of_scope=len(outside),
        hit_1=hit_1,
        hit_1_margin=measures.margin(hit_1, len(ranks)) if hit_1 is not None else None,
        hit_k=measures.hit_rate(ranks, k) if ranks else None,
        reciprocal_rank=measures.mean_reciprocal_rank(ranks) if ranks else None,
        coverage={label(p): measures.coverage(sure[scope], first[scope], p) for p in PRECISIONS} if inside else {},
        coverage_of_all={label(p): measures.coverage(sure, first, p) for p in PRECISIONS} if inside else {},
        auroc=measures.auroc(sure[scope], sure[~scope]) if inside and outside else None,
        answered=len(answered) / len(inside) if told and inside else None,
        clarified=len(clarified) / len(inside) if told and inside else None,
        declined=sum(each.kind == "unknown" for each in inside) / len(inside) if told and inside else None,
        right_of_answered=_share([each.right for each in answered]),
        right_of_clarified=_share([each.option for each in clarified]),
        out_of_scope_answered=_share([each.kind == "answer" for each in outside]) if told else None,
        calibration_error=measures.calibration_error(sure, first) if calibrated else None,
    )


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def label(precision: float) -> str:
    """A precision as the figures name it."""
    return f"{precision * 100:g} %"


def misses(outcomes: Sequence[Outcome], most: int) -> list[Outcome]:
    """The worst: wrong ones, the surest first, then those out of scope that were answered."""
    wrong = sorted((each for each in outcomes if each.in_scope and not each.right), key=_sure)
    answered = sorted((each for each in outcomes if not each.in_scope and not each.right), key=_sure)
    return [*wrong, *answered][:most]


def _sure(each: Outcome) -> float:
    return -each.sure


class Changes(Struct, frozen=True):
    """Questions that one system got wrong and the other right.

    `chance`: of so uneven a split if neither were better (measures.sign_test).
    """

    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    chance: float


def changes(before: Sequence[Outcome], after: Sequence[Outcome]) -> Changes:
    """Of the same questions in the same order. One out of scope counts where both systems tell what they would do."""
    fixed: list[str] = []
    broken: list[str] = []
    for was, now in zip(before, after, strict=True):
        if was.right == now.right or not (was.in_scope or (was.kind and now.kind)):
            continue
        (fixed if now.right else broken).append(was.question)
    return Changes(tuple(fixed), tuple(broken), measures.sign_test(len(fixed), len(broken)))
