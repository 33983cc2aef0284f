"""What the session asks and what comes back: the port between actors and knowledge."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

Kind = Literal["answer", "clarify", "unknown", "smalltalk", "escalated", "flow", "refused", "confirm", "closed"]


class Citation(Struct, frozen=True):
    """The exact passage revision an answer rests on."""

    id: str
    revision: int
    title: str
    quote: str


class Passage(Struct, frozen=True):
    """What a model is given to answer from."""

    id: str
    revision: int
    title: str
    text: str


class Option(Struct, frozen=True):
    """One of several meanings the customer is asked to choose from."""

    id: str
    title: str


class Question(Struct, frozen=True):
    """One customer utterance, as far as answering needs it.

    `person_offered`: the reply before this one offered a person, so a bare "yes" accepts. `grounded`: the passages
    that were found are wanted too, for a model.
    """

    tenant: str
    text: str
    person_offered: bool = False
    grounded: bool = False


class Answer(Struct, frozen=True, cache_hash=True):
    """The outcome of answering. `confidence` is a calibrated probability in [0, 1] that it is right.

    `answer_us`: microseconds spent on finding it. `kind == "escalated"` hands the session to a person.
    `learning`: what it rests on is still being learnt, so it is not to be kept for the next who asks. `intent`: what
    the customer wants done, of those that the tenant's flows begin with or go by; empty if none, and `rules_version`
    of the definitions they are from. `route`, `route_version`: what wrote it.
    """

    kind: Kind
    text: str
    language: str
    confidence: float
    knowledge_version: int
    model: str
    citations: tuple[Citation, ...] = ()
    options: tuple[Option, ...] = ()
    offer_person: bool = False
    answer_us: int = 0
    learning: bool = False
    passages: tuple[Passage, ...] = ()
    intent: str = ""
    intent_confidence: float = 0.0
    rules_version: int = 0
    route: str = "extractive"
    route_version: int = 0


class Answerer(Protocol):
    """Finds the answer to a question.

    `has_effects`: answering costs money or changes something outside, so the
    customer's message is recorded before it is called.
    """

    has_effects: bool

    def cached(self, question: Question) -> Answer | None:
        """The answer if it is known without any I/O; called on the hot path."""

    async def answer(self, question: Question) -> Answer:
        """Raises AnswererUnavailable when none comes in time."""

    async def prepare(self, question: Question) -> None:
        """Find the answer so that `cached` has it in a moment; for a question that may never be asked."""
