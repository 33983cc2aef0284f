"""Dates, days of the week and times of day."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator

from guardrails.facts import Fact, Text, fact
from guardrails.numerals import CHINESE, of_chinese

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Capitals, because "may" and "march" are words.
_MONTH = (
    r"(?P<name>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\.?"
)
_YEAR = r"(?P<year>(?:19|20)\d{2})"
_CN = r"[〇零一二三四五六七八九十]"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![A-Za-z0-9_.-]){_YEAR}(?P<sep>[-/.])(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}})(?!\d)(?![.-]\d)",
        rf"(?:(?P<year>(?:19|20)\d{{2}}|{_CN}{{4}})\s?年\s?)?(?P<month>\d{{1,2}}"
        rf"|{_CN}{{1,2}})\s?月\s?(?P<day>\d{{1,2}}|{_CN}{{1,3}})\s?[日号]?(?!\d)",
        rf"(?P<year>(?:19|20)\d{{2}}|{_CN}{{4}})\s?年(?:\s?(?P<month>\d{{1,2}}|{_CN}{{1,2}})\s?月)?",
        rf"(?<![A-Za-z0-9_.])(?:the\s)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?(?![\w])",
        rf"(?<![A-Za-z0-9_]){_MONTH}\s(?:the\s)?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:]"
        rf"|[.,]\d)(?:,?\s{_YEAR}(?!\w))?",
        rf"(?<![A-Za-z0-9_]){_MONTH},?\s{_YEAR}(?!\w)",
        r"(?<![A-Za-z0-9_./-])(?P<one>\d{1,2})(?P<sep>[/.-])(?P<two>\d{1,2})(?P=sep)(?P<year>(?:19"
        r"|20)?\d{2})(?![\w/]|[.-]\d)",
        rf"(?<![\d个第])(?P<month>1[0-2]|[1-9]|{_CN}{{1,2}})月(?:份)?(?![\d内])",
        r"(?<![\d第])(?P<day>[12]\d|3[01]|[1-9])[号日](?![楼线店内后线])",
    )
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = (
    r"(?:(?:Mon|Tues?|Wednes|Thurs?|Fri|Satur|Sun)days?|(?:Mon|Tue|Wed|Thu|Thur|Thurs|Fri|Sat"
    r"|Sun)(?=[\s,.:–-])|(?:周|星期|礼拜)[一二三四五六日天])"
)
_DAYS = re.compile(
    rf"(?<![A-Za-z])(?P<first>{_WEEKDAY})(?:\s?(?:-|–|—|~|to|through|until|至"
    rf"|到)\s?(?P<second>{_WEEKDAY}|[一二三四五六日天]))?"
)
_RELATIVE = re.compile(
    r"\b(?P<after>day after tomorrow)\b|\b(?P<tomorrow>tomorrow)\b|\b(?P<tonight>tonight)\b"
    r"|\b(?P<week>next week)\b|\b(?P<month>next month)\b|(?P<after_>后天)|(?P<tomorrow_>明天|明日|次日)"
    r"|(?P<tonight_>今晚)|(?P<week_>下周(?![一二三四五六日天])|下星期)|(?P<month_>下个?月)",
    re.I,
)


def dates(text: Text) -> Iterator[Fact]:
    for pattern in _DATES:
        for match in text.take(pattern):
            group = match.groupdict()
            found = [each for each in _readings(group) if _is_date(*each)]
            if found:
                supports = {broader for each in found for broader in _broader(*each)}
                yield fact("date", match, {_key(*each) for each in found}, supports | _weekday_of(found))
                text.drop(*match.span())
    for match in text.take(_DAYS):
        first = _weekday(match["first"])
        last = _weekday(match["second"]) if match["second"] else first
        between = {(first + each) % 7 for each in range((last - first) % 7 + 1)}
        yield fact(
            "date", match, {f"wd{first}-{last}"} if last != first else {f"wd{first}"}, {f"wd{each}" for each in between}
        )
        text.drop(*match.span())
    for match in text.take(_RELATIVE):
        name = next(name for name, words in match.groupdict().items() if words)
        yield fact("date", match, {name.rstrip("_")})
        text.drop(*match.span())


_Reading = tuple[int | None, int | None, int | None]


def _readings(group: dict[str, str | None]) -> Iterator[_Reading]:
    year = _number(group.get("year"))
    if year is not None and year < 100:
        year += 2000
    if group.get("one"):
        one, two = _number(group["one"]), _number(group["two"])
        # Day first or month first: whoever wrote it knows.
        yield year, one, two
        yield year, two, one
        return
    month = _number(group.get("month"))
    if name := group.get("name"):
        month = _MONTHS.index(name[:3].lower()) + 1
    yield year, month, _number(group.get("day"))


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if text.isascii():
        return int(text)
    found = of_chinese(text)
    return None if found is None else int(found)


def _is_date(year: int | None, month: int | None, day: int | None) -> bool:
    return (month is None or 1 <= month <= 12) and (day is None or 1 <= day <= 31) and (year, month, day) != (None,) * 3


def _key(year: int | None, month: int | None, day: int | None) -> str:
    return f"{year or '*'}-{month or '*'}-{day or '*'}"


def _broader(year: int | None, month: int | None, day: int | None) -> Iterator[str]:
    for some_year in {year, None}:
        for some_month in {month, None}:
            for some_day in {day, None}:
                yield _key(some_year, some_month, some_day)


def _weekday_of(found: Iterable[_Reading]) -> set[str]:
    days: set[str] = set()
    for year, month, day in found:
        if year and month and day:
            try:
                days.add(f"wd{datetime.date(year, month, day).weekday()}")
            except ValueError:
                continue
    return days


def _weekday(words: str) -> int:
    if words[0].isascii():
        return next(at for at, name in enumerate(_WEEKDAYS) if name.startswith(words[:3].lower()))
    return "一二三四五六日".index(words[-1].replace("天", "日"))


# -- times of day, in minutes ------------------------------------------------------------------------------------
_HALF = r"(?P<half>[ap]\.?\s?m\b\.?)"
_CLOCK = re.compile(
    rf"(?<![A-SU-Za-su-z0-9_:.,])(?P<hour>[01]?\d|2[0-4])[:：](?P<minute>[0-5]\d)(?:[:：][0-5]\d(?:\.\d{{1,9}})"
    rf"?)?(?!\d)(?:\s?{_HALF})?",
    re.I,
)
_HOUR = re.compile(
    rf"(?<![A-Za-z0-9_:.,])(?:(?P<from>1[0-2]|[1-9])\s?(?:-|–|to)\s?)?(?P<hour>1[0-2]"
    rf"|0?[1-9])(?:\.(?P<minute>[0-5]\d))?\s?(?:{_HALF}(?!\w)|o['’]clock)",
    re.I,
)
_CHINESE_HOUR = re.compile(
    rf"(?P<part>凌晨|早上|早晨|清晨|上午|中午|下午|傍晚|晚上|晚间|夜里|今晚|晚)?\s?(?P<hour>[01]?\d|2[0-4]"
    rf"|{CHINESE})\s?[点點时](?!间|段|候|评|击|数|心|餐|长|效)(?:(?P<minute>[0-5]?\d|{CHINESE})分?"
    rf"|(?P<half>半)|(?P<quarter>[一三])刻|整)?"
)
_NAMED = re.compile(
    r"\b(?:at\s)?(?P<noon>noon|midday)\b|\b(?P<midnight>midnight)\b|(?P<noon_>正午)|(?P<midnight_>午夜|零点)", re.I
)


def clock_times(text: Text) -> Iterator[Fact]:
    for match in text.take(_CLOCK):
        hour, minute = int(match["hour"]), int(match["minute"])
        yield fact("time", match, set(_minutes(hour, minute, match["half"], exact=True)))
        text.drop(*match.span())
    for match in text.take(_HOUR):
        said = set(_minutes(int(match["hour"]), int(match["minute"] or 0), match["half"], exact=False))
        yield fact("time", match, said)
        if match["from"]:
            yield fact("time", match, set(_minutes(int(match["from"]), 0, None, exact=False)))
        text.drop(*match.span())
    for match in text.take(_CHINESE_HOUR):
        hour_ = _number(match["hour"])
        minute_ = (
            30 if match["half"] else {"一": 15, "三": 45}.get(match["quarter"] or "", _number(match["minute"]) or 0)
        )
        if hour_ is None or hour_ > 24 or minute_ > 59:
            continue
        part = match["part"]
        half = (
            None
            if part is None
            else "pm"
            if part in ("下午", "傍晚", "晚上", "晚间", "夜里", "今晚", "晚") or (part == "中午" and hour_ < 11)
            else "am"
        )
        if part == "中午" and hour_ in (11, 12):
            half = None
        yield fact("time", match, set(_minutes(hour_, minute_, half, exact=part == "中午" or hour_ > 12)))
        text.drop(*match.span())
    for match in text.take(_NAMED):
        yield fact("time", match, {"720"} if match["noon"] or match["noon_"] else {"0"})
        text.drop(*match.span())


def _minutes(hour: int, minute: int, half: str | None, *, exact: bool) -> Iterator[str]:
    """`exact`: without am or pm, the hour is of 24."""
    hour %= 24
    if half:
        if half[0] in "pP" and hour < 12:
            hour += 12
        elif half[0] in "aA" and hour == 12:
            hour = 0
    yield str(hour * 60 + minute)
    if not half and not exact and hour <= 12:
        yield str((hour + 12) % 24 * 60 + minute)
