"""What a session says by itself, in both languages. Answers, flows and models bring their own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Topic = Literal[
    "refused", "escalated", "confirm", "yes", "no", "declined", "done", "failed", "unsure", "no_answer", "closed"
]

_TEXTS: dict[str, dict[str, str]] = {
    "refused": {
        "en": "I can't help with that request. I'm here for questions about our products, orders and services.",
        "zh": "这个请求我无法处理。关于商品、订单和服务的问题，我很乐意为您解答。",
    },
    "escalated": {
        "en": "I'm passing this on to a colleague, who will get back to you here.",
        "zh": "我已将您的问题转交给同事，稍后会在这里回复您。",
    },
    "confirm": {
        "en": "Shall I go ahead?",
        "zh": "请确认是否执行？",
    },
    "yes": {"en": "Yes, go ahead", "zh": "是的，请执行"},
    "no": {"en": "No, don't", "zh": "不用了"},
    "declined": {"en": "All right, I have not done it.", "zh": "好的，已取消，未执行任何操作。"},
    "done": {"en": "Done.", "zh": "已完成。"},
    "failed": {
        "en": "That did not work, so nothing has been changed. Would you like me to connect you with a person?",
        "zh": "操作未成功，没有做任何更改。需要为您转接人工客服吗？",
    },
    "unsure": {
        "en": "I could not find out whether that went through, and I won't try it twice. A colleague will check it and "
        "get back to you here.",
        "zh": "我无法确认该操作是否已完成，为避免重复不会再次执行。同事会核实后在这里回复您。",
    },
    "no_answer": {
        "en": "I'm sorry, I don't have an answer to that. Would you like me to connect you with a person?",
        "zh": "抱歉，这个问题我没有找到答案。需要为您转接人工客服吗？",
    },
    "closed": {"en": "Glad I could help. Goodbye!", "zh": "很高兴能帮到您，再见！"},
}


def say(topic: Topic, language: str) -> str:
    """English where there is nothing in the language."""
    texts = _TEXTS[topic]
    return texts.get(language) or texts["en"]


_CHINESE = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"(?<![^\s\"'(])[A-Za-z]{2,}(?![\w@-])")


def language_of(texts: Sequence[str]) -> str:
    """`zh` or `en`, by the newest of a customer's texts that has words: an order number alone has no language."""
    for text in reversed(texts):
        if _CHINESE.search(text):
            return "zh"
        if _WORD.search(text):
            return "en"
    return "en"
