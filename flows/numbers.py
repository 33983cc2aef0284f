"""Numbers, amounts of money and telephone numbers in utterances, in figures and in words, English and Chinese."""

from __future__ import annotations

import re
from typing import Any

_DIGITS_ZH = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_UNITS_ZH = {"十": 10, "百": 100, "千": 1000}
NUMERAL_ZH = f"[{''.join(_DIGITS_ZH)}{''.join(_UNITS_ZH)}万]{{1,12}}"

_TO_TWENTY = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
_ENGLISH = {word: value for value, word in enumerate(_TO_TWENTY.split())} | {
    "dozen": 12, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
}  # fmt: skip

# No part of a longer code: not KF-20417, not 2026-05-06. Thousands are grouped by commas, which may also stand for
# the point where one or two digits follow: 12,50. Chinese may stand right before and after.
_APART = r"(?<![a-z0-9_.,/-])"
_FIGURE = rf"{_APART}-?(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,6}})?|\d{{1,12}}(?:\.\d{{1,6}}|,\d{{1,2}}(?!\d))?)"
_NUMBER = re.compile(rf"{_FIGURE}(?![.,]?\d|[-/]\d|[a-z])")
_NUMBER_ZH = re.compile(NUMERAL_ZH)
_WORD = re.compile(r"[a-z]+")

_CURRENCY = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "欧元": "EUR", "欧": "EUR",
    "$": "USD", "usd": "USD", "us$": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "美元": "USD",
    "¥": "CNY", "cny": "CNY", "rmb": "CNY", "yuan": "CNY", "元": "CNY", "块": "CNY", "块钱": "CNY", "人民币": "CNY",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "英镑": "GBP",
}  # fmt: skip
_MARK = "|".join(re.escape(mark) for mark in sorted(_CURRENCY, key=len, reverse=True))
_FIGURES = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?)"
_AMOUNTS = (
    re.compile(rf"{_APART}(?P<mark>{_MARK})\s?(?P<figure>{_FIGURES})(?![.,]?\d)"),
    re.compile(rf"{_APART}(?P<figure>{_FIGURES})\s?(?P<mark>{_MARK})(?![a-z])"),
)
_AMOUNT_ZH = re.compile(rf"(?P<figure>{NUMERAL_ZH})(?P<mark>{_MARK})")

_PHONE = re.compile(r"(?<![a-z0-9_.+-])\+?\(?\d(?:[ ().\-]{0,2}\d){6,16}(?![a-z0-9_])")
_MOBILE_CN = re.compile(r"1[3-9]\d{9}")


def find_number(text: str) -> int | float | None:
    """The number in `text` (NFKC, lower case); None if there is none or several different ones."""
    found: set[int | float] = {_figure(match[0]) for match in _NUMBER.finditer(text)}
    if not found:
        found = {_ENGLISH[word] for word in _WORD.findall(text) if word in _ENGLISH}
    if not found:
        found = {value for match in _NUMBER_ZH.findall(text) if (value := chinese_number(match)) is not None}
    return found.pop() if len(found) == 1 else None


def find_amount(text: str, asked: bool) -> dict[str, Any] | None:
    """`{"number": 12.5, "currency": "EUR"}`. Asked, 三十块 and a number alone will do (currency null)."""
    for pattern in _AMOUNTS:
        if match := pattern.search(text):
            return {"number": _figure(match["figure"]), "currency": _CURRENCY[match["mark"]]}
    if not asked:
        return None  # 一块 is also "together"
    if (match := _AMOUNT_ZH.search(text)) and (value := chinese_number(match["figure"])) is not None:
        return {"number": value, "currency": _CURRENCY[match["mark"]]}
    number = find_number(text)
    return None if number is None or number < 0 else {"number": number, "currency": None}


def find_phone(text: str, asked: bool) -> str | None:
    """Its digits, with the "+" if it was said. Unasked, only what can hardly be another number."""
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if not 7 <= len(digits) <= 15:
            continue
        plus = "+" if "+" in match[0] else ""
        if asked or plus or _MOBILE_CN.fullmatch(digits):
            return plus + digits
    return None


def chinese_number(text: str) -> int | None:
    """十二 is 12, 两百五十 and 两百五 are 250, 二〇二六 is 2026; None for what is no numeral (十百, 万万)."""
    if not text or any(sign not in _DIGITS_ZH and sign not in _UNITS_ZH and sign != "万" for sign in text):
        return None
    if all(sign in _DIGITS_ZH for sign in text):
        return int("".join(str(_DIGITS_ZH[sign]) for sign in text)) if len(text) == 1 or "两" not in text else None
    total, section, digit, last_unit, after_zero = 0, 0, None, 10_000, False
    for sign in text:
        if sign == "万":
            if total or not (section or digit):
                return None
            total, section, digit, last_unit = (section + (digit or 0)) * 10_000, 0, None, 10_000
            after_zero = False
        elif sign in _UNITS_ZH:
            unit = _UNITS_ZH[sign]
            if unit >= last_unit or digit == 0:
                return None
            section += (1 if digit is None else digit) * unit
            digit, last_unit, after_zero = None, unit, False
        elif digit:
            return None
        else:
            after_zero = after_zero or digit == 0
            digit = _DIGITS_ZH[sign]
    if digit and last_unit >= 100 and not after_zero:
        digit *= last_unit // 10  # the unit is left out: 两百五, 一万二
    return total + section + (digit or 0)


def _figure(text: str) -> int | float:
    head, comma, tail = text.rpartition(",")
    plain = f"{head}.{tail}" if comma and len(tail) < 3 else text.replace(",", "")
    return float(plain) if "." in plain else int(plain)
