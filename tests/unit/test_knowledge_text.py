"""Language, normal form, terms and the Chinese-English glossary."""

from __future__ import annotations

import pytest

from knowledge.gloss import gloss
from knowledge.simplified import simplify
from knowledge.text import language, normalise, terms, without_references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How do I get a refund?", "en"),
        ("怎么退款?", "zh"),
        ("iPhone 15 Pro Max 保修多久", "zh"),
        ("VAT发票怎么开", "zh"),
        ("Can I pay with 支付宝?", "en"),
        ("請問怎麼退貨", "zh"),
        ("", "en"),
        ("12345 !!", "en"),
    ],
)
def test_the_language_follows_the_share_of_chinese(text: str, expected: str) -> None:
    assert language(text) == expected


def test_normalise_folds_width_case_space_and_traditional_characters() -> None:
    assert normalise("  ＨＯＷ   to 退貨？ ") == "how to 退货?"


def test_english_terms_are_stemmed_lightly_and_lose_stop_words() -> None:
    assert terms("I returned the shipped items") == ["return", "ship", "item"]
    assert terms("cancelled, cancels, cancelling") == terms("cancel") * 3
    assert terms("the company's address") == ["company", "address"]


def test_question_words_stay_because_they_tell_entries_apart() -> None:
    assert "how" in terms("how long") and "when" in terms("when?")


def test_chinese_terms_are_characters_pairs_and_the_glossary_s_english() -> None:
    found = terms("退款吗")
    assert {"退", "款", "退款", "refund"} <= set(found)
    assert "吗" not in found


def test_synonyms_and_both_languages_meet_in_the_glossary() -> None:
    assert set(terms("退钱")) & set(terms("退款")) & set(terms("refunds"))


def test_gloss_takes_the_longest_word_and_leaves_out_what_it_does_not_know() -> None:
    assert gloss("忘记密码") == "forgot password"
    assert gloss("VAT发票") == "VAT invoice"
    assert gloss("退貨运费") == "return shipping"


def test_gloss_leaves_english_and_wholly_unknown_text_as_it_is() -> None:
    assert gloss("How do I  get a refund?").split() == ["How", "do", "I", "get", "a", "refund?"]
    assert gloss("㐀㐁") == "㐀㐁"


def test_simplify_keeps_the_length() -> None:
    assert simplify("訂單還沒到 abc") == "订单还没到 abc"


def test_what_identifies_a_thing_is_not_part_of_the_question() -> None:
    assert without_references("where is order B79198176?") == "where is order  ?"
    assert without_references("订单B75764404，什么时候到") == "订单 ，什么时候到"
    assert without_references("mail me at ann@example.com or +4915112345678") == "mail me at   or +"
    assert without_references("free over $49, 2 items, 2026") == "free over $49, 2 items, 2026"
    assert without_references("10023344") == "10023344"
