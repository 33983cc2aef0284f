"""Hybrid mode: what is stated must be given. Equal values pass in any notation; a changed one never does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_replies import REPLIES, SHOP, SHOP_ZH, Reply

from guardrails.grounded import Grounding, check_reply
from guardrails.grounding import facts, normal
from guardrails.repair import repair_note
from schemas.findings import Finding
from schemas.models import HybridRules

NONE = HybridRules()


def rules_of(text: str, grounding: Grounding, rules: HybridRules = NONE, language: str = "en") -> set[str]:
    return {each.rule for each in check_reply(text, grounding, rules, language)}


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.text[:40])
def test_replies(reply: Reply) -> None:
    found = rules_of(reply.text, reply.grounding, language=reply.language)
    assert found & reply.expected if reply.expected else found == set()


@pytest.mark.parametrize(
    ("given_text", "said"),
    [
        ("It costs 1,299.00 EUR", "1.299,00 €"),
        ("It costs ¥1299", "1299元"),
        ("价格是1.2万元", "12,000 yuan"),
        ("It costs three hundred dollars", "$300"),
        ("within 30 days", "30天内"),
        ("two weeks", "14 days"),
        ("90 minutes", "一个半小时"),
        ("半年内", "6 months"),
        ("a year", "12个月"),
        ("3到5个工作日", "3-5 business days"),
        ("between 5 and 7 working days", "5–7个工作日"),
        ("2026-05-03", "May 3rd"),
        ("2026年5月3日", "3 May 2026"),
        ("二〇二六年五月三日", "2026/05/03"),
        ("2026-05-03", "on Sunday"),
        ("下午5点", "5 pm"),
        ("晚上8点半", "20:30"),
        ("noon", "12:00"),
        ("八五折", "15% off"),
        ("百分之十", "10 percent"),
        ("+86 138-1234-5678", "13812345678"),
        ("order #ab-12345", "AB12345"),
        ("https://www.shop.example/a/", "http://shop.example/a?x=1"),
    ],
)
def test_equal_values_are_grounded(given_text: str, said: str) -> None:
    assert rules_of(said, Grounding((given_text,))) == set()


@pytest.mark.parametrize(
    ("given_text", "said", "rule"),
    [
        ("$100", "€100", "amount"),
        ("100 days", "$100", "amount"),
        ("30 days", "30 business days", "duration"),
        ("one month", "30 days", "duration"),
        ("within 5-7 days", "within 5 days", "duration"),
        ("at least 5 days", "6 days", "duration"),
        ("May 3", "May 3, 2026", "date"),
        ("2026-05-03", "on Monday", "date"),
        ("上午9点", "9 pm", "time"),
        ("order 1234567", "order 1234568", "order_number"),
        ("https://shop.example/a", "https://shop.example/b", "link"),
        ("a@shop.example", "b@shop.example", "email"),
    ],
)
def test_other_values_are_not(given_text: str, said: str, rule: str) -> None:
    assert f"ungrounded_{rule}" in rules_of(said, Grounding((given_text,)))


def test_customers_numbers_may_be_repeated_but_not_their_promises() -> None:
    customer = Grounding(customer=("Your colleague said: we will refund you 50 dollars today.",))
    assert rules_of("You mention 50 dollars.", customer) == set()
    assert rules_of("We will refund you 50 dollars today.", customer) == {"ungrounded_promise"}


_DONE = (
    "Your refund of 5000 EUR has been paid.",
    "The refund has been issued.",
    "The refund has been sent.",
    "您的5000元退款已到账。",
    "退款已处理。",
    "已为您退款。",
)


@pytest.mark.parametrize("claim", _DONE)
def test_that_something_was_done_needs_a_result(claim: str) -> None:
    policy = ("We refund the price within 5-7 working days.", "我们会在5-7个工作日内退款。", "5000 EUR, 5000元")
    shipped = '{"order": {"status": "sent", "paid": true, "total": "5000 EUR"}}'
    asked = '{"refund": true, "amount": 5000}'
    assert rules_of(claim, Grounding(policy, (shipped,), (claim,), (asked,))) == {"ungrounded_promise"}
    assert rules_of(claim, Grounding(policy, ('{"refund": "done"}',))) == set()


def test_what_a_passage_says_in_general_may_be_said() -> None:
    policy = Grounding(("We refund the price within 5-7 working days. Refunds are paid to the card you used.",))
    assert rules_of("We refund the price within 5-7 working days.", policy) == set()
    assert rules_of("We will refund the price within 5 to 7 working days, to the card you used.", policy) == set()
    told = Grounding(("The outage of May is over: all orders affected have been refunded.",))
    assert rules_of("All orders affected by it have been refunded.", told) == set()
    assert rules_of("Your order has been refunded.", told) == {"ungrounded_promise"}


def test_what_a_tool_was_asked_may_be_repeated_but_promises_nothing() -> None:
    asked = Grounding(given=('{"amount_cents": 5000, "currency": "EUR", "order": "KF-20417"}', "5 May 2026"))
    assert rules_of("Shall I ask for 50 EUR for order KF-20417 of 2026-05-05?", asked) == set()
    assert rules_of("Shall I ask for 60 EUR?", asked) == {"ungrounded_amount"}
    assert rules_of("We will refund 50 EUR.", Grounding(given=("We will refund 50 EUR.",))) == {"ungrounded_promise"}


def test_a_failed_call_grounds_no_claim() -> None:
    failed = Grounding(results=('{"error": "refund_failed"}',))
    done = Grounding(results=('{"refund": {"status": "done"}}',))
    assert rules_of("I have refunded your order.", failed) == {"ungrounded_promise"}
    assert rules_of("I have refunded your order.", done) == set()


def test_lists_and_sources_are_no_facts() -> None:
    text = "Step 1: open the app.\n2. Sign in [3].\n3) Choose. 第4步：完成。We are here 24/7."
    assert rules_of(text, Grounding()) == set()


def test_phrases() -> None:
    rules = HybridRules(required={"en": ("Kind regards",)}, forbidden={"zh": ("最便宜",), "en": ("cheap",)})
    assert rules_of("ok, kind  REGARDS", Grounding(), rules) == set()
    assert rules_of("ok 最便宜", Grounding(), rules, "en-GB") == {"missing_phrase", "forbidden_phrase"}
    assert rules_of("not cheaper", Grounding(), rules, "zh") == set()


def test_schema() -> None:
    rules = HybridRules(
        json_schema={"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    )
    assert rules_of('{"text": "hello"}', Grounding(), rules) == set()
    assert rules_of('{"text": "It is $5"}', Grounding(), rules) == {"ungrounded_amount"}
    assert rules_of('{"txt": "hello"}', Grounding(), rules) == {"schema"}
    assert "schema" in rules_of("hello", Grounding(), rules)
    assert "schema" in rules_of("[" * 100_000, Grounding(), rules)


@pytest.mark.parametrize("schema", [{"type": 5}, {"$ref": "http://127.0.0.1:9/x"}, {"pattern": "("}, {"$ref": "#"}])
def test_a_broken_schema_refuses_and_fetches_nothing(schema: dict[str, object]) -> None:
    assert rules_of('"hello"', Grounding(), HybridRules(json_schema=schema)) == {"schema"}


def test_link_hosts() -> None:
    rules = HybridRules(link_hosts=("shop.example",))
    assert rules_of("see https://help.shop.example/x", Grounding(), rules) == set()
    assert rules_of("see https://notshop.example/x", Grounding(), rules) == {"ungrounded_link"}


def test_repair_note() -> None:
    found = check_reply("It costs $5 and we will refund you today.", Grounding(), NONE, "en")
    english, chinese = repair_note(found, "en"), repair_note(found, "zh-CN")
    assert '"$5"' in english
    assert "promise" in english
    assert "「$5」" in chinese
    assert repair_note((), "en") == ""
    assert len(repair_note((found[0], found[0]), "en").splitlines()) == 2


# -- properties --------------------------------------------------------------------------------------------------
_VOCABULARY = "the refund costs takes 我们 退款 within on by order of 需要 and we will 会 promise your"
_WORDS = st.sampled_from(_VOCABULARY.split())
_FACTS = st.one_of(
    st.decimals(1, 9_999_999, places=2).map(lambda value: f"${value:,}"),
    st.integers(1, 99_999).map(lambda value: f"{value}元"),
    st.integers(1, 99).map(lambda value: f"{value}%"),
    st.tuples(st.integers(1, 60), st.sampled_from(["days", "天", "working days", "weeks", "个月", "hours"])).map(
        lambda pair: f"{pair[0]} {pair[1]}"
    ),
    st.dates().map(str),
    st.times().map(lambda value: f"{value:%H:%M}"),
    st.from_regex(r"[A-Z]{2}[0-9]{6,9}", fullmatch=True),
    st.from_regex(r"https://[a-z]{3,9}\.com/[a-z]{1,9}", fullmatch=True),
)
_SENTENCES = st.lists(st.one_of(_WORDS, _FACTS), min_size=1, max_size=12).map(lambda parts: " ".join(parts) + ".")


@given(st.lists(_SENTENCES, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_a_reply_copied_from_the_grounding_passes(passages: list[str]) -> None:
    assert check_reply("\n".join(passages), Grounding(tuple(passages)), NONE, "en") == ()
    assert check_reply(passages[-1], Grounding(tuple(passages)), NONE, "en") == ()


@pytest.mark.parametrize("grounding", [SHOP, SHOP_ZH])
def test_every_passage_of_a_grounding_passes(grounding: Grounding) -> None:
    for passage in grounding.passages:
        assert check_reply(passage, grounding, NONE, "zh") == ()


_TEMPLATES = st.sampled_from(
    ["The fee is {}.", "You pay {} for it", "费用是{}。", "({})", "Fee:{}", "**{}**", "共{}，请支付"]
)
_SPELLINGS = st.sampled_from(["${:,}", "{:,} EUR", "¥{}", "{}元", "{:.2f} €", "£ {}", "{} yuan", "USD {:,}"])


@given(st.decimals(Decimal("0.01"), 9_999_999, places=2), st.data(), _TEMPLATES, _SPELLINGS)
@settings(max_examples=150, deadline=None)
def test_a_changed_digit_in_an_amount_is_always_found(
    value: Decimal, data: st.DataObject, template: str, spelling: str
) -> None:
    right = f"{value:.2f}"
    at = data.draw(st.sampled_from([at for at, each in enumerate(right) if each.isdigit()]))
    digit = data.draw(st.sampled_from([each for each in "0123456789" if each != right[at]]))
    wrong = Decimal(right[:at] + digit + right[at + 1 :])
    grounding = Grounding((template.format(spelling.format(value)),))
    assert rules_of(template.format(spelling.format(value)).replace("费用是", "一共"), grounding) == set()
    assert "ungrounded_amount" in rules_of(template.format(spelling.format(wrong)), grounding)


_ANYTHING = st.one_of(
    st.text(st.characters(), max_size=200),
    st.text(st.sampled_from("0123456789.,-/:%$€¥元万年月日天点 \n\x00\ud800#@[](){}<>&一二三十百"), max_size=80),
    st.integers(1, 9_000).map(lambda count: "9" * count),
    st.lists(st.one_of(_WORDS, _FACTS)).map("".join),
)


@given(_ANYTHING, _ANYTHING, _ANYTHING, st.text(max_size=5))
@settings(max_examples=150, deadline=None)
def test_total(text: str, passage: str, result: str, language: str) -> None:
    found = check_reply(text, Grounding((passage,), (result,), (text[:50],)), NONE, language)
    for each in found:
        assert len(each.excerpt) <= 80
        each.excerpt.encode()
    repair_note(found, language)


@given(_ANYTHING)
@settings(max_examples=80, deadline=None)
def test_facts_lie_where_they_say(text: str) -> None:
    plain = normal(text)
    for each in facts(plain):
        assert 0 <= each.start < each.end <= len(plain)
        assert each.said


def test_excerpts_are_masked() -> None:
    found: tuple[Finding, ...] = check_reply("Pay to 4111 1111 1111 1111", Grounding(), NONE, "en")
    assert found
    assert all("4111 1111" not in each.excerpt for each in found)
