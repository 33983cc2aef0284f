"""Chinese into English: the shop's own glossary first, the dictionary where it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import dictionary
from knowledge.gloss import _ENGLISH, VERSION, gloss, glosses
from knowledge.simplified import simplify


def test_every_word_of_the_glossary_is_glossed_by_its_own_line() -> None:
    wrong = [word for word, english in _ENGLISH.items() if glosses(simplify(word)) != [english]]
    assert not wrong and len(_ENGLISH) > 500


def test_the_longest_word_wins() -> None:
    assert gloss("忘记密码") == "forgot password"
    assert glosses("退货运费") == ["return", "shipping"]


def test_traditional_characters_are_glossed_as_their_simplified_ones() -> None:
    assert gloss("退貨運費") == gloss("退货运费") == "return shipping"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("今天天气怎么样", ["today", "weather"]),
        ("推荐一部电影", ["recommend", "movie"]),
        ("足球比赛几点开始", ["football", "start"]),
    ],
)
def test_the_dictionary_knows_what_no_shop_s_glossary_does(text: str, words: list[str]) -> None:
    glossed = gloss(text)
    assert any(word in glossed for word in words), glossed
    assert not any("\u4e00" <= char <= "\u9fff" for char in glossed)


def test_the_glossary_comes_before_the_dictionary() -> None:
    """To a customer "单号" is a tracking number."""
    assert gloss("单号") == "tracking number"
    assert "tracking" not in " ".join(dictionary.english("单号"))


def test_particles_and_explanations_are_no_gloss() -> None:
    assert dictionary.english("的了吗呢") == []
    assert all(len(sense.split()) <= 5 for sense in dictionary.english("股市红烧肉世界杯首都"))


@given(st.text(st.sampled_from("退款的了吗魑魅abc 1？！货運"), max_size=20))
def test_a_gloss_holds_no_chinese_unless_it_is_the_text_itself(text: str) -> None:
    glossed = gloss(text)
    assert glossed == text or not any("\u4e00" <= char <= "\u9fff" for char in glossed)
    assert gloss(text) == glossed


@given(st.text(st.characters(max_codepoint=0x24F), max_size=30))
def test_text_without_chinese_keeps_its_words(text: str) -> None:
    assert gloss(text).split() == text.split()


def test_several_threads_get_what_one_gets() -> None:
    texts = ["今天天气怎么样", "推荐一部电影", "怎么退款", "明天会下雨吗"] * 20
    alone = [gloss(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(gloss, texts)) == alone


def test_the_version_names_glossary_and_dictionary() -> None:
    assert len(VERSION) == 8 and int(VERSION, 16) >= 0
