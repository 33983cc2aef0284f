"""Random commands against decide and evolve, with a dictionary as the model: {key: reply}."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from kit.given import T0

from actors import snapshot
from actors.session import CompleteTurn, NoSuchTurn, ReceiveMessage, TurnOpen, decide
from actors.state import State, evolve, fingerprint, fold, key_digest
from events.codec import Event, decode, encode
from events.store import StoredEvent
from schemas.answers import Answer, Citation, Option
from schemas.events_pb2 import BotReplied, EscalationRequested, SessionStarted, UserMessageReceived

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)  # without the slow explanation
texts = st.text(max_size=12)
keys = st.sampled_from([f"k{n}" for n in range(5)])
answers = st.builds(
    Answer,
    kind=st.sampled_from(["answer", "clarify", "unknown", "smalltalk", "escalated"]),
    text=texts,
    language=st.sampled_from(["en", "zh"]),
    confidence=st.floats(0, 1),
    knowledge_version=st.integers(0, 2**62),
    model=texts,
    citations=st.lists(st.builds(Citation, texts, st.integers(0, 2**31 - 1), texts, texts), max_size=2).map(tuple),
    options=st.lists(st.builds(Option, texts, texts), max_size=3).map(tuple),
    offer_person=st.booleans(),
    answer_us=st.integers(0, 2**32 - 1),
)
at = st.integers(0, 10**6).map(lambda ms: T0 + ms)
receive = st.builds(
    lambda key, text, at_ms, reply: ReceiveMessage("acme", "s1", key, fingerprint(text), text, at_ms, reply),
    keys, texts, at, st.none() | answers,
)  # fmt: skip
complete = st.builds(CompleteTurn, keys, answers, at)
histories = st.lists(receive | complete, max_size=25)


def live(commands: list[ReceiveMessage | CompleteTurn]) -> tuple[State, list[Event]]:
    """Run the commands, checking each decision against what the model allows."""
    state, log = State(), []
    replies: dict[str, BotReplied | None] = {}  # None: open
    for command in commands:
        unanswered = [key for key, reply in replies.items() if reply is None]
        try:
            events = decide(state, command)
        except TurnOpen:
            assert isinstance(command, ReceiveMessage)
            assert unanswered
            assert command.key not in replies
            continue
        except NoSuchTurn:
            assert isinstance(command, CompleteTurn)
            assert unanswered != [command.key]
            continue
        if isinstance(command, ReceiveMessage) and command.key in replies:
            assert events == ()  # a retry emits no event
            continue
        for event in events:
            evolve(state, event)
        log += events
        reply = events[-1]
        if command.answer is not None:
            assert isinstance(reply, BotReplied)
            assert reply.turn == len(replies.keys() | {command.key})
            assert (reply.key, reply.text, reply.at_ms) == (command.key, command.answer.text, command.at_ms)
        replies[command.key] = reply if isinstance(reply, BotReplied) else None
    assert {key_digest(key) for key in replies} == set(state.keys)
    for key, reply in replies.items():
        where = state.keys[key_digest(key)]
        assert (log[where.reply_seq - 1] if where.reply_seq else None) == reply
    return state, log


@settings(deadline=None, phases=PHASES, max_examples=150)
@given(histories)
def test_histories_obey_the_model(commands: list[ReceiveMessage | CompleteTurn]) -> None:
    state, log = live(commands)
    assert state.version == len(log)
    assert [n for n, event in enumerate(log) if isinstance(event, SessionStarted)] == [0][: len(log)]
    assert sum(isinstance(event, EscalationRequested) for event in log) == state.escalated
    for kind in (UserMessageReceived, BotReplied):
        seen = [event.key for event in log if isinstance(event, kind)]
        assert len(seen) == len(set(seen))


@settings(deadline=None, phases=PHASES, max_examples=100)
@given(histories, st.integers(0, 50))
def test_live_refolded_and_restored_states_agree(commands: list[ReceiveMessage | CompleteTurn], cut: int) -> None:
    state, log = live(commands)
    stored = [StoredEvent(seq, *encode(event)) for seq, event in enumerate(log, 1)]
    refolded = fold(decode(1, event) for event in stored)
    cut = min(cut, len(log))
    restored = snapshot.restore(snapshot.take(fold(log[:cut])))
    assert restored is not None
    with_tail = fold((decode(1, event) for event in stored[cut:]), restored)
    assert state == refolded == with_tail
    assert len({snapshot.state_hash(one) for one in (state, refolded, with_tail)}) == 1
