"""A tenant's guardrails: what is not said is the default, and every mistake is told with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.policy import DEFAULT, DEFAULTS, Guardrails, gravest
from guardrails.reading import MAX_CHARACTERS, read
from schemas.errors import InvalidDefinition
from schemas.findings import Finding

WHOLE = """\
input:
  prompt_injection: escalate
  personal_data_email: off
retrieval:
  prompt_injection_suspected: refuse
output:
  unknown_link: flag
link_hosts: [Shop.Example.com, "*.pictures.example", bücher.example]
forbidden:
  en: [cheapest ever]
  zh: [全网最低]
"""


def test_whole() -> None:
    rules = read(WHOLE)
    assert rules.setting("input", "prompt_injection") == "escalate"
    assert rules.setting("input", "personal_data_email") == "off"
    assert rules.setting("input", "prompt_extraction") == "refuse"
    assert rules.setting("output", "unknown_link") == "flag"
    assert rules.link_hosts == ("shop.example.com", "pictures.example", "xn--bcher-kva.example")
    assert set(rules.phrases()) == {"cheapest ever", "全网最低"}


@pytest.mark.parametrize("text", ["", "{}", "# nothing", "input:\n", "null"])
def test_nothing_said_is_the_default(text: str) -> None:
    assert read(text).places in ({}, {"input": {}})
    assert read(text).setting("output", "remote_image") == DEFAULT.setting("output", "remote_image") == "refuse"


def test_json_with_tabs() -> None:
    assert read('{\n\t"input": {"prompt_injection": "flag"}\n}').setting("input", "prompt_injection") == "flag"


def test_all_mistakes_are_told_at_once() -> None:
    text = (
        "inputs: {}\noutput:\n  remote_imag: off\n  unknown_link: maybe\n  unknown_link: flag\nlink_hosts: "
        "[https://a.example]\n"
    )
    with pytest.raises(InvalidDefinition) as caught:
        read(text, source="shop.yaml")
    told = str(caught.value).splitlines()
    assert told[0] == "shop.yaml:1:1: the document has no 'inputs'; did you mean 'input'?"
    assert told[1] == "shop.yaml:3:3: output has no 'remote_imag'; did you mean 'remote_image'?"
    assert told[2].startswith("shop.yaml:4:17: output.unknown_link is 'maybe'; write one of off, flag")
    assert told[3] == "shop.yaml:5:3: 'unknown_link' is here twice, first in line 4; keep one"
    assert told[4].startswith("shop.yaml:6:14: link_hosts has 'https://a.example'")
    assert caught.value.code == "invalid_definition"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not YAML"),
        ("[" * 5_000, "nested more than 48 deep"),
        ("- a", "must be a mapping"),
        ("input: [a]", "must be a mapping"),
        ("input: {prompt_injection: [off]}", "a list or mapping"),
        ("link_hosts: a", "must be a list"),
        ("link_hosts: [{}]", "not text"),
        ("forbidden: {English: [a]}", "language"),
        ("forbidden: {en: ['']}", "1 to 200"),
        ("{}: a", "a key must be plain text"),
        ("\0", "not YAML"),
        (" " * (MAX_CHARACTERS + 1), "more than 65,536"),
        ("\n".join(f"a{each}: 1" for each in range(100)), "guardrails: and 50 more$"),
    ],
)
def test_mistakes(text: str, told: str) -> None:
    with pytest.raises(InvalidDefinition, match=told):
        read(text)


@given(st.one_of(st.text(st.characters(), max_size=80), st.text("{}[]:,-&*!|>'\"# \n\tinputo", max_size=60)))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(read(text), Guardrails)
    except InvalidDefinition as error:
        assert str(error).startswith("guardrails")


def test_rules_that_are_off_find_nothing() -> None:
    assert DEFAULT.finding("input", "forbidden_phrase", "x") is None
    assert DEFAULT.finding("input", "no_such_rule", "x") is None


def test_the_gravest_action_wins() -> None:
    found = [Finding("input", "a", "", action) for action in ("flag", "escalate", "refuse")]
    assert gravest(tuple(found)) == "refuse"
    assert gravest(tuple(found[:2])) == "escalate"
    assert gravest(()) is None


def test_defaults_refuse_what_is_certain_and_flag_what_is_not() -> None:
    assert DEFAULTS["input"]["prompt_injection"] == DEFAULTS["retrieval"]["prompt_injection"] == "refuse"
    assert DEFAULTS["input"]["prompt_injection_suspected"] == "flag"
    assert {setting for rule, setting in DEFAULTS["input"].items() if rule.startswith("personal_data")} == {"flag"}
    assert set(DEFAULTS["output"].values()) == {"refuse"}
