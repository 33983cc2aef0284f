from __future__ import annotations

import pytest

from actors.session import question_for
from actors.state import State
from schemas.answers import Option, Question

OPTIONS = (Option("a", "Return an order"), Option("b", "换货"))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("1", "Return an order"), (" 2 ", "换货"), ("2.", "换货"), ("(1)", "Return an order"), ("#2", "换货"),
        ("第二个", "换货"), ("第一条。", "Return an order"), ("二", "换货"), ("2）", "换货"),
        ("first", "Return an order"), ("The second one", "换货"), ("the first", "Return an order"),
        ("3", "3"), ("third", "third"), ("0", "0"), ("-1", "-1"), ("22", "22"),
        ("I want 2", "I want 2"), ("two", "two"), ("", ""), ("。", "。"),
    ],
)  # fmt: skip
def test_a_choice_of_what_was_offered(text: str, asked: str) -> None:
    assert question_for(State(tenant="t", options=OPTIONS), text) == Question("t", asked)


@pytest.mark.parametrize("text", ["1", "第二个", "the first one"])
def test_without_options_a_number_is_a_text(text: str) -> None:
    assert question_for(State(tenant="t"), text) == Question("t", text)


def test_the_offer_of_a_person_goes_along() -> None:
    assert question_for(State(tenant="t", person_offered=True), "yes") == Question("t", "yes", True)
