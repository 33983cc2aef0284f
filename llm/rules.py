"""When a route is used: conditions over the clock, the tenant, the flow and what has been spent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.models import Situation

MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MOST_STARS = 2

# The fields of a condition that are lists of names or globs, and of a Situation.
GLOBBED = ("tenant", "flow", "state", "intent", "priority", "language")


class When(Struct, frozen=True):
    """A rule's condition as it was written; every part that is given must hold.

    `hours`: windows in minutes since midnight, [from, to); one that wraps belongs to the day on which it began.
    `days`: 0 is Monday. A language such as `zh` also stands for `zh-CN`. `spent_*_over`: more than this today.
    """

    hours: tuple[tuple[int, int], ...] = ()
    days: tuple[int, ...] = ()
    zone: str = "UTC"
    tenant: tuple[str, ...] = ()
    flow: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    intent: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    spent_tokens_over: int | None = None
    spent_cost_over: float | None = None


class Condition:
    """A When made ready: one table of the week's minutes, one pattern for each list of names."""

    def __init__(self, when: When) -> None:
        self.when = when
        self.week: bytes | None = week_of(when) if when.hours or when.days else None
        self.zone = ZoneInfo(when.zone)
        self._patterns = [
            (field, _pattern(names)) for field in GLOBBED if (names := _widened(field, getattr(when, field)))
        ]
        self._tokens = when.spent_tokens_over
        self._cost = when.spent_cost_over

    def holds(self, situation: Situation, minutes: dict[str, int]) -> bool:
        """`minutes`: what has been worked out of this moment's minute of the week, by zone."""
        for field, match in self._patterns:
            if match(getattr(situation, field)) is None:
                return False
        if self._tokens is not None and situation.spent.tokens <= self._tokens:
            return False
        if self._cost is not None and situation.spent.cost <= self._cost:
            return False
        if self.week is None:
            return True
        minute = minutes.get(self.when.zone)
        if minute is None:
            minute = minutes[self.when.zone] = minute_of_week(situation.at_ms, self.zone)
        return self.week[minute] == 1

    def covers(self, other: Condition) -> bool:
        """Whether this holds whenever the other does, as far as can be told from how they are written."""
        if self.week is not None:
            if other.week is None or self.when.zone != other.when.zone:
                return False
            if int.from_bytes(other.week) & ~int.from_bytes(self.week):
                return False
        if not _at_most(self._tokens, other._tokens) or not _at_most(self._cost, other._cost):
            return False
        theirs_by_field = {field: _widened(field, getattr(other.when, field)) for field in GLOBBED}
        return all(
            theirs_by_field[field] and all(_covered(name, match) for name in theirs_by_field[field])
            for field, match in self._patterns
        )


def week_of(when: When) -> bytes:
    """One byte for every minute of a week that begins on Monday at 00:00: whether the condition holds then."""
    week = bytearray(MINUTES_A_WEEK)
    for day in when.days or range(7):
        for begin, end in when.hours or ((0, MINUTES_A_DAY),):
            length = end - begin if end > begin else end - begin + MINUTES_A_DAY
            start = day * MINUTES_A_DAY + begin
            for minute in range(start, start + length):
                week[minute % MINUTES_A_WEEK] = 1
    return bytes(week)


def minute_of_week(at_ms: int, zone: ZoneInfo) -> int:
    """By the wall clock of the zone, so that 08:00 stays 08:00 when the clocks change."""
    local = datetime.fromtimestamp(at_ms / 1000, zone)
    return local.weekday() * MINUTES_A_DAY + local.hour * 60 + local.minute


def _widened(field: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if field != "language":
        return names
    return tuple(each for name in names for each in ((name,) if "*" in name else (name, f"{name}-*")))


Match = Callable[[str], "re.Match[str] | None"]


def _pattern(names: tuple[str, ...]) -> Match:
    """`*` stands for any text, and nothing else is special. At most MOST_STARS of them, or matching takes long."""
    return re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in names), re.DOTALL).fullmatch


def _covered(name: str, match: Match) -> bool:
    # A pattern that matches another one's text matches all that the other does: its own letters never match a `*`.
    return match(name) is not None


def _at_most(ours: float | None, theirs: float | None) -> bool:
    return ours is None or (theirs is not None and theirs >= ours)
