"""Dates in utterances, English and Chinese, as ISO 8601 text. What day it is comes in; there is no clock here."""

from __future__ import annotations

import re
from typing import Literal

from flows.numbers import NUMERAL_ZH, chinese_number

Prefer = Literal["nearest", "past", "future"]

_DAY_MS = 86_400_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS_WRITTEN = "January February March April May June July August September October November December".split()  # noqa: SIM905
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s*(?P<year>\d{4}))?"
_ISO = re.compile(r"(?<![\d.-])(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)")
_ENGLISH = (
    re.compile(rf"(?<![a-z0-9.,]){_DAY}\s+(?:of\s+)?{_MONTH}(?![a-z]){_YEAR}"),
    re.compile(rf"(?<![a-z]){_MONTH}\s+(?:the\s+)?{_DAY}(?!\d){_YEAR}"),
)
_SLASHED = re.compile(r"(?<![\d/.-])(?P<a>\d{1,2})[/.](?P<b>\d{1,2})[/.](?P<year>\d{4})(?!\d)")
_CHINESE = re.compile(
    rf"(?:(?<!\d)(?P<year>\d{{4}})\s*年\s*|(?<![\d年]))(?P<month>\d{{1,2}}|{NUMERAL_ZH})\s*月\s*(?P<day>\d{{1,2}}|{NUMERAL_ZH})\s*[日号]"
)
_AGO = re.compile(r"\b(?P<n>\d{1,3}|a|one|two|three|four|five|six|seven|ten) (?P<unit>day|week)s? ago\b")
_AGO_ZH = re.compile(rf"(?P<n>\d{{1,3}}|{NUMERAL_ZH})\s*(?P<unit>天|日|周|个?星期)(?:以)?前")
_WEEKDAY = re.compile(
    rf"\b(?:(?P<which>last|this|next|on|past)\s+)?(?P<day>{'|'.join(_WEEKDAYS)})(?:day|sday|nesday|rsday|urday)?\b"
)
_WEEKDAY_ZH = re.compile(r"(?P<which>上个?|下个?|这个?|本)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
_RELATIVE = {
    "day before yesterday": -2, "yesterday": -1, "today": 0, "day after tomorrow": 2, "tomorrow": 1,
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "今天": 0, "今日": 0,
    "大后天": 3, "后天": 2, "明天": 1, "明日": 1,
}  # fmt: skip
_WORDS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}


def day_of(at_ms: int, utc_offset_ms: int = 0) -> int:
    """Days since 1970-01-01 of an instant, at this offset from UTC."""
    return (at_ms + utc_offset_ms) // _DAY_MS


def find_date(text: str, today: int, prefer: Prefer = "nearest") -> str | None:
    """The one date that `text` (NFKC, lower case) speaks of; None if there is none, or it may be two.

    3/4/2026 may be April or March, so it is none; 13/4/2026 is April.
    """
    for pattern in (_ISO, *_ENGLISH, _CHINESE):
        if match := pattern.search(text):
            return _written(match, today, prefer)
    if match := _SLASHED.search(text):
        a, b, year = int(match["a"]), int(match["b"]), int(match["year"])
        return _iso(year, b, a) if a > 12 or a == b else _iso(year, a, b) if b > 12 else None
    day = _spoken(text, today, prefer)
    return None if day is None else _iso(*_civil(day))


def iso_day(day: int) -> str:
    """The ISO date of a day since 1970-01-01."""
    return _iso(*_civil(day)) or ""


def spoken_date(text: str, language: str) -> str:
    """2026-05-06 (or a time stamp that begins so) as customers read it; another text as it is."""
    match = _ISO.match(text)
    if match is None or _iso(int(match["year"]), int(match["month"]), int(match["day"])) is None:
        return text
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    return f"{year}年{month}月{day}日" if language == "zh" else f"{day} {_MONTHS_WRITTEN[month - 1]} {year}"


def _written(match: re.Match[str], today: int, prefer: Prefer) -> str | None:
    month = _MONTHS.index(match["month"]) + 1 if match["month"] in _MONTHS else _number(match["month"])
    day = _number(match["day"])
    if month is None or day is None:
        return None
    if match["year"]:
        return _iso(int(match["year"]), month, day)
    this_year = _civil(today)[0]
    near = [year for year in (this_year - 1, this_year, this_year + 1) if _iso(year, month, day)]
    distances = [(_days(year, month, day) - today, year) for year in near]
    fitting = [each for each in distances if _fits(each[0], prefer)] or distances
    return _iso(min(fitting, key=lambda each: abs(each[0]))[1], month, day) if fitting else None


def _spoken(text: str, today: int, prefer: Prefer) -> int | None:
    """The day of words such as "yesterday", "three days ago", "last Monday", 上周一."""
    for words, shift in _RELATIVE.items():
        if words in text and (not words.isascii() or re.search(rf"\b{words}\b", text)):
            return today + shift
    if match := _AGO.search(text) or _AGO_ZH.search(text):
        count = _WORDS.get(match["n"]) or _number(match["n"])
        return None if count is None else today - count * (1 if match["unit"] in ("day", "天", "日") else 7)
    if match := _WEEKDAY.search(text):
        return _weekday(today, _WEEKDAYS.index(match["day"]), match["which"] or "", prefer)
    if match := _WEEKDAY_ZH.search(text):
        which = {"上": "previous week", "下": "next week", "这": "this week", "本": "this week"}
        day = "一二三四五六日天".index(match["day"])
        return _weekday(today, min(day, 6), which.get((match["which"] or "")[:1], ""), prefer)
    return None


def _weekday(today: int, day: int, which: str, prefer: Prefer) -> int:
    """Chinese names the week (上周五: Friday of the week before), English the next or last such day."""
    since_monday = (today + 3) % 7  # 1970-01-01 was a Thursday
    this_week = today - since_monday + day
    match which:
        case "previous week":
            return this_week - 7
        case "next week":
            return this_week + 7
        case "this week" | "this":
            return this_week
        case "last" | "past":
            return this_week if this_week < today else this_week - 7
        case "next":
            return this_week if this_week > today else this_week + 7
        case _:
            around = [this_week - 7, this_week, this_week + 7]
            fitting = [each for each in around if _fits(each - today, prefer)] or around
            return min(fitting, key=lambda each: abs(each - today))


def _fits(distance: int, prefer: Prefer) -> bool:
    return prefer == "nearest" or (distance <= 0 if prefer == "past" else distance >= 0)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else chinese_number(text)


def _iso(year: int, month: int, day: int) -> str | None:
    if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= _DAYS_IN_MONTH[month - 1] + (month == 2)):
        return None
    if month == 2 and day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):
        return None
    return f"{year:04}-{month:02}-{day:02}"


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms")."""
    year -= month <= 2
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _civil(day: int) -> tuple[int, int, int]:
    """The inverse of `_days`."""
    day += 719_468
    era = day // 146_097
    of_era = day - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1
