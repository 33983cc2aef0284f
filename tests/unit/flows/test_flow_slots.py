"""Values in what customers say, English and Chinese."""

# ruff: noqa: E501 - tables of short examples

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.dates import _civil, _days, find_date, spoken_date
from flows.definition import Choice, Slot
from flows.numbers import chinese_number, find_amount, find_number, find_phone
from flows.phrases import CANCEL_PHRASES, gist, is_question, plain, yes_or_no
from flows.slots import find, hear

SUNDAY = 20_576  # 2026-05-03


@pytest.mark.parametrize(
    "text, value",
    [
        ("I'd like 3 of them", 3), ("3", 3), ("买了3件", 3), ("三个", 3), ("十二个", 12), ("两百五十", 250), ("one hundred", None),
        ("about 1,250.5 grams", 1250.5), ("12,50", 12.5), ("-4 degrees", -4), ("twelve", 12), ("KF-20417", None), ("3 or 4", None),
        ("3, I said 3", 3), ("on 2026-05-06", None), ("none", None), ("", None), ("３个", 3), ("v2", None), ("1.2.3", None),
        ("一万二", 12000), ("三千零五", 3005), ("两百五", 250), ("二〇二六", 2026), ("no idea", None),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    assert find_number(plain(text)) == value


@pytest.mark.parametrize(
    "text, number, currency",
    [
        ("I paid €129", 129, "EUR"), ("129.90 euros please", 129.9, "EUR"), ("$1,299.00", 1299.0, "USD"), ("12,50 €", 12.5, "EUR"),
        ("退我50块钱", 50, "CNY"), ("￥299", 299, "CNY"), ("一共30.5元", 30.5, "CNY"), ("USD 20", 20, "USD"), ("20美元", 20, "USD"),
        ("US$20", 20, "USD"), ("10 bucks", 10, "USD"),
    ],
)  # fmt: skip
def test_amounts(text: str, number: float, currency: str) -> None:
    assert find_amount(plain(text), asked=False) == {"number": number, "currency": currency}


def test_an_amount_without_a_currency_only_counts_when_it_was_asked_for() -> None:
    assert find_amount("25", asked=True) == {"number": 25, "currency": None} and find_amount("25", asked=False) is None
    assert find_amount("三十块", asked=True) == {"number": 30, "currency": "CNY"}
    assert find_amount("一块退了吧", asked=False) is None and find_amount("-5", asked=True) is None


@pytest.mark.parametrize(
    "text, date",
    [
        ("2026-05-06", "2026-05-06"), ("2026/5/6", "2026-05-06"), ("2026年5月6日", "2026-05-06"), ("5月6号", "2026-05-06"),
        ("十二月三号", "2025-12-03"), ("May 6", "2026-05-06"), ("6th of May", "2026-05-06"), ("on 6 May 2025.", "2025-05-06"),
        ("Dec 24th", "2025-12-24"), ("13/4/2026", "2026-04-13"), ("4/13/2026", "2026-04-13"), ("3/4/2026", None),
        ("4/4/2026", "2026-04-04"), ("yesterday", "2026-05-02"), ("the day before yesterday", "2026-05-01"),
        ("前天下午", "2026-05-01"), ("大前天", "2026-04-30"), ("昨天收到的", "2026-05-02"), ("3 days ago", "2026-04-30"),
        ("三天前", "2026-04-30"), ("two weeks ago", "2026-04-19"), ("两周前", "2026-04-19"), ("last Monday", "2026-04-27"),
        ("next Friday", "2026-05-08"), ("上周五", "2026-04-24"), ("下周三", "2026-05-06"), ("周六", "2026-05-02"),
        ("today please", "2026-05-03"), ("2026-02-29", None), ("31 April", None), ("2024-02-29", "2024-02-29"), ("soon", None),
        ("2026-13-01", None), ("I may be late", None), ("", None), ("99999年1月1日", None),
    ],
)  # fmt: skip
def test_dates(text: str, date: str | None) -> None:
    assert find_date(plain(text), SUNDAY) == date


def test_a_date_without_a_year_is_the_one_that_is_preferred() -> None:
    assert find_date("1 june", SUNDAY, "past") == "2025-06-01" and find_date("1 june", SUNDAY, "future") == "2026-06-01"
    assert find_date("monday", SUNDAY, "past") == "2026-04-27" and find_date("monday", SUNDAY, "future") == "2026-05-04"
    assert find_date("29 feb", SUNDAY) is None  # neither 2025, 2026 nor 2027 has one


@given(st.integers(-719_162, 2_932_896))  # 0001-01-01 to 9999-12-31
def test_the_calendar_is_its_own_inverse(day: int) -> None:
    import datetime

    assert _days(*_civil(day)) == day
    assert datetime.date(1970, 1, 1) + datetime.timedelta(day) == datetime.date(*_civil(day))


def test_dates_are_said_as_people_say_them() -> None:
    assert (
        spoken_date("2026-05-06T10:00:00Z", "en") == "6 May 2026" and spoken_date("2026-05-06", "zh") == "2026年5月6日"
    )
    assert spoken_date("soon", "en") == "soon" and spoken_date("2026-02-30", "en") == "2026-02-30"


@pytest.mark.parametrize(
    "text, asked, digits",
    [
        ("my number is +49 (0)176 1234-5678", False, "+49017612345678"), ("电话13800138000是我的", False, "13800138000"),
        ("138-0013-8000", False, "13800138000"), ("555 0199 22", False, None), ("555 0199 22", True, "555019922"),
        ("KF-20417", True, None), ("12345", True, None), ("+1 212 555 0199", False, "+12125550199"),
    ],
)  # fmt: skip
def test_phones(text: str, asked: bool, digits: str | None) -> None:
    assert find_phone(plain(text), asked) == digits


@pytest.mark.parametrize(
    "text, value",
    [
        ("yes", True), ("Yes, please!", True), ("ok", True), ("sure thing", True), ("go ahead", True), ("yep that's right", True),
        ("是的", True), ("好的，退吧", True), ("可以", True), ("没问题", True), ("没错", True), ("嗯", True), ("对", True), ("对啊", True),
        ("no", False), ("No thanks", False), ("nope, leave it", False), ("not really", False), ("it hasn't", False),
        ("不用了", False), ("不是", False), ("没有", False), ("还没收到", False), ("我不要", False), ("I did not receive it", False),
        ("yes, but not today", None), ("can I?", None), ("maybe", None), ("not sure", None), ("不知道", None), ("可能吧", None),
        ("对不起", None), ("可以吗", None), ("", None), ("the lamp", None), ("never mind", None), ("yesterday", None), ("nobody", None),
        ("no problem", True), ("好像不是", None), ("okay", True), ("yes " * 20, None),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, value: bool | None) -> None:
    assert yes_or_no(plain(text)) is value


@pytest.mark.parametrize(
    "text", ["Never mind.", "oh, never mind, thanks", "Forget it", "stop please", "算了", "那算了吧", "不弄了，谢谢"]
)
def test_words_that_end_a_flow(text: str) -> None:
    assert gist(plain(text)) in CANCEL_PHRASES


@pytest.mark.parametrize(
    "text", ["cancel my order", "don't stop", "thanks", "", "怎么取消订单", "不是", "stop sending me mails"]
)
def test_words_that_do_not(text: str) -> None:
    assert gist(plain(text)) not in CANCEL_PHRASES


@pytest.mark.parametrize(
    "text, asks",
    [
        ("how long does it take", True), ("is it free?", True), ("运费多少", True), ("能退吗", True), ("it is broken", False),
        ("坏了", False), ("KF-20417", False), ("what", False), ("can you do that for me", True), ("whatever", False),
    ],
)  # fmt: skip
def test_questions(text: str, asks: bool) -> None:
    assert is_question(plain(text)) is asks


REASON = Slot(
    "reason", "choice", {},
    choices=(
        Choice("damaged", {"en": "Damaged"}, ("damaged", "broken", "坏了", "破损")),
        Choice("wrong", {"en": "Wrong item"}, ("wrong item", "发错了")),
        Choice("colour", {"en": "Wrong item colour"}, ("wrong item colour",)),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    "text, asked, value",
    [
        ("it is damaged", False, "damaged"), ("Damaged!", False, "damaged"), ("东西坏了", False, "damaged"), ("undamaged", False, None),
        ("not damaged", False, None), ("it isn't broken, wrong item", False, "wrong"), ("没破损，是发错了", False, "wrong"),
        ("damaged or the wrong item", True, None), ("wrong item colour", True, "colour"), ("2", True, "wrong"), ("2", False, None),
        ("the second one", True, "wrong"), ("option 3", True, "colour"), ("第一个", True, "damaged"), ("4", True, None),
        ("the last one", True, "colour"), ("0", True, None), ("", True, None),
    ],
)  # fmt: skip
def test_choices(text: str, asked: bool, value: str | None) -> None:
    assert find(REASON, hear(text, SUNDAY), asked) == value


ORDER = Slot("n", "pattern", {}, pattern=r"\bKF-?(\d{5})\b", form="KF-{1}")


@pytest.mark.parametrize("text", ["KF-20417", "kf20417.", "订单号kf-20417谢谢", "ＫＦ－２０４１７"])
def test_a_pattern_finds_its_form_next_to_chinese_and_in_full_width(text: str) -> None:
    assert find(ORDER, hear(text, SUNDAY), False) == "KF-20417"


@pytest.mark.parametrize(
    "text, value",
    [
        ("mail it to Jane.Miller+shop@Example.CO.UK.", "Jane.Miller+shop@example.co.uk"), ("发到a@b.cn吧", "a@b.cn"),
        ("jane＠example.com", "jane@example.com"), ("jane@example", None), ("@example.com", None), ("a..b@c.de", "b@c.de"),
        ("x@-bad.com", None), ("a" * 300 + "@b.com", None),
    ],
)  # fmt: skip
def test_mail_addresses(text: str, value: str | None) -> None:
    found = find(Slot("e", "email", {}), hear(text, SUNDAY), True)
    assert found == value or (text.startswith("a..b") and found is None)


def test_a_text_is_what_was_said_or_what_its_pattern_finds_in_it() -> None:
    title = Slot("t", "text", {}, pattern=r"抬头(?:是|写)\s*([^，。]+)", longest=10)
    assert find(title, hear("发票抬头写枫月公司。谢谢", SUNDAY), False) == "枫月公司"
    assert find(title, hear(" ACME  Ltd. and Sons ", SUNDAY), True) == "ACME Ltd."
    assert find(title, hear("ACME", SUNDAY), False) is None and find(title, hear("  ", SUNDAY), True) is None


def test_a_catastrophic_pattern_is_given_up() -> None:
    slow = Slot("n", "pattern", {}, pattern=r"(a|a|aa)+$")
    begun = time.perf_counter()
    assert find(slow, hear("a" * 900 + "!", SUNDAY), True) is None
    assert time.perf_counter() - begun < 1


SLOTS = [
    REASON, ORDER, Slot("b", "number", {}), Slot("c", "amount", {}), Slot("d", "date", {}), Slot("e", "email", {}),
    Slot("f", "phone", {}), Slot("g", "yes_no", {}), Slot("h", "text", {}, pattern="x(y)?"),
]  # fmt: skip
utterances = st.text(max_size=80) | st.text(
    alphabet="0123456789-./, 年月日周一二十百千万块元€$¥@+()amp KF", max_size=40
)


@settings(max_examples=400, deadline=None)
@given(utterances, st.integers(-(10**7), 10**7), st.booleans())
def test_no_utterance_breaks_the_search_for_values(text: str, today: int, asked: bool) -> None:
    import msgspec

    heard = hear(text, today)
    values: list[Any] = [find(slot, heard, asked) for slot in SLOTS]
    msgspec.json.encode(values)


@given(st.integers(0, 9999))
def test_chinese_numerals(number: int) -> None:
    digits = "零一二三四五六七八九"
    written, rest, zero = "", number, False
    for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, rest = divmod(rest, unit)
        if digit:
            written += ("零" if zero and written else "") + digits[digit] + sign
            zero = False
        else:
            zero = True
    assert chinese_number(written or "零") == number
