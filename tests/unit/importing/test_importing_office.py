"""DOCX and XLSX: what is read of them, and what hostile ones meet."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from made_files import archive, docx, xlsx

from knowledge.entries import Side
from knowledge.importing import archives
from knowledge.importing.reading import Reading, Unreadable, read

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def sides(found: Reading) -> list[tuple[str, str, str]]:
    return [
        (entry.kind, side.question, side.answer)
        for entry in found.documents[0].entries
        for _, side in [entry.side("zh")]
    ]


def test_a_word_file_keeps_headings_lists_and_tables() -> None:
    def build(document: Any) -> None:
        document.add_heading("售后手册", 0)
        document.add_paragraph("本手册说明退换货。")
        document.add_heading("退货", 1)
        document.add_paragraph("七天内可以退货。")
        document.add_paragraph("保持原样", style="List Bullet")
        document.add_heading("运费谁出？", 2)
        document.add_paragraph("质量问题由我们承担。")
        table = document.add_table(rows=2, cols=2)
        for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], ["城市", "天数", "北京", "2"], strict=True):
            cell.text = text

    found = read("手册.docx", docx(build))
    assert found.documents[0].title == "售后手册"
    assert sides(found) == [
        ("faq", "运费谁出？", "质量问题由我们承担。\n城市 | 天数\n北京 | 2"),
        ("passage", "售后手册", "本手册说明退换货。"),
        ("passage", "售后手册 › 退货", "七天内可以退货。\n- 保持原样"),
    ]


def test_inserted_text_and_forms_are_read_and_deleted_text_is_not() -> None:
    from docx.oxml import parse_xml

    def build(document: Any) -> None:
        body = document.element.body
        for xml in (
            f'<w:p xmlns:w="{_W}"><w:ins><w:r><w:t>Kept words.</w:t></w:r></w:ins>'
            "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>",
            f'<w:sdt xmlns:w="{_W}"><w:sdtContent><w:p><w:r><w:t>From a form.</w:t></w:r></w:p></w:sdtContent></w:sdt>',
        ):
            body.insert(len(body) - 1, parse_xml(xml))

    assert sides(read("a.docx", docx(build))) == [("passage", "a", "Kept words.\nFrom a form.")]


def test_a_table_of_questions_in_a_word_file() -> None:
    def build(document: Any) -> None:
        table = document.add_table(rows=3, cols=2)
        texts = ["问题", "答案", "怎么退款", "点退款", "怎么换货", ""]
        for cell, text in zip([cell for row in table.rows for cell in row.cells], texts, strict=True):
            cell.text = text

    found = read("a.docx", docx(build))
    assert sides(found) == [("faq", "怎么退款", "点退款")]
    assert [skipped.where for skipped in found.skipped] == ["a.docx table row 3"]


def test_a_workbook_of_questions_and_facts() -> None:
    data = xlsx(
        {
            "问答": [
                ["退换货问答"],
                ["问题", "答案", "相似问"],
                ["怎么退款", "点退款", "退钱\n退款流程"],
                ["空", None, None],
            ],
            "价格": [["套餐", "价格", "自"], ["基础", 5.0, datetime.datetime(2024, 1, 2)]],
            "草稿": [["问题", "答案"], ["x", "y"]],
        },
        hidden=["草稿"],
    )
    found = read("faq.xlsx", data)
    first, second = found.documents[0].entries
    assert first.zh == Side("怎么退款", "点退款", ("退钱", "退款流程"))
    assert second.zh == Side("faq › 价格 › 基础", "套餐: 基础\n价格: 5\n自: 2024-01-02")
    assert {skipped.where for skipped in found.skipped} == {
        "faq.xlsx sheet 草稿",
        "faq.xlsx sheet 问答 row 1",
        "faq.xlsx sheet 问答 row 4",
    }


def test_a_far_cell_costs_nothing() -> None:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"], book.active["B1"] = "question", "answer"
    book.active["A200000"], book.active["B200000"] = "Far?", "Yes."
    out = io.BytesIO()
    book.save(out)
    assert sides(read("a.xlsx", out.getvalue())) == [("faq", "Far?", "Yes.")]


@pytest.mark.parametrize("name", ["a.docx", "a.txt"])
def test_content_counts_and_not_the_ending(name: str) -> None:
    found = read(name, xlsx({"S": [["question", "answer"], ["A?", "a"]]}))
    assert sides(found) == [("faq", "A?", "a")]
    assert "Excel workbook by its content" in found.notes[0].reason


@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_files_cut_off_or_damaged_are_refused(kind: str) -> None:
    data = docx(lambda document: document.add_paragraph("x" * 500)) if kind == "docx" else xlsx({"S": [["a", "b"]]})
    for broken in (data[: len(data) // 2], data[:-10], data[:2000] + b"\0" * 200 + data[2200:]):
        with pytest.raises(Unreadable, match="damaged"):
            read(f"a.{kind}", broken)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"word/document.xml": b"0" * 120_000_000}, "zip bomb"),
        ({"xl/workbook.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}, "XML entities"),
        ({"word/document.xml": "<!DOCTYPE a>".encode("utf-16")}, "XML entities"),
        ({"word/document.xml": b"<a/>"}, "damaged"),
        ({"ppt/presentation.xml": b"<a/>"}, "presentation"),
        ({"a.txt": b"words"}, "archive"),
    ],
)
def test_hostile_and_foreign_archives(members: dict[str, bytes], told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read("a.docx", archive(members))


def test_a_bomb_that_lies_about_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1_000_000)
    data = archive({"word/document.xml": b"0" * 3_000_000})
    lying = data.replace((3_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    with pytest.raises(Unreadable, match=r"damaged|bomb"):
        read("a.docx", lying)


def test_encrypted_and_old_office_files_are_told() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    with pytest.raises(Unreadable, match="encrypted"):
        read("a.docx", ole + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(Unreadable, match="old binary Office"):
        read("a.xls", ole + b"\0" * 600)
