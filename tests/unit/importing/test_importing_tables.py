"""CSV, TSV and JSON: headers in two languages, rows that cannot be used, and ids that stay."""

from __future__ import annotations

import json

import pytest

from knowledge.entries import Entry, Side
from knowledge.importing.reading import Reading, Unreadable, read


def reading(text: str, name: str = "faq.csv") -> Reading:
    return read(name, text.encode())


def entries(text: str, name: str = "faq.csv") -> tuple[Entry, ...]:
    return reading(text, name).documents[0].entries


@pytest.mark.parametrize(
    "text",
    [
        "question,answer,similar\nHow?,So.,In what way?|By what means?\n",
        "Q;A;Similar Questions\nHow?;So.;In what way?|By what means?\n",
        'Answer\tQUESTION\tparaphrases\nSo.\tHow?\t"In what way?\nBy what means?"\n',
        "sep=;\nQuestion*;Answer (required);similar1;similar 2\nHow?;So.;In what way?;By what means?\n",
        "标准问题,答案,相似问1,相似问2\nHow?,So.,In what way?,By what means?\n",
        "问题,回复,扩展问\nHow?,So.,In what way?;;By what means?\n",
        "Our questions,,\n,,\nquestion,answer,similar\nHow?,So.,In what way?|By what means?\n",
    ],
)
def test_headers_and_delimiters_are_recognised(text: str) -> None:
    [entry] = entries("\ufeff" + text)
    assert entry.en == Side("How?", "So.", ("In what way?", "By what means?"))


def test_columns_say_id_language_topic_and_tags() -> None:
    text = "编号,问题,答案,语言,分类,标签\nr1,Refund?,Yes,中文,退款,售后|款项\nr1,Refund?,Yes,en,退款,售后\n"
    document = read("faq.csv", text.encode(), tags=("shop",)).documents[0]
    assert document.tags == ("shop", "售后", "款项")
    assert document.entries == (Entry("r1", "退款", en=Side("Refund?", "Yes"), zh=Side("Refund?", "Yes")),)


def test_a_row_that_lacks_something_is_skipped_with_its_line() -> None:
    text = 'question,answer\nA?,"one\ntwo"\nB?,\n,three\nC?,four\n'
    found = reading(text)
    assert [entry.en for entry in found.documents[0].entries] == [Side("A?", "one\ntwo"), Side("C?", "four")]
    assert [(skipped.where, skipped.reason.split(";")[0]) for skipped in found.skipped] == [
        ("faq.csv:4", "has no answer"),
        ("faq.csv:5", "has no question"),
    ]


def test_one_question_with_one_answer_on_several_rows_is_one_entry() -> None:
    text = "question,answer,similar\nA?,yes,B?\nA?,yes,C?\nA?,no,\n"
    first, second = entries(text)
    assert first.en == Side("A?", "yes", ("B?", "C?"))
    assert second.en == Side("A?", "no")
    assert second.id == first.id + "-2"


def test_ids_do_not_depend_on_other_rows() -> None:
    before = {e.side("zh")[1].question: e.id for e in entries("问题,答案\n怎么退款,点退款\n怎么换货,点换货\n")}
    after = {e.side("zh")[1].question: e.id for e in entries("问题,答案\n新的,行\n怎么换货,改了\n怎么退款,点退款\n")}
    assert before.items() <= after.items()


def test_an_id_twice_is_told_and_a_bare_number_counts_within_its_file() -> None:
    found = reading("id,question,answer\n1,A?,a\n1,B?,b\nx,C?,c\n")
    assert [entry.id for entry in found.documents[0].entries] == ["faq.csv#1", "x"]
    assert [skipped.where for skipped in found.skipped] == ["faq.csv:3"]


def test_a_table_without_header_is_taken_as_it_looks_and_noted() -> None:
    found = reading("怎么退款？,在订单页点退款\n怎么换货？,在订单页点换货\n")
    assert [entry.zh for entry in found.documents[0].entries] == [
        Side("怎么退款？", "在订单页点退款"),
        Side("怎么换货？", "在订单页点换货"),
    ]
    assert "took column 1 as question" in found.notes[0].reason


def test_a_table_of_facts_becomes_a_passage_a_row() -> None:
    found = entries("City,Days,Price\nBerlin,2,5\nParis,3,6\n", "lists/delivery.csv")
    assert [(entry.kind, entry.en) for entry in found] == [
        ("passage", Side("delivery › Berlin", "City: Berlin\nDays: 2\nPrice: 5")),
        ("passage", Side("delivery › Paris", "City: Paris\nDays: 3\nPrice: 6")),
    ]


def test_labelled_utterances_are_one_entry_a_label() -> None:
    found = entries("text,category\nwhere is my card,card_arrival\ncard not here,card_arrival\nlost it,lost_card\n")
    assert found[0] == Entry(
        "card_arrival", "", en=Side("Card arrival", "Card arrival", ("where is my card", "card not here"))
    )
    assert found[1].id == "lost_card"


def test_a_quote_never_closed_is_a_file_cut_off() -> None:
    with pytest.raises(Unreadable, match="never closed"):
        reading('question,answer\nA?,"half an ans')


def test_sloppy_quotes_are_read() -> None:
    assert entries('question,answer\nA?,the "big" one\n"B" or C?,yes\n')[0].en == Side("A?", 'the "big" one')


@pytest.mark.parametrize("name", ["faq.jsonl", "faq.json", "faq.txt"])
def test_entries_as_kefu_writes_them(name: str) -> None:
    line = {"id": "a", "topic": "t", "en": {"question": "Q?", "answer": "A.", "paraphrases": ["P?"]}}
    other = {"id": "b", "zh": {"question": "问", "answer": "答"}}
    text = f"{json.dumps(line)}\n\n{json.dumps(other)}\n"
    assert entries(text, name) == (Entry("a", "t", en=Side("Q?", "A.", ("P?",))), Entry("b", zh=Side("问", "答")))


def test_simple_objects_alone_in_a_list_or_inside_an_object() -> None:
    simple = {"question": "Q?", "answer": "A.", "similar": ["P?", "R?"], "id": "a", "topic": "t"}
    wanted = (Entry("a", "t", en=Side("Q?", "A.", ("P?", "R?"))),)
    for text in (json.dumps(simple), json.dumps([simple]), json.dumps({"version": 1, "items": [simple]})):
        assert entries(text, "faq.json") == wanted


def test_objects_that_cannot_be_used_are_told() -> None:
    objects = [{"question": "Q?", "answer": "A."}, {"question": "R?"}, 7, {"en": {"question": "S?"}}]
    found = reading(json.dumps(objects), "faq.json")
    assert [entry.en for entry in found.documents[0].entries] == [Side("Q?", "A.")]
    assert sorted(skipped.where for skipped in found.skipped) == [
        "faq.json item 2",
        "faq.json item 3",
        "faq.json item 4",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"question": "Q?", "answer"', "not valid JSON"),
        ('{"question": "Q?", "answer": "A."}\n{"question": \n', "faq.json:2: is not valid JSON"),
        ("[" * 100_000 + "]" * 100_000, "faq.json"),
        ('{"rows": 3}', "has no question and answer"),
        ("[]", "has no entries"),
        ("3", "single value"),
    ],
)
def test_json_that_cannot_be_read_at_all(text: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        reading(text, "faq.json")
