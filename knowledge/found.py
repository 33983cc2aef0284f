"""What a search finds, as it travels from the retriever to whoever answers, tests or evaluates."""

from __future__ import annotations

from msgspec import Struct

from knowledge.entries import Kind
from knowledge.text import Language


class Confidence(Struct, frozen=True):
    """Probabilities that the best entry answers the question, and that one of the best three does."""

    first: float
    among_three: float


class Hit(Struct, frozen=True):
    """An entry that may answer, in the language it is given in, with the evidence.

    `score`: fused, a log-odds scale, comparable within one question only. `evidence`: columns of
    ranking.EVIDENCE. `exact`: the question is one of the entry's own, word for word. `document`, `source`: where
    it is written.
    """

    id: str
    revision: int
    kind: Kind
    document: str
    source: str
    language: Language
    title: str
    answer: str
    score: float
    evidence: tuple[float, ...]
    exact: bool


class Found(Struct, frozen=True):
    """The best entries for one question, best first. `background`: mean cosine of the three nearest lines of
    background.py. `version`: the knowledge version that was searched. `learning`: its questions are still being
    learnt, so the same question may be answered better in a moment. `intent`: what the customer wants done, empty if
    that is none of what the tenant's flows know; `rules_version`: of the definitions that the intents are from."""

    version: int
    language: Language
    hits: tuple[Hit, ...]
    confidence: Confidence
    background: float
    learning: bool = False
    intent: str = ""
    intent_confidence: float = 0.0
    rules_version: int = 0
