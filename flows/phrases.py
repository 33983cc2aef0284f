"""What an utterance is like, whatever the flow: yes or no, a question, a wish to stop. English and Chinese."""

# ruff: noqa: E501 - a pattern broken over lines is harder to read

from __future__ import annotations

import re
import unicodedata

LONGEST = 1000  # characters of an utterance that slots are looked for in

_SIGNS = re.compile(r"[^\w']+|_+")
_CJK = "\u3400-\u4dbf\u4e00-\u9fff"

# Politeness around what is meant; what is left when it is taken away is compared with the phrases.
_FILLER = re.compile(
    r"\b(?:please|pls|thanks?|thank you|ok|okay|oh|hmm|well|actually|sorry|then|just|it's|fine|hi|so)\b"
    r"|谢谢|多谢|麻烦|不好意思|那就|还是|那|哦|嗯|吧|了|啊|呀|啦|我|先|您|你|请"
)
_CANCEL = """
never mind|nevermind|nvm|forget it|forget about it|cancel that|cancel this|stop|stop this|stop it|quit|exit|abort|leave it
drop it|don't bother|do not bother|not anymore|i changed my mind|changed my mind|i don't want to anymore
算了|不弄了|不办了|不退了|不查了|不开了|取消操作|停止|退出|结束|没事了|当我没说|不想弄了|先不弄了|不用了|不需要了|不要了
"""

_YES = re.compile(
    r"(?:yes+|yeah|yep|yup|ya|sure|of course|ok(?:ay)?|correct|right|that's right|exactly|absolutely|definitely|confirm(?:ed)?"
    r"|please do|go ahead|do it|go for it|sounds good|fine|y|i do|it is|it does|i did|i have|all good|perfect|great"
    r"|是的?|对的?|好的?|好啊|好呀|可以|行|嗯+|没错|没问题|确认|确定|要的?|同意|当然|继续|收到了|有的?|麻烦了|办吧|退吧|开吧)"
    rf"(?![\w'])|(?:是的?|对的?|好的?|可以|行|嗯+|没错|没问题|确认|确定|同意|当然|收到了?)(?=[{_CJK}])"
)
_NO = re.compile(
    r"(?:(?:i|it|that|this|they)(?:'s|'m)? )?(?:no+|nope|nah|not|(?:do|does|did|have|has|is|was)(?: not|n't)|never(?! mind)|n"
    r"|wrong|incorrect)(?![\w'])|(?:我|还|并|也|先|那|就|暂时){0,3}[不没]|别|否|错了|有误"
)
_UNSURE = re.compile(
    r"not sure|don't know|do not know|no idea|maybe|perhaps|不知道|不确定|不清楚|可能|也许|没问题|没错"
)
_BUT = re.compile(r"\bbut\b|但|不过|可是")
_LONGEST_YES = 40

_ASKS = re.compile(
    r"[?？]|^(?:how|what|when|why|where|who|which|can|could|does|should|may)\b(?=\s\S+\s\S)"
    r"|怎么|怎样|什么|多久|几天|几号|为啥|哪|多少|能不能|能否|可不可以|是不是|有没有|吗|呢[\s。.!！]*$"
)


def plain(text: str) -> str:
    """NFKC, lower case, white space collapsed, straight apostrophes, no lone surrogates; cut to LONGEST."""
    kept = text[: LONGEST * 2].encode("utf-8", "replace").decode()
    return " ".join(unicodedata.normalize("NFKC", kept).casefold().replace("\u2019", "'").split())[:LONGEST]


def bare(text: str) -> str:
    """Plain text without punctuation."""
    return _SIGNS.sub(" ", text).strip()


def gist(text: str) -> str:
    """Plain text without punctuation and politeness."""
    return " ".join(_FILLER.sub(" ", bare(text)).split())


CANCEL_PHRASES = frozenset(gist(phrase) for line in _CANCEL.split("\n") for phrase in line.split("|") if phrase)


def is_question(text: str) -> bool:
    """Whether plain text asks something, rather than tells."""
    return bool(_ASKS.search(text))


def yes_or_no(text: str) -> bool | None:
    """What plain text says to a question of yes or no; None if neither, or hedged ("yes, but ...")."""
    said = bare(text)
    if len(said) > _LONGEST_YES or is_question(text) or _BUT.search(said):
        return None
    if re.match(r"没问题|没错|not bad|no problem|no worries", said):
        return True
    if _UNSURE.search(said):
        return None
    if _NO.match(said):
        return False
    return True if _YES.match(said) and not _NO.search(said) else None


# A bare consent: these words and politeness around them, and nothing else.
_CONSENTS = re.compile(
    r"(?:(?:yes+|yeah|yep|yup|ya|y|sure|of course|ok(?:ay)?|correct|right|exactly|absolutely|definitely|confirm(?:ed)?|agreed"
    r"|i (?:agree|confirm|do)|please do|go ahead|do it|go for it|sounds good|fine|all good|perfect|great"
    r"|that(?:'s| is) (?:right|fine|correct|ok(?:ay)?|good)|that works"
    r"|是的?|对的?|好的?|好啊|好呀|可以的?|行的?|嗯+|没错|没问题|确认|确定|要的?|同意|当然|继续|麻烦[您你]?了?|办吧|退吧|开吧"
    r"|请?(?:执行|继续|办理)|确认(?:执行|办理|提交)"
    r"|please|thanks?|thank you|谢谢|多谢|[您你]|[吧啊呀啦了哦])(?![a-z'])\s*)+"
)
_POLITE = re.compile(r"(?:(?:please|thanks?|thank you|谢谢|多谢|[您你]|[吧啊呀啦了哦])(?![a-z'])\s*)+")


def consent(text: str) -> bool | None:
    """Whether plain text is a bare yes to something that is about to be done; False for a no of any kind.

    None for everything else: a yes with anything beside it ("yes, but only half", "ok wait", "嗯？") is no consent.
    """
    said = bare(text)
    if not said or "?" in text:
        return None
    if _CONSENTS.fullmatch(said):
        return None if _POLITE.fullmatch(said) else True
    return False if yes_or_no(text) is False or gist(text) in CANCEL_PHRASES or said in ("cancel", "取消") else None
