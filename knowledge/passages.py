"""The texts by which an entry can be found, each with its role."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

from knowledge import text
from knowledge.entries import Entry, Side
from knowledge.text import Language

# Sentences of an answer that have vectors of their own; what comes later is found by the whole.
_SENTENCES = 12
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


class Role(IntEnum):
    """A question that the entry answers, all of the entry, or a sentence of its answer."""

    ASKED = 0
    BODY = 1
    SENTENCE = 2


class Passage(Struct, frozen=True):
    """One text of an entry. `title`: it is the question that names the entry, in its language."""

    text: str
    language: Language
    role: Role
    title: bool = False


def passages(entry: Entry, confirmed: Sequence[str] = ()) -> list[Passage]:
    """All passages of an entry, questions first. `confirmed`: customers' questions that a person said it answers."""
    found = [Passage(each, text.language(each), Role.ASKED) for each in confirmed]
    for language, side in entry.sides():
        found.append(Passage(side.question, language, Role.ASKED, title=True))
        found += [Passage(each, language, Role.ASKED) for each in side.paraphrases]
        found.append(Passage(f"{side.question} {side.answer}", language, Role.BODY))
        found += [Passage(each, language, Role.SENTENCE) for each in sentences(side.answer)[:_SENTENCES]]
    return sorted(found, key=lambda each: each.role)


def sentences(answer: str) -> list[str]:
    """The answer cut after full stops, question and exclamation marks of both scripts, and at line ends."""
    return [piece.strip() for piece in _SENTENCE.split(answer) if piece.strip()]


def words(entry: Entry, confirmed: Sequence[str] = ()) -> list[str]:
    """The entry's terms for the lexical channel, both languages and `confirmed` questions together."""
    texts = [*confirmed, *(own for _, side in entry.sides() for own in _texts(side))]
    return [term for own in texts for term in text.terms(own)]


def _texts(side: Side) -> tuple[str, ...]:
    return (side.question, *side.paraphrases, side.answer)


def bare(question: str) -> str:
    """What two spellings of one question share: no case, no punctuation, no spaces."""
    return re.sub(r"[\W_]+", "", text.normalise(question))
