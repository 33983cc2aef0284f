"""The head: what it learns from, what it says, and that each example is scored as if it were not there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import head
from knowledge.head import Head

Floats = npt.NDArray[np.float32]


def clusters(sizes: list[int], spread: float = 0.6, seed: int = 0, dim: int = 16) -> tuple[list[str], Floats]:
    """Questions around a centre for each entry; the entries in turn, so that their examples interleave."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((len(sizes), dim))
    owners, rows = [], []
    for turn in range(max(sizes)):
        for at, size in enumerate(sizes):
            if turn < size:
                owners.append(f"entry-{at}")
                rows.append(centres[at] + spread * random.standard_normal(dim))
    vectors = np.array(rows, dtype=np.float32)
    return owners, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.lists(st.integers(3, 6), min_size=2, max_size=6), st.integers(0, 10_000), st.floats(0.05, 2.0))
@settings(max_examples=25, deadline=None)
def test_each_example_is_scored_as_the_head_learnt_without_it_scores_it(
    sizes: list[int], seed: int, spread: float
) -> None:
    owners, vectors = clusters([*sizes, 8], spread, seed)
    trained = Head.train(owners, vectors)
    assert trained is not None
    learnt, left_out = trained
    assert left_out.kept.tolist() == list(range(len(owners)))
    for at in range(0, len(owners), 3):
        others = [owner for place, owner in enumerate(owners) if place != at]
        again = Head.train(others, np.delete(vectors, at, axis=0))
        assert again is not None
        scores = dict(zip(again[0].entries, again[0].score(vectors[at : at + 1])[0].tolist(), strict=True))
        closed = dict(zip(learnt.entries, left_out.scores[at].tolist(), strict=True))
        assert closed == pytest.approx(scores, abs=2e-4)


def test_new_questions_point_to_their_entry_and_strangers_to_none() -> None:
    owners, vectors = clusters([12] * 8)
    trained = Head.train(owners[:64], vectors[:64])
    assert trained is not None
    learnt, _ = trained
    scores = learnt.score(vectors[64:])
    best = [learnt.entries[at] for at in scores.argmax(axis=1)]
    assert np.mean([one == other for one, other in zip(best, owners[64:], strict=True)]) > 0.9
    right = scores[np.arange(len(scores)), [learnt.entries.index(owner) for owner in owners[64:]]]
    strangers = np.random.default_rng(5).standard_normal((200, 16)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    assert right.mean() > 0.5 and learnt.score(strangers).max(axis=1).mean() < right.mean() / 2
    assert np.array_equal(learnt.score(vectors[64:66]), learnt.score(vectors[64:66]))
    assert learnt.score(vectors[:0]).shape == (0, 8)


@pytest.mark.parametrize("sizes", [[30], [2, 2, 2], [1] * 40, [8, 1, 1, 1]], ids=str)
def test_too_little_to_learn_from(sizes: list[int]) -> None:
    """One entry alone, or fewer than three questions for each on average."""
    owners, vectors = clusters(sizes)
    assert Head.train(owners, vectors) is None
    assert Head.train([], np.zeros((0, 16), dtype=np.float32)) is None


def test_three_questions_an_entry_are_enough_and_one_entry_may_have_few() -> None:
    for sizes in ([3, 3], [7, 1, 1]):
        trained = Head.train(*clusters(sizes))
        assert trained is not None
        learnt, left_out = trained
        assert learnt.entries == tuple(f"entry-{at}" for at in range(len(sizes)))
        assert left_out.scores.shape == (sum(sizes), len(sizes)) and np.isfinite(left_out.scores).all()


def test_very_many_examples_are_thinned_where_there_are_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "MOST_EXAMPLES", 100)
    owners, vectors = clusters([200, 60, 10, 3])
    trained = Head.train(owners, vectors)
    assert trained is not None
    _, left_out = trained
    kept = [owners[place] for place in left_out.kept.tolist()]
    assert left_out.kept.tolist() == sorted({*left_out.kept.tolist()}) and len(kept) == 100
    counts = [kept.count(f"entry-{at}") for at in range(4)]
    # The small ones lose nothing; the others are cut to the same size.
    assert counts[2:] == [10, 3] and abs(counts[0] - counts[1]) <= 1
    assert left_out.scores.shape == (100, 4)


def test_every_entry_keeps_a_question_when_there_are_more_entries_than_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "MOST_EXAMPLES", 50)
    trained = Head.train(*clusters([3] * 40))
    assert trained is not None
    assert len(trained[0].entries) == 40 and len(trained[1].kept) == 50


def test_the_odds_are_higher_where_the_examples_are_plainer() -> None:
    plain, vague = (Head.train(*clusters([10] * 6, spread)) for spread in (0.2, 3.0))
    assert plain is not None and vague is not None
    assert plain[0].odds > vague[0].odds > 0


def test_the_same_examples_give_the_same_head_in_any_thread() -> None:
    owners, vectors = clusters([8] * 10)
    with ThreadPoolExecutor(4) as pool:
        heads = list(pool.map(lambda _: Head.train(owners, vectors), range(8)))
    scores = [trained[0].score(vectors) for trained in heads if trained is not None]
    assert len(scores) == 8 and all(np.allclose(scores[0], each, atol=1e-5) for each in scores)
