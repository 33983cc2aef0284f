"""Dense, lexical and fused evidence, on vectors made by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from knowledge import confidence
from knowledge.dense import DenseIndex
from knowledge.entries import Entry, Side
from knowledge.index import Hit, HybridIndex, sentences
from knowledge.lexical import LexicalIndex


class Bags:
    """Embeds a text as its bag of letters: deterministic, and near for near texts."""

    name, dim = "letters", 26

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        counts = np.array([[text.lower().count(chr(97 + at)) + 0.01 for at in range(26)] for text in texts])
        counts = counts.reshape(-1, 26)
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), dtype=np.float32)


ENTRIES = [
    Entry("refund", "t", en=Side("How do I get a refund?", "Open My Orders. Choose refund.", ("money back",))),
    Entry("track", "t", en=Side("Where is my parcel?", "Use the link in the e-mail.", ("track my order",))),
    Entry("vat", "t", en=Side("Can I have a VAT invoice?", "Yes, in My Orders.")),
]


def search(*texts: str, k: int = 3) -> list[list[Hit]]:
    return HybridIndex.build(ENTRIES, Bags()).search(list(texts), Bags().encode(list(texts)), k)


def test_hits_are_grouped_by_entry_best_first() -> None:
    (hits,) = search("where is the parcel")
    assert hits[0].entry.id == "track"
    assert sorted(hit.entry.id for hit in hits) == ["refund", "track", "vat"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_the_best_passage_is_the_one_that_matched() -> None:
    (hits,) = search("money back!")
    assert (hits[0].entry.id, hits[0].passage, hits[0].exact) == ("refund", "money back", True)


def test_an_own_question_is_exact_whatever_its_case_spaces_and_marks() -> None:
    first, second = search("  how DO i get a refund ??", "how do I get a refund today")
    assert first[0].exact and not second[0].exact


def test_more_asked_for_than_there_are_entries() -> None:
    (hits,) = search("invoice", k=50)
    assert len(hits) == len(ENTRIES)
    assert search() == []


def test_coverage_is_the_weight_of_the_words_an_entry_holds() -> None:
    index = LexicalIndex([["refund", "money"], ["parcel", "money"]])
    coverage, bm25 = index.score(["refund money", "spaceship", ""])
    assert coverage[0, 0] == pytest.approx(1.0) and 0 < coverage[0, 1] < 0.5
    assert coverage[1].max() == 0.0 and coverage[2].max() == 0.0
    assert (bm25 <= coverage + 1e-6).all()


def test_unknown_words_lower_the_coverage() -> None:
    coverage, _ = LexicalIndex([["refund"], ["parcel"]]).score(["refund", "refund spaceship"])
    assert coverage[1, 0] < coverage[0, 0]


def test_large_sets_are_searched_by_graph_and_still_found() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(20_500, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    _, found = DenseIndex(vectors).search(vectors[:200], 5)
    assert (found[:, 0] == np.arange(200)).mean() > 0.95


def test_sentences_of_both_scripts() -> None:
    assert sentences("One. Two? 3.5 kg!") == ["One.", "Two?", "3.5 kg!"]
    assert sentences("一句。两句？三句！") == ["一句。", "两句？", "三句！"]


def hit(name: str, score: float, near: float, coverage: float, *, exact: bool = False) -> Hit:
    entry = next(entry for entry in ENTRIES if entry.id == name)
    return Hit(entry, "en", score, near, near - 0.1, coverage, coverage / 2, 0.2, exact, "")


def test_confidence_grows_with_evidence_and_falls_with_a_rival() -> None:
    strong = confidence.estimate([hit("refund", 20, 0.9, 0.9), hit("vat", 10, 0.3, 0.1)])
    weak = confidence.estimate([hit("refund", 6, 0.3, 0.1), hit("vat", 5, 0.25, 0.1)])
    rivalled = confidence.estimate([hit("refund", 20, 0.9, 0.9), hit("vat", 20, 0.9, 0.9)])
    assert strong.first > 0.8 > 0.3 > weak.first
    assert rivalled.first < strong.first
    assert rivalled.among_three >= rivalled.first


def test_an_exact_question_of_two_entries_is_a_tie_and_no_hits_no_confidence() -> None:
    tied = confidence.estimate([hit("refund", 120, 1, 1, exact=True), hit("vat", 120, 1, 1, exact=True)])
    assert tied.first < 0.5 < tied.among_three
    assert confidence.estimate([]).first == 0.0
