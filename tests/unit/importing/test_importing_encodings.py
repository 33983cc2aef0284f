"""Encodings: what is read right, what is noted, and what is refused rather than garbled."""

from __future__ import annotations

import pytest

from knowledge.importing.encodings import decode
from knowledge.importing.reading import Unreadable, read

_SIMPLIFIED = "我们在签收后三十天内接受退货，请在订单页面点击申请退款。"
_TRADITIONAL = "我們在簽收後三十天內接受退貨，請在訂單頁面點擊申請退款。"
_KOREAN = "한국어 반품 안내 문서입니다. 삼십일 이내에 반품하실 수 있습니다. 고객센터로 연락해 주세요. 감사합니다."
_WESTERN = "Nous acceptons les retours à l’étranger, même après Noël : c’est très simple.\nGrüße aus Köln, señor."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [_SIMPLIFIED + "\n", _TRADITIONAL + "\nabc", _WESTERN, "plain words"])
def test_unicode_in_all_its_spellings(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), "a.txt").text == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", _SIMPLIFIED),
        ("gbk", "退款"),
        ("gb2312", "question,answer\n怎么退款,点申请\n"),
        ("gb18030", _SIMPLIFIED + "𠮷"),
        ("big5", _TRADITIONAL),
        ("big5", "退貨說明"),
        ("cp1252", _WESTERN),
        ("latin-1", "Ein Café für Größen: 5° minus, ½ Preis."),
    ],
)
def test_older_encodings_are_guessed_and_noted(encoding: str, text: str) -> None:
    found = decode(text.encode(encoding), "a.txt")
    assert (found.text, found.guessed) == (text, True)
    assert any("encoding" in note.reason for note in read("a.txt", text.encode(encoding)).notes)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("返品は三十日以内にお願いします。カートを開いてください。".encode("shift_jis"), "encoding cannot be told"),
        ("Возврат в течение тридцати дней".encode("cp1251"), "encoding cannot be told"),
        (_KOREAN.encode("euc-kr"), "encoding cannot be told"),
        (_SIMPLIFIED.encode()[:-4], "middle of a character"),
        (_SIMPLIFIED.encode() + b"\n\xff\n" + _SIMPLIFIED.encode(), "line 2 has bytes that are not UTF-8"),
        (_SIMPLIFIED.encode("utf-16")[:-1], "cut off"),
        (bytes(range(256)) * 4, "a.txt"),
    ],
)  # fmt: skip
def test_what_would_be_garbled_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read("a.txt", data)


def test_characters_lost_before_are_noted_with_their_line() -> None:
    notes = read("a.txt", "good\nbad \ufffd here".encode()).notes
    assert [note.where for note in notes] == ["a.txt:2"]


def test_a_web_page_is_read_in_the_encoding_it_declares() -> None:
    page = f'<html><head><meta charset="gbk"></head><body><p>{_SIMPLIFIED}</p></body></html>'
    found = read("a.html", page.encode("gbk"))
    assert found.documents[0].entries[0].zh is not None
    assert found.documents[0].entries[0].zh.answer == _SIMPLIFIED
    assert found.notes == ()
