"""Which route a turn takes: clock, zone, tenant, flow, spending, canary."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import msgspec
import pytest

from llm.reading import read
from llm.routes import Routes, bucket, choose, in_language
from schemas.models import Situation, Spent

HEAD = """\
zone: Europe/Berlin
providers:
  cloud: {preset: openai, model: m}
routes:
  day: {mode: model, chain: [cloud], system: {en: Be kind, zh: 友善}, deadline_s: 7, context_tokens: 900}
  night: {mode: extractive}
  third: {mode: hybrid, chain: [cloud]}
"""


def routes(rules: str, more: str = "") -> Routes:
    return read(f"{HEAD}{more}rules:\n{rules}\ndefault: day\n")


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def situation(when: int = 0, **changes: object) -> Situation:
    return msgspec.structs.replace(Situation("shop", "s1", when), **changes)


def chosen(document: Routes, given: Situation) -> str:
    return choose(document, 4, given).route


def test_a_choice_says_all_a_turn_needs() -> None:
    choice = choose(
        routes("  - {name: vip, when: {priority: high}, use: day}"), 4, situation(priority="high", language="zh-CN")
    )
    assert (choice.route, choice.version, choice.rule, choice.mode) == ("day", 4, "vip", "model")
    assert (choice.system, choice.deadline_s, choice.context_tokens) == ("友善", 7, 900)


def test_hours_go_by_the_wall_clock_of_the_zone() -> None:
    document = routes('  - {when: {hours: "20:00-08:00"}, use: night}')
    assert chosen(document, situation(at("2026-01-15T19:59"))) == "day"
    assert chosen(document, situation(at("2026-01-15T20:00"))) == "night"
    assert chosen(document, situation(at("2026-01-16T07:59"))) == "night"
    assert chosen(document, situation(at("2026-01-16T08:00"))) == "day"
    # In summer the same wall clock is an hour earlier in UTC.
    assert at("2026-07-15T20:00") % 86_400_000 == 18 * 3_600_000
    assert chosen(document, situation(at("2026-07-15T20:00"))) == "night"
    assert chosen(document, situation(at("2026-07-15T19:59"))) == "day"


def test_days_when_the_clocks_change() -> None:
    document = routes('  - {when: {hours: "02:00-03:00"}, use: night}')
    # Spring: 02:00 to 03:00 is left out. Autumn: it comes twice, and holds both times.
    spring = at("2026-03-29T01:59")
    assert [chosen(document, situation(spring + minute * 60_000)) for minute in (0, 1, 60)] == ["day"] * 3
    autumn = at("2026-10-25T01:59")
    held = [chosen(document, situation(autumn + minute * 60_000)) == "night" for minute in range(122)]
    assert held == [False] + [True] * 120 + [False]


def test_a_window_over_midnight_belongs_to_the_day_it_began() -> None:
    document = routes('  - {when: {hours: "22:00-02:00", days: [fri]}, use: night}')
    friday, saturday = "2026-01-16", "2026-01-17"
    assert chosen(document, situation(at(f"{friday}T23:00"))) == "night"
    assert chosen(document, situation(at(f"{saturday}T01:59"))) == "night"
    assert chosen(document, situation(at(f"{saturday}T23:00"))) == "day"
    assert chosen(document, situation(at(f"{friday}T01:00"))) == "day"
    sunday = routes('  - {when: {hours: "22:00-02:00", days: [sun]}, use: night}')
    assert chosen(sunday, situation(at("2026-01-19T01:00"))) == "night"  # the week wraps, too


def test_zones_of_rules_differ() -> None:
    document = routes(
        '  - {name: china, when: {hours: "08:00-12:00", zone: Asia/Shanghai}, use: night}\n'
        '  - {name: here, when: {hours: "08:00-12:00"}, use: third}'
    )
    assert chosen(document, situation(at("2026-01-15T09:00", "Asia/Shanghai"))) == "night"
    assert chosen(document, situation(at("2026-01-15T09:00"))) == "third"


@pytest.mark.parametrize(
    ("when", "given", "holds"),
    [
        ("{tenant: shop}", {}, True),
        ("{tenant: [a, 'sh*']}", {}, True),
        ("{tenant: 'sho'}", {}, False),
        ("{tenant: 's.op'}", {}, False),
        ("{intent: 'refund.*'}", {"intent": "refund.late"}, True),
        ("{intent: refund}", {"intent": ""}, False),
        ("{flow: refund, state: 'ask_*'}", {"flow": "refund", "state": "ask_order"}, True),
        ("{flow: refund, state: 'ask_*'}", {"flow": "refund", "state": "done"}, False),
        ("{flow: '*'}", {"flow": ""}, True),
        ("{language: zh}", {"language": "zh-TW"}, True),
        ("{language: zh}", {"language": "zhx"}, False),
        ("{language: zh-TW}", {"language": "zh"}, False),
        ("{priority: [high, low]}", {"priority": "low"}, True),
        ("{spent_tokens_over: 100}", {"spent": Spent(100, 0)}, False),
        ("{spent_tokens_over: 100}", {"spent": Spent(101, 0)}, True),
        ("{spent_cost_over: 0.5}", {"spent": Spent(0, 0.51)}, True),
        ("{}", {}, True),
    ],
)
def test_conditions(when: str, given: dict[str, object], holds: bool) -> None:
    document = routes(f"  - {{when: {when}, use: night}}")
    assert (chosen(document, situation(**given)) == "night") is holds


def test_the_first_rule_that_holds_decides() -> None:
    document = routes("  - {when: {tenant: shop, flow: x}, use: third}\n  - {when: {tenant: shop}, use: night}")
    assert chosen(document, situation(flow="x")) == "third"
    assert chosen(document, situation()) == "night"
    assert chosen(document, situation(tenant="other")) == "day"


def test_a_canary_gets_its_share_and_keeps_its_sessions() -> None:
    more = "  old: {mode: model, chain: [cloud], canary: {route: third, percent: %s}}\n"
    sessions = [f"session-{n}" for n in range(4_000)]

    def in_canary(percent: float) -> set[str]:
        document = routes("  - {when: {}, use: old}", more % percent)
        return {each for each in sessions if chosen(document, situation(session=each)) == "third"}

    five, twenty = in_canary(5), in_canary(20)
    assert 140 <= len(five) <= 260 and 700 <= len(twenty) <= 900
    assert five < twenty
    assert in_canary(0) == set() and len(in_canary(100)) == len(sessions)
    assert bucket("s", "a") != bucket("s", "b")


def test_reach_follows_canaries_and_shadows() -> None:
    more = (
        "  a: {mode: extractive, canary: {route: b, percent: 1}}\n  b: {mode: model, chain: [cloud], shadow: third}\n"
    )
    document = routes("  - {when: {tenant: x}, use: a}", more)
    assert document.reach("a") == {"a", "b", "third"}
    assert document.uses_models
    alone = read("routes: {a: {mode: extractive}}\ndefault: a\n")
    assert not alone.uses_models
    hidden = read(f"{HEAD}rules:\n  - {{when: {{tenant: x}}, use: night}}\ndefault: night\n")
    assert not hidden.uses_models  # nobody gets to the models that are declared


def test_texts_by_language() -> None:
    texts = {"en": "e", "zh": "z"}
    assert [in_language(texts, tag) for tag in ("zh", "zh-TW", "de", "en-GB")] == ["z", "z", "e", "e"]
    assert in_language({}, "en") == "" and in_language({"fr": "f"}, "de") == "f"


def test_choosing_is_quick() -> None:
    rules = "\n".join(f"  - {{when: {{intent: 'i{n}', hours: '08:00-20:00'}}, use: night}}" for n in range(10))
    document = routes(rules)
    given = situation(at("2026-01-15T09:00"), intent="other")
    choose(document, 1, given)
    best = min(_timed(document, given) for _ in range(20))
    assert best < 20e-6 * 5  # the aim is 20 us; slow machines may take longer


def _timed(document: Routes, given: Situation) -> float:
    began = perf_counter()
    for _ in range(50):
        choose(document, 1, given)
    return (perf_counter() - began) / 50
