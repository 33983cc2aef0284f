"""Passages: nothing is lost, none is too long, none begins in the middle of a sentence."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.importing import sentences
from knowledge.importing.chunking import SIZES, chunks
from knowledge.importing.content import Block

_WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=25).map(" ".join)
_ENGLISH = st.tuples(_WORDS, st.sampled_from(".!?")).map(lambda pair: pair[0].capitalize() + "x" + pair[1])
_CHINESE = st.text("退款换货订单物流地址发票客服的在是我", min_size=1, max_size=100).map(lambda text: text + "。")
# A line that is repeated above a list, and its line break.
_REPEATED = 41


def _blocks(sentence: st.SearchStrategy[str], between: str) -> st.SearchStrategy[list[Block]]:
    text = st.lists(sentence, min_size=1, max_size=8).map(between.join)
    kinds = st.sampled_from(["paragraph", "item"])
    block = st.builds(lambda kind, words: Block(kind, words, level=1), kinds, text)
    return st.lists(block, min_size=1, max_size=12)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@settings(max_examples=60, deadline=None)
@given(_blocks(_ENGLISH, " "))
def test_every_english_sentence_is_whole_in_one_passage(blocks: list[Block]) -> None:
    _check(blocks, SIZES["en"][1])


@settings(max_examples=60, deadline=None)
@given(_blocks(_CHINESE, ""))
def test_every_chinese_sentence_is_whole_in_one_passage(blocks: list[Block]) -> None:
    _check(blocks, SIZES["zh"][1])


def _check(blocks: list[Block], high: int) -> None:
    found = [chunk.text for chunk in chunks(blocks)]
    assert all(len(text) <= high + _REPEATED for text in found)
    squeezed = [_squeezed(text) for text in found]
    for block in blocks:
        for sentence in sentences.split(block.text):
            assert any(_squeezed(sentence) in text for text in squeezed)
    # Only a repeated line above a list may stand twice.
    assert "".join(squeezed).count("。") >= sum(block.text.count("。") for block in blocks)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=3000))
def test_any_text_is_cut_without_loss(text: str) -> None:
    assert "".join(sentences.split(text)) == text
    assert "".join(sentences.within(text, 50)) == text
    assert all(len(piece.rstrip()) <= 50 for piece in sentences.within(text, 50))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ab 字。.\n", max_size=400), min_size=1, max_size=30))
def test_code_and_cells_are_never_lost(texts: list[str]) -> None:
    blocks = [Block("code", "\n".join(texts)), Block("table", rows=tuple((each, each) for each in ["h", *texts]))]
    letters = sum(text.count("字") for text in texts)
    joined = "".join(chunk.text for chunk in chunks(blocks))
    assert joined.count("字") >= 3 * letters
    assert all(len(chunk.text) <= 2 * SIZES["en"][1] for chunk in chunks(blocks))


def test_a_short_section_is_one_passage() -> None:
    blocks = [Block("paragraph", "先登录。"), Block("item", "- 点设置", level=1), Block("item", "- 点保存", level=1)]
    assert [chunk.text for chunk in chunks(blocks)] == ["先登录。\n- 点设置\n- 点保存"]


def test_a_section_just_under_the_upper_size_is_one_passage() -> None:
    blocks = [Block("item", "- " + "字" * 62 + "。", level=1) for _ in range(6)]
    [chunk] = chunks(blocks)
    assert SIZES["zh"][1] - 10 < len(chunk.text) <= SIZES["zh"][1]


def test_a_table_keeps_its_header_in_every_passage() -> None:
    rows = tuple((f"City {number}", "three to five working days") for number in range(60))
    found = chunks([Block("table", rows=(("Where", "How long"), *rows))])
    assert len(found) > 2
    assert all(chunk.text.startswith("Where | How long\nCity ") for chunk in found)


def test_the_line_above_a_long_list_is_repeated_where_it_is_cut() -> None:
    items = [Block("item", f"- 第{number}项：{'修复了一个问题' * 4}；", level=1) for number in range(30)]
    found = chunks([Block("paragraph", "问题修复"), *items])
    assert len(found) > 2
    assert all(chunk.text.startswith("问题修复\n- 第") for chunk in found)


def test_an_introduction_stays_with_what_it_introduces() -> None:
    long = "The first part of this section says a good deal about nothing much. " * 9
    found = chunks([Block("paragraph", long), Block("paragraph", "You need:"), Block("item", "- a " + "lamp " * 30)])
    assert not any(chunk.text.endswith("You need:") for chunk in found)


def test_a_sentence_longer_than_a_passage_is_cut_after_a_clause() -> None:
    pieces = sentences.within("甲" * 150 + "，" + "乙" * 300 + "。", 200)
    assert pieces[0] == "甲" * 150 + "，"
    assert "".join(pieces).count("乙") == 300


def test_stops_that_end_nothing_do_not_cut() -> None:
    text = "Ask Dr. Who, e.g. by mail at v1.2. See http://x.y/?a=b now. 真的吗？是的！"
    assert [piece.strip() for piece in sentences.split(text)] == [
        "Ask Dr. Who, e.g. by mail at v1.2.",
        "See http://x.y/?a=b now.",
        "真的吗？",
        "是的！",
    ]
