"""The measures of an evaluation: against values worked out by hand, and what holds for any questions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.evaluating import measures

judged = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5001, 0.75, 0.99, 1.0]), st.booleans()), min_size=1, max_size=40
)


def arrays(pairs: list[tuple[float, bool]]) -> tuple[measures.Array, measures.Bools]:
    return np.array([sure for sure, _ in pairs], dtype=float), np.array([right for _, right in pairs], dtype=bool)


def test_ranks_are_counted_from_one_and_zero_is_none() -> None:
    assert measures.hit_rate([1, 2, 0, 6], 1) == 0.25
    assert measures.hit_rate([1, 2, 0, 6], 5) == 0.5
    assert measures.mean_reciprocal_rank([1, 2, 0, 4]) == (1 + 1 / 2 + 1 / 4) / 4


def test_coverage_goes_on_as_long_as_enough_are_right() -> None:
    # Right, right, wrong, right, wrong by confidence: 4 of 5 may be answered at 75 %, 2 of 5 at 90 %.
    sure, right = arrays([(0.5, True), (0.9, True), (0.7, False), (0.3, False), (0.95, True)])
    assert measures.coverage(sure, right, 0.75) == 0.8
    assert measures.coverage(sure, right, 0.9) == 0.4
    assert measures.coverage(sure, np.zeros(5, dtype=bool), 0.9) == 0.0
    assert measures.coverage(sure, np.ones(5, dtype=bool), 0.97) == 1.0


def test_no_threshold_parts_questions_that_are_equally_sure() -> None:
    sure, right = arrays([(0.9, True), (0.9, True), (0.9, False), (0.2, True)])
    assert measures.coverage(sure, right, 0.9) == 0.0
    assert measures.coverage(sure, right, 0.75) == 1.0


def test_auroc_of_known_orders() -> None:
    above, below = np.array([0.8, 0.9]), np.array([0.1, 0.2])
    assert measures.auroc(above, below) == 1.0
    assert measures.auroc(below, above) == 0.0
    assert measures.auroc(np.array([0.5, 0.5]), np.array([0.5])) == 0.5
    assert measures.auroc(np.array([0.1, 0.6]), np.array([0.3])) == 0.5
    with pytest.raises(ValueError, match="out of it"):
        measures.auroc(above, np.zeros(0))


def test_calibration_error_by_hand() -> None:
    # 0.8 and 0.9 with one right: bins [0.8, 0.9) and [0.9, 1): |0.8 - 1| and |0.9 - 0|, over two questions.
    sure, right = arrays([(0.8, True), (0.9, False)])
    assert measures.calibration_error(sure, right) == pytest.approx(0.55)
    assert measures.calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0.0


def test_sign_test_by_hand() -> None:
    assert measures.sign_test(0, 0) == 1.0
    assert measures.sign_test(5, 0) == pytest.approx(2 / 32)
    assert measures.sign_test(1, 4) == pytest.approx(2 * (1 + 5) / 32)
    assert measures.sign_test(3, 3) == 1.0
    assert 0 < measures.sign_test(700, 900) < 1e-5


def test_margin_narrows_with_more_questions() -> None:
    assert measures.margin(0.9, 1_000) == pytest.approx(1.96 * math.sqrt(0.09 / 1_000), rel=0.02)
    assert measures.margin(1.0, 10) > 0.1


@settings(deadline=None)
@given(judged, st.randoms(use_true_random=False))
def test_the_order_of_the_questions_changes_no_figure(pairs: list[tuple[float, bool]], random: Any) -> None:
    mixed = random.sample(pairs, len(pairs))
    for precision in (0.5, 0.9, 0.95):
        assert measures.coverage(*arrays(pairs), precision) == measures.coverage(*arrays(mixed), precision)
    assert measures.calibration_error(*arrays(pairs)) == pytest.approx(measures.calibration_error(*arrays(mixed)))


@settings(deadline=None)
@given(judged)
def test_what_coverage_answers_is_as_precise_as_it_says(pairs: list[tuple[float, bool]]) -> None:
    sure, right = arrays(pairs)
    share = measures.coverage(sure, right, 0.8)
    answered = right[np.argsort(-sure, kind="stable")][: round(share * len(pairs))]
    assert not len(answered) or answered.mean() >= 0.8 - 1e-9
    assert measures.coverage(sure, right, 0.9) <= share
    # Only the order of the confidences counts.
    assert measures.coverage(sure**3 + 2 * sure, right, 0.8) == share


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9]), min_size=1), st.lists(st.sampled_from([0.1, 0.2, 0.9]), min_size=1)
)
def test_auroc_is_the_share_of_pairs_in_order(inside: list[float], outside: list[float]) -> None:
    pairs = [(1.0 if a > b else 0.5 if a == b else 0.0) for a in inside for b in outside]
    area = measures.auroc(np.array(inside), np.array(outside))
    assert area == pytest.approx(sum(pairs) / len(pairs))
    assert measures.auroc(np.array(outside), np.array(inside)) == pytest.approx(1 - area)
