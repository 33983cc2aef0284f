"""Documents of tools: everything wrong is told at once with its place, and hostile text costs nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import declared

from documents.composing import LARGEST, compose
from documents.nodes import plain_value
from documents.problems import Problems
from schemas.errors import InvalidDefinition
from tools.reading import read, shipped

GOOD = {"name": "a", "description": "x", "http": {"url": "http://shop.example/"}}


def wrong(text: str) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        read(text, source="tools.yaml")
    assert (caught.value.code, caught.value.status) == ("invalid_definition", 422)
    return caught.value.detail.splitlines()


def test_a_whole_document() -> None:
    declarations = read("""
tools:
  - name: order_cancel
    description: Cancel an order. 取消订单。
    http:
      url: https://shop.example/orders/{number}/cancel
      method: PUT
      headers: {X-Api-Key: '${KEFU_TOOL_SHOP}', X-Shop: maple}
      allow: [orders.corp, 10.1.0.0/16]
    reconcile: {url: 'https://shop.example/calls/{idempotency_key}', method: GET}
    timeout_s: 2.5
    max_result_bytes: 1000
    idempotent: true
    offered: false
    tenants: [demo, maple]
    confirm:
      en: Cancel {{ arguments.number }}?
      zh: 取消订单 {{arguments.number}}？
    parameters:
      type: object
      properties:
        number: {type: string, pattern: '^KF-[0-9]{5}$'}
      required: [number]
    result: {type: object}
  - name: order_lookup
    description: Look an order up.
    python: tools.demo_shop:order_lookup
    read_only: true
""")
    assert declarations.names == ("order_cancel", "order_lookup")
    tool = declarations.tool("order_cancel")
    assert tool is not None and tool.http is not None
    assert (tool.http.method, tool.http.allow) == ("PUT", ("orders.corp", "10.1.0.0/16"))
    assert tool.http.headers == {"X-Api-Key": "${KEFU_TOOL_SHOP}", "X-Shop": "maple"}
    assert tool.http.reconcile == "https://shop.example/calls/{idempotency_key}"
    assert (tool.timeout_s, tool.max_result_bytes, tool.repeatable, tool.read_only) == (2.5, 1_000, True, False)
    assert (tool.permits("demo"), tool.permits("other")) == (True, False)
    terms = declarations.terms("order_cancel", 7)
    assert terms is not None
    assert (terms.version, terms.offered, terms.spec.name) == (7, False, "order_cancel")
    assert terms.confirm == {"en": "Cancel {{ arguments.number }}?", "zh": "取消订单 {{arguments.number}}？"}
    assert terms.spec.parameters["additionalProperties"] is False
    assert declarations.terms("nothing") is None
    assert [spec.name for spec in declarations.offered("demo")] == ["order_lookup"]
    lookup = declarations.tool("order_lookup")
    assert lookup is not None
    assert lookup.spec.parameters == {"type": "object", "properties": {}, "additionalProperties": False}


def test_offered_is_by_tenant() -> None:
    tools = declared(GOOD, GOOD | {"name": "b", "tenants": ["shop"]})
    assert [spec.name for spec in tools.offered("shop")] == ["a", "b"]
    assert [spec.name for spec in tools.offered("demo")] == ["a"]


def test_get_only_reads_unless_it_is_said_otherwise() -> None:
    for method, more, expected in (("GET", {}, True), ("GET", {"read_only": False}, False), ("POST", {}, False)):
        tool = declared(GOOD | {"http": {"url": "http://shop.example/", "method": method}} | more).tool("a")
        assert tool is not None and tool.read_only is expected


def test_all_that_is_wrong_is_told_with_its_place() -> None:
    assert wrong("""tools:
  - name: order cancel
    descripton: x
    http:
      url: https://shop.example/{numbr}
      metod: POST
      headers: {X-Shop: 7}
    timeout_s: soon
    offered: yes
    parameters:
      type: object
      properties:
        number: {type: strin}
  - name: b
    description: x
""") == [
        "tools.yaml:2:5: tools[0].description: must be text of 1 to 2000 characters",
        "tools.yaml:2:11: tools[0].name: must be 1 to 64 letters, digits, _ and -",
        "tools.yaml:3:5: tools[0].descripton: unknown key; did you mean 'description'?",
        "tools.yaml:5:12: tools[0].http.url: {numbr} must be among the required parameters",
        "tools.yaml:6:7: tools[0].http.metod: unknown key; did you mean 'method'?",
        "tools.yaml:7:25: tools[0].http.headers.X-Shop: must be text; put it in quotes",
        "tools.yaml:8:16: tools[0].timeout_s: must be a number from 0.1 to 120",
        "tools.yaml:9:14: tools[0].offered: must be true or false",
        "tools.yaml:13:24: tools[0].parameters.properties.number.type: "
        "'strin' is not valid under any of the given schemas",
        "tools.yaml:14:5: tools[1]: needs http or python, and not both: where it is served",
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "a" * 65}, "1 to 64 letters"), ({"name": "中"}, "letters"), ({"name": "a\n"}, "letters"),
        ({"name": 7}, "letters"), ({"description": " "}, "1 to 2000"), ({"description": "x" * 2_001}, "1 to 2000"),
        ({"timeout_s": 0}, "0.1 to 120"), ({"timeout_s": 1e9}, "0.1 to 120"), ({"timeout_s": True}, "a number"),
        ({"max_result_bytes": 2_000_000}, "1.04858e"), ({"tenants": []}, "must name a tenant"),
        ({"tenants": "demo"}, "list of texts"), ({"tenants": [1]}, "list of texts"), ({"http": []}, "mapping"),
        ({"http": {}}, "http.url"), ({"http": {"url": "http://a.example/", "method": "get"}}, "must be one of"),
        ({"http": {"url": "http://a.example/", "allow": ["http://x/"]}}, "neither a host name nor a network"),
        ({"http": {"url": "http://a.example/", "allow": "10.0.0.0/8"}}, "list of texts"),
        ({"http": {"url": "http://a.example/", "headers": []}}, "mapping of names"),
        ({"python": "os:system"}, "not both"), ({"confirm": {"fr": "Oui?"}}, "unknown key"),
        ({"confirm": {"en": ""}}, "1 to 1000"), ({"confirm": "Sure?"}, "mapping"),
        ({"confirm": {"en": "{{ argument.x }}"}}, "is not of the form"), ({"confirm": {"en": "{{ x"}}, "form"),
        ({"confirm": {"en": "{{ arguments.x }}"}}, "no parameter"),
        ({"parameters": []}, "JSON Schema"), ({"parameters": {"type": "string"}}, "type: object"),
        ({"parameters": {}}, "type: object"), ({"parameters": True}, "JSON Schema"), ({"result": 3}, "JSON Schema"),
        ({"parameters": {"type": "object", "requird": ["x"]}}, "did you mean 'required'"),
    ],
)  # fmt: skip
def test_values_that_are_wrong(change: dict[str, Any], why: str) -> None:
    lines = wrong(json.dumps({"tools": [GOOD | change]}))
    assert any(why in line and line.startswith("tools.yaml:1:") for line in lines), lines


@pytest.mark.parametrize(
    "python", ["os.system", "os:_exit", "a.b:c.d", ":f", "a:", "a:b c", "__import__:x", "a/b:c", "a:中", 7, "a:f\n"]
)
def test_functions_that_are_not_named_properly(python: Any) -> None:
    tool = {"name": "a", "description": "x", "python": python}
    assert "package.module:function" in wrong(json.dumps({"tools": [tool]}))[0]


@pytest.mark.parametrize("name", ["context", "a-b", "1a", ""])
def test_parameters_that_a_function_cannot_take(name: str) -> None:
    parameters = {"type": "object", "properties": {name: {}}}
    tool = {"name": "a", "description": "x", "python": "tools.demo_shop:order_lookup", "parameters": parameters}
    assert "cannot be passed" in wrong(json.dumps({"tools": [tool]}))[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "1:1: must be a mapping with tools"), ("[]", "mapping"), ("3", "mapping"), ("tools: []", "list of tools"),
        ("tools: {}", "list of tools"), ("tools: [3]", "must be a mapping with name"), ("tool: []", "did you mean"),
        ("tools:\n- name: a\n  name: b", "3:3: 'name' is here twice, first in line 2; keep one"),
        ("tools: &a [x]", "1:8: anchor &a"), ("tools: *a", "alias *a"), ("<<: {}", "merge key"),
        ("tools: !!python/object/apply:os.system [id]", "tag tag:yaml.org,2002:python"), ("tools: !x []", "tag !x"),
        ("tools: {a: 1", "this is not YAML"), ("tools:\n\t- a", "2:1: this is not YAML"), ("\0", "control characters"),
        ("? [a]\n: b", "a key must be plain text"), ("a: 1\n---\nb: 1", "2:1: a second document"),
        ("tools: " + "[" * 100_000, "nested more than 48 deep"), ("- " * 50_000, "nested more than 48 deep"),
        ("tools: \ud800", "not YAML"), ("#" * (LARGEST + 1), f"{LARGEST} are allowed"),
        ("tools: 1" + "0" * 400 + ".5", "too large a number"), ("@", "not YAML"), ("a: b: c", "not YAML"),
    ],
)  # fmt: skip
def test_texts_that_are_no_document(text: str, why: str) -> None:
    started = time.thread_time()
    lines = wrong(text)
    assert any(why in line for line in lines), lines
    assert time.thread_time() - started < 2


def test_twice_the_same_name() -> None:
    assert "tools.yaml:1:" in wrong(json.dumps({"tools": [GOOD, GOOD]}))[0]
    assert "'a' is declared twice" in wrong(json.dumps({"tools": [GOOD, GOOD]}))[0]


def test_too_many_tools_and_too_many_problems() -> None:
    tools = [GOOD | {"name": f"t{n}"} for n in range(128)]
    assert len(read(json.dumps({"tools": tools})).names) == 128
    assert "129 tools" in wrong(json.dumps({"tools": [*tools, GOOD]}))[0]
    lines = wrong(json.dumps({"tools": [GOOD | {f"wrong{n}": 1 for n in range(80)}]}))
    assert len(lines) == 51
    assert lines[-1] == "tools.yaml: and 30 more"


def plain(text: str) -> Any:
    problems = Problems("x")
    value = plain_value(compose(text, problems), problems)
    problems.raise_any()
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("12:30:45", "12:30:45"), ("2026-05-06", "2026-05-06"),
        ("0x10", "0x10"), ("1_000", "1_000"), ("'1'", "1"), ('"true"', "true"), ("1", 1), ("-1.5e3", -1500.0),
        ("true", True), ("~", None), ("", None), (".inf", ".inf"), (".nan", ".nan"), ("|\n  a\n  b", "a\nb"),
        ("123456789012345678901", 123456789012345678901), ("=", "="),
    ],
)  # fmt: skip
def test_plain_values_are_what_they_look_like(text: str, value: Any) -> None:
    found = plain(f"a: {text}")["a"]
    assert found == value or found == f"{value}\n"
    assert type(found) is type(value)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=10),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text("abc<中 :#", max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(values)
def test_json_is_read_as_json(value: Any) -> None:
    assert plain(json.dumps({"value": value}))["value"] == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text)
    except InvalidDefinition as error:
        assert error.detail.startswith("tools:")


def test_what_is_shipped() -> None:
    tools = shipped()
    assert tools.names == ("order_lookup", "refund_create", "invoice_send")
    refund = tools.terms("refund_create")
    assert refund is not None and set(refund.confirm) == {"en", "zh"}
