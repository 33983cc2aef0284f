"""PDF: headings by size, Chinese, running titles, and the files that cannot be read."""

from __future__ import annotations

import time

import pytest
from made_files import pdf

from knowledge.entries import Side
from knowledge.importing import pdf as reader
from knowledge.importing.layout import Line, set_blocks
from knowledge.importing.reading import Reading, Unreadable, read

_TEXT = "We take back what you do not like within thirty days of its delivery"


def sides(found: Reading) -> list[tuple[str, str]]:
    return [(side.question, side.answer) for entry in found.documents[0].entries for _, side in [entry.side("zh")]]


def test_larger_lines_are_headings_and_wrapped_lines_paragraphs() -> None:
    page = [("Returns", 24), (_TEXT, 11), ("and pay the postage.", 11), ("Damage", 16), ("Send a photo first.", 11)]
    found = read("manual.pdf", pdf([page]))
    assert sides(found) == [
        ("Returns", f"{_TEXT} and pay the postage."),
        ("Returns › Damage", "Send a photo first."),
    ]


def test_chinese_text_is_joined_without_spaces() -> None:
    page = [
        ("退货说明", 20),
        ("我们在签收后三十天内接受退货，请在订单页面点击申请退款并填写", 11),
        ("原因和数量。", 11),
    ]
    assert sides(read("a.pdf", pdf([page]))) == [
        ("退货说明", "我们在签收后三十天内接受退货，请在订单页面点击申请退款并填写原因和数量。")
    ]


def test_running_titles_and_page_numbers_are_dropped_and_places_kept() -> None:
    pages = [
        [
            ("Lamp Shop manual", 9),
            *[(f"Sentence {n} of page {page} says something.", 11) for n in range(5)],
            (f"{page}", 9),
        ]
        for page in range(1, 6)
    ]
    text = "\n".join(answer for _, answer in sides(read("a.pdf", pdf(pages))))
    assert "Lamp Shop" not in text
    assert all(f"Sentence {n} of page {page}" in text for n in range(5) for page in range(1, 6))


def test_a_sentence_goes_on_over_the_page() -> None:
    def line(text: str, where: str, top: float) -> Line:
        return Line(text, left=60, right=60 + 5 * len(text), top=top, height=11, where=where)

    pages = [
        [line("This sentence begins on the first page and it", "page 1", 100)],
        [line("ends on the second.", "page 2", 790)],
    ]
    [block] = set_blocks(pages)
    assert block.text == "This sentence begins on the first page and it ends on the second."


def test_an_empty_password_opens_and_another_does_not() -> None:
    page = [(_TEXT + ".", 11)]
    assert sides(read("a.pdf", pdf([page], password=""))) == [("a", _TEXT + ".")]
    with pytest.raises(Unreadable, match="encrypted"):
        read("a.pdf", pdf([page], password="secret"))


def test_scans_are_told_by_page_or_refused_whole() -> None:
    found = read("a.pdf", pdf([[(_TEXT, 11)], []], picture=True))
    assert [(skipped.where, "OCR" in skipped.reason) for skipped in found.skipped] == [("a.pdf page 2", True)]
    with pytest.raises(Unreadable, match="scan"):
        read("a.pdf", pdf([[], []], picture=True))


def test_files_cut_off_or_broken_are_refused() -> None:
    data = pdf([[(_TEXT, 11)]] * 3)
    with pytest.raises(Unreadable, match="cut off"):
        read("a.pdf", data[: len(data) // 2])
    with pytest.raises(Unreadable, match="damaged"):
        read("a.pdf", b"%PDF-1.4\nnothing at all\n%%EOF")


def test_limits_on_pages_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pdf([[(_TEXT, 11)]] * 3)
    monkeypatch.setattr(reader, "MAX_PAGES", 2)
    with pytest.raises(Unreadable, match="more than 2"):
        read("a.pdf", data)
    monkeypatch.setattr(reader, "MAX_PAGES", 5)
    monkeypatch.setattr(reader, "MAX_PAGE_CHARACTERS", 10)
    with pytest.raises(Unreadable, match="page 1"):
        read("a.pdf", data)


def test_a_pdf_by_another_name_is_read_and_noted() -> None:
    found = read("a.txt", b"\n\n" + pdf([[("Words in it.", 11)]]))
    assert found.documents[0].entries[0].en == Side("a", "Words in it.")
    assert "PDF by its content" in found.notes[0].reason


def test_five_hundred_pages_take_a_few_seconds() -> None:
    data = pdf([[(f"Line {n} of page {page} has some words in it.", 11) for n in range(45)] for page in range(500)])
    before = time.monotonic()
    found = read("a.pdf", data)
    assert time.monotonic() - before < 20
    assert sum(len(answer) for _, answer in sides(found)) > 500 * 45 * 30
