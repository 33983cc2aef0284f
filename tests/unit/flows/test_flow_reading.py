"""One right flow, broken in every way an author can: each is told, with its line and column."""

# ruff: noqa: E501 - tables of short examples

from __future__ import annotations

import time

import pytest
from driving import SHIPPED
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.definition import AnswerAction, Ask, CallTool, Choice, Close, Escalate, Flow, Reply, intents
from flows.reading import read
from schemas.errors import InvalidDefinition

RIGHT = """\
flow: parcel
title: {en: Parcel, zh: 包裹}
languages: [en, zh]
utc_offset: "+08:00"
max_misses: 3
on_misses: person
start:
  state: ask
  intents: [find]
intents:
  find:
    en: [find my parcel, where is it]
    zh: [找包裹]
  stop:
    en: [stop it all]
    zh: [全部停下]
  urgent:
    en: it is urgent
    zh: 很急
cancel:
  phrases: {en: [forget the parcel]}
  intents: [stop]
slots:
  number:
    type: pattern
    pattern: 'P(\\d{4})'
    form: 'P-{1}'
    ask: {en: "Number?", zh: 单号？}
    check: len(value) == 6
    error: {en: Odd number, zh: 单号不对}
  reason:
    type: choice
    ask: {en: Why?, zh: 原因？}
    choices:
      late: {en: [Late, delayed], zh: [迟了]}
      lost: {en: Lost, zh: 丢了}
  day:
    type: date
    prefer: past
    ask: {en: When?, zh: 哪天？}
anywhere:
  - on: changed number
    to: look
  - on: intent urgent
    if: language == "en"
    to: person
states:
  ask:
    do:
      - ask: number
      - ask: reason
        text: {en: Why then?, zh: 为什么？}
    next:
      - on: timeout after 30m
        to: gone
      - on: always
        to: look
  look:
    do:
      - reply: {en: "Looking for {{ slots.number }}", zh: "正在查{{ slots.number }}"}
      - call: find_parcel
        with: {number: "{{ slots.number }}", deep: true, tries: 3, since: null, tags: [a, "{{ slots.reason }}"]}
        save: parcel
    next:
      - on: ok
        if: parcel.place is not missing and slots.reason == "late"
        to: found
      - on: ok
        to: answer
      - on: failed
        to: person
  answer:
    do:
      - answer: utterance
        otherwise: {en: No idea, zh: 不知道}
      - answer: {en: Where are parcels?, zh: 包裹在哪？}
    next:
      - on: slot day
        to: found
      - on: intent urgent
        to: person
  found:
    do:
      - close: {en: "At {{ parcel.place }}", zh: "在{{ parcel.place }}"}
  gone:
    do:
      - close
  person:
    do:
      - escalate: nobody knows
migrate:
  - from: "*"
    states: {old_look: look}
"""


def place(text: str, marker: str) -> str:
    """line:column of the marker's first character, counted from 1."""
    at = text.index(marker)
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidDefinition) as caught:
        read(text, source="parcel.yaml")
    assert caught.value.code == "invalid_definition"
    return caught.value.detail.split("\n")


def test_a_right_flow_is_read_whole() -> None:
    flow = read(RIGHT)
    assert (flow.id, flow.languages, flow.start, flow.start_intents) == ("parcel", ("en", "zh"), "ask", ("find",))
    assert (flow.max_misses, flow.misses_to, flow.utc_offset_ms) == (3, "person", 8 * 3_600_000)
    assert flow.cancel_intents == ("stop",) and {"forget the parcel", "never mind"} <= flow.cancel_phrases
    assert intents(flow)["find"] == ("find my parcel", "where is it", "找包裹") and intents(flow)["urgent"] == (
        "it is urgent",
        "很急",
    )
    kinds = [type(action) for state in flow.states.values() for action in state.do]
    assert kinds == [Ask, Ask, Reply, CallTool, AnswerAction, AnswerAction, Close, Close, Escalate]
    late = flow.slots["reason"].choices[0]
    assert late == Choice("late", {"en": "Late", "zh": "迟了"}, ("late", "delayed", "迟了"))
    timeout, always = flow.states["ask"].next
    assert (timeout.on, timeout.after_ms, timeout.cause, always.cause) == ("timeout", 1_800_000, "timeout", "always")
    assert [each.cause for each in flow.anywhere] == ["slot:number", "intent:urgent"]
    assert flow.migrations[0].of is None and flow.migrations[0].states == {"old_look": "look"}
    assert flow.slots["number"].at == (24, 3)


# what is replaced, by what, where the problem is, what is said of it
MUTATIONS: list[tuple[str, str, str, str]] = [
    # states and transitions
    ("to: gone", "to: gon", "on: timeout", "to: there is no state 'gon'; did you mean 'gone'?"),
    ("state: ask", "state: asks", "state: asks", "start: there is no state 'asks'; did you mean 'ask'?"),
    ("on_misses: person", "on_misses: persons", "persons", "there is no state 'persons'; did you mean 'person'?"),
    ("{old_look: look}", "{old_look: lok}", "from: \"*\"", "migrate: there is no state 'lok'; did you mean 'look'?"),
    ("        to: gone\n", "        to: look\n", "gone:\n    do", "state 'gone' can never be reached from 'ask'"),
    ("      - close\n", "      - reply: {en: a, zh: b}\n", "gone:\n    do", "state 'gone' has no way out"),
    ("      - on: failed\n        to: person\n", "", "look:\n    do", "calls a tool, which may fail: add 'on: failed'"),
    ("      - on: failed\n", "      - on: failed\n        if: parcel.error == 'x'\n", "look:\n    do", "add 'on: failed'"),
    ("      - on: ok\n        to: answer\n", "      - on: ok\n        if: slots.number == 'x'\n        to: answer\n", "look:\n    do", "may have no way out"),
    ("      - on: always\n        to: look\n", "      - on: always\n        to: look\n      - on: always\n        to: gone\n", "on: always\n        to: gone", "never taken"),
    ("      - on: always\n        to: look\n", "      - on: slot reason\n        to: look\n      - on: always\n        to: gone\n", "on: always\n        to: gone", "never taken"),
    ("      - on: ok\n        to: answer\n", "      - on: always\n        to: answer\n", "on: failed\n", "never taken"),
    ("      - on: always\n        to: look\n", "      - on: timeout after 1h\n        to: look\n      - on: always\n        to: look\n", "on: timeout after 1h", "never taken"),
    ("      - on: intent urgent\n        to: person\n  found", "      - on: intent urgent\n        to: person\n      - on: intent urgent\n        if: slots.day < today\n        to: gone\n  found", "on: intent urgent\n        if: slots.day", "never taken"),
    ("      - on: failed\n        to: person\n", "      - on: failed\n        to: person\n      - on: intent urgent\n        to: gone\n", "on: intent urgent\n        to: gone", "never waits for the customer"),
    ("      - on: always\n        to: look\n", "      - on: ok\n        to: gone\n      - on: always\n        to: look\n", "on: ok\n        to: gone", "'on: ok' without a call or an answer"),
    ("  gone:\n    do:\n      - close\n", "  gone:\n    next:\n      - on: always\n        to: round\n  round:\n    next:\n      - on: always\n        to: gone\n", "gone:\n    next", "can never end"),
    ("  gone:\n    do:\n      - close\n", "  gone:\n    next:\n      - on: always\n        if: slots.day < today\n        to: found\n      - on: always\n        to: round\n  round:\n    do:\n      - ask: reason\n    next:\n      - on: always\n        to: gone\n", "on: always\n        to: gone", "goes in circles and never waits: gone -> round -> gone"),
    ("  gone:\n    do:\n      - close\n", "  gone:\n    next:\n      - on: always\n        if: slots.day < today\n        to: found\n      - on: always\n        to: gone\n", "on: always\n        to: gone", "goes in circles and never waits: gone -> gone"),
    ("      - close\n", "      - close\n    next:\n      - on: always\n        to: look\n", "on: always\n        to: look\n  person", "never taken: the flow ends in state 'gone'"),
    ("      - close\n", "      - close\n      - ask: day\n", "ask: day", "never done: the flow ends"),
    ("on: timeout after 30m", "on: timeout after 30y", "timeout after 30y", "a timeout is like 'timeout after 30m'"),
    ("on: timeout after 30m", "on: timeout after 31d", "timeout after 31d", "at most 30d"),
    ("on: timeout after 30m", "on: timeout", "timeout\n", "on cannot be 'timeout'"),
    ("on: timeout after 30m", "on: timout after 30m", "timout", "did you mean 'timeout'?"),
    ("      - on: slot day", "      - on: slot", "slot\n        to: found", "write one of: always, ok"),
    ("      - on: slot day", "      - on: slot dya", "on: slot dya", "there is no slot 'dya'; did you mean 'day'?"),
    ("  - on: changed number", "  - on: slot number", "slot number", "anywhere is for what customers do"),
    ("  - on: intent urgent\n    if", "  - on: intent urgnt\n    if", "on: intent urgnt", "there is no intent 'urgnt'; did you mean 'urgent'?"),
    ("intents: [find]", "intents: [fnd]", "state: ask", "there is no intent 'fnd'; did you mean 'find'?"),
    ("intents: [stop]", "intents: []", "en: [stop it all]", "intent 'stop' is used nowhere"),
    ("      - on: always\n        to: look\n", "      - on: always\n        too: look\n", "too: look", "a transition has no key 'too'; did you mean 'to'?"),
    ("      - on: always\n        to: look\n", "      - to: look\n", "to: look\n  look", "a transition needs 'on'"),
    ("      - on: always\n        to: look\n", "      - always\n", "always\n  look", "a transition must be a mapping of on, if, to"),
    # actions
    ("      - ask: number\n", "      - ask: numbr\n", "ask: numbr", "there is no slot 'numbr'; did you mean 'number'?"),
    ("      - ask: number\n", "      - aks: number\n", "aks: number", "no action 'aks'; did you mean 'ask'?"),
    ("      - ask: number\n", "      - ask: number\n        reply: {en: a, zh: b}\n", "ask: number", "one action at a time"),
    ("      - ask: number\n", "      - ask: number\n        agan: true\n", "agan", "ask has no key 'agan'; did you mean 'again'?"),
    ("      - ask: number\n", "      - ask: number\n        again: maybe\n", "maybe", "again cannot be 'maybe'"),
    ("      - ask: number\n", "      - number\n", "number\n      - ask: reason", "an action must be one of reply, ask"),
    ("      - answer: utterance\n", "      - answer: utterence\n", "utterence", "answer (or \"utterance\") must be a mapping"),
    ("        save: parcel\n", "        save: slots\n", "call: find_parcel", "save cannot be 'slots'"),
    ("        save: parcel\n", "        save: reason\n", "call: find_parcel", "save cannot be 'reason'"),
    ("        save: parcel\n", "        save: Parcel 1\n", "Parcel 1", "is no name"),
    ("      - escalate: nobody knows", "      - escalate: ''", "''\nmigrate", "escalate (a reason for the person who takes over) must be a text"),
    ("with: {number: \"{{ slots.number }}\"", "with: {number: \"{{ slots.numbr }}\"", "slots.numbr", "there is no slot 'numbr'; did you mean 'number'?"),
    ("with: {number: \"{{ slots.number }}\"", "with: {number: {{ slots.number }}", "{ slots.number }}, deep", "needs quotes"),
    ("        to: answer\n", "        to: mixed\n      - on: always\n        to: answer\n  mixed:\n    do:\n      - call: x\n      - ask: day\n    next:\n      - on: ok\n        to: answer\n      - on: failed\n        to: person\n", "ask: day", "loses its ok and failed"),
    # slots
    ("    type: date\n", "    type: dat\n", "dat\n", "slot day's type cannot be 'dat'; did you mean 'date'?"),
    ("    type: date\n", "", "type: pattern", ""),
    ("    prefer: past\n", "    prefer: later\n", "later", "slot day's prefer cannot be 'later'"),
    ("    prefer: past\n", "    choices: {a: {en: a, zh: b}, b: {en: c, zh: d}}\n", "choices: {a", "slot day is of type date, which has no 'choices'"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: 'P(\\d{4}'\n", "'P(", "is no regular expression: missing )"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: '(\\d*)'\n", "'(", "matches nothing at all"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: '(a|a|aa)+$'\n", "'(a|a", "takes too long on some texts"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: '" + "x" * 401 + "'\n", "'xxx", "has 401 characters, at most 400 are allowed"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: '(?:(?:(?:(?:(?:(?:(?:a+)+)+)+)+)+)+)+'\n", "'(?:", "nests groups deeper than 6"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: '(?R)a'\n", "'(?R)a", "no flags, comments, recursion"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: '(?:abcdef){e<=5}'\n", "'(?:abc", "fuzzy matching is not allowed"),
    ("    pattern: 'P(\\d{4})'\n", "    pattern: 'a\\L<x>'\n", "'a\\L", "must not use"),
    ("    pattern: 'P(\\d{4})'\n", "", "number:\n    type", "slot number of type pattern needs 'pattern'"),
    ("    form: 'P-{1}'\n", "    form: 'P-{2}'\n", "'P-{2}", "must use groups of the pattern, {0} to {1}"),
    ("    form: 'P-{1}'\n", "    form: 'P'\n", "'P'", "must use groups of the pattern"),
    ("    check: len(value) == 6\n", "", "number:\n    type", "slot number has an error text but no check"),
    ("    check: len(value) == 6\n", "    check: len(value) == \n", "", ""),
    ("    check: len(value) == 6\n", "    check: lem(value) == 6\n", "lem(", "no function 'lem'; did you mean 'len'?"),
    ("      lost: {en: Lost, zh: 丢了}\n", "", "late: {en", "slot reason needs 2 to 50 choices"),
    ("      lost: {en: Lost, zh: 丢了}\n", "      lost: {en: Lost}\n", "{en: Lost}", "slot reason's choice lost has no text in 'zh'"),
    ("  day:\n", "  Day:\n", "Day:", "'Day' is no name"),
    # expressions
    ("parcel.place is not missing", "parcl.place is not missing", "parcl.place", "there is no 'parcl'; did you mean 'parcel'?"),
    ("parcel.place is not missing", "number is not missing", "number is not", "there is no 'number'"),
    ("parcel.place is not missing", "value is not missing", "value is not", "value is only known in a slot's check"),
    ("parcel.place is not missing", "slots.day.month is not missing", "slots.day.month", "slot 'day' has no 'month'"),
    ("parcel.place is not missing", "intent.name == 'x'", "intent.name", "intent is a text and has no parts"),
    ("parcel.place is not missing", "slots is missing", "slots is missing", "write slots.<name>"),
    ("parcel.place is not missing", "label(slots.day) == 'x'", "label(slots.day)", "label() takes a choice slot"),
    ("parcel.place is not missing and slots.reason == \"late\"", "slots.reason = 1", "= 1", "compare with \"==\""),
    ("parcel.place is not missing and slots.reason == \"late\"", "slots.reason == \"lat\"", "slots.reason ==", "slot 'reason' has no choice 'lat'; did you mean 'late'?"),
    ("parcel.place is not missing and slots.reason == \"late\"", "intent in ['find', 'ungent']", "intent in", "there is no intent 'ungent'; did you mean 'urgent'?"),
    ("parcel.place is not missing and slots.reason == \"late\"", "1 < 2", "on: ok\n        if: 1", "the condition '1 < 2' is always the same"),
    ("parcel.place is not missing and slots.reason == \"late\"", "(" * 40 + "1" + ")" * 40, "(" * 24 + "1", "nested deeper than 16"),
    ("if: language == \"en\"", "if: 'language == 1 +'", "'\n    to: person", "a value is missing before the end"),
    # texts
    ("zh: \"正在查{{ slots.number }}\"", "zh: \"正在查{{ slots.numbr }}\"", "slots.numbr", "there is no slot 'numbr'; did you mean 'number'?"),
    ("zh: \"正在查{{ slots.number }}\"", "zh: \"正在查{{ slots.number\"", "{{ slots.number\"", "\"{{\" without \"}}\""),
    ("zh: \"正在查{{ slots.number }}\"", "zh: \"正在查{{ slots. }}\"", ". }}\"}", "cannot be read here"),
    (", zh: \"正在查{{ slots.number }}\"}", "}", "{en: \"Looking", "reply has no text in 'zh', a language of the flow"),
    (", zh: \"正在查{{ slots.number }}\"}", ", zh: x, fr: y}", "fr: y", "reply has a text in 'fr'; the flow's languages are en, zh"),
    ("      - reply: {en: \"Looking for {{ slots.number }}\", zh: \"正在查{{ slots.number }}\"}", "      - reply: Looking", "Looking", "reply must be a mapping from en and zh to texts"),
    ("ask: {en: When?, zh: 哪天？}", "ask: {en: When?, zh: ''}", "''", "slot day's ask in zh must be a text"),
    ("    en: [stop it all]\n", "    en: [find my parcel]\n", "en: [find my parcel]\n    zh: [全", "is an example of 'find' and of 'stop'"),
    ("    en: [stop it all]\n", "    en: []\n", "[]", "intent stop in en is empty"),
    ("    en: [stop it all]\n", "    en: [{a: b}]\n", "{a: b}", "each of intent stop in en must be a text"),
    ("[forget the parcel]", "[please]", "{en: [please]}", "mere politeness"),
    # the file
    ("max_misses: 3", "max_mises: 3", "max_mises", "a flow has no key 'max_mises'; did you mean 'max_misses'?"),
    ("max_misses: 3", "max_misses: many", "many", "max_misses must be a whole number from 1 to 10"),
    ("max_misses: 3", "max_misses: 3\nmax_misses: 4", "max_misses: 4", "'max_misses' is here twice, first in line 5; keep one"),
    ("  day:\n", "  reason:\n", "reason:\n    type: date", "'reason' is here twice, first in line 31; keep one"),
    ("      - close\n", "      - &x close\n", "&x close", "anchor &x is not allowed"),
    ("      - close\n", "      - *x\n", "*x", "alias *x is not allowed"),
    ("      - close\n", "      - !!python/object/apply:os.system [x]\n", "!!python", "tag tag:yaml.org,2002:python/object/apply:os.system is not allowed"),
    ("flow: parcel", "flow: Parcel!", "Parcel!", "is no id"),
    ("flow: parcel\n", "", "title", "a flow needs 'flow'"),
    ("utc_offset: \"+08:00\"", "utc_offset: 8", "8\n", "utc_offset must be like \"+08:00\""),
    ("languages: [en, zh]", "languages: [en, 7]", "[en, 7]", "languages must be a list of codes"),
    ("languages: [en, zh]", "languages: en", "en\n", "languages must be a list"),
    ("from: \"*\"", "from: soon", "soon", "migrate's from (or \"*\") must be a whole number"),
    ("from: \"*\"\n    states", "states", "states: {old_look", "migrate needs 'from'"),
    ("- from: \"*\"", "- from: [1, 2]\n    state: x", "state: x", "migrate has no key 'state'; did you mean 'states'?"),
    ("states:\n  ask:", "states: x\n  ask:", "\n  ask:", "this is not YAML"),
    ("title: {en: Parcel", "title: {en: a: b", ": b", "this is not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(
    "old, new, marker, message", MUTATIONS, ids=[f"{each[3][:40]}-{n}" for n, each in enumerate(MUTATIONS)]
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, marker: str, message: str) -> None:
    assert old in RIGHT
    broken = RIGHT.replace(old, new, 1)
    found = problems(broken)
    assert found and all(line.startswith("parcel.yaml:") for line in found)
    if not message:
        return
    here = [line for line in found if message in line]
    assert here, "\n".join(found)
    if "this is not YAML" not in message:
        assert any(line.startswith(f"parcel.yaml:{place(broken, marker)}: ") for line in here), (
            place(broken, marker),
            here,
        )


def test_all_that_is_wrong_is_told_in_the_order_of_lines() -> None:
    broken = (
        RIGHT.replace("to: gone", "to: gon")
        .replace("max_misses: 3", "max_miss: 3")
        .replace("ask: number", "ask: numbr")
    )
    lines = [int(line.split(":")[1]) for line in problems(broken)]
    assert len(lines) >= 3 and lines == sorted(lines)


def test_at_most_twenty_problems_are_told() -> None:
    states = "".join(f"  s{n}: {{do: [{{ask: nothing{n}}}]}}\n" for n in range(30))
    found = problems(f"flow: f\nstart: {{state: s0, intents: [a]}}\nintents: {{a: x}}\nstates:\n{states}")
    assert len(found) == 21 and found[-1] == "parcel.yaml: and 10 more"


ONE_LANGUAGE = """\
flow: tiny
start: {state: only, intents: [tiny]}
intents: {tiny: [hi there]}
states:
  only:
    do:
      - reply: |
          Two lines
          of text: {{ intent }}
      - close: Bye
"""


def test_the_flow_in_the_documentation_is_right() -> None:
    text = (SHIPPED.parent.parent / "docs" / "flows.md").read_text(encoding="utf-8")
    assert read(text.partition("```yaml\n")[2].partition("```")[0]).id == "parcel"


def test_a_flow_of_one_language_needs_no_mappings() -> None:
    flow = read(ONE_LANGUAGE)
    assert flow.languages == ("en",) and intents(flow) == {"tiny": ("hi there",)}
    assert flow.cancel_text and flow.not_understood and flow.max_misses == 2


def test_json_is_yaml() -> None:
    assert read('{"flow":"j","start":{"state":"a","intents":["x"]},"intents":{"x":["hello"]},'
                '"states":{"a":{"do":[{"reply":"hi"},{"close":null}]}}}').id == "j"  # fmt: skip


def test_a_language_without_words_of_kefus_own_needs_its_own() -> None:
    found = problems(ONE_LANGUAGE.replace("flow: tiny", "flow: tiny\nlanguages: [fr]"))
    assert any("not_understood is needed" in line for line in found) and any(
        "cancel's text is needed" in line for line in found
    )


@pytest.mark.parametrize("text", ["", "   \n", "# nothing\n", "---\n", "a", "[]", "42", "null", "- a\n- b"])
def test_what_is_no_flow_at_all(text: str) -> None:
    assert problems(text)


def test_two_documents_are_refused() -> None:
    assert any("a second document" in line for line in problems(f"{RIGHT}---\n{RIGHT}"))


def test_yaml_that_breaks_off_says_where() -> None:
    (line,) = problems(RIGHT + "  bad: [1, 2\n")
    assert line.startswith("parcel.yaml:") and "this is not YAML" in line


@pytest.mark.parametrize("text", ["flow: \x00", "flow: \ud800", "flow: \x07"])
def test_signs_that_are_no_text(text: str) -> None:
    assert problems(text)[0].startswith("parcel.yaml:1:")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 60_000, "- " * 120_000, "? " * 100_000, "a: " * 80_000, '"' + "\\u4e00" * 40_000, "&a [*a, *a]",
     "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a, *a]\n" for n in range(50)), "x" * (256 * 1024 + 1), "客" * (100 * 1024),
     "!!binary aaaa", "!<x> y", "%TAG ! tag:x,2000:\n--- !y z", "\t- a", "a:\n\t- b", "'" * 99_999, "|" + "\n" * 200_000,
     "k: v\n" * 40_000, "[a, " * 30 + "]" * 30],
)  # fmt: skip
def test_hostile_text_is_refused_soon(text: str) -> None:
    begun = time.process_time()
    assert problems(text)
    assert time.process_time() - begun < 3


def test_numbers_of_states_and_slots_are_bounded() -> None:
    states = "".join(f"  s{n}: {{do: [close]}}\n" for n in range(201))
    assert any("201 states, at most 200" in line for line in problems(f"flow: f\nstates:\n{states}"))


def test_a_byte_order_mark_is_no_part_of_the_flow() -> None:
    assert read("\ufeff" + ONE_LANGUAGE).id == "tiny"


lines_of_right = RIGHT.split("\n")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_damage_is_refused_or_read_but_never_breaks_the_reader(data: st.DataObject) -> None:
    lines = list(lines_of_right)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        damage = data.draw(st.sampled_from(["drop", "double", "indent", "swap", "cut", "noise"]))
        if damage == "drop":
            del lines[at]
        elif damage == "double":
            lines.insert(at, lines[at])
        elif damage == "indent":
            lines[at] = f"  {lines[at]}"
        elif damage == "swap":
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        elif damage == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        else:
            lines[at] += data.draw(st.text(max_size=6))
    try:
        assert isinstance(read("\n".join(lines)), Flow)
    except InvalidDefinition as error:
        assert error.detail


def test_the_shipped_flows_are_read_in_time() -> None:
    for path in SHIPPED.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        read(text)
        begun = time.process_time()
        read(text)
        assert time.process_time() - begun < 0.05
