"""How an utterance is worded: what tells a wish ("return my order") from a question ("how do returns work").

Sentence vectors say what an utterance is about and little of what its speaker wants. These are closed-class
words of English and Chinese and the form of the sentence, so they hold for every trade; how much each of them
counts is learnt with the intents (knowledge/intent_head.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from knowledge import text

Floats = npt.NDArray[np.float32]

# An order number, a tax number, a phone number: "KF-20417", "#20417", "B79198176", "2026-000123". Years and dates stay.
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:#?[A-Za-z]{1,4}-?\d{4,}[A-Za-z0-9]*|#\d{3,}|\d{5,}[A-Za-z0-9]*|\d{2,}(?:-\d{4,})+)"
    r"(?:-[A-Za-z0-9]+)*(?![A-Za-z0-9])"
)
# Links and mail addresses.
_ADDRESS = re.compile(r"https?://[^\s\u3000-\u9fff]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")
_EDGES = re.compile(r"^[\s:：,，、;；#-]+|[\s:：,，、;；#-]+$")
_WORD = re.compile(r"[a-z']+")

_ENGLISH = tuple(
    re.compile(pattern)
    for pattern in (
        # Questions: by their first word, about measure, about the way, about rules, why, with a mark.
        r"^(?:\W*(?:hi|hello|hey|ok|so|and|sorry|please)\b\W*)*(?:how|what|whats|when|why|which|who|where|wheres)\b",
        r"\bhow (?:long|much|many|often|far|late|soon)\b",
        r"\bhow (?:do|does|can|to|should|would|are|is)\b",
        r"\b(?:do|does|did) (?:you|i|we|they|it|the)\b",
        r"\b(?:can|may|could|should|must|am|will|would) (?:i|we|customers|one|people)\b",
        r"\b(?:is|are|was|were|has|have) (?:my|the|it|there|they|a|an)\b",
        r"\bwhy\b|\bwhat (?:is|are|does|do|happens)\b",
        r"\?\s*$",
        # Wishes: asked of the other, politely, of oneself.
        r"\b(?:can|could|would|will) (?:you|u)\b",
        r"\b(?:please|pls|plz|kindly)\b",
        r"\b(?:i|we)(?:'d| would) (?:like|love)\b|\b(?:i|we|my \w+) (?:want|wanna|needs?|wish|request|require)\b"
        r"|\bi'm requesting\b|^\W*(?:want|need) ",
        # The speaker's own case, the company's ways, any case.
        r"\bmy\b|\bthis\b|\bthese\b|\bi (?:bought|ordered|purchased|got|received)\b",
        r"\byour?\b",
        r"\bif\b|\bany(?:one|body)?\b",
        r"\bcannot\b|\bnot\b|n't\b",
    )
)
_CHINESE = tuple(
    re.compile(pattern)
    for pattern in (
        # Questions.
        "怎么|怎样|如何|咋",
        "多久|多长|几天|多少|几个",
        "什么|啥|哪",
        "为什么|为啥|凭什么",
        "吗|么[?？]?$",
        r"能不能|可不可以|是不是|有没有|是否|[\u4e00-\u9fff]不[\u4e00-\u9fff]$",
        "怎么办|咋办",
        "呢|呀|啊",
        # Wishes.
        "可以|能",
        "我要|我想|想要|要求|申请|我需要|需要",
        "请|麻烦|帮|劳驾",
        "给我|替我|为我",
        # The speaker's own case, the company's ways.
        "我的|这个|这单|这件|我买|上次",
        "谁|你们",
        "没|不",
    )
)
_GREETING = frozenset("hi hello hey please pls kindly ok there so and".split())  # noqa: SIM905
# What a sentence that is no command begins with.
_NO_COMMAND = frozenset(
    """
    how what when why which who where do does did can could may will would should is are was were am has have had
    i i'd i'm i've we my our your you the a an it it's there this that these those they no not if in on at to of for
    and or any
    """.split()  # noqa: SIM905
)
FEATURES = 1 + len(_ENGLISH) + len(_CHINESE)  # the first: a command


def without_codes(utterance: str) -> str:
    """The utterance without what identifies an order or a person; empty if it holds nothing else."""
    left = _EDGES.sub("", " ".join(_CODE.sub(" ", _ADDRESS.sub(" ", utterance)).split()))
    return left if any(char.isalnum() for char in left) else ""


def names_code(utterance: str) -> bool:
    """It names an order or the like: something is to be done about that very one."""
    return _CODE.search(_ADDRESS.sub(" ", utterance)) is not None


def wording(utterances: Sequence[str]) -> Floats:
    """(n, FEATURES) of zeros and ones."""
    found = np.zeros((len(utterances), FEATURES), dtype=np.float32)
    for row, utterance in zip(found, utterances, strict=True):
        if text.language(utterance) == "en":
            lower = utterance.casefold().replace("\u2019", "'")
            row[0] = _is_command(lower)
            row[1 : 1 + len(_ENGLISH)] = [pattern.search(lower) is not None for pattern in _ENGLISH]
        else:
            row[1 + len(_ENGLISH) :] = [pattern.search(utterance) is not None for pattern in _CHINESE]
    return found


def _is_command(lower: str) -> bool:
    """It begins with a word that is neither a question's nor a statement's: "track my order"."""
    first = next((word for word in _WORD.findall(lower) if word not in _GREETING), "")
    return bool(first) and first not in _NO_COMMAND
