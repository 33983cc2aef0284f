"""Near-duplicates: found within and against what is known, and told apart from conflicts."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.entries import Entry, Side
from knowledge.importing.duplicates import Duplicate, near_duplicates
from knowledge.importing.shingles import shingles

_LONG = "We take back everything that you do not like within thirty days of delivery if it is whole and clean. " * 3


def faq(own: str, question: str, answer: str) -> Entry:
    return Entry(own, en=Side(question, answer))


def test_a_question_asked_twice_is_a_duplicate_or_a_conflict() -> None:
    entries = [
        faq("a", "How do I get a refund?", "Open My orders and tap refund."),
        faq("b", "how do I get a REFUND", "Open My orders, and tap refund!"),
        faq("c", "How do I get a refund??", "We give none."),
        faq("d", "How do I get an invoice?", "By mail."),
    ]
    assert near_duplicates(entries) == [
        Duplicate("b", "a", "en", 1.0, "duplicate"),
        Duplicate("c", "a", "en", 1.0, "conflict"),
    ]


def test_passages_that_differ_in_a_word_are_near_in_both_languages() -> None:
    chinese = (
        "签收后三十天内，您可以在订单页面申请退货，请保持商品完好并附上发票，我们收到后五个工作日内原路退款到您的账户。"
    )
    entries = [
        Entry("a", en=Side("T", _LONG + "Ask us"), zh=Side("题", chinese * 2), kind="passage"),
        Entry("b", en=Side("T", _LONG + "Ask me"), zh=Side("题", chinese * 2 + "好"), kind="passage"),
    ]
    assert [(found.entry, found.other, found.language) for found in near_duplicates(entries)] == [
        ("b", "a", "en"),
        ("b", "a", "zh"),
    ]


def test_known_entries_are_compared_with_but_not_among_themselves_or_with_their_own_new_form() -> None:
    known = [faq("k1", "Where are you?", "Bonn"), faq("k2", "Where are you?", "Bonn"), faq("n", "Who are you?", "Us")]
    found = near_duplicates([faq("n", "Who are you?", "Us"), faq("m", "where are you", "Bonn")], known)
    assert found == [Duplicate("m", "k1", "en", 1.0, "duplicate")]


def test_a_question_is_not_compared_with_a_passage() -> None:
    assert near_duplicates([faq("a", _LONG, "x"), Entry("b", en=Side("T", _LONG), kind="passage")]) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("abcd \n退款货", max_size=30), max_size=20))
def test_every_pair_that_is_told_is_near(texts: list[str]) -> None:
    entries = [Entry(str(number), zh=Side("t", text), kind="passage") for number, text in enumerate(texts)]
    for found in near_duplicates(entries):
        one, other = (set(shingles(texts[int(own)]).tolist()) for own in (found.entry, found.other))
        assert len(one & other) / len(one | other) >= 0.9


@pytest.mark.parametrize("template", [False, True])
def test_five_thousand_take_no_quadratic_time(template: bool) -> None:
    source = random.Random(1)
    words = [f"word{number}" for number in range(3000)]
    texts = [
        f"Your parcel {number} has left" if template else " ".join(source.choices(words, k=60))
        for number in range(5000)
    ]
    entries = [Entry(str(number), en=Side("T", text), kind="passage") for number, text in enumerate(texts)]
    entries.append(Entry("again", en=Side("T", texts[7]), kind="passage"))
    before = time.monotonic()
    found = near_duplicates(entries)
    assert time.monotonic() - before < 6
    assert [(each.entry, each.other) for each in found] == [("again", "7")]
