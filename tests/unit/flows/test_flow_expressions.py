"""The language of guards and templates: what it computes, what it refuses, and that it never breaks."""

# ruff: noqa: E501 - tables of short examples

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.evaluating import Scope, evaluate, holds
from flows.expressions import LONGEST, BadExpression, parse
from flows.texts import fill, parse_template, say, spoken

SLOTS: dict[str, Any] = {
    "n": 3, "text": "Shipped", "yes": True, "empty": "", "reason": "damaged", "amount": {"number": 12.5, "currency": "EUR"},
    "order": {"total": 129.0, "items": [{"name": "Lamp"}, {"name": "Vase"}], "status": "shipped", "eta": "2026-05-06"},
}  # fmt: skip
SCOPE = Scope(SLOTS, "en", "refund", "2026-05-03", "v", {"reason": {"damaged": "Damaged or faulty"}})


def value(source: str) -> Any:
    return evaluate(parse(source), SCOPE)


@pytest.mark.parametrize(
    "source, expected",
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-2 - -2", 0), ("7 / 2", 3.5), ("1 / 0", None), ("1 - 1 - 1", -1), ("'a' + 'b'", "ab"),
        ("slots.n > 2 and slots.n < 4", True), ("slots.n > 2 and not slots.n < 4", False), ("not not true", True), ("1 == 1.0", True),
        ("true == 1", False), ("slots.yes == true", True), ("slots.yes", True), ("'3' == 3", False), ("null == missing", True),
        ("slots.nobody", None), ("slots.nobody.at.all", None), ("slots.nobody < 3", False), ("slots.nobody >= 3", False),
        ("slots.nobody is missing", True), ("slots.n is not missing", True), ("slots.nobody + 1", None), ("slots.nobody == 3", False),
        ("slots.nobody != 3", True), ("'a' < 'b'", True), ("'a' < 1", False), ("true < 2", False), ("true + 1", None), ("'a' * 3", None),
        ("slots.reason in ['damaged', 'wrong']", True), ("'ship' in lower(slots.text)", True), ("3 in [1, 2]", False),
        ("3 not in [1, 2]", True), ("'total' in order", True), ("1 in 'text'", False), ("1 in 5", False), ("[1, 'a'] == [1, 'a']", True),
        ("order.total", 129.0), ("order.items.1.name", "Vase"), ("order.items.9.name", None), ("order.items.name", None),
        ("len(order.items)", 2), ("len('客服')", 2), ("len(5)", None), ("lower(5)", None), ("len([])", 0),
        ("order.eta < today", False), ("intent == 'refund' and language == 'en'", True), ("value", "v"), ("slots.amount.number", 12.5),
        ("1 or 0", True), ("'' or 0", False), ("label(slots.reason)", "Damaged or faulty"), ("date(order.eta)", "6 May 2026"),
        ("money(order.total, slots.amount.currency)", "€129.00"), ("money(1234.5)", "1,234.50"), ("money('x')", None),
        ("money(-5, 'USD')", "-$5.00"), ("money(5, 'CHF')", "5.00 CHF"), (r'"a\"b"', 'a"b'), ("'it''s'", None), ("date(5)", None),
        ("slots.empty is missing", False), ("2 - 1 in [1]", True), ("1 + 1 == 2 and 3 > 2", True), ("slots.order.total", 129.0),
        ("'A' == 'a'", False), ("- slots.text", None), ("[1,2,3]", [1, 2, 3]), ("9 * 999999999999999 * 999999999999999 / 3", None),
    ],
)  # fmt: skip
def test_what_it_computes(source: str, expected: Any) -> None:
    if source == "'it''s'":
        with pytest.raises(BadExpression):
            parse(source)
    elif source.startswith("9 *"):
        assert isinstance(value(source), float)
    else:
        found = value(source)
        assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    "source, offset, words",
    [
        ("", 0, "a value is missing before the end"), ("slots.n = 3", 8, 'compare with "=="'), ("a && b", 2, 'write "and"'),
        ("1 <", 3, "a value is missing"), ("1 < 2 < 3", 6, "one comparison at a time"), ("(1", 2, "')' is missing"),
        ("foo(1)", 0, "no function 'foo'"), ("lenn(1)", 0, "did you mean 'len'"), ("len()", 0, "takes 1 argument"),
        ("len(1, 2)", 0, "takes 1 argument"), ("'abc", 0, "quote is not closed"), ("slots.n is 3", 11, 'after "is"'),
        ("1 2", 2, "'2' is not expected here"), ("a.__class__", 1, "cannot"), ("__import__('os')", 0, "no function"),
        ("slots.x.y()", 0, "no function"), ("lambda: 1", 6, "cannot be read"), ("a[0]", 1, "not expected"), ("a if b else c", 2, "not expected"),
        ("1" * 16, 0, "more than 15"), ("{1}", 0, "cannot be read"), ("not", 3, "a value is missing"), ("in", 0, "a value is missing"),
        ("客服 == 1", 0, "cannot be read"), ("a ** 2", 3, "a value is missing"), ("1.2.3", 0, "cannot be read"), ("3abc", 0, "cannot be read"),
    ],
)  # fmt: skip
def test_what_it_refuses_and_where(source: str, offset: int, words: str) -> None:
    if source == "a.__class__":  # a name like any other, looked up in JSON
        assert value(source) is None
        return
    with pytest.raises(BadExpression) as caught:
        parse(source)
    assert words in str(caught.value) and caught.value.offset == offset


@pytest.mark.parametrize(
    "source",
    ["(" * 17 + "1" + ")" * 17, "[" * 100, "not " * 65 + "1", "-" * 65 + "1", "1" + "+1" * 65, "x" * (LONGEST + 1), "(" * 499,
     "1" + " or 1" * 65, "[" + "1," * 65 + "1]"],
)  # fmt: skip
def test_what_is_too_deep_or_too_long(source: str) -> None:
    with pytest.raises(BadExpression):
        parse(source)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(
    ["slots.a", "slots.b.c", "order.0.x", "intent", "language", "today", "value", "and", "or", "not", "in", "is", "missing", "true", "null",
     "1", "2.5", "0", "'x'", '"客"', "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "(", ")", "[", "]", ",", "len(", "lower(", "money(",
     "date(", "label(", "not in", "is missing", "is not missing", "999999999999999"],
)  # fmt: skip
sources = st.lists(words, max_size=14).map(" ".join) | st.text(max_size=30)


@settings(max_examples=300, deadline=None)
@given(sources, st.dictionaries(st.sampled_from(["a", "b", "order"]), jsons, max_size=3), jsons)
def test_parsing_raises_nothing_else_and_evaluation_raises_nothing(
    source: str, slots: dict[str, Any], given: Any
) -> None:
    try:
        expression = parse(source)
    except BadExpression as error:
        assert 0 <= error.offset <= len(source) and str(error)
        return
    scope = Scope(slots, "zh", value=given, labels={"a": {"x": "X"}})
    evaluate(expression, scope)
    holds(expression, scope)


small = st.recursive(
    st.sampled_from(["slots.a", "slots.b", "order.x", "1", "2.5", "'x'", "null", "true", "0"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+ - * / < == in and or".split()), inner)  # noqa: SIM905
        | st.builds("{}({})".format, st.sampled_from(["len", "lower", "money", "date", "label"]), inner)
        | st.builds("[{}, {}]".format, inner, inner)
        | st.builds("(not {} is missing)".format, inner)
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(small, st.dictionaries(st.sampled_from(["a", "b", "order"]), jsons, max_size=3))
def test_any_types_in_any_operation(source: str, slots: dict[str, Any]) -> None:
    scope = Scope(slots, "en", labels={"a": {"x": "X"}})
    try:
        expression = parse(source)
    except BadExpression:
        return  # too deep
    found = evaluate(expression, scope)
    assert isinstance(spoken(found, "en"), str)
    template = parse_template(f"<{{{{ {source} }}}}>")
    assert say({"en": template}, scope).startswith("<")
    fill({"x": [template]}, scope)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{} a.'+客(", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except BadExpression as error:
        assert 0 <= error.offset <= len(text)
        return
    say({"en": template}, SCOPE)


@pytest.mark.parametrize(
    "text, said",
    [
        ("Order {{ slots.text }}: {{ money(order.total, 'EUR') }}", "Order Shipped: €129.00"), ("{{order.total}}", "129"),
        ("{{ slots.nobody }}!", "!"), ("{{ order.items }}", "Lamp, Vase"), ("{{ slots.yes }}", "yes"), ("{ } } {", "{ } } {"),
        ("{{ 1 / 3 }}", "0.3333333333"), ("{{ [1, 2] }}", "1, 2"), ("{{ slots.amount }}", '{"number":12.5,"currency":"EUR"}'),
    ],
)  # fmt: skip
def test_templates(text: str, said: str) -> None:
    assert say({"en": parse_template(text)}, SCOPE) == said


def test_arguments_keep_their_types() -> None:
    template = {
        "a": parse_template("{{ order.total }}"),
        "b": parse_template("#{{ slots.n }}"),
        "c": [1, None, {"d": True}],
    }
    assert fill(template, SCOPE) == {"a": 129.0, "b": "#3", "c": [1, None, {"d": True}]}


def test_a_text_in_another_language_is_said_in_the_first() -> None:
    texts = {"en": parse_template("hello"), "zh": parse_template("你好")}
    assert [say(texts, Scope({}, language)) for language in ("en", "zh", "fr")] == ["hello", "你好", "hello"]
    assert say({}, SCOPE) == ""


def test_an_expression_is_data() -> None:
    import msgspec

    assert json.loads(msgspec.json.encode(parse("slots.n in [1, 'a']")))["source"] == "slots.n in [1, 'a']"
