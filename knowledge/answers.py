"""From the entries found to what is said: answer, ask which one is meant, or admit not to know."""

from __future__ import annotations

import math
from collections.abc import Sequence

from knowledge import text
from knowledge.found import Found, Hit
from knowledge.passages import sentences
from knowledge.ranking import COVERAGE
from knowledge.text import Language
from schemas.answers import Answer, Citation, Option, Question

MODEL = "kefu-extractive"

# Entries looked at for one reply.
CONSIDERED = 5

# Probabilities from which the best entry is given as the answer, and from which asking is
# worth it: at most one question in twenty of other domains passes (bench/calibrate.py).
_ANSWER: dict[Language, float] = {"en": 0.55, "zh": 0.6}
_CLARIFY: dict[Language, float] = {"en": 0.6, "zh": 0.65}
# An option stays when its odds against the best entry are at least these.
_OPTION_ODDS = 0.1
_OPTIONS = 3
_TIE = 1.0  # difference of scores: the better one is less than three times as likely
_ALL = 0.999  # coverage: every term of the question is in the entry
_SAME = 0.01  # difference of coverage: what is understood of the question is in both entries
_QUOTE_CHARACTERS = 300

_UNKNOWN: dict[Language, str] = {
    "en": "I'm sorry, I don't have an answer to that. Would you like me to connect you with a person?",
    "zh": "抱歉，这个问题我没有找到答案。需要为您转接人工客服吗？",
}
_CLARIFYING: dict[Language, str] = {
    "en": "I want to be sure I answer the right question. Did you mean one of these?",
    "zh": "为了准确回答您，请问您想了解的是以下哪一个问题？",
}


def compose(question: Question, found: Found) -> Answer:
    """The reply to `question` from what was found for it. `answer_us` is left 0 for the caller."""
    sure, hits, language = found.confidence, found.hits, found.language
    close = _close(hits)
    if hits and sure.first >= _ANSWER[language] and not _near_tie(hits):
        return _answer(question, hits[0], sure.first, found.version)
    asking_is_worth_it = sure.among_three >= _CLARIFY[language] or _vague(hits)
    if asking_is_worth_it and len(close) > 1:
        return _clarify(close, sure.among_three, found.version)
    return _unknown(language, sure.first, found.version)


def _answer(question: Question, hit: Hit, sure: float, version: int) -> Answer:
    citation = Citation(hit.id, hit.revision, hit.title, _quote(question.text, hit))
    return Answer("answer", hit.answer, hit.language, sure, version, MODEL, citations=(citation,))


def _clarify(close: Sequence[Hit], sure: float, version: int) -> Answer:
    language = close[0].language
    options = tuple(Option(hit.id, hit.title) for hit in close)
    return Answer("clarify", _CLARIFYING[language], language, sure, version, MODEL, options=options)


def _unknown(language: Language, sure: float, version: int) -> Answer:
    """`confidence` stays the probability that the best entry would have been right."""
    return Answer("unknown", _UNKNOWN[language], language, sure, version, MODEL, offer_person=True)


def _close(hits: Sequence[Hit]) -> list[Hit]:
    """The entries near enough to the best to be meant; the score is a log-odds scale."""
    return [hit for hit in hits[:_OPTIONS] if math.exp(hit.score - hits[0].score) >= _OPTION_ODDS]


def _near_tie(hits: Sequence[Hit]) -> bool:
    """The best two are about as likely, and the words fit both alike: a coin would decide."""
    if len(hits) < 2 or hits[0].exact:
        return False
    first, second = hits[:2]
    return first.score - second.score < _TIE and abs(first.evidence[COVERAGE] - second.evidence[COVERAGE]) < _SAME


def _vague(hits: Sequence[Hit]) -> bool:
    """Several entries have every word of it ("my parcel"): it is about the shop, but could be any of them."""
    return len(hits) >= _OPTIONS and all(hit.evidence[COVERAGE] >= _ALL for hit in hits[:_OPTIONS])


def _quote(asked: str, hit: Hit) -> str:
    """The sentence of the answer with the most of the question's terms; ties go to the earlier one."""
    wanted = set(text.terms(asked)) | set(text.terms(hit.title))
    best = max(sentences(hit.answer), key=lambda each: len(wanted & set(text.terms(each))), default=hit.answer)
    return best[:_QUOTE_CHARACTERS]
