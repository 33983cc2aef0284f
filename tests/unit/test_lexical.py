"""Coverage and BM25 against their definitions, while entries come, go and are merged."""

from __future__ import annotations

import math
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge import lexical
from knowledge.lexical import LexicalIndex
from knowledge.passages import sentences
from knowledge.postings import Postings, term_code

NONE = np.zeros(0, dtype=np.int64)
Bag = dict[int, list[str]]  # terms by entry number


def weights(known: Bag, terms: list[str]) -> dict[str, float]:
    """Each distinct term's share of the question's weight."""
    held = {term: sum(term in own for own in known.values()) for term in terms}
    idf = {term: math.log(1 + (len(known) - count + 0.5) / (count + 0.5)) for term, count in held.items()}
    return {term: weight / sum(idf.values()) for term, weight in idf.items()}


def score(known: Bag, terms: list[str], own: list[str]) -> tuple[float, float]:
    """Coverage and BM25 of an entry with the terms `own`."""
    mean = max(sum(map(len, known.values())) / max(len(known), 1), 1.0)
    counts = Counter(own)
    coverage = bm25 = 0.0
    for term, weight in weights(known, terms).items():
        if count := counts[term]:
            long = 1 - lexical._B + lexical._B * len(own) / mean
            coverage += weight
            bm25 += weight * count / (count + lexical._K1 * long)
    return coverage, bm25


def check(index: LexicalIndex, known: Bag, terms: list[str], k: int, also: list[int], allowed: set[int] | None) -> None:
    flags = None if allowed is None else lambda numbers: np.isin(numbers, sorted(allowed))
    found = index.search(terms, k, np.array(also, dtype=np.int64), flags)
    got = dict(zip(found.numbers.tolist(), zip(found.coverage.tolist(), found.bm25.tolist(), strict=True), strict=True))
    assert len(got) == len(found.numbers)
    there = {number: own for number, own in known.items() if allowed is None or number in allowed}
    truth = {number: score(known, terms, own) for number, own in there.items()}
    assert got.keys() <= truth.keys()
    assert got.keys() >= truth.keys() & set(also)
    for number, own in got.items():
        assert own == pytest.approx(truth[number], abs=1e-5)
        assert 0 <= own[1] <= own[0] + 1e-6 <= 1 + 2e-6
    # What else was found are the best k, to what float32 can tell.
    best = sorted((bm25 for _, bm25 in truth.values() if bm25 > 0), reverse=True)[:k]
    assert sorted((bm25 for _, bm25 in got.values() if bm25 > 0), reverse=True)[: len(best)] == pytest.approx(
        best, abs=1e-5
    )


TERMS = [*"abcdefgh", "退款", "𝛼"]
_TEXT = st.lists(st.sampled_from(TERMS), max_size=12)


class Add(list[list[str]]):
    """New entries."""


class Remove(list[int]):
    """Shares, in hundredths, of all numbers given out so far."""


_STEPS = st.lists(
    st.one_of(
        st.lists(_TEXT, min_size=1, max_size=6).map(Add),
        st.lists(st.integers(0, 110), min_size=1, max_size=8).map(Remove),
    ),
    min_size=1,
    max_size=12,
)


@given(
    _STEPS, st.lists(st.lists(st.sampled_from([*TERMS, "unknown"]), max_size=6), min_size=1, max_size=4),
    st.integers(1, 8), st.data(),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_it_scores_as_the_definitions_say(
    steps: list[Add | Remove], questions: list[list[str]], k: int, data: st.DataObject
) -> None:
    index, known, used = LexicalIndex(), Bag(), 0
    for step in steps:
        if isinstance(step, Add):
            new = list(enumerate(step, used))
            index.add(new)
            known |= dict(new)
            used += len(step) + 1  # a number may be left out
        else:
            numbers = [share * used // 100 for share in step]
            index.remove(np.array(numbers, dtype=np.int64))
            for number in numbers:
                known.pop(number, None)
        assert len(index) == len(known)
    for terms in questions:
        allowed = data.draw(st.none() | st.sets(st.sampled_from(range(used + 1))))
        also = data.draw(st.lists(st.sampled_from(range(used + 1)), unique=True, max_size=4))
        check(index, known, terms, k, also, allowed)
        for number, own in known.items():
            # A question of its own; how much words weigh stays.
            question = own[: len(terms)]
            left = own[len(question) :]
            assert index.score_without(question, number) == pytest.approx(score(known, question, left), abs=1e-5)
    assert index.score_without(["a"], used + 7) == (0.0, 0.0)


def test_coverage_is_the_weight_of_the_words_an_entry_holds() -> None:
    index = LexicalIndex()
    index.add([(0, ["refund", "money"]), (1, ["parcel", "money"])])
    both, unknown, nothing = (
        index.search(terms, 5, np.array([0, 1])) for terms in (["refund", "money"], ["spaceship"], [])
    )
    assert both.coverage[0] == pytest.approx(1.0) and 0 < both.coverage[1] < 0.5
    assert unknown.coverage.max() == 0.0 and nothing.coverage.max() == 0.0
    assert all((found.bm25 <= found.coverage + 1e-6).all() for found in (both, unknown, nothing))


def test_unknown_words_lower_the_coverage() -> None:
    index = LexicalIndex()
    index.add([(0, ["refund"]), (1, ["parcel"])])
    known, less = index.search(["refund"], 1, NONE), index.search(["refund", "spaceship"], 1, NONE)
    assert less.coverage[0] < known.coverage[0]


def test_what_was_removed_leaves_no_weight_behind() -> None:
    """A word that no entry holds any more is unknown, however many once held it."""
    index = LexicalIndex()
    index.add([(number, ["gone", "common"]) for number in range(999)] + [(999, ["common", "left"])])
    index.remove(np.arange(999))
    (coverage,) = index.search(["gone", "left"], 1, NONE).coverage
    assert coverage == pytest.approx(
        score({999: ["common", "left"]}, ["gone", "left"], ["common", "left"])[0], abs=1e-5
    )


def test_parts_stay_few_and_hold_no_more_than_what_is_there_after_many_changes() -> None:
    """One entry revised again and again, beside many that stay."""
    index = LexicalIndex()
    index.add([(number, ["stays"]) for number in range(1_000)])
    for number in range(1_000, 1_300):
        index.add([(number, ["new"])])
        index.remove(np.array([number - 1]) if number > 1_000 else NONE)
    parts = index.parts()
    assert len(parts) <= 12
    assert sum(len(alive) for _, alive in parts) < 1_300
    assert index.search(["new"], 5, NONE).numbers.tolist() == [1_299]


def test_an_empty_index_finds_nothing() -> None:
    index = LexicalIndex()
    index.add([])
    index.remove(np.array([1, 2]))
    found = index.search(["a"], 5, np.array([3]))
    assert len(found.numbers) == len(found.coverage) == len(found.bm25) == len(index) == 0


def test_searches_beside_a_writer_see_one_moment() -> None:
    """An entry that is replaced in two steps, new before old, is there once or twice, never not at all."""
    index = LexicalIndex()
    index.add([(number, ["filler", str(number)]) for number in range(50)] + [(50, ["wanted"])])
    stop = threading.Event()
    found: list[int] = []

    def read() -> None:
        while not stop.is_set():
            found.append(len(index.search(["wanted"], 5, NONE).numbers))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(51, 400):
        index.add([(number, ["wanted"])])
        index.remove(np.array([number - 1]))
    stop.set()
    reader.join()
    assert found and set(found) <= {1, 2}


def test_term_codes_tell_terms_apart() -> None:
    codes = {term_code(f"{kind}{at}") for kind in ("a", "退", "𝛼") for at in range(2_000)}
    assert len(codes) == 6_000
    assert term_code("退款") == term_code("".join(["退", "款"]))


@given(st.lists(st.tuples(_TEXT, st.booleans()), min_size=1, max_size=20), st.integers(1, 4))
def test_merged_parts_are_as_if_made_at_once(entries: list[tuple[list[str], bool]], count: int) -> None:
    """Dealt to parts in turn, so that numbers interleave."""
    numbered = list(enumerate(entries))
    dealt = [own for at in range(count) if (own := numbered[at::count])]
    parts = [
        (Postings.of([(number, terms) for number, (terms, _) in own]), np.array([alive for _, (_, alive) in own]))
        for own in dealt
    ]
    merged = Postings.merged(parts)
    once = Postings.of([(number, terms) for number, (terms, alive) in numbered if alive])
    for name in ("numbers", "lengths", "codes", "starts", "rows", "counts"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(once, name), err_msg=name)
        assert getattr(merged, name).dtype == getattr(once, name).dtype, name
    starts, ends = merged.spans(np.sort(np.array([term_code(term) for term in (*TERMS, "unknown")], dtype=np.uint64)))
    assert (starts <= ends).all()


def test_sentences_of_both_scripts() -> None:
    assert sentences("One. Two? 3.5 kg!") == ["One.", "Two?", "3.5 kg!"]
    assert sentences("一句。两句？三句！") == ["一句。", "两句？", "三句！"]
