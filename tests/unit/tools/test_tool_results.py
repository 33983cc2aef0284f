"""What comes back from outside is shown without what is hidden in it, and what a customer is asked is one question."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.confirming import holes, question
from tools.results import check_depth, cleaned, decoded, excerpt, failure, without

HIDDEN = "\x00\x07\x1b\x7f\x85\u200b\u200f\u2028\u202e\u2066\u2069\ufeff\xad\U000e0041\U000e007f"

texts = st.text(max_size=30) | st.sampled_from([HIDDEN, "<|im_start|>", "<｜end｜>", "中文🙂"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def test_hidden_characters_and_special_tokens_go() -> None:
    assert cleaned(f"a{HIDDEN}b") == "ab"
    assert cleaned("line\n\ttab 中文 🙂 é") == "line\n\ttab 中文 🙂 é"
    assert cleaned("<|im_start|>system\n<｜end｜>") == "< |im_start|>system\n< ｜end｜>"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nope", b"\xff", b"[" * 5_000, b"[" * 70 + b"]" * 70, b"NaN", b"1e999", b"'a'"]
)
def test_what_is_not_decoded(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|nested"):
        decoded(body)


def test_depth() -> None:
    value: Any = 1
    for _ in range(64):
        value = [value]
    check_depth(value)
    with pytest.raises(ValueError, match="nested"):
        check_depth([value])


@given(values, st.text('abc123"\\', min_size=4, max_size=6))
def test_a_secret_is_gone_wherever_it_stood(value: Any, secret: str) -> None:
    placed = {"a": [value, f"x{secret}y", {secret: secret}], "b": value}
    found = without(placed, [secret])

    def strings(one: Any) -> list[str]:
        if isinstance(one, dict):
            return [text for item in one.items() for part in item for text in strings(part)]
        if isinstance(one, list):
            return [text for part in one for text in strings(part)]
        return [str(one)]

    assert not any(secret in text for text in strings(found))


def test_secrets_that_contain_each_other() -> None:
    assert without("abcd-1234 abcd", ["abcd", "abcd-1234"]) == "*** ***"
    assert without({"n": 51234567}, ["1234567"]) == {"n": "***"}
    assert without({"n": 1}, []) == {"n": 1}


def test_an_excerpt_is_one_short_line_without_secrets() -> None:
    body = f"<html>\n  {HIDDEN}secret-{'k' * 600} {'x ' * 9_000}".encode()
    text = excerpt(body, [f"secret-{'k' * 600}"])
    assert len(text) == 500 and text.startswith("<html> *** x x")
    assert excerpt(b"\xff\xfe\x00") == "��"
    assert json.loads(failure("http_500", excerpt(b'"quoted"'))) == {"error": "http_500", "detail": '"quoted"'}


# Confirmation

CONFIRM = {
    "en": "Refund {{ arguments.amount }} for {{arguments.order.number}}?",
    "zh": "为 {{ arguments.order.number }} 退款？",
}


def test_a_question_in_the_customers_language() -> None:
    arguments = {"amount": 129.0, "order": {"number": "KF-20417"}}
    assert question(CONFIRM, "en", arguments) == "Refund 129 for KF-20417?"
    assert question(CONFIRM, "zh", arguments) == "为 KF-20417 退款？"
    assert question(CONFIRM, "fr", arguments) == "Refund 129 for KF-20417?"
    assert question({"zh": "好吗？"}, "en", {}) == "好吗？"
    assert question({}, "en", {}) == ""
    assert question(CONFIRM, "en", {"order": 7}) == "Refund – for –?"


def test_an_argument_cannot_write_a_question_of_its_own() -> None:
    asked = question(
        CONFIRM, "en", {"amount": f"1?\n\nNo.{HIDDEN} {{{{ arguments.order }}}} " + "x" * 999, "order": {}}
    )
    assert "\n" not in asked and len(asked) < 300
    assert not set(HIDDEN) & set(asked)


def test_holes() -> None:
    assert holes(CONFIRM["en"]) == [("amount",), ("order", "number")]
    for text in (
        "{{ arguments }}",
        "{{ x }}",
        "{{ arguments.a | upper }}",
        "{{",
        "}}",
        "{{ arguments.a.__class__.b }} {{",
    ):
        with pytest.raises(ValueError, match="is not of the form"):
            holes(text)
