"""The three flows that come with Kefu, from the first word to the last, in both languages."""

from __future__ import annotations

from typing import Any

import pytest
from driving import SHIPPED, T0, Shop, Talk, knows, order, shipped

from flows.definition import intents, tools
from flows.mermaid import mermaid

NAMES = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
HOUR = 3_600_000


@pytest.mark.parametrize("name", NAMES)
def test_a_flow_is_called_as_its_file_and_knows_its_intents_in_both_languages(name: str) -> None:
    flow = shipped(name)
    assert flow.id == name and flow.languages == ("en", "zh")
    assert flow.start_intents and set(flow.start_intents) <= set(intents(flow))
    for intent in flow.intents.values():
        assert all(len(examples) >= 12 for examples in intent.examples.values())
        assert all(len(set(examples)) == len(examples) for examples in intent.examples.values())


def test_no_example_belongs_to_two_flows() -> None:
    examples = [text.casefold() for name in NAMES for texts in intents(shipped(name)).values() for text in texts]
    assert len(set(examples)) == len(examples)


def test_the_tools_they_call() -> None:
    assert {name: tools(shipped(name)) for name in NAMES} == {
        "invoice": {"order_lookup", "invoice_send"},
        "order_status": {"order_lookup"},
        "refund": {"order_lookup", "refund_create"},
    }


@pytest.mark.parametrize("name", NAMES)
def test_they_can_be_drawn(name: str) -> None:
    drawn = mermaid(shipped(name))
    assert drawn.startswith("stateDiagram-v2\n") and "[*] --> s_which_order" in drawn


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_example_starts_them_and_an_order_number_in_it_is_not_asked_again(name: str, language: str) -> None:
    flow = shipped(name)
    for example in flow.intents[flow.start_intents[0]].examples[language]:
        talk = Talk(flow, language, Shop()).start(example)
        assert len(talk.calls) == ("KF-" in example), example
        assert talk.awaiting == "slot:order_number", example


# --- Refund ----------------------------------------------------------------------------------------------


def refund(language: str = "en", *orders: dict[str, Any], broken: dict[str, str] | None = None, **more: Any) -> Talk:
    return Talk(shipped("refund"), language, Shop(*orders, broken=broken), **more)


def test_a_refund_step_by_step() -> None:
    talk = refund("en", order()).start("I want to return an order")
    assert talk.said == (
        "Which order is it? The number looks like KF-12345 and is in My Orders and in your confirmation e-mail.",
    )
    talk.say("it's kf 20417")
    assert talk.awaiting == "slot:reason" and "What is the reason" in talk.text
    assert talk.options == (
        "Damaged or faulty", "Wrong item received", "Not as described", "I changed my mind",
    )  # fmt: skip
    talk.say("the shade is cracked")
    assert "return of order KF-20417 (Damaged or faulty) and refund €129.00" in talk.text
    assert talk.options == ("Yes", "No") and talk.said[-1] == "Shall I go ahead?"
    talk.say("yes please")
    assert talk.outcome.position is None and talk.outcome.closed and not talk.outcome.escalate
    assert "5-7 working days" in talk.text
    assert talk.calls == [
        ("order_lookup", {"number": "KF-20417"}),
        ("refund_create", {"number": "KF-20417", "reason": "damaged", "amount": 129.0}),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "20417",
        "it's 20417.",
        "KF 20417",
        "kf-20417!",
        "订单号20417，谢谢",
        "ＫＦ－２０４１７",
        "I paid 12000 for KF-20417",
    ],
)
def test_ways_to_write_an_order_number(said: str) -> None:
    assert refund("en", order()).start("refund").say(said).calls == [("order_lookup", {"number": "KF-20417"})]


@pytest.mark.parametrize(
    "said", ["I paid $12000", "KF-204178", "2041", "20417 or 20418", "call 0176 20417", "on 2026-05-06"]
)
def test_what_is_no_order_number(said: str) -> None:
    talk = refund("en", order()).start("refund").say(said)
    assert talk.calls == [] and talk.awaiting == "slot:order_number"


def test_a_refund_in_chinese() -> None:
    talk = refund("zh", order()).start("我要退货退款")
    assert "订单号类似KF-12345" in talk.text
    talk.say("订单号是KF-20417")
    assert talk.options[0] == "破损或有质量问题"
    talk.say("第三个")
    assert "KF-20417登记退货（与描述不符），€129.00原路退回" in talk.text
    talk.say("好的")
    assert talk.outcome.closed and "5-7个工作日内" in talk.text
    assert talk.calls[-1][1]["reason"] == "not_as_described"


@pytest.mark.parametrize(
    "language, said, reason",
    [
        ("en", "I want to return order KF-20417, the lamp arrived broken", "damaged"),
        ("en", "please refund KF-20417, I don't need it any more", "changed_mind"),
        ("zh", "KF-20417发错货了，帮我退款", "wrong_item"),
        ("zh", "我要退掉订单KF-20417，灯罩碎了", "damaged"),
    ],
)
def test_who_says_everything_at_once_is_only_asked_to_confirm(language: str, said: str, reason: str) -> None:
    talk = refund(language, order()).start(said)
    assert talk.awaiting == "slot:confirmed" and talk.slots["reason"] == reason


def test_a_change_of_mind_costs_the_label() -> None:
    assert (
        "less the price of the return label" in refund("en", order()).start("return KF-20417, I changed my mind").text
    )
    assert "扣除退货运费" in refund("zh", order()).start("KF-20417不喜欢，我要退货").text


@pytest.mark.parametrize("language, no", [("en", "no, leave it"), ("en", "nope"), ("zh", "不用了"), ("zh", "先不退")])
def test_without_a_yes_nothing_is_registered(language: str, no: str) -> None:
    talk = refund(language, order()).start(
        "return KF-20417, it is broken" if language == "en" else "退掉KF-20417，坏的"
    )
    talk.say(no)
    assert talk.states[-2:] == ["not_confirmed", ""] and [tool for tool, _ in talk.calls] == ["order_lookup"]


def test_an_unknown_number_is_asked_for_again_then_a_person_looks() -> None:
    talk = refund("en", order()).start("return order KF-99999")
    assert talk.said == ("I cannot find an order KF-99999.", "Please check the number in My Orders and send it again.")
    assert talk.say("KF-20417").awaiting == "slot:reason"
    talk = refund("zh").start("退掉订单KF-99999").say("KF-99998")
    assert talk.outcome.escalate == "the order number for a return was not found twice" and "人工查找" in talk.text


@pytest.mark.parametrize(
    "changed, state, words",
    [
        ({"refundable": False, "status": "processing"}, "not_sent_yet", "has not left our warehouse"),
        ({"refundable": False, "status": "refunded"}, "settled_before", "nothing left to pay back"),
    ],
)
def test_what_cannot_be_returned_is_said_so(changed: dict[str, Any], state: str, words: str) -> None:
    talk = refund("en", order(**changed)).start("return KF-20417 please")
    assert state in talk.states and words in talk.text and talk.outcome.closed


def test_before_dispatch_knowledge_says_how_to_cancel() -> None:
    answers = knows({"怎么取消订单？": "在“我的订单”点“取消订单”即可。"})
    talk = refund("zh", order(refundable=False, status="processing"), knowledge=answers).start("KF-20417我要退款")
    assert talk.said == ("在“我的订单”点“取消订单”即可。",) and talk.outcome.closed


@pytest.mark.parametrize("answer, state", [("yes", "person_decides"), ("no thanks", "left_alone")])
def test_past_the_window_a_person_may_decide(answer: str, state: str) -> None:
    talk = refund("en", order(refundable=False)).start("return KF-20417")
    assert talk.options == ("Yes", "No")
    assert state in talk.say(answer).states


@pytest.mark.parametrize("tool", ["order_lookup", "refund_create"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_broken_tool_leads_to_a_person(tool: str, language: str) -> None:
    talk = refund(language, order(), broken={tool: "timeout"})
    talk.start("return KF-20417, it is broken" if language == "en" else "退掉KF-20417，坏的")
    if tool == "refund_create":
        talk.say("yes" if language == "en" else "确认")
    assert talk.outcome.position is None and talk.outcome.escalate and talk.said
    assert "€" not in talk.text.replace("€129.00", "") and not talk.outcome.closed


def test_a_refund_that_the_customer_declined_is_not_a_failure() -> None:
    talk = refund("en", order(), broken={"refund_create": "declined"}).start("return KF-20417, broken").say("yes")
    assert talk.outcome.closed and not talk.outcome.escalate and "not registered anything" in talk.text


def test_a_question_by_the_way_is_answered_and_the_flow_goes_on() -> None:
    question = "how long does a refund take?"
    talk = refund("en", order(), knowledge=knows({question: "5-7 working days."})).start("return KF-20417")
    talk.say(question)
    assert talk.said[0] == "5-7 working days." and "What is the reason" in talk.said[1] and len(talk.options) == 4
    assert talk.say("wrong size").awaiting == "slot:confirmed"


def test_another_order_number_is_looked_up_instead() -> None:
    other = order(number="KF-31122", total=20, currency="CNY")
    talk = refund("en", order(), other).start("return KF-20417, it is broken").say("sorry, I meant KF-31122")
    assert [arguments["number"] for _, arguments in talk.calls] == ["KF-20417", "KF-31122"]
    assert "KF-31122" in talk.text and "¥20.00" in talk.text


def test_a_yes_after_a_day_looks_the_order_up_again() -> None:
    talk = refund("en", order()).start("return KF-20417, it is broken")
    talk.say("yes", after_ms=25 * HOUR)
    assert talk.causes[0] == "timeout" and talk.awaiting == "slot:confirmed"
    assert [tool for tool, _ in talk.calls] == ["order_lookup", "order_lookup"]


@pytest.mark.parametrize("language, word", [("en", "never mind, thanks"), ("zh", "算了吧")])
def test_never_mind_ends_it(language: str, word: str) -> None:
    talk = refund(language, order()).start("refund").say(word)
    assert talk.outcome.position is None and not talk.outcome.escalate and talk.said and not talk.calls


def test_two_useless_answers_lead_to_a_person() -> None:
    talk = refund("en", order()).start("I want a refund").say("the blue one")
    assert "does not look like one of our order numbers" in talk.text and talk.awaiting == "slot:order_number"
    assert talk.say("from last week").outcome.escalate.startswith("no useful answer")


# --- Order status ----------------------------------------------------------------------------------------


def status(language: str = "en", *orders: dict[str, Any], **more: Any) -> Talk:
    return Talk(shipped("order_status"), language, Shop(*orders), **more)


@pytest.mark.parametrize(
    "changed, en, zh",
    [
        ({"status": "processing"}, "getting it ready", "正在备货"),
        ({"status": "packed"}, "getting it ready", "正在备货"),
        ({"status": "shipped"}, "with DHL and should reach you by 6 May 2026", "DHL发出，预计2026年5月6日前送达"),
        ({"status": "shipped", "eta": None}, "is on its way. The tracking link", "正在路上"),
        ({"status": "cancelled"}, "nothing more is on its way", "没有在途的包裹"),
    ],
)
def test_the_status_of_an_order(changed: dict[str, Any], en: str, zh: str) -> None:
    assert en in status("en", order(**changed)).start("where is KF-20417").text
    talk = status("zh", order(**changed)).start("帮我查一下订单KF-20417")
    assert zh in talk.text and talk.outcome.closed


def test_a_late_parcel_gets_what_the_shop_promises() -> None:
    late = order(status="shipped", eta="2026-04-28")
    question = "My order is late. What can you do?"
    talk = status("en", late, knowledge=knows({question: "We give you a voucher."})).start("where is KF-20417")
    assert "28 April 2026" in talk.said[0] and talk.said[1] == "We give you a voucher." and talk.outcome.closed
    assert "催促承运商" in status("zh", late).start("查一下KF-20417").text


@pytest.mark.parametrize(
    "language, first, answer, closed",
    [
        ("en", "where is KF-20417", "yes I have it", True),
        ("en", "where is KF-20417", "no, it hasn't come", False),
        ("zh", "我的KF-20417到哪了", "收到了", True),
        ("zh", "我的KF-20417到哪了", "还没收到", False),
    ],
)
def test_delivered_but_perhaps_not_received(language: str, first: str, answer: str, closed: bool) -> None:
    talk = status(language, order()).start(first)
    assert talk.awaiting == "slot:received"
    talk.say(answer)
    assert talk.outcome.closed is closed and bool(talk.outcome.escalate) is not closed


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_unheard_of_status_and_a_dead_order_system_lead_to_a_person(language: str) -> None:
    assert status(language, order(status="lost in space")).start("KF-20417").outcome.escalate == "unknown order status"
    talk = Talk(shipped("order_status"), language, Shop(broken={"order_lookup": "unavailable"})).start("KF-20417")
    assert talk.outcome.escalate == "the order could not be looked up" and talk.said
    talk = status(language).start("KF-20417").say("KF-20418")
    assert talk.outcome.escalate == "the order number was not found twice"


# --- Invoice ---------------------------------------------------------------------------------------------


def invoice(language: str = "en", *orders: dict[str, Any], **more: Any) -> Talk:
    return Talk(shipped("invoice"), language, more.pop("tools", None) or Shop(*orders), **more)


def test_an_invoice_step_by_step() -> None:
    talk = invoice("en", order()).start("I need an invoice").say("KF-20417")
    assert talk.awaiting == "slot:email"
    assert "not a complete e-mail address" in talk.say("jane at example").text
    talk.say("Jane.Miller@Example.COM, thanks")
    assert talk.awaiting == "slot:title"
    talk.say("ACME Ltd")
    assert "over €129.00, made out to ACME Ltd, to Jane.Miller@example.com" in talk.text
    talk.say("correct")
    assert talk.outcome.closed
    assert talk.calls[-1] == (
        "invoice_send", {"number": "KF-20417", "email": "Jane.Miller@example.com", "title": "ACME Ltd"}
    )  # fmt: skip


def test_an_invoice_in_chinese_all_at_once() -> None:
    talk = invoice("zh", order()).start("帮我开KF-20417的发票，抬头上海枫月贸易有限公司，发到zhang@example.cn")
    assert talk.awaiting == "slot:confirmed"
    assert "抬头“上海枫月贸易有限公司”，发票将发送到zhang@example.cn" in talk.text
    assert talk.say("对的").outcome.closed


def test_a_wrong_address_can_be_corrected() -> None:
    talk = invoice("en", order()).start("invoice for KF-20417 to a@b.example, made out to Jane Miller")
    assert talk.say("no, send it to c@d.example").slots["email"] == "c@d.example"
    assert "to c@d.example" in talk.text
    talk.say("no")
    assert talk.awaiting == "slot:email" and talk.say("e@f.example").say("John Miller").awaiting == "slot:confirmed"
    assert "made out to John Miller, to e@f.example" in talk.text


def test_a_mail_address_is_no_name() -> None:
    talk = invoice("zh", order()).start("开KF-20417的发票，发到a@b.example").say("a@b.example")
    assert "抬头需要是姓名或公司名称" in talk.text and talk.awaiting == "slot:title"


@pytest.mark.parametrize(
    "changed, words", [({"status": "cancelled"}, "no invoice"), ({"status": "packed"}, "not been dispatched")]
)
def test_what_has_no_invoice(changed: dict[str, Any], words: str) -> None:
    assert words in invoice("en", order(**changed)).start("invoice for KF-20417").text


@pytest.mark.parametrize(
    "error, ending", [("invalid_email", "slot:email"), ("declined", ""), ("timeout", ""), ("unknown", "")]
)
def test_an_invoice_that_cannot_be_sent(error: str, ending: str) -> None:
    talk = invoice(tools=Shop(order(), broken={"invoice_send": error}))
    talk.start("invoice for KF-20417 to a@b.example made out to Jane").say("yes")
    assert talk.awaiting == ending and bool(talk.outcome.escalate) is (error in ("timeout", "unknown"))


def test_the_day_is_what_the_tests_say() -> None:
    assert T0 // 86_400_000 == 20_576  # 2026-05-03
