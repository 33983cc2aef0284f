"""Language, normal form and terms of a customer's text, in English and Chinese, without a dictionary."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from knowledge.gloss import glosses
from knowledge.simplified import simplify

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
_CJK_RUN = re.compile(f"[{_CJK}]+")
_LATIN_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_TERM = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['\u2019][^\W_{_CJK}]+)*")

# Share of the text's words (two CJK characters make one) from which it counts as Chinese.
# Below one half, because Chinese customers quote Latin product names, not the reverse.
_CHINESE_SHARE = 0.4

# Words that carry no topic. Question words stay: "how long" and "how much" tell entries apart.
_STOP = frozenset(
    """
    a an the is are was were be been am do does did can could will would shall should may might must
    have has had i me my mine we us our you your yours it its this that these those there to of in
    on at for from by with about as and or but if so then than just please pls hi hello hey ok okay
    im i'm ive i've id i'd ill i'll it's that's there's dont don't didn't isn't doesn't haven't
    hasn't s t re ve ll m d get got want need some any
    """.split()  # noqa: SIM905 - a list of one hundred quoted words is no easier to read
)
_STOP_CJK = frozenset("的了吗呢啊吧呀哦嘛么我你您他她它们是在有和与就都也还很请个这那把被给让要想能会可以")


# Order numbers, phone numbers, mail addresses and links: they say which, not what is asked.
_REFERENCE = re.compile(
    r"https?://[^\s\u3000-\u9fff]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|(?<![A-Za-z0-9])#?[A-Za-z]{0,4}-?\d{6,}(?:-\d+)*"
)


def without_references(text: str) -> str:
    """The text without what identifies a thing or a person; the text itself if nothing else is in it."""
    return _REFERENCE.sub(" ", text).strip() or text


def language(text: str) -> Language:
    """'zh' when at least two fifths of the words are CJK (two characters make a word), else 'en'."""
    chinese = sum(len(run) for run in _CJK_RUN.findall(text)) / 2
    latin = sum(1 for word in _LATIN_WORD.findall(text) if not _CJK_RUN.match(word))
    return "zh" if chinese and chinese >= _CHINESE_SHARE * (chinese + latin) else "en"


def normalise(text: str) -> str:
    """NFKC (full-width to half-width), casefolded, simplified characters, white space collapsed."""
    return " ".join(simplify(unicodedata.normalize("NFKC", text)).casefold().split())


def terms(text: str) -> list[str]:
    """Terms for the lexical channel, in order, repeated as they occur.

    Latin words come lightly stemmed and without stop words, CJK runs as single
    characters (without particles), all pairs of neighbours and, from the glossary, the
    English terms of their words: synonyms meet there, and so do the two languages.
    """
    found: list[str] = []
    for piece in _TERM.findall(normalise(text)):
        if _CJK_RUN.match(piece):
            found += [char for char in piece if char not in _STOP_CJK]
            found += [piece[at : at + 2] for at in range(len(piece) - 1)]
            found += [term for english in glosses(piece) for term in _words(english)]
        else:
            found += _words(piece.replace("\u2019", "'"))
    return found


def _words(english: str) -> list[str]:
    return [_stem(word) for word in english.casefold().split() if word not in _STOP]


def _stem(word: str) -> str:
    """Plural, -ing, -ed and possessive only: enough for 'returns', 'shipping', 'cancelled'."""
    word = word.removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 5 and word.endswith("ing"):
        word = _undouble(word[:-3])
    elif len(word) > 4 and word.endswith("ed"):
        word = _undouble(word[:-2])
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    # 'exchange' meets 'exchanging', and 'cancel' the British 'cancelled'.
    if len(word) > 5 and word.endswith("ll"):
        return word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _undouble(stem: str) -> str:
    twice = len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in "lsz"
    return stem[:-1] if twice else stem
