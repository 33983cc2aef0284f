"""Numbers as people write them, in figures and in words of English and Chinese, to one spelling of their value."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext

# Thousands apart by comma, full stop, apostrophe or a narrow blank; decimals by the other one.
FIGURES = (
    r"(?:\d{1,3}(?:[,'\u202f]\d{3}){1,12}(?:\.\d{1,12})?|\d{1,3}(?:\.\d{3}){2,12}(?:,\d{1,12})?"
    r"|\d{1,3}\.\d{3},\d{1,12}|\d{1,40}(?:[.,]\d{1,12})?)"
)
CHINESE = r"[零〇一二两三四五六七八九十百千万亿]{1,16}"
_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_UNITS = _NAMES.split()
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SMALL = "|".join(sorted(_UNITS, key=len, reverse=True))
ENGLISH = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[- ](?:{_SMALL}))?|(?:{_SMALL})(?:\s(?:hundred|thousand))?|a\s(?:hundred|thousand"
    rf"|dozen))"
)
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PLACES = {"十": 10, "百": 100, "千": 1_000}
MULTIPLES = {
    "万": 10_000,
    "千": 1_000,
    "百": 100,
    "亿": 100_000_000,
    "百万": 1_000_000,
    "千万": 10_000_000,
    "k": 1_000,
    "thousand": 1_000,
    "million": 1_000_000,
    "m": 1_000_000,
    "billion": 1_000_000_000,
}


def values(figures: str, multiple: int = 1) -> tuple[Decimal, ...]:
    """Every value that figures can mean: `1.299` is about one here and over a thousand there."""
    plain = figures.replace("'", "").replace("\u202f", "")
    comma, stop = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and stop >= 0:
        decimal, thousands = (",", ".") if comma > stop else (".", ",")
        spelt = [plain.replace(thousands, "").replace(decimal, ".")]
    elif comma >= 0:
        grouped = re.fullmatch(r"\d{1,3}(?:,\d{3})+", plain)
        spelt = [plain.replace(",", "" if grouped else ".")]
    elif plain.count(".") > 1:
        spelt = [plain.replace(".", "")]
    elif re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", plain):
        spelt = [plain, plain.replace(".", "")]
    else:
        spelt = [plain]
    return tuple(times(Decimal(each), multiple) for each in spelt)


def times(value: Decimal, multiple: int) -> Decimal:
    with localcontext() as context:
        context.prec = 80
        return value * multiple


def key(value: Decimal) -> str:
    """One spelling for one value: `1299`, `12.5`."""
    spelt = f"{value:f}"
    return (spelt.rstrip("0").rstrip(".") if "." in spelt else spelt) or "0"


def of_chinese(text: str) -> Decimal | None:
    """`三百二十` is 320, `二〇二六` is 2026; None if it is no number."""
    if all(each in _DIGITS for each in text):
        return Decimal("".join(str(_DIGITS[each]) for each in text)) if text else None
    total, section, digit = 0, 0, 0
    for each in text:
        if each in _DIGITS:
            digit = _DIGITS[each]
        elif each in _PLACES:
            section += (digit or 1) * _PLACES[each]
            digit = 0
        elif each in ("万", "亿"):
            total = (total + section + digit) * MULTIPLES[each] if each == "亿" else total + (section + digit) * 10_000
            section = digit = 0
        else:
            return None
    return Decimal(total + section + digit)


def of_english(text: str) -> Decimal | None:
    """`twenty-one` is 21, `two hundred` is 200; None if it is no number."""
    total = 0
    for word in re.split(r"[\s-]+", text.lower().strip()):
        if word in _TENS:
            total += _TENS[word]
        elif word in _UNITS:
            total += _UNITS.index(word)
        elif word in ("hundred", "thousand", "dozen"):
            total = max(total, 1) * {"hundred": 100, "thousand": 1_000, "dozen": 12}[word]
        elif word in ("a", "an"):
            total += 0
        else:
            return None
    return Decimal(max(total, 1) if text[:1] in "aA" else total)


ANY = rf"(?:{FIGURES}|{CHINESE}|(?<![A-Za-z0-9_]){ENGLISH}(?![A-Za-z0-9_]))"


def any_values(text: str) -> tuple[Decimal, ...]:
    """Of figures or words."""
    plain = text.strip()
    if (plain[:1].isdigit() and plain.isascii()) or "\u202f" in plain:
        return values(plain) if re.fullmatch(FIGURES, plain) else ()
    found = of_chinese(plain) if not plain.isascii() else of_english(plain)
    return () if found is None else (found,)
