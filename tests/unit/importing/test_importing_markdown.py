"""Markdown and plain text: what becomes a question, what a passage, and under which headings."""

from __future__ import annotations

import pytest

from knowledge.entries import Entry, Side
from knowledge.importing.reading import read


def entries(text: str, name: str = "help/page.md") -> tuple[Entry, ...]:
    return read(name, text.encode()).documents[0].entries


def sides(text: str, name: str = "help/page.md") -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for entry in entries(text, name):
        _, side = entry.side("en")
        found.append((entry.kind, side.question, side.answer))
    return found


def test_a_page_becomes_passages_under_its_headings() -> None:
    text = "# Orders\n\nAll about orders.\n\n## Returns\n\nSend it back.\n\n### Damaged goods\n\nTake a photo first.\n"
    assert sides(text) == [
        ("passage", "Orders", "All about orders."),
        ("passage", "Orders › Returns", "Send it back."),
        ("passage", "Orders › Returns › Damaged goods", "Take a photo first."),
    ]


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("How do I pay?", "How do I pay?"),
        ("Q: Paying by card", "Paying by card"),
        ("**Q1:** Paying by card", "Paying by card"),
        ("问：怎么付款", "怎么付款"),
        ("如何退款？", "如何退款？"),
        ("三、如何退款", "如何退款"),
    ],
)
def test_a_heading_that_asks_is_a_question(heading: str, question: str) -> None:
    [entry] = entries(f"# Help centre\n\n## {heading}\n\nA: It is done at the till, 在收银台。\n")
    assert (entry.kind, entry.topic) == ("faq", "Help centre")
    assert entry.side("zh")[1] == Side(question, "It is done at the till, 在收银台。")


def test_numbers_of_questions_that_count_are_taken_off() -> None:
    text = "# 帮助\n\n## 1 如何注册？\n\n点注册。\n\n## 2 如何登录？\n\n点登录。\n"
    assert [question for _, question, _ in sides(text)] == ["如何注册？", "如何登录？"]


def test_numbers_that_mean_something_stay() -> None:
    text = "# 售后\n\n## 7 天无理由退货\n\n签收后。\n\n## 30 天换货\n\n签收后。\n\n## 2024 年报\n\n见附件。\n"
    assert [path for _, path, _ in sides(text)] == ["售后 › 7 天无理由退货", "售后 › 30 天换货", "售后 › 2024 年报"]


def test_a_page_whose_title_asks_is_one_question() -> None:
    assert sides("# Where is my parcel?\n\nLook under My orders.\n") == [
        ("faq", "Where is my parcel?", "Look under My orders.")
    ]


def test_a_question_with_sections_below_it_stays_prose() -> None:
    text = "# Help\n\n## How do I pay?\n\nIn two ways.\n\n### By card\n\nType its number.\n"
    assert {kind for kind, _, _ in sides(text)} == {"passage"}


@pytest.mark.parametrize("name", ["faq.md", "faq.txt"])
def test_lines_marked_q_and_a_are_pairs(name: str) -> None:
    first = "Q: Do you ship abroad?\nA: Yes, to 30 countries."
    text = f"Read this first.\n\n{first}\n\nQ: 多久发货？\n\n答：24小时内。\n\n节假日顺延。\n"
    assert sides(text, name) == [
        ("faq", "Do you ship abroad?", "Yes, to 30 countries."),
        ("faq", "多久发货？", "24小时内。\n节假日顺延。"),
        ("passage", "faq", "Read this first."),
    ]


def test_front_matter_gives_the_title_and_is_not_text() -> None:
    document = read(
        "p.md", b"---\ntitle: 'Our shop'\nauthor: X\n---\nWe sell lamps.\n\n## A\n\na\n\n## B\n\nb\n"
    ).documents[0]
    assert document.title == "Our shop"
    assert "author" not in str(document)


def test_links_keep_their_text_and_pictures_what_they_tell() -> None:
    text = (
        "# Shop\n\nSee [the rules](http://x/y). ![](a.png) ![shot.png](a.png) ![Shop](b.png)\n"
        "![The blue button](c.png){ width='5px' }\n"
    )
    assert sides(text) == [("passage", "Shop", "See the rules.\nThe blue button")]


def test_boxes_lose_their_frame_and_keep_their_lists() -> None:
    text = '# 指南\n\n!!! note "注意"\n    先登录。\n\n    * 再点【设置】\n    * 保存\n\n正文。\n'
    assert sides(text) == [("passage", "指南", "注意\n先登录。\n- 再点【设置】\n- 保存\n正文。")]


def test_code_and_tables_are_kept_as_they_are() -> None:
    text = "# T\n\nRun:\n\n```sh\nls  -l\n```\n\n| Plan | Price |\n| --- | --- |\n| Basic | 5 |\n"
    assert sides(text) == [("passage", "T", "Run:\n```\nls  -l\n```\nPlan | Price\nBasic | 5")]


def test_a_table_of_questions_in_a_page_is_entries() -> None:
    text = "# T\n\n| 问题 | 答案 |\n| --- | --- |\n| 怎么退款 | 点退款 |\n| 怎么换货 | 点换货 |\n"
    assert [(kind, question) for kind, question, _ in sides(text)] == [("faq", "怎么退款"), ("faq", "怎么换货")]


def test_placeholders_in_angle_brackets_are_text_and_tags_are_not() -> None:
    assert sides("# T\n\nStyle is <auto> here.<br/>Next <b>line</b>. <!-- secret -->\n")[0][2] == (
        "Style is <auto> here.\nNext line."
    )


def test_a_heading_without_text_is_kept_as_text_above() -> None:
    assert sides("# T\n\n## Videos\n\n### Installing\n\n### Updating\n") == [
        ("passage", "T › Videos", "Installing\nUpdating")
    ]


def test_the_language_is_that_of_the_words_not_of_the_commands() -> None:
    [entry] = entries("# 安装\n\n执行命令：\n\n```\n" + "docker run --name one --restart=always image\n" * 5 + "```\n")
    assert entry.zh is not None
    assert entry.en is None


def test_ids_survive_what_is_inserted_and_removed_around_them() -> None:
    one = "# Help\n\n## Pay?\n\nBy card.\n\n## Delivery\n\nThree days.\n"
    more = (
        "# Help centre\n\nNew words.\n\n## Opening hours\n\nNine to five.\n\n"
        "## 2) Delivery\n\nFour days.\n\n## Pay?\n\nCash.\n"
    )
    before = {entry.side("en")[1].question.split(" › ")[-1]: entry.id for entry in entries(one)}
    after = {entry.side("en")[1].question.split(" › ")[-1]: entry.id for entry in entries(more)}
    assert before["Pay?"] == after["Pay?"]
    assert before["Delivery"] == after["Delivery"]
    assert len(set(after.values())) == len(after)


def test_the_documents_id_comes_from_its_name_alone() -> None:
    one = read(".\\help\\a.md", b"# A\n\ntext").documents[0]
    other = read("help/a.md", b"# B\n\nother").documents[0]
    assert one.id == other.id == "help/a.md"
    assert read("HTTPS://x".lower() + "/p#top", b"<html><body>words</body></html>").documents[0].id == "https://x/p"


def test_wrapped_lines_of_plain_text_are_joined_and_typed_ones_kept() -> None:
    wrapped = (
        "This paragraph was wrapped by a program at about sixty columns\n"
        "so that its lines are of one width, and it has to be joined up\n"
        "again.\n\n1. Delivery\n\nWe deliver.\nEvery day.\n"
    )
    assert [answer for _, _, answer in sides(wrapped, "a.txt")] == [
        "This paragraph was wrapped by a program at about sixty columns so that its lines are of one width, "
        "and it has to be joined up again.",
        "We deliver.\nEvery day.",
    ]


def test_paragraphs_said_thrice_are_kept_once() -> None:
    notice = "This offer may end at any time without notice."
    text = "# T\n\n" + "".join(f"## S{n}\n\nFact number {n}.\n\n{notice}\n\n" for n in "abc")
    assert [answer for _, _, answer in sides(text)] == [f"Fact number a.\n{notice}", "Fact number b.", "Fact number c."]


def test_passages_of_one_text_become_one_that_all_their_headings_lead_to() -> None:
    text = "# T\n\n" + "".join(f"## Plan {n}\n\nAsk the service desk for it.\n\n" for n in "abcd")
    [entry] = entries(text)
    assert entry.en == Side("T › Plan a", "Ask the service desk for it.", ("T › Plan b", "T › Plan c", "T › Plan d"))
