"""The reply as callers see it: a pure function of what was recorded, so a retry gets the very same bytes."""

from __future__ import annotations

from functools import lru_cache

from msgspec import structs

from schemas import events_pb2 as pb
from schemas.answers import Answer, Citation, Kind, Option
from schemas.api import Reply, encode_json

_KINDS: dict[int, Kind] = {
    pb.ANSWER: "answer",
    pb.CLARIFY: "clarify",
    pb.UNKNOWN: "unknown",
    pb.SMALLTALK: "smalltalk",
    pb.ESCALATED: "escalated",
    pb.FLOW: "flow",
    pb.REFUSED: "refused",
    pb.CONFIRM: "confirm",
    pb.CLOSED: "closed",
}


def answer_of(event: pb.BotReplied) -> Answer:
    """The answer that a recorded reply gave."""
    return Answer(
        kind=_KINDS[event.kind],
        text=event.text,
        language=event.language,
        confidence=event.confidence,
        knowledge_version=event.knowledge_version,
        model=event.model,
        citations=tuple(Citation(c.id, c.revision, c.title, c.quote) for c in event.citations),
        options=tuple(Option(o.id, o.title) for o in event.options),
        offer_person=event.offer_person,
        answer_us=event.answer_us,
        route=event.route or "extractive",
        route_version=event.route_version,
    )


def render(external_id: str, turn: int, seq: int, answer: Answer) -> bytes:
    """The JSON of a Reply. `seq`: the stream position of the recorded reply."""
    head = b'{"session_id":%b,"turn":%d,"seq":%d,' % (encode_json(external_id), turn, seq)
    return head + _tail(answer)


@lru_cache(maxsize=4096)  # popular answers are given again and again
def _tail(answer: Answer) -> bytes:
    """What the reply says, without which session and turn it is: JSON members and the closing brace."""
    fields = {name: value for name, value in structs.asdict(answer).items() if name in Reply.__struct_fields__}
    whole = encode_json(Reply(session_id="", turn=0, seq=0, **fields))
    return whole.removeprefix(b'{"session_id":"","turn":0,"seq":0,')
