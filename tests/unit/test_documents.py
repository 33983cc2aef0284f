"""YAML to nodes: every node knows its place, what is wrong is told with it, and hostile text costs nothing."""

# ruff: noqa: E501 - tables of short examples

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import composing
from documents.composing import DEEPEST, LARGEST, compose
from documents.hints import did_you_mean, known_are
from documents.nodes import Entries, Items, Node, Place, Scalar, is_empty, plain_value
from documents.problems import Problems
from schemas.errors import InvalidDefinition

SHIPPED = sorted(Path(composing.__file__).parents[1].glob("*/shipped/*.yaml"))


def composed(text: str) -> Node:
    problems = Problems("x")
    root = compose(text, problems)
    problems.raise_any()
    return root


def value(text: str) -> Any:
    problems = Problems("x")
    found = plain_value(compose(text, problems), problems)
    problems.raise_any()
    return found


def told(text: str) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        value(text)
    return caught.value.detail.split("\n")


def test_a_tree_of_nodes() -> None:
    root = composed("a: [1, '2']\n客: {b: }\n")
    assert root == Entries(
        Place(1, 1),
        {"a": Scalar(Place(1, 1), "a", True, 0), "客": Scalar(Place(2, 1), "客", True, 0)},
        {
            "a": Items(Place(1, 4), [Scalar(Place(1, 5), "1", True, 0), Scalar(Place(1, 8), "2", False, 1)]),
            "客": Entries(
                Place(2, 4), {"b": Scalar(Place(2, 5), "b", True, 0)}, {"b": Scalar(Place(2, 8), "", True, 0)}
            ),
        },
    )
    assert isinstance(root, Entries)
    assert root.get("a") is root.values["a"] and root.get("b") is None
    assert [(key.text, node.at) for key, node in root.pairs()] == [("a", (1, 4)), ("客", (2, 4))]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("plain", 0), ("plain it's \\ too  # and a comment", 0), ('"客 quoted"', 1), ("'single'", 1),
        ("''", 1), ('"a\\u4e00"', None), ('"a\\"b"', None), ("'it''s'", None), ('"two\n  lines"', None),
        ("plain on\n  two", None), ("|\n  literal", None), (">\n  folded", None), ('"tab\\t"', None), ("", 0),
    ],
)  # fmt: skip
def test_a_place_in_a_scalar_is_known_where_its_text_stands_as_it_is(text: str, offset: int | None) -> None:
    root = composed(f"k: {text}")
    assert isinstance(root, Entries)
    node = root.values["k"]
    assert isinstance(node, Scalar) and node.offset == offset
    if offset is not None and node.text:
        assert f"k: {text}"[node.at.column - 1 + offset :].startswith(node.text)


@pytest.mark.parametrize("text", ["", "  \n", "# nothing", "---\n", "~", "null", "\ufeff"])
def test_a_document_with_nothing_in_it_is_an_empty_scalar(text: str) -> None:
    assert is_empty(composed(text)) and value(text) is None


def test_a_quoted_null_is_a_text() -> None:
    assert not is_empty(composed("'null'")) and value("''") == ""


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\nb: {c: 1, c: 2}\na: 3", [
            "x:2:11: 'c' is here twice, first in line 2; keep one", "x:3:1: 'a' is here twice, first in line 1; keep one"]),
        ("a: *x\nb: &y [!z 1]\n<<: {}\n? [k]\n: v\n", [
            "x:1:4: alias *x is not allowed; write the value out", "x:2:4: anchor &y is not allowed; leave it out",
            "x:2:8: tag !z is not allowed; leave it out",
            "x:3:1: merge key <<: write the values out; merges are not read", "x:4:3: a key must be plain text"]),
        ("a: {{ b }}", ['x:1:5: a key must be plain text; a text that begins with "{{" needs quotes']),
        ("? {a: 1}\n: {b: *c}\n*d : 1\n? {e: 1}\n: 2", [
            'x:1:3: a key must be plain text; a text that begins with "{{" needs quotes',
            "x:2:7: alias *c is not allowed; write the value out", "x:3:1: alias *d is not allowed; write the value out",
            'x:4:3: a key must be plain text; a text that begins with "{{" needs quotes']),
        ("a: 1\na: 2\n---\nb: 1", [
            "x:2:1: 'a' is here twice, first in line 1; keep one",
            "x:3:1: a second document begins; one is all there may be"]),
        ("[" * 60, ["x:1:49: nested more than 48 deep"]),
        ("a: b: c", ['x:1:5: this is not YAML: mapping values are not allowed in this context; quote a text that has ": " in it']),
        ("a:\n\t- b", ["x:2:1: this is not YAML: while scanning for the next token found character that cannot start any token; "
                       "indent with spaces, and quote texts that begin with a sign"]),
        ("客: 1\nb: 客\x07", ["x:2:5: this is not YAML: the character U+0007 is in it; control characters and halves of a pair are not allowed"]),
        ("\ufeffa: \ud800", ["x:1:4: this is not YAML: the character U+D800 is in it; control characters and halves of a pair are not allowed"]),
        ("客" * LARGEST, [f"x:1:1: this has {3 * LARGEST} bytes, at most {LARGEST} are allowed; shorten or split it"]),
        ("- 1\n- 1" + "0" * 400, ["x:2:3: 1" + "0" * 39 + " is too large a number"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, lines: list[str]) -> None:
    assert told(text) == lines


def test_the_first_of_two_keys_is_kept_and_the_rest_can_be_checked() -> None:
    problems = Problems("x")
    assert plain_value(compose("a: 1\na: {b: [2]}\nc: 3", problems), problems) == {"a": 1, "c": 3}
    assert len(problems) == 1


def test_problems_are_told_once_in_order_and_not_without_end() -> None:
    problems = Problems("x", most=2)
    problems.raise_any()
    for place in ((10, 1), (9, 2), (9, 10), (9, 2)):
        problems.add(place, "wrong")
    with pytest.raises(InvalidDefinition) as caught:
        problems.raise_any()
    assert caught.value.detail.split("\n") == ["x:9:2: wrong", "x:9:10: wrong", "x: and 1 more"]
    assert problems.stop((1, 1), "stop").detail.split("\n") == ["x:1:1: stop", "x:9:2: wrong", "x: and 2 more"]


def test_json_is_read_with_tabs_and_pairs() -> None:
    text = '{\n\t"a":\t"\\ud83d\\ude00 \\\\ud83d\\\\ude00 \\/ \\\\\\ud83d\\ude00"\n}'
    assert value(text) == {"a": "\U0001f600 \\ud83d\\ude00 / \\\U0001f600"} == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "{a: " * 60_000, "- " * 120_000, "? " * 100_000, "a: " * 80_000, '"' + "\\u4e00" * 40_000, "'" * 99_999,
     "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(4_000)), "{" + "\\" * 250_000, "k: v\n" * 50_000,
     "{" + '"\\ud83d' * 30_000, "!<x> y", "%TAG ! tag:x,2000:\n--- !y z", "<<: 1\n" * 40_000, "\x00" * 200_000],
)  # fmt: skip
def test_hostile_text_is_refused_soon(text: str) -> None:
    begun = time.process_time()
    assert told(text)
    assert time.process_time() - begun < 3


def test_as_deep_as_is_allowed() -> None:
    text = "[" * DEEPEST + "]" * DEEPEST
    assert value(text) == json.loads(text)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("{}[]:,-&*!|>'\"?#%@<~ \n\tab1\\ud83客", max_size=60)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        composed(text)
    except InvalidDefinition as error:
        assert error.detail.startswith("x:")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_is_what_pyyaml_makes_of_it(path: Path) -> None:
    def texts(node: Node) -> Any:
        if isinstance(node, Entries):
            return {key: texts(each) for key, each in node.values.items()}
        return node.text if isinstance(node, Scalar) else [texts(each) for each in node.items]

    text = path.read_text(encoding="utf-8")
    assert texts(composed(text)) == yaml.load(text, Loader=yaml.CBaseLoader)


def test_hints() -> None:
    assert did_you_mean("staet", ("state", "start")) == "; did you mean 'state'?"
    assert did_you_mean("x", ("state",)) == did_you_mean("state" * 40_000, ("state",)) == ""
    assert known_are("staet", ("state",)) == "; did you mean 'state'?"
    assert known_are("x", ("state", "start")) == "; there are state, start"
