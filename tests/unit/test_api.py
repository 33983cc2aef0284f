"""Errors as problems and over process borders; the reply as JSON."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator

import msgspec
import pytest
from kit.given import EVERY_EVENT, RICH_ANSWER, answer, replied

from actors.reply import answer_of, render
from actors.session import NoSuchTurn, TurnOpen
from schemas import errors
from schemas.api import Reply, TurnOutcome, TurnRequest, encode_json, problem
from schemas.errors import KefuError, MailboxFull
from schemas.events_pb2 import BotReplied


def subclasses(cls: type[KefuError]) -> Iterator[type[KefuError]]:
    yield cls
    for sub in cls.__subclasses__():
        yield from subclasses(sub)


EVERY_ERROR = sorted(set(subclasses(KefuError)), key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", EVERY_ERROR)
def test_errors_cross_process_borders(cls: type[KefuError]) -> None:
    copy = pickle.loads(pickle.dumps(cls("what was wrong", retry_after_s=3)))
    assert type(copy) is cls
    assert (copy.detail, copy.retry_after_s, str(copy)) == ("what was wrong", 3, "what was wrong")
    assert pickle.loads(pickle.dumps(cls("x"))).retry_after_s is None


def test_codes_are_unique_and_say_what_to_do() -> None:
    assert TurnOpen in EVERY_ERROR
    assert NoSuchTurn in EVERY_ERROR
    assert len({cls.code for cls in EVERY_ERROR}) == len(EVERY_ERROR)
    for cls in EVERY_ERROR:
        assert 400 <= cls.status <= 599
        assert cls.title
        assert cls.code == cls.code.lower()
        assert issubclass(cls, errors.Unavailable) == (cls.status == 503)


def test_problem() -> None:
    assert problem(MailboxFull("32 waiting", retry_after_s=2)) == {
        "type": "about:blank#mailbox_full", "title": "Mailbox full", "status": 503, "code": "mailbox_full",
        "detail": "32 waiting", "retry_after": 2,
    }  # fmt: skip
    assert "retry_after" not in problem(MailboxFull("32 waiting"))
    assert problem(MailboxFull("x", retry_after_s=0))["retry_after"] == 0


def test_the_reply_as_json() -> None:
    event = EVERY_EVENT[-1]
    assert isinstance(event, BotReplied)
    expected = {
        "session_id": 's"1', "turn": 9, "seq": 4, "kind": "clarify", "text": "两项之一", "language": "zh",
        "confidence": 1 / 3, "offer_person": True, "knowledge_version": 7, "model": "m", "route": "refunds",
        "route_version": 12, "citations": [
            {"id": "faq-1", "revision": 3, "title": "退货", "quote": "七天内"},
        ],
        "options": [{"id": "a", "title": "Return an order"}, {"id": "b", "title": "换货"}],
    }  # fmt: skip
    body = render('s"1', 9, 4, answer_of(event))
    assert json.loads(body) == expected
    assert body == encode_json(msgspec.json.decode(body, type=Reply))


def test_an_answer_survives_recording_exactly() -> None:
    """The live reply is rendered from the answer, the retried one from the event: the bytes must agree."""
    from actors.session import CompleteTurn, decide
    from actors.state import fold

    for given in (RICH_ANSWER, answer(), answer("", confidence=0.1 + 0.2), answer(confidence=1.0)):
        event = decide(fold(EVERY_EVENT[:2]), CompleteTurn("k-1", given, 5))[-1]
        assert isinstance(event, BotReplied)
        recorded = BotReplied.FromString(event.SerializeToString())
        assert answer_of(recorded) == given
        assert render("s", 1, 2, answer_of(recorded)) == render("s", 1, 2, given)


def test_equal_answers_of_other_sessions_are_not_mixed_up() -> None:
    bodies = [json.loads(render(session, turn, seq, answer())) for session, turn, seq in (("a", 1, 3), ("b", 2, 5))]
    assert [(b["session_id"], b["turn"], b["seq"]) for b in bodies] == [("a", 1, 3), ("b", 2, 5)]
    assert answer_of(replied("k", "other")).text == "other"


def test_turns_travel_as_messagepack() -> None:
    request = TurnRequest(1, "acme", "s1", "k", "你好", 5)
    outcome = TurnOutcome(1, 503, b"{}", 2)
    encode = msgspec.msgpack.encode
    assert msgspec.msgpack.decode(encode([request]), type=list[TurnRequest]) == [request]
    assert msgspec.msgpack.decode(encode([outcome]), type=list[TurnOutcome]) == [outcome]
