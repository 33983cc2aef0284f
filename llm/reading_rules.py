"""Reads one rule of a routes document: when it holds and which route it uses."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from documents.hints import did_you_mean
from documents.nodes import Node
from documents.problems import Problems
from llm.forms import Form
from llm.routes import Rule
from llm.rules import DAYS, GLOBBED, MINUTES_A_DAY, MOST_STARS, Condition, When

_WINDOW = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\Z")
_PRIORITIES = ("low", "normal", "high")


def read_rule(node: Node, count: int, zone: str, problems: Problems) -> Rule:
    """`count`: which rule of the list it is, for one without a name. `zone`: the document's."""
    what = Form(node, f"rule {count}", problems)
    name = what.text("name") or f"rule-{count}"
    form = Form(node, f"rule {name!r}", problems)
    form.text("name")
    when = _when(form.form("when"), zone)
    route = form.text("use")
    form.done(then="write `use: <route>`", route="write `use: <route>`")
    return Rule(name, Condition(when), route)


def _when(form: Form, zone: str) -> When:
    when = When(
        hours=tuple(window for text in form.names("hours") if (window := _window(form, text))),
        days=_days(form),
        zone=_zone(form, zone),
        tenant=form.names("tenant"),
        flow=form.names("flow"),
        state=form.names("state"),
        intent=form.names("intent"),
        priority=form.names("priority"),
        language=form.names("language"),
        spent_tokens_over=form.whole("spent_tokens_over", 0) if form.node_of("spent_tokens_over") else None,
        spent_cost_over=form.number("spent_cost_over", 0.0) if form.node_of("spent_cost_over") else None,
    )
    for priority in when.priority:
        if "*" not in priority and priority not in _PRIORITIES:
            form.complain(
                "priority", f"{priority!r} is none of {', '.join(_PRIORITIES)}{did_you_mean(priority, _PRIORITIES)}"
            )
    for field in GLOBBED:
        for name in getattr(when, field):
            if name.count("*") > MOST_STARS:
                form.complain(field, f"{name!r} has more than {MOST_STARS} stars; write several names instead")
    form.done()
    return when


def _window(form: Form, text: str) -> tuple[int, int] | None:
    found = _WINDOW.match(text)
    if found is None:
        form.complain("hours", f'{text!r} must be a window such as "08:00-20:00"')
        return None
    from_hour, from_minute, to_hour, to_minute = (int(part) for part in found.groups())
    begin, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    if from_minute > 59 or to_minute > 59 or begin >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        form.complain("hours", f"{text!r} is no time of day")
        return None
    if begin == end:
        form.complain("hours", f'{text!r} is empty; for the whole day leave it out or write "00:00-24:00"')
        return None
    return begin, end


def _days(form: Form) -> tuple[int, ...]:
    days = []
    for name in form.names("days"):
        if name.lower() in DAYS:
            days.append(DAYS.index(name.lower()))
        else:
            form.complain("days", f"{name!r} is none of {', '.join(DAYS)}{did_you_mean(name, DAYS)}")
    return tuple(days)


def _zone(form: Form, default: str) -> str:
    zone = form.text("zone", default)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # unknown; not a relative name; a folder such as "Europe"
        form.complain("zone", f"no time zone {zone!r}; write one such as Europe/Berlin")
        return "UTC"
    return zone
