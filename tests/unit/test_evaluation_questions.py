"""Which questions an evaluation asks, and what is expected of them: errors come with their lines."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from knowledge.evaluating import question_file
from knowledge.evaluating.configuration import parse
from knowledge.evaluating.expected import Inventory, Known, Wanted, resolve
from knowledge.evaluating.question_file import Asked, QuestionsInvalid
from schemas.errors import InvalidRequest, KefuError

# --- Expected values -------------------------------------------------------------------------------


def faq(entry: str, *questions: str) -> Known:
    return Known(entry, questions, "shop/faq.csv", "shop/faq.csv", "faq")


INVENTORY = Inventory(
    [
        faq("refund", "How do I get a refund?", "怎么退款？"),
        faq("shop/faq.csv#12", "Where is my parcel?"),
        faq("shop/faq.csv#13", "Where is my invoice?"),
        Known("docs/a/index.md#1", ("Start › First steps",), "docs/a/index.md", "docs/a/index.md", "Quick start"),
        Known("docs/a/index.md#2", ("Start › Second steps",), "docs/a/index.md", "docs/a/index.md", "Quick start"),
        Known("docs/b/index.md#1", ("Welcome",), "docs/b/index.md", "docs/b/index.md", "Welcome | Docs"),
    ]
)


@pytest.mark.parametrize(
    ("value", "entries", "documents"),
    [
        ("refund", {"refund"}, set()),
        ("how do I get a REFUND", {"refund"}, set()),
        ("怎么退款", {"refund"}, set()),
        ("12", {"shop/faq.csv#12"}, set()),
        ("#12", {"shop/faq.csv#12"}, set()),
        ("...#12", {"shop/faq.csv#12"}, set()),
        ("faq.csv#13", {"shop/faq.csv#13"}, set()),
        ("docs/a/index.md", set(), {"docs/a/index.md"}),
        ("./docs/a/index.md", set(), {"docs/a/index.md"}),
        ("a/index.md", set(), {"docs/a/index.md"}),
        ("faq.csv", set(), {"shop/faq.csv"}),
        ("Quick Start", set(), {"docs/a/index.md"}),
        ("Welcome", {"docs/b/index.md#1"}, set()),
        ("other.csv#12", set(), set()),
        ("???", set(), set()),
    ],
)
def test_what_an_expected_value_names(value: str, entries: set[str], documents: set[str]) -> None:
    assert INVENTORY.find(value) == Wanted(frozenset(entries), frozenset(documents))


def test_several_right_ones_and_a_title_with_a_bar() -> None:
    both, title, none = (
        Asked("q:2", "x", ("refund", "12")),
        Asked("q:3", "y", ("Welcome", "Docs")),
        Asked("q:4", "z", ()),
    )
    (found,) = resolve([both, title, none], [INVENTORY])
    assert found[0].entries == {"refund", "shop/faq.csv#12"}
    assert found[1].documents == {"docs/b/index.md"}
    assert found[2] == Wanted()


def test_a_value_that_is_nowhere_is_an_error_with_its_line() -> None:
    asked = [Asked(f"q.csv:{line}", "x", (value,)) for line, value in enumerate(["refnd", *"bcdefgh"], start=2)]
    with pytest.raises(QuestionsInvalid) as error:
        resolve(asked, [INVENTORY])
    assert "8 expected values are nowhere" in error.value.detail
    assert "q.csv:2: 'refnd' (is it 'refund'?)" in error.value.detail
    assert "q.csv:6: 'e'" in error.value.detail
    assert "and 3 more" in error.value.detail
    assert "'f'" not in error.value.detail


def test_a_value_needs_to_be_in_one_of_the_knowledges_compared() -> None:
    other = Inventory([faq("new", "A new question")])
    asked = [Asked("q:2", "x", ("refund",)), Asked("q:3", "x", ("new",))]
    first, second = resolve(asked, [INVENTORY, other])
    assert [each.entries for each in first] == [{"refund"}, set()]
    assert [each.entries for each in second] == [set(), {"new"}]


def test_a_file_name_that_fits_two_documents_is_an_error() -> None:
    with pytest.raises(QuestionsInvalid, match=r"q:9: expected 'index.md' fits 2 documents \(docs/a/index.md, docs/b"):
        resolve([Asked("q:9", "x", ("index.md",))], [INVENTORY])


# --- The file of questions -------------------------------------------------------------------------


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.csv", 'question,expected\n"where, now?",a\nwho,none\n'),
        ("q.csv", '\ufeffText,Label\r\n"where, now?",a\r\nwho,\r\n'),
        ("q.csv", '编号,用户问题,标准问\n1,"where, now?",a\n2,who,无\n'),
        ("q.tsv", "Query\tanswer_id\nwhere, now?\ta\nwho\tNone\n"),
        ("q.csv", 'A sheet\n\nQuestion (required)*,category,expected\n"where, now?",x,a\nwho,x,NONE\n'),
        ("q.jsonl", '{"question": "where, now?", "expected": ["a"]}\n\n{"question": "who", "expected": null}\n'),
        ("q.json", '[{"query": "where, now?", "entry": "a"}, {"query": "who"}]'),
    ],
)
def test_tables_and_json_lines_with_many_names_of_columns(tmp_path: Path, name: str, content: str) -> None:
    first, second = question_file.read(written(tmp_path, name, content))
    assert (first.text, first.expected) == ("where, now?", ("a",))
    assert (second.text, second.expected) == ("who", ())
    assert first.where.startswith(name)


def test_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["问题", "期望"], ["在哪", 12], ["谁", None]):
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    first, second = question_file.read(written(tmp_path, "q.xlsx", kept.getvalue()))
    assert (first.text, first.expected, second.expected) == ("在哪", ("12",), ())


def test_several_expected_values(tmp_path: Path) -> None:
    (asked,) = question_file.read(written(tmp_path, "q.csv", "question,expected\nwhere,a | b|a|\n"))
    assert asked.expected == ("a", "b")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("question,expected\nwhere,a\n ,b\n", r"q.csv:3: has no question"),
        ("Was,Wohin\nwhere,a\n", r"q.csv:1: no row names the columns \(the first has 'Was', 'Wohin'\)"),
        ("question,expected\n", r"q.csv: holds no questions"),
        ('{"question": "where", "expected": "a"}\n{"question": \n', r"q.csv:2: is no JSON object"),
        ("[1, 2]", r"q.csv: is no list of objects"),
        ('question,expected\n"where,a\n', r"q.csv: a quote is opened"),
    ],
)
def test_errors_tell_the_line(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(KefuError, match=problem):
        question_file.read(written(tmp_path, "q.csv", content))


# --- Configurations --------------------------------------------------------------------------------


def test_configurations() -> None:
    found = parse("channels=dense, collection=faq,knowledge=a b.csv")
    assert (found.channels, found.collection, found.knowledge, found.version) == ("dense", "faq", Path("a b.csv"), None)
    assert parse("version=7").version == 7
    assert parse("").channels == "all"


@pytest.mark.parametrize("text", ["channels", "channels=", "colour=red", "channels=all,channels=dense"])
def test_settings_there_are_not(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no setting"):
        parse(text)


def test_values_there_are_not() -> None:
    with pytest.raises(InvalidRequest, match="channels are one of all, lexical"):
        parse("channels=bm25")
    with pytest.raises(InvalidRequest, match="a version is a number"):
        parse("version=newest")
