"""Text that speaks to a language model instead of to a customer. Few patterns, each of which means it."""

from __future__ import annotations

import re
import unicodedata

# Zero-width characters split words; tag characters spell hidden ones.
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")

_PATTERNS = re.compile(
    r"""
    \b(?:ignore|disregard|forget|override|bypass)\s+(?:(?:all|any|of|the|your|my|these|those|every)\s+){0,4}
        (?:previous|prior|above|earlier|preceding|existing|foregoing|former|initial|original|system)\s+
        (?:(?:system|user|and|or|given)\s+){0,2}(?:instructions?|prompts?|directives?|rules|guidelines|programming)\b
    | \b(?:reveal|print|repeat|output|show|display|disclose|leak)\s+(?:me\s+|us\s+)?(?:all\s+of\s+)?(?:your|the)\s+
        (?:full\s+|entire\s+|exact\s+)?(?:system|initial|hidden|original|secret)\s+(?:prompts?|instructions?)\b
    | \byou\s+are\s+no\s+longer\s+(?:an?\s+(?:ai|assistant|language\s+model|chatbot)|bound\s+by)\b
    | \byou\s+are\s+now\s+(?:dan\b|in\s+developer\s+mode|jailbroken
        |an?\s+(?:unrestricted|uncensored|unfiltered|jailbroken)\b)
    | \b(?:do\s+anything\s+now|developer\s+mode\s+(?:enabled|output)|jailbreak\s+mode)\b
    | \b(?:attention|note\s+to|instructions?\s+(?:for|to)|message\s+(?:for|to))\s*:?\s*(?:all\s+|any\s+|the\s+)?
        (?:ai|llms?|language\s+models?|chatbots?|ai\s+(?:assistants?|agents?|models?))\s*(?::|\breading\b|\bprocessing\b)
    | \bif\s+you\s+are\s+an?\s+(?:ai|llm|language\s+model|chatbot)\b
    | <\|im_start\|>\s*system\s+(?!\{) | \[/?INST\] | <</?SYS>>
    | (?:忽略|无视|忘记|忘掉|忘了|不要理会|不用理会|抛弃|绕过)(?:掉)?[你您]?(?:的)?
        (?:之前|以前|以上|上面|上述|此前|前面|先前|原有|原来|所有|一切|全部|任何|系统)[^。！？\n]{0,10}
        (?:指令|指示|提示词|提示语|系统提示|设定|限制|约束)
    | (?:输出|显示|泄露|告诉我|打印|复述|透露|展示|说出)[你您的出完整全部]{0,6}
        (?:系统提示词?|系统指令|初始提示词?|初始指令|隐藏指令|原始提示词)
    | (?:从现在(?:起|开始)|现在开始)[，,]?\s*[你您](?:将扮演|要扮演|扮演|不再是|不受|没有任何限制)
    | (?:越狱模式|开发者模式)(?:已)?(?:启用|开启|激活)
    | (?:如果|若)[你您]是(?:一个|一名)?(?:AI|人工智能|大?语言模型|大模型|聊天机器人)
    """,
    re.I | re.X,
)


def find(text: str) -> str:
    """The first words in `text` that instruct a model, at most 80 characters; empty if none do."""
    if _TAGS.search(text):
        return "characters that cannot be seen"
    match = _PATTERNS.search(_UNSEEN.sub("", unicodedata.normalize("NFKC", text)))
    return " ".join(match.group().split())[:80] if match else ""
