"""Replies in the session's own words."""

from __future__ import annotations

from actors.state import State
from actors.steps import Reply
from actors.texts import language_of, say
from schemas.answers import Answer, Citation, Kind, Option

OWN = "kefu"  # the model of replies that neither knowledge nor a model wrote


def language(state: State) -> str:
    """What the customer speaks: `en` or `zh`."""
    return language_of([text for from_customer, text in state.recent if from_customer])


def own(
    state: State,
    kind: Kind,
    text: str,
    *,
    options: tuple[Option, ...] = (),
    citations: tuple[Citation, ...] = (),
    offer_person: bool = False,
    knowledge_version: int = 0,
) -> Answer:
    """A reply that is certain, because it is not about what is known but about what was done."""
    return Answer(kind, text, language(state), 1.0, knowledge_version, OWN, citations, options, offer_person)


def escalated(state: State, reason: str, text: str = "") -> Reply:
    """A person takes over; `text`: what the customer is told, if not the usual."""
    return Reply(own(state, "escalated", text or say("escalated", language(state))), reason)
