"""One live session: its state, its mailbox, and how a turn runs from message to recorded reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import NamedTuple

from actors import snapshot
from actors.reply import answer_of, render
from actors.session import (
    FOLD_VERSION,
    Command,
    CompleteTurn,
    KnownKey,
    ReceiveMessage,
    State,
    decide,
    evolve,
    fingerprint,
    fold,
    key_digest,
    question_for,
)
from events.codec import Event, decode, encode
from events.store import EventStore, StoredEvent
from schemas.answers import Answer, Answerer
from schemas.api import TurnRequest
from schemas.errors import (
    AppendOutcomeUnknown,
    CorruptEvent,
    DeadlineExceeded,
    KefuError,
    KeyReused,
    MailboxFull,
    WrongExpectedVersion,
)
from schemas.events_pb2 import BotReplied, UserMessageReceived

MAILBOX = 32  # commands that may wait for one session
SNAPSHOT_EVERY = 250  # events; folding as many takes about a millisecond
_ATTEMPTS = 4  # each one lost race means that somebody else made progress


def no_probe(_point: str) -> None:
    """Stands where fault tests put a crash."""


class Runtime(NamedTuple):
    """What actors need from outside. `probe` is called with a name at every step that a crash could cut."""

    store: EventStore
    answerer: Answerer
    clock: Callable[[], int]  # milliseconds since 1970
    new_id: Callable[[], int]  # snowflakes
    probe: Callable[[str], None] = no_probe


class SessionActor:
    """Runs one command at a time for one session. State is None until the first command activates it."""

    __slots__ = (
        "_in_progress",
        "_lock",
        "_runtime",
        "_snapshot_seq",
        "external_id",
        "session_id",
        "state",
        "tenant",
    )

    def __init__(self, runtime: Runtime, tenant: str, external_id: str) -> None:
        self._runtime = runtime
        self.tenant = tenant
        self.external_id = external_id
        self.session_id = 0
        self.state: State | None = None
        self._snapshot_seq = 0
        self._lock = asyncio.Lock()  # first come, first served
        self._in_progress: dict[str, tuple[bytes, asyncio.Future[bytes]]] = {}

    @property
    def idle(self) -> bool:
        return not self._in_progress

    # --- Mailbox ---------------------------------------------------------------------------------------

    async def take(self, turn: TurnRequest) -> bytes:
        """The turn's reply as JSON, once it is durable. A second request with the same key joins the first.

        Raises MailboxFull, DeadlineExceeded (not begun in time), KeyReused, and
        whatever keeps the log or the answerer from answering.
        """
        print_ = fingerprint(turn.text)
        joined = self._in_progress.get(turn.key)
        if joined is not None:
            if joined[0] != print_:
                raise _key_reused(turn.key)
            return await asyncio.shield(joined[1])
        if len(self._in_progress) >= MAILBOX:
            raise MailboxFull(
                f"session {self.external_id!r} has {MAILBOX} messages waiting; wait for replies",
                retry_after_s=1,
            )
        outcome: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._in_progress[turn.key] = (print_, outcome)
        try:
            async with self._lock:
                reply = await self._turn(turn, print_)
        except BaseException as error:
            outcome.set_exception(error)
            outcome.exception()  # nobody may have joined; that is not a lost error
            raise
        finally:
            del self._in_progress[turn.key]
        outcome.set_result(reply)
        return reply

    # --- A turn ----------------------------------------------------------------------------------------

    async def _turn(self, turn: TurnRequest, print_: bytes) -> bytes:
        self._runtime.probe("received")
        if self._runtime.clock() > turn.deadline_ms:
            raise DeadlineExceeded("the turn waited too long to begin; retry with the same key", retry_after_s=1)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                reply = await self._run(turn, print_)
                self._runtime.probe("before_acknowledgement")
                return reply
            except (WrongExpectedVersion, AppendOutcomeUnknown):
                # Somebody else wrote, or we may have: what we hold is stale. The log knows.
                self.state = None
                if attempt == _ATTEMPTS:
                    raise
            except KefuError:
                raise
            except BaseException:
                self.state = None  # a bug or a cancellation in mid-append: trust only the log
                raise
        raise AssertionError("unreachable")

    async def _run(self, turn: TurnRequest, print_: bytes) -> bytes:
        state = self.state
        if state is None or state.open_turn is not None:
            state = await self.activate()
        known = state.keys.get(key_digest(turn.key))
        if known is not None:
            return await self._recorded(turn, print_, known)
        runtime, answerer = self._runtime, self._runtime.answerer
        question = question_for(state, turn.text)
        answer = answerer.cached(question)
        if answer is None and answerer.has_effects:
            await self._do(state, self._message(turn, print_, None))
            runtime.probe("before_answer")
            answer = await answerer.answer(question)
            runtime.probe("after_answer")
            events = await self._do(state, CompleteTurn(turn.key, answer, runtime.clock()))
        else:
            if answer is None:
                runtime.probe("before_answer")
                answer = await answerer.answer(question)
                runtime.probe("after_answer")
            events = await self._do(state, self._message(turn, print_, answer))
        reply = events[-1]
        assert isinstance(reply, BotReplied)
        return render(self.external_id, reply.turn, state.version, answer)

    def _message(self, turn: TurnRequest, print_: bytes, answer: Answer | None) -> ReceiveMessage:
        return ReceiveMessage(self.tenant, self.external_id, turn.key, print_, turn.text, self._runtime.clock(), answer)

    async def _do(self, state: State, command: Command) -> tuple[Event, ...]:
        """Decide, make durable, and only then believe it."""
        events = decide(state, command)
        closes = isinstance(events[-1], BotReplied)
        self._runtime.probe("before_reply_append" if closes else "before_intent_append")
        await self._runtime.store.append(self.session_id, state.version, [encode(event) for event in events])
        self._runtime.probe("after_reply_append" if closes else "after_intent_append")
        for event in events:
            evolve(state, event)
        return events

    async def _recorded(self, turn: TurnRequest, print_: bytes, known: KnownKey) -> bytes:
        """The reply that this key got before, from the log."""
        events = await self._runtime.store.read(
            self.session_id, after=known.seq - 1, limit=known.reply_seq - known.seq + 1
        )
        turns = [decode(self.session_id, stored) for stored in events]
        message, reply = (turns[0], turns[-1]) if turns else (None, None)
        if not isinstance(message, UserMessageReceived) or not isinstance(reply, BotReplied):
            raise CorruptEvent(f"session {self.session_id} seq {known.seq}..{known.reply_seq} is not a turn")
        if message.fingerprint != print_ or message.key != turn.key:
            raise _key_reused(turn.key)
        return render(self.external_id, reply.turn, known.reply_seq, answer_of(reply))

    # --- Activation and passivation ----------------------------------------------------------------------

    async def activate(self) -> State:
        """Rebuild the state from snapshot and log, and finish the turn that a crash left open."""
        self.state = None
        store = self._runtime.store
        if not self.session_id:
            self.session_id, is_new = await store.resolve(self.tenant, self.external_id, self._runtime.new_id())
            if is_new:
                self.state = State(tenant=self.tenant, external_id=self.external_id)
                return self.state
        opened = await store.open(self.session_id, FOLD_VERSION)
        state = snapshot.restore(opened.snapshot) if opened.snapshot else None
        tail = opened.tail
        if opened.snapshot and state is None:
            tail = await store.read(self.session_id)
        state = fold(self._decoded(tail, after=state.version if state else 0), state)
        if state.version == 0:
            state.tenant, state.external_id = self.tenant, self.external_id
        self._snapshot_seq = opened.snapshot.seq if opened.snapshot else 0
        if state.open_turn is not None:
            answer = await self._runtime.answerer.answer(question_for(state, state.open_turn.text))
            await self._do(state, CompleteTurn(state.open_turn.key, answer, self._runtime.clock()))
        self.state = state
        return state

    def _decoded(self, tail: list[StoredEvent], after: int) -> Iterator[Event]:
        for expected, stored in enumerate(tail, after + 1):
            if stored.seq != expected:
                raise CorruptEvent(
                    f"session {self.session_id}: seq {expected} is missing before {stored.seq}; restore from a backup"
                )
            yield decode(self.session_id, stored)

    @property
    def wants_snapshot(self) -> bool:
        return self.state is not None and self.state.version - self._snapshot_seq >= SNAPSHOT_EVERY

    async def save_snapshot(self) -> None:
        """Spare the next activation the fold. A failure costs nothing: the log has everything."""
        if self.state is None or self.state.open_turn is not None:
            return
        taken = snapshot.take(self.state)
        try:
            await self._runtime.store.save_snapshot(self.session_id, taken)
            self._snapshot_seq = taken.seq
        except KefuError:
            return


def _key_reused(key: str) -> KeyReused:
    return KeyReused(f"the idempotency key {key!r} was used with another text; use a new key for a new message")
