"""A routes document: what is read, and that everything wrong with it is said at once, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

import llm
from documents.composing import LARGEST, compose
from documents.problems import Problems
from llm.reading import DEFAULT, read
from schemas.errors import InvalidDefinition

SHIPPED = Path(llm.__file__).parent / "shipped" / "routes.yaml"

SMALL = """\
providers:
  cloud: {preset: deepseek, model: deepseek-chat}
routes:
  day: {mode: model, chain: [cloud]}
default: day
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        read(text)
    return caught.value.detail.split("\n")


def complaint(text: str) -> str:
    found = complaints(text)
    assert len(found) == 1, found
    return found[0]


def test_shipped_routes_are_the_example_day() -> None:
    routes = read(SHIPPED.read_text())
    assert routes.default == "day" and routes.uses_models
    assert [(rule.name, rule.route) for rule in routes.rules] == [
        ("refunds", "checked"),
        ("refund flow", "checked"),
        ("night", "night"),
    ]
    assert routes.routes["checked"].mode == "hybrid"
    assert [terms.name for terms in routes.chain("day")] == ["cloud", "night"]
    assert routes.providers["cloud"].base_url == "https://api.deepseek.com"
    assert routes.providers["cloud"].key_env == "DEEPSEEK_API_KEY"
    assert routes.budget("anybody") == routes.budgets["*"]


def test_who_wrote_no_routes_has_extractive_ones() -> None:
    assert not DEFAULT.uses_models
    assert DEFAULT.routes[DEFAULT.default].mode == "extractive"
    assert DEFAULT.chain(DEFAULT.default) == ()


def test_json_is_read_too() -> None:
    routes = read('{"routes": {"a": {"mode": "extractive"}}, "default": "a"}')
    assert routes.default == "a"


@pytest.mark.parametrize(
    ("wrong", "place", "words"),
    [
        ("modell: x", "3:5", "unknown key 'modell'; did you mean 'model'?"),
        ("kind: openia", "3:11", "'openia' is none of extractive, local, openai; did you mean 'openai'?"),
        ("max_concurrency: many", "3:22", "must be a number"),
        ("max_concurrency: 0", "3:22", "must be from 1 to"),
        ("max_concurrency: 1.5", "3:22", "must be a whole number"),
        ('retries: "2"', "3:14", "must be a number"),
        ("supports_tools: yes", "3:21", "must be true or false"),
        ("timeout: {first: 3}", "3:15", "unknown key 'first'"),
        ("price: 3", "3:12", "must be a mapping"),
        ("base_url: ftp://x/v1", "3:15", "must be an http or https URL"),
        ("base_url: https://me:pass@host/v1", "3:15", "must not hold a name or password"),
        ("base_url: https://host/v1?key=1", "3:15", "without ? or #"),
        ("base_url: 'http://[::1'", "3:15", "is not a URL"),
        ("api_version: 1", "3:18", "is for preset azure"),
        ("options: {extra: {stream: false}}", "3:22", "'stream' is the gateway's to set"),
        ("key_env: HOME", "3:14", "must be the name of an environment variable"),
    ],
)
def test_wrong_fields_of_a_provider(wrong: str, place: str, words: str) -> None:
    preset = "" if wrong.startswith("kind") else "\n    preset: deepseek"
    if wrong.startswith("kind"):
        preset = "\n    base_url: http://127.0.0.1/v1"
    text = f"providers:\n  cloud:\n    {wrong}{preset}\n    model: m\nroutes: {{a: {{mode: extractive}}}}\ndefault: a\n"
    said = complaint(text)
    assert said.startswith(f"routes:{place}: provider 'cloud'"), said
    assert words in said


@pytest.mark.parametrize(
    "line",
    [
        "api_key: sk-verysecret",
        "key: sk-verysecret",
        "key_env: sk-verysecret",
        "headers: {Authorization: Bearer sk-verysecret}",
        "headers: {X-Api-Key: sk-verysecret}",
    ],
)
def test_a_literal_key_is_refused_and_not_repeated(line: str) -> None:
    said = complaint(SMALL.replace("model: deepseek-chat}", f"model: deepseek-chat, {line}}}"))
    assert "a key is never written here" in said
    assert "sk-verysecret" not in said


def test_everything_wrong_is_said_at_once_in_the_order_of_the_document() -> None:
    found = complaints(
        "providers:\n  cloud: {preset: deepseek}\nroutes:\n  day: {mode: model, chain: [clod], shadow: nigt}\n"
        "  night: {mode: modell}\nrules:\n  - {when: {zone: Europe/Berln, hours: 8-20}, use: dya}\ndefault: none\n"
    )
    assert [line.split(": ")[0] for line in found] == sorted(
        (line.split(": ")[0] for line in found), key=lambda place: [int(part) for part in place.split(":")[1:]]
    )
    text = "\n".join(found)
    for words in (
        "provider 'cloud': model: is needed",
        "no provider 'clod'; did you mean 'cloud'?",
        "no route 'nigt'; did you mean 'night'?",
        "'modell' is none of",
        "no time zone 'Europe/Berln'",
        "must be a window such as",
        "no route 'dya'; did you mean 'day'?",
        "default: no route 'none'",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ("a: {mode: model, chain: [cloud], canary: {route: a, percent: 5}}", "a -> a"),
        (
            "a: {mode: model, chain: [cloud], canary: {route: b, percent: 5}}\n"
            "  b: {mode: model, chain: [cloud], shadow: a}",
            "goes round in a circle",
        ),
        ("a: {mode: extractive}\n  b: {mode: model, chain: [cloud], shadow: a}", "asks no model"),
        ("a: {mode: model, chain: [extractive]}", "needs at least one provider with a model"),
        ("a: {mode: model, chain: [extractive, cloud]}", "'cloud' is never reached after 'extractive'"),
        ("a: {mode: model, chain: [cloud, cloud]}", "is in it twice"),
        ("a: {mode: extractive, chain: [cloud]}", "asks no model"),
        ("a: {mode: model, chain: [cloud], hybrid: {required: {en: [x]}}}", "only mode hybrid checks"),
        ("a: {mode: hybrid, chain: [cloud], hybrid: {link_hosts: ['https://x']}}", "must be a bare host"),
        ("a: {mode: model, chain: [cloud], canary: {percent: 5}}", "name the route"),
        ("a: {chain: [cloud]}", "say extractive, model or hybrid"),
    ],
)
def test_routes_that_cannot_work(routes: str, words: str) -> None:
    found = complaints(f"providers:\n  cloud: {{preset: openai, model: m}}\nroutes:\n  {routes}\ndefault: a\n")
    assert any(words in line for line in found), found


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ("", "{tenant: x}", False),
        ("{tenant: x}", "{tenant: x, language: en}", False),
        ("{tenant: [x, y]}", "{tenant: y}", False),
        ("{tenant: 'x*'}", "{tenant: 'xy*'}", False),
        ("{tenant: 'xy*'}", "{tenant: 'x*'}", True),
        ("{tenant: x}", "{flow: refund}", True),
        ("{hours: 08:00-20:00}", "{hours: 09:00-12:00}", False),
        ("{hours: 09:00-12:00}", "{hours: 08:00-20:00}", True),
        ("{hours: 08:00-20:00}", "{hours: 09:00-12:00, zone: Asia/Shanghai}", True),
        ("{hours: ['08:00-20:00', '20:00-08:00']}", "{hours: 01:00-02:00}", False),
        ("{spent_cost_over: 5}", "{spent_cost_over: 9}", False),
        ("{spent_cost_over: 9}", "{spent_cost_over: 5}", True),
        ("{language: zh}", "{language: zh-TW}", False),
        ("{hours: 08:00-18:00}", "{hours: 10:00-20:00}", True),
    ],
)
def test_rules_that_are_never_reached(first: str, second: str, reached: bool) -> None:
    text = (
        "routes: {a: {mode: extractive}}\nrules:\n"
        f"  - {{name: one, when: {first or '{}'}, use: a}}\n  - {{name: two, when: {second}, use: a}}\ndefault: a\n"
    )
    if reached:
        assert len(read(text).rules) == 2
    else:
        assert "rule 'two' is never reached: 'one' holds whenever it does" in complaint(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1:1: the document is empty"),
        ("routes: [", "not YAML"),
        ("a: &x [1]\nb: *x", "2:4: alias *x is not allowed"),
        ("a: !!python/object/apply:os.system [ls]", "1:4: tag"),
        ("a: !include x", "1:4: tag !include"),
        ("routes: {}\n---\nroutes: {}", "a second document"),
        ("[" * 100_000, "nested more than 48 deep"),
        ("- " * 100_000, "nested more than 48 deep"),
        ("? [a]\n: b", "a key must be plain text"),
        ("a: \x01", "not YAML"),
        ("a: \ud800", "not YAML"),
        ("a" * (LARGEST + 1), "at most 262144 are allowed"),
        ("字" * (LARGEST // 3 + 1), "at most 262144 are allowed"),
        ("- a", "must be a mapping"),
        ("just text", "must be a mapping"),
    ],
)
def test_hostile_documents(text: str, words: str) -> None:
    assert words in "\n".join(complaints(text))


def test_what_would_take_long_to_match_or_to_check_is_refused() -> None:
    head = "routes: {a: {mode: extractive}}\ndefault: a\nrules:\n"
    assert "more than 2 stars" in complaint(head + "  - {when: {language: 'a*a*a*b'}, use: a}\n")
    many = "".join(f"  - {{when: {{tenant: t{n}, hours: '08:00-{n % 15 + 9}:00'}}, use: a}}\n" for n in range(2_000))
    assert complaint(head + many).endswith("rules: 300 are the most there may be")


def test_duplicate_keys_name_the_first() -> None:
    found = complaints("default: a\nroutes: {a: {mode: extractive}}\ndefault: a\n")
    assert found == ["routes:3:1: 'default' is here twice, first in line 1; keep one"]


def test_no_is_norwegian_and_versions_are_text() -> None:
    routes = read(
        "routes: {a: {mode: extractive, system: {no: Hei, en: Hello}}}\ndefault: a\n",
    )
    assert routes.routes["a"].system == {"no": "Hei", "en": "Hello"}


def test_merge_keys_mean_nothing() -> None:
    assert "1:1: merge key <<" in "\n".join(complaints("<<: {a: 1}\n" + SMALL))


def test_many_problems_are_cut() -> None:
    text = "default: a\nroutes: {a: {mode: extractive}}\n" + "".join(f"wrong{i}: 1\n" for i in range(200))
    found = complaints(text)
    assert len(found) == 51 and found[-1] == "routes: and 150 more"


def test_parse_is_quick_on_a_large_document() -> None:
    """What is at the limit may take long to read, but not to be refused."""
    problems = Problems("x")
    compose("".join(f"k{i}: 1\n" for i in range(5_000)), problems)
    problems.raise_any()


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ('{type: string, pattern: "^(a+)+$"}', "pattern is not supported"),
        ("{type: wat}", "no JSON Schema"),
        ('{"$ref": "http://example.com/x"}', "ref is not supported"),
        ("{type: object, properties: {a: {patternProperties: {b: {}}}}}", "patternProperties is not supported"),
    ],
)
def test_a_schema_that_cannot_be_checked_in_time_is_refused(schema: str, why: str) -> None:
    text = f"""
providers: {{up: {{kind: openai, model: m, base_url: "http://127.0.0.1:1/v1"}}}}
routes: {{r: {{mode: hybrid, chain: [up], hybrid: {{json_schema: {schema}}}}}}}
default: r
"""
    with pytest.raises(InvalidDefinition, match=why):
        read(text)


@pytest.mark.parametrize("name", ["auto", "kefu", '"a\\r\\nX-Evil: 1"', '"a b"', "x" * 65])
def test_what_cannot_be_a_routes_name(name: str) -> None:
    with pytest.raises(InvalidDefinition, match="no name for a route"):
        read(f"routes: {{{name}: {{mode: extractive}}}}\ndefault: {name}\n")
