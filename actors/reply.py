"""The reply as callers see it: a pure function of the recorded event, so a retry gets the very same bytes."""

from __future__ import annotations

from schemas import events_pb2 as pb
from schemas.answers import Citation, Kind, Option
from schemas.api import Reply, encode_json

_KINDS: dict[int, Kind] = {
    pb.ANSWER: "answer",
    pb.CLARIFY: "clarify",
    pb.UNKNOWN: "unknown",
    pb.SMALLTALK: "smalltalk",
    pb.ESCALATED: "escalated",
}


def reply_of(external_id: str, seq: int, event: pb.BotReplied) -> Reply:
    """`seq`: the event's position in its stream."""
    return Reply(
        session_id=external_id,
        turn=event.turn,
        seq=seq,
        kind=_KINDS[event.kind],
        text=event.text,
        language=event.language,
        confidence=event.confidence,
        citations=[Citation(c.id, c.revision, c.title, c.quote) for c in event.citations],
        options=[Option(o.id, o.title) for o in event.options],
        offer_person=event.offer_person,
        knowledge_version=event.knowledge_version,
        model=event.model,
    )


def render(external_id: str, seq: int, event: pb.BotReplied) -> bytes:
    """The JSON body of the reply."""
    return encode_json(reply_of(external_id, seq, event))
