"""JSON Schemas: which are taken, what they let pass, and that no schema or value takes more than a moment."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tools.checking import CHECK_S, Checker
from tools.json_schema import DEEPEST, WIDEST, BrokenSchema, written_out
from tools.patterns import MATCH_S, compiled, found


def nested(deep: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(deep):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def doubling(levels: int) -> dict[str, Any]:
    """2 ** levels schemas, if it is written out."""
    definitions: dict[str, Any] = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$ref": "https://evil.example/schema.json"}, "only #/$defs/"),
        ({"$ref": "file:///etc/passwd"}, "only #/$defs/"),
        ({"$ref": "#"}, "only #/$defs/"), ({"$ref": "#/properties/a"}, "only #/$defs/"), ({"$ref": 7}, "only #/$defs/"),
        ({"$ref": "#/$defs/ordr", "$defs": {"order": {}}}, "did you mean 'order'?"),
        ({"$defs": {"a": {"properties": {"b": {"$ref": "#/$defs/a"}}}}}, "from within itself"),
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "from within itself"),
        ({"$id": "https://evil.example/"}, "leave it out"), ({"$dynamicRef": "#x"}, "use $ref"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "2020-12"), ({"definitions": {}}, "$defs"),
        ({"patternProperties": {".*": {}}}, "propertyNames"),
        ({"unevaluatedProperties": False}, "additionalProperties"),
        ({"nullable": True}, '"null"'), ({"typ": "object"}, "did you mean 'type'?"), ({"type": "text"}, "not valid"),
        ({"required": "a"}, "not of type 'array'"), ({"minimum": "3"}, "not of type 'number'"),
        ({"multipleOf": 0}, "greater than 0"), ({"items": [{}]}, "must be a JSON Schema"),
        ({"anyOf": {}}, "list of schemas"),
        ({"properties": []}, "mapping of names"), ({"pattern": "("}, "open"),
        ({"pattern": "a" * 501}, "characters long"),
        ({"pattern": 7}, "not of type 'string'"), (nested(DEEPEST + 2), "deep"), (doubling(12), "larger than"),
        (doubling(40), "deep"), ({"enum": list(range(WIDEST + 1))}, "larger than"), ({"maxLength": 1.5}, "integer"),
        ({"properties": {f"p{n}": {"type": "string"} for n in range(WIDEST)}}, "larger than"), ([], "mapping"),
        ({"const": eval("[" * 50 + "]" * 50)}, "deep"), ("string", "mapping"), (None, "mapping"),
    ],
)  # fmt: skip
def test_schemas_that_are_not_taken(schema: Any, why: str) -> None:
    started = time.thread_time()
    with pytest.raises(BrokenSchema) as caught:
        written_out(schema)
    assert why in str(caught.value)
    assert time.thread_time() - started < 1


def test_references_are_written_out() -> None:
    money = {"type": "number", "minimum": 0}
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/money"}, "b": {"$ref": "#/$defs/money", "maximum": 9}, "$ref": {}},
        "$defs": {"money": money},
    }
    assert written_out(schema) == {
        "type": "object",
        "properties": {"a": money, "b": {"maximum": 9, "allOf": [money]}, "$ref": {}},
    }


def test_what_only_looks_like_a_reference_is_data() -> None:
    schema = {"const": {"$ref": "https://evil.example/"}, "x-note": {"$ref": "#"}, "properties": {"pattern": {}}}
    assert written_out(schema) == schema
    assert Checker(written_out(schema)).problems({"$ref": "https://evil.example/"}) == ""


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        ({"multipleOf": 0.01}, 19.99, ""), ({"multipleOf": 0.01}, 19.999, "multiple"),
        ({"multipleOf": 1e-300}, 1e300, ""),
        ({"multipleOf": 3}, 10**40, "multiple"), ({"multipleOf": 2}, True, ""),
        ({"uniqueItems": True}, [1, 1.0], "equal"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "equal"),
        ({"uniqueItems": True}, [1, True, "1", [1], None], ""), ({"uniqueItems": False}, [1, 1], ""),
        ({"pattern": r"^KF-\d{5}$"}, "KF-12345", ""), ({"pattern": r"^KF-\d{5}$"}, "KF-12345\n", "match"),
        ({"pattern": r"^KF-\d{5}$"}, "KF-１２３４５", "match"), ({"pattern": r"^\w+$"}, "中", "match"),
        ({"pattern": r"^\p{Han}+$"}, "中文", ""), ({"pattern": "^a"}, 7, ""),
        ({"format": "email"}, "nobody", "email"), ({"format": "date"}, "2026-02-30", "date"),
        ({"type": "integer"}, 1.0, ""), ({"type": "integer"}, True, "type"), ({"type": ["string", "null"]}, None, ""),
        ({"items": {"type": "string"}}, ["a", 1], "$[1]: 1 is not"),
        ({"properties": {"a": {"properties": {"b": {"maximum": 3}}}}}, {"a": {"b": 4}}, "$.a.b: 4 is greater"),
        ({"anyOf": [{"type": "integer"}, {"pattern": "^x"}]}, "abc", "does not match '^x'"),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, "'b' is a required"),
        ({"propertyNames": {"pattern": "^[a-z]+$"}, "additionalProperties": {"type": "string"}}, {"A": "x"}, "match"),
        ({"enum": ["a", 1]}, 1.0, ""), ({"const": {"a": [1]}}, {"a": [2]}, "expected"),
    ],
)  # fmt: skip
def test_values(schema: dict[str, Any], value: Any, why: str) -> None:
    problems = Checker(written_out(schema)).problems(value)
    assert (why in problems) if why else not problems, problems


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 5_000 + "!"), ({"pattern": "^(a|a)*$"}, "a" * 60_000 + "!"),
        ({"pattern": r"^(\w+\s?)*$"}, "a" * 60_000 + "!"), ({"pattern": "(x+x+)+y"}, "x" * 60_000),
        ({"items": {"pattern": "^(a|aa)+$"}}, ["a" * 40 + "!"] * 5_000),
        ({"items": {"anyOf": [{"properties": {"a": {"const": n}}} for n in range(500)]}}, [{"a": -1}] * 9_000),
        ({"items": {"enum": list(range(4_000))}}, [-1.5] * 30_000),
        ({"uniqueItems": True}, [{"a": n} for n in range(100_000)]),
    ],
)  # fmt: skip
def test_nothing_takes_long_to_check(schema: dict[str, Any], value: Any) -> None:
    checker = Checker(written_out(schema))
    started = time.thread_time()
    problems = checker.problems(value)
    assert time.thread_time() - started < CHECK_S + MATCH_S + 0.5
    assert len(problems) < 3_000
    assert problems or schema == {"uniqueItems": True}


@given(st.integers(0, 2**32))
def test_agrees_with_jsonschema_where_both_speak(seed: int) -> None:
    chance = random.Random(seed)
    schema, value = _schema(chance, 3), _value(chance, 3)
    assert (Checker(written_out(schema)).problems(value) == "") == Draft202012Validator(schema).is_valid(value)


_TYPES = ["string", "integer", "number", "object", "array", "boolean", ["null", "string"]]


def _schema(chance: random.Random, deep: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    if chance.random() < 0.5:
        schema["type"] = chance.choice(
            ["string", "integer", "number", "object", "array", "boolean", ["null", "string"]]
        )
    if deep and chance.random() < 0.5:
        schema["properties"] = {name: _schema(chance, deep - 1) for name in chance.sample("abc", 2)}
        schema["required"] = chance.sample("abc", 1)
        schema["additionalProperties"] = chance.choice([True, False, _schema(chance, 0)])
    if deep and chance.random() < 0.4:
        schema["items"] = _schema(chance, deep - 1)
        schema["uniqueItems"] = chance.random() < 0.5
    if deep and chance.random() < 0.3:
        schema[chance.choice(["anyOf", "allOf", "oneOf"])] = [_schema(chance, deep - 1) for _ in range(2)]
    if chance.random() < 0.3:
        schema |= {"minimum": 1, "maxLength": 1, "multipleOf": 2, "pattern": "^[a-z]+$", "maxItems": 2}
    return schema


def _value(chance: random.Random, deep: int) -> Any:
    kind = chance.randrange(7 if deep else 5)
    if kind == 5:
        return {name: _value(chance, deep - 1) for name in chance.sample("abcd", 2)}
    if kind == 6:
        return [_value(chance, deep - 1) for _ in range(chance.randrange(4))]
    return chance.choice([None, True, False, 0, 1, 2, 3.0, 2.5, "", "a", "B", "xy"])


# Patterns


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?:a{1000}){1000}", "more than 10000"), ("(" * 30 + "a" + ")" * 30, "20 deep"), ("(?R)", "ECMA"),
        ("(?i)a", "ECMA"), ("(?P<a>x)", "ECMA"), ("(?>a)", "ECMA"), ("a{e<=1}", "brace"), ("a{,3}", "brace"),
        ("[", "class open"), ("[]a]", "empty class"), ("(a", "open"), ("a)", "not open"), ("a\\", "backslash"),
        (r"\Aa\Z", "ECMA"), (r"\L<words>", "ECMA"), ("*a", "no regular expression"), ("a{2}{3}", "no regular"),
        ("((((a{99}){99}){99}){99})", "more than"), (r"[z-a]", "no regular expression"),
    ],
)  # fmt: skip
def test_patterns_that_are_not_taken(pattern: str, why: str) -> None:
    started = time.thread_time()
    with pytest.raises(ValueError, match=why.replace("(", r"\(")):
        compiled(pattern)
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"[\w.+-]+@[\d\w-]+\.[a-z]{2,}$", "a.b@shop9.example", "a.b@shop"), (r"^[^\s@]+$", "a中", "a b"),
        (r"^a$|^b$", "b", "b\n"), (r"[[a-z&&]", "&", "A"), (r"^[$]$", "$", ""), (r"^\$$", "$", ""),
        (r"^(?<year>\d{4})-(?!00)\d\d$", "2026-05", "2026-00"), (r"(?<=x)y", "xy", "zy"), (r"^[^\d]+$", "ab", "a1"),
        (r"^\D+$", "ab", "a1"), (r"^[\D]$", "a", "1"), (r"^\u4e2d$", "中", "国"), (r"^.{2,3}$", "ab", "a"),
    ],
)  # fmt: skip
def test_patterns_mean_what_ecma_says(pattern: str, yes: str, no: str) -> None:
    assert found(compiled(pattern), yes)
    assert not found(compiled(pattern), no)


@given(st.text(r"ab[](){}\d^$.*+?|,1-:=!<>", max_size=12), st.text("ab1[-", max_size=12))
def test_any_pattern_is_refused_or_runs(pattern: str, text: str) -> None:
    try:
        expression = compiled(pattern)
    except ValueError:
        return
    try:
        found(expression, text)
    except TimeoutError:
        assert len(text) > 5
