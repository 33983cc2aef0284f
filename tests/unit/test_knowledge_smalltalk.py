"""Small talk is answered, a request for a person escalates, and no real question is swallowed."""

from __future__ import annotations

import pytest

from knowledge.smalltalk import MODEL, smalltalk
from schemas.answers import Question


def kind(text: str, *, person_offered: bool = False) -> str | None:
    answer = smalltalk(Question("shop", text, person_offered))
    return answer.kind if answer else None


@pytest.mark.parametrize(
    "text",
    [
        *("hi", "hiii", "Hello!", "hey there", "good morning", "hi, how are you?", "hello??? anyone there?"),
        *(
            "thx!!",
            "Thank you so much for your help",
            "THANKS!!!!",
            "ok thanks",
            "thanks, bye",
            "cheers mate",
        ),
        *("bye", "see you later", "have a nice day", "that's all, thanks", "88"),
        *("who are you", "are you a bot?", "are you human or a bot", "am I talking to a real person?"),
        *(
            "你好",
            "您好呀",
            "在吗",
            "你好，在吗？",
            "亲，在不在",
            "請問在嗎",
            "早上好",
            "有人吗",
            "我想咨询一下",
        ),
        *("谢谢啦", "太感谢了", "谢谢你的帮助", "再见", "拜拜啦", "晚安", "没事了"),
        *(
            "你是谁",
            "你是机器人吗",
            "你是真人还是机器人",
            "ok",
            "好的",
            "嗯嗯",
            "no",
            "不用了谢谢",
            "👍",
            "???",
        ),
    ],
)
def test_small_talk(text: str) -> None:
    assert kind(text) == "smalltalk"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "talk to a human please",
            "Can I speak to a real person?",
            "human",
            "agent please",
            "get me a manager",
        ),
        *(
            "I want to talk to someone",
            "connect me with an agent now",
            "hi, I need to speak with a representative",
        ),
        *(
            "转人工",
            "我要转人工",
            "人工客服",
            "找人工",
            "能帮我转人工吗",
            "麻烦转一下人工客服",
            "你好，转人工",
            "轉人工",
        ),
    ],
)
def test_asking_for_a_person_escalates(text: str) -> None:
    assert kind(text) == "escalated"


@pytest.mark.parametrize(
    "text",
    [
        *("hi, how do I get a refund?", "thanks, but where is my parcel", "ok but when", "no refund yet"),
        *(
            "how do I talk to a person",
            "help me return my order",
            "I want a refund",
            "please cancel my order",
        ),
        *(
            "who pays for return shipping",
            "what are your opening hours",
            "do you have people in Germany",
            "refund",
        ),
        *(
            "你好，怎么退款",
            "谢谢，那运费谁出",
            "在吗？我的快递到哪了",
            "怎么联系客服",
            "可以分期吗",
            "要交关税吗",
        ),
        *("没收到", "不能付款", "没有发票", "好的商品", "转账怎么弄", "客服几点上班", "早上下单什么时候到"),
        "hello " * 60,
    ],
)
@pytest.mark.parametrize("person_offered", [False, True])
def test_real_questions_are_left_to_the_knowledge(text: str, person_offered: bool) -> None:
    assert kind(text, person_offered=person_offered) is None


@pytest.mark.parametrize(
    "text", ["yes", "Yes please!", "ok", "sure", "yeah", "好的", "好", "可以", "要", "嗯嗯", "好的谢谢"]
)
def test_yes_escalates_only_when_a_person_was_offered(text: str) -> None:
    assert kind(text, person_offered=True) == "escalated"
    assert kind(text) == "smalltalk"


@pytest.mark.parametrize("text", ["no", "no thanks", "nope", "not now", "不用", "不用了", "算了", "不需要"])
def test_no_declines_the_person(text: str) -> None:
    offered = smalltalk(Question("shop", text, person_offered=True))
    assert offered and offered.kind == "smalltalk"
    plain = smalltalk(Question("shop", text))
    assert plain and plain.text != offered.text


def test_the_reply_is_in_the_customer_s_language_and_always_the_same() -> None:
    first, again = smalltalk(Question("shop", "谢谢")), smalltalk(Question("shop", "谢谢"))
    assert first == again and first is not None
    assert first.language == "zh" and "不客气" in first.text
    english = smalltalk(Question("shop", "thanks"))
    assert english and english.language == "en" and "welcome" in english.text


def test_small_talk_rests_on_no_knowledge() -> None:
    answer = smalltalk(Question("shop", "hi"))
    assert answer is not None
    assert (answer.model, answer.knowledge_version, answer.confidence) == (MODEL, 0, 1.0)
    assert answer.citations == ()


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", ["想要", "请帮我", "麻烦你", "谢谢你们", "please ", "thank you so very much ", "哈哦", "real "]
)
def test_repetition_does_not_take_exponential_time(piece: str) -> None:
    for tail in ("", "x", "车"):
        smalltalk(Question("shop", (piece * 90)[:89] + tail))
