"""The rules of a session: given what happened, when this is asked, then that follows."""

from __future__ import annotations

import pytest
from kit.given import EVERY_EVENT, RICH_ANSWER, T0, answer, given, known, received, replied, started

from actors.session import CompleteTurn, NoSuchTurn, ReceiveMessage, TurnOpen
from actors.state import RECENT_UTTERANCES, OpenTurn, State, fingerprint, key_digest
from schemas import events_pb2 as pb
from schemas.answers import Answer, Option


def says(key: str, text: str = "hello", with_answer: Answer | None = None, at_ms: int = T0) -> ReceiveMessage:
    return ReceiveMessage("acme", "s1", key, fingerprint(text), text, at_ms, with_answer)


ESCALATED = answer("a person comes", kind="escalated")
ESCALATION = pb.EscalationRequested(key="a", reason="asked for a person", at_ms=T0)


def test_the_first_message_starts_the_session() -> None:
    given().when(says("a")).then(started(), received("a"))


def test_a_message_with_its_answer_is_a_whole_turn() -> None:
    given().when(says("a", with_answer=answer())).then(started(), received("a"), replied("a"))
    given(started(), received("a"), replied("a")).when(says("b", with_answer=answer("yo"), at_ms=T0 + 9)).then(
        received("b", at_ms=T0 + 9), replied("b", "yo", turn=2, at_ms=T0 + 9)
    )


def test_everything_of_the_answer_is_recorded() -> None:
    given(*EVERY_EVENT[:2]).when(CompleteTurn("k-1", RICH_ANSWER, T0 + 2)).then(EVERY_EVENT[-1])


@pytest.mark.parametrize("kind", ["answer", "clarify", "unknown", "smalltalk", "escalated"])
def test_every_kind_of_answer_has_its_number(kind: str) -> None:
    given(started(), received("z"), replied("z"), pb.EscalationRequested(key="z"), received("a")).when(
        CompleteTurn("a", answer(kind=kind), T0)
    ).then(replied("a", turn=2, kind=pb.ReplyKind.Value(kind.upper())))


def test_the_answer_completes_the_open_turn() -> None:
    given(started(), received("a")).when(CompleteTurn("a", answer(), T0 + 5)).then(replied("a", at_ms=T0 + 5))


def test_a_key_seen_before_is_nothing_new() -> None:
    given(started(), received("a"), replied("a")).when(says("a")).then_nothing()
    given(started(), received("a")).when(says("a", with_answer=answer())).then_nothing()
    given(started(), received("a"), replied("a"), received("b")).when(says("a", "other")).then_nothing()


def test_a_message_while_a_turn_is_open() -> None:
    given(started(), received("a")).when(says("b")).then_raises(TurnOpen, "'a'")


def test_a_turn_that_is_not_open_cannot_be_completed() -> None:
    given().when(CompleteTurn("a", answer(), T0)).then_raises(NoSuchTurn, "'a'")
    given(started(), received("a")).when(CompleteTurn("b", answer(), T0)).then_raises(NoSuchTurn, "'b'")
    given(started(), received("a"), replied("a")).when(CompleteTurn("a", answer(), T0)).then_raises(NoSuchTurn)


def test_escalation_is_recorded_once() -> None:
    reply = replied("a", "a person comes", kind=pb.ESCALATED)
    given(started(), received("a")).when(CompleteTurn("a", ESCALATED, T0)).then(ESCALATION, reply)
    given(started(), received("a"), ESCALATION, reply).when(says("b", with_answer=ESCALATED)).then(
        received("b"), replied("b", "a person comes", turn=2, kind=pb.ESCALATED)
    )


def test_an_accepted_offer_is_the_reason_of_an_escalation() -> None:
    accepted = pb.EscalationRequested(key="b", reason="offer accepted", at_ms=T0)
    history = given(started(), received("a"), replied("a", offer_person=True))
    history.when(says("b", "yes", ESCALATED)).then(
        received("b", "yes"), accepted, replied("b", "a person comes", turn=2, kind=pb.ESCALATED)
    )


def test_state_after_a_whole_turn() -> None:
    option = pb.Option(id="o", title="O")
    state = given(
        started(at_ms=T0),
        received("a", "hello", T0 + 1),
        replied("a", at_ms=T0 + 2, offer_person=True, options=[option]),
    ).state
    assert state == State(
        tenant="acme", external_id="s1", version=3, turns=1, started_at_ms=T0, last_at_ms=T0 + 2,
        person_offered=True, options=(Option("o", "O"),), recent=[(True, "hello"), (False, "hi")],
        keys=known(("a", 2, 3)),
    )  # fmt: skip


def test_state_with_an_open_turn() -> None:
    state = given(started(), received("a"), ESCALATION, replied("a", offer_person=True), received("b", "so?")).state
    assert state.open_turn == OpenTurn("b", fingerprint("so?"), "so?", 5)
    assert state.keys == known(("a", 2, 4), ("b", 5, 0))
    assert (state.turns, state.escalated, state.person_offered) == (2, True, True)


def test_options_and_the_offer_last_until_the_next_reply() -> None:
    offered = replied("a", offer_person=True, options=[pb.Option(id="o", title="O")])
    state = given(started(), received("a"), offered, received("b"), replied("b", turn=2)).state
    assert (state.options, state.person_offered) == ((), False)


def test_only_the_newest_utterances_are_kept() -> None:
    turns = [event for n in range(30) for event in (received(f"k{n}", f"q{n}"), replied(f"k{n}", f"a{n}"))]
    state = given(started(), *turns).state
    assert len(state.recent) == RECENT_UTTERANCES
    assert state.recent[-2:] == [(True, "q29"), (False, "a29")]
    assert state.recent[0] == (True, f"q{30 - RECENT_UTTERANCES // 2}")
    assert len(state.keys) == 30


def test_digests_tell_keys_and_texts_apart_and_never_change() -> None:
    assert key_digest("a") == int.from_bytes(bytes.fromhex("ca978112ca1bbdca"), "little")  # SHA-256 of "a"
    assert fingerprint("a").hex() == "ca978112ca1bbdcafac231b39a23dc4d"
    assert key_digest("a") != key_digest("b")
