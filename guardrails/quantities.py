"""Amounts of money, percentages and durations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from guardrails.facts import Fact, Text, fact
from guardrails.numerals import ANY, CHINESE, FIGURES, MULTIPLES, any_values, key, of_chinese, times, values

_TO = r"\s?(?:-|–|—|~|～|to|至|到|and|or|或)\s?"

# -- money -------------------------------------------------------------------------------------------------------
# `$` and `¥` are signs of several currencies, so an amount has all that its sign may mean.
_DOLLARS = frozenset({"USD", "HKD", "CAD", "AUD", "SGD", "TWD", "NZD"})
_SIGNS = """
USD us$ usd 美元 美金 us_dollars
EUR € eur 欧元 euro euros
GBP £ gbp 英镑 pound pounds
CNY cny rmb 人民币 元 圆 块钱 块 yuan 元人民币
JPY jpy 日元 日圆 円 yen
HKD hk$ hkd 港币 港元
TWD nt$ twd 台币 新台币
CAD c$ cad
AUD a$ aud
SGD s$ sgd
INR ₹ inr rupees
KRW ₩ krw 韩元
THB ฿
RUB ₽
CHF chf
"""
_CURRENCIES: dict[str, frozenset[str]] = {
    "$": _DOLLARS,
    "¥": frozenset({"CNY", "JPY"}),
    **dict.fromkeys(("dollar", "dollars", "bucks"), _DOLLARS),
    **{
        sign.replace("_", " "): frozenset({code})
        for code, *signs in map(str.split, _SIGNS.strip().splitlines())
        for sign in signs
    },
}
_SIGN = "|".join(sorted((re.escape(each) for each in _CURRENCIES), key=len, reverse=True))
_MULTIPLE = r"(?:\s?(?:百万|千万|[百千万亿]|thousand|million|billion)|[km](?![a-z]))"
_MONEY = re.compile(
    rf"(?<![A-Za-z0-9_.,$€£¥])(?P<before>(?:{_SIGN}))\s?(?P<first>{FIGURES})(?P<by>{_MULTIPLE})?(?:{_TO}(?"
    rf":{_SIGN})?\s?(?P<second>{FIGURES})(?P<by2>{_MULTIPLE})?(?!\s?(?:days?|天"
    rf"|[\d%])))?(?:\s?(?P<after>{_SIGN})(?![a-z]))?"
    rf"|(?<![A-Za-z0-9_.,])(?P<first_>{FIGURES})(?P<by_>{_MULTIPLE})?(?:{_TO}(?P<second_>{FIGURES})(?P<by2_"
    rf">{_MULTIPLE})?)?[\s-]?(?P<after_>{_SIGN})(?![a-z])(?P<tenths>\d(?!\d))?"
    rf"|(?P<words>{CHINESE})(?P<after__>元人民币|美元|美金|欧元|英镑|日元|港币|港元|人民币|元|块钱|圆)"
    rf"|(?<![A-Za-z])(?P<words_>(?!an?\s)(?:{ANY}))\s(?P<after___>(?:us\s)?dollars|euros|pounds|yuan|yen|rupees)\b",
    re.I,
)
_CENTS = re.compile(rf"(?<![A-Za-z0-9_.,])({FIGURES})\s?(?:cents?|美分|欧分)\b", re.I)


def money(text: Text) -> Iterator[Fact]:
    for match in text.take(_MONEY):
        group = match.groupdict()
        signs = [group[name] for name in ("before", "after", "after_", "after__", "after___") if group[name]]
        currencies = (
            frozenset.intersection(*(_CURRENCIES[each.lower()] for each in signs)) or _CURRENCIES[signs[0].lower()]
        )
        found: set[Decimal] = set()
        for figures, by in (("first", "by"), ("second", "by2"), ("first_", "by_"), ("second_", "by2_")):
            if group[figures]:
                # "1-2万元": the multiple of the second counts for the first.
                multiple = group[by] or (group["by2" if by == "by" else "by2_"] if by in ("by", "by_") else None)
                yield _amount(match, values(group[figures], _multiple(multiple)), currencies, group["tenths"])
        if group["words"] or group["words_"]:
            found.update(any_values(group["words"] or group["words_"]))
            if found:
                yield _amount(match, tuple(found), currencies, None)
        text.drop(*match.span())
    for match in text.take(_CENTS):
        yield _amount(match, tuple(value / 100 for value in values(match[1])), _DOLLARS | {"EUR"}, None)
        text.drop(*match.span())


def _multiple(word: str | None) -> int:
    return MULTIPLES[word.strip().lower()] if word else 1


def _amount(match: re.Match[str], found: tuple[Decimal, ...], currencies: frozenset[str], tenths: str | None) -> Fact:
    if tenths:
        # 12块5 is 12.5.
        found = tuple(value + Decimal(tenths) / 10 for value in found)
    said = {f"{key(value)}|{currency}" for value in found for currency in currencies}
    # Any number of a table or a tool's result may be this amount; it just has no currency there.
    return fact("amount", match, said | {f"{key(value)}|" for value in found}, said)


def amount_keys(fact_: Fact) -> frozenset[str]:
    """What a stated amount is a ground for: with its currency only."""
    return frozenset(each for each in fact_.supports if not each.endswith("|"))


# -- percentages -------------------------------------------------------------------------------------------------
_PERCENT = re.compile(
    rf"(?<![A-Za-z0-9_.,])(?P<first>{FIGURES})(?:\s?%?{_TO}(?P<second>{FIGURES}))?\s?(?:%|percent\b"
    rf"|per\scent\b|pct\b|个百分点)"
    rf"|百分之(?P<words>{CHINESE}|{FIGURES})|(?<![A-Za-z0-9_.])(?P<off>[1-9](?:\.\d)?|[1-9]\d|{CHINESE})折(?![扣叠])",
    re.I,
)


def percentages(text: Text) -> Iterator[Fact]:
    for match in text.take(_PERCENT):
        found: list[Decimal] = []
        if match["first"]:
            found += values(match["first"])
            if match["second"]:
                yield fact("percentage", match, {key(each) for each in values(match["second"])})
        elif match["words"]:
            found += any_values(match["words"])
        elif match["off"]:
            found += _discount(match["off"])
        if found:
            yield fact("percentage", match, {key(each) for each in found})
            text.drop(*match.span())


def _discount(words: str) -> Iterator[Decimal]:
    """八五折 and 8.5折 leave 85 of 100: fifteen percent off."""
    if words[0].isdigit():
        left = Decimal(words) * (1 if len(words) == 2 and "." not in words else 10)
    else:
        found = of_chinese(words)
        left = Decimal(0) if found is None else found * (10 if found < 10 else 1)
    if 0 < left < 100:
        yield 100 - left


# -- durations ---------------------------------------------------------------------------------------------------
# In seconds, in months, or in working days, none of which is a fixed number of another.
_PERIODS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("second", "sec", "秒", "秒钟"), ("s", 1)),
    **dict.fromkeys(("minute", "min", "分钟"), ("s", 60)),
    **dict.fromkeys(("hour", "hr", "h", "小时", "钟头"), ("s", 3_600)),
    **dict.fromkeys(("day", "天", "日", "自然日", "night", "晚"), ("s", 86_400)),
    **dict.fromkeys(("week", "wk", "周", "星期", "礼拜"), ("s", 604_800)),
    "fortnight": ("s", 1_209_600),
    **dict.fromkeys(("month", "月"), ("m", 1)),
    **dict.fromkeys(("quarter", "季度"), ("m", 3)),
    **dict.fromkeys(("year", "yr", "年", "周年"), ("m", 12)),
    **dict.fromkeys(("business day", "工作日", "交易日"), ("b", 1)),
}
_DURATION = re.compile(
    rf"(?P<limit>within|up\sto|at\smost|no\smore\sthan|(?:no|not)\slonger\sthan|less\sthan|under"
    rf"|max(?:imum)?(?:\sof)?|最多|不超过|最长|最晚|至多)?\s{{0,2}}"
    rf"(?P<least>at\sleast|minimum(?:\sof)?|more\sthan|over|最少|至少|不少于)?\s{{0,2}}"
    rf"(?:(?<![A-Za-z0-9_.,/:-])(?<!第)(?<!第\d)(?P<first>{ANY})(?:{_TO}(?P<second>{ANY}))?(?P<half>个半)?"
    rf"|(?P<a>(?<![A-Za-z])(?:an?|one\sfull)(?=\s(?:full\s|whole\s)?(?:business|working|calendar|hour|day"
    rf"|week|fortnight|month|year)))|(?P<half_>半|half\san?))"
    rf"(?:\s?-?\s?(?:(?P<working>business|working|work)|calendar|full|whole|consecutive|natural)[\s-])?\s?-?\s?(?:"
    rf"(?P<en>seconds?|secs?|minutes?|mins?|hours?|hrs?|h|days?|nights?|weeks?|wks?|fortnights?|months?"
    rf"|quarters?|years?|yrs?)(?![A-Za-z])"
    rf"|个?(?P<zh>工作日|交易日|自然日|秒钟?|分钟|小时|钟头|天|周年|周|星期|礼拜|季度|年|晚|日(?=[内后之以前无])"
    rf"|(?<=个)月|(?<=半)月))(?P<half__>半)?"
    rf"(?P<limit_>\s?(?:之?内|以内|or\sless|at\s(?:the\s)?(?:most|latest)))?",
    re.I,
)
_RATE = re.compile(r"(?:once|twice|times|per|hours?|days?|every)\s\Z", re.I)


def durations(text: Text) -> Iterator[Fact]:
    for match in text.take(_DURATION):
        group = match.groupdict()
        if group["a"] and _RATE.search(text.rest[max(0, match.start() - 8) : match.start("a")]):
            continue
        family, size = _period(group)
        firsts = (
            (Decimal(1),) if group["a"] else (Decimal("0.5"),) if group["half_"] else any_values(group["first"] or "")
        )
        seconds = any_values(group["second"]) if group["second"] else ()
        if group["half"] or group["half__"]:
            firsts = tuple(each + Decimal("0.5") for each in firsts)
        if not firsts:
            continue
        starts = [key(times(each, size)) for each in firsts]
        ends = [key(times(each, size)) for each in seconds] or starts
        said: set[str] = set()
        supports: set[str] = set()
        for start, end in zip(starts, ends, strict=False):
            supports |= {f"{family}<={end}", f"{family}>={start}"}
            said |= {f"{family}{start}-{end}" if seconds else f"{family}{start}"}
        if not seconds and (group["limit"] or group["limit_"]):
            said |= {f"{family}<={end}" for end in ends}
        if not seconds and group["least"]:
            said |= {f"{family}>={start}" for start in starts}
        yield fact("duration", match, said, supports)
        text.drop(*match.span())


def _period(group: dict[str, str | None]) -> tuple[str, int]:
    name = (group["zh"] or group["en"] or "").lower()
    if group["en"] and len(name) > 1:
        name = name.rstrip("s")
    if group["working"] and name == "day":
        name = "business day"
    return _PERIODS[name]
