"""One live session: its state, its mailbox, and how a turn runs from message to recorded reply."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import cast

from msgspec import structs

from actors import facts, snapshot
from actors.mirroring import shadow_of
from actors.modelling import routed, triggered
from actors.recorder import Recorder, append
from actors.reply import answer_of, render
from actors.rules import TurnRules, VersionedFlow
from actors.running import Running, Show
from actors.runtime import Runtime
from actors.session import ReceiveMessage, RecordShadow, decide, question_for
from actors.state import FOLD_VERSION, KnownKey, State, fingerprint, fold, key_digest
from actors.steps import Ask, Consult, Turn
from events.codec import Event, decode
from events.store import StoredEvent
from guardrails.inputs import inspect_input
from schemas.answers import Answer
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
from schemas.models import Priority, Situation
from schemas.tools import ToolOutcome

MAILBOX = 32  # commands that may wait for one session
SNAPSHOT_EVERY = 250  # events; folding as many takes about a millisecond
_ATTEMPTS = 4  # each one lost race means that somebody else made progress
_RECOVERY_MS = 15_000  # what a turn that was cut off may take

_log = logging.getLogger("kefu.host")


class _Waiting:
    """A turn in progress. `waiters`: requests that want its reply."""

    __slots__ = ("fingerprint", "outcome", "waiters")

    def __init__(self, fingerprint: bytes, outcome: asyncio.Future[bytes]) -> None:
        self.fingerprint = fingerprint
        self.outcome = outcome
        self.waiters = 1


class SessionActor:
    """Runs one command at a time for one session. State is None until the first command activates it."""

    __slots__ = (
        "_in_progress",
        "_known",
        "_lock",
        "_mirrors",
        "_running",
        "_runtime",
        "_snapshot_seq",
        "external_id",
        "session_id",
        "state",
        "tenant",
        "used_at_ms",
    )

    def __init__(self, runtime: Runtime, tenant: str, external_id: str) -> None:
        self._runtime = runtime
        self.tenant = tenant
        self.external_id = external_id
        self.session_id = 0
        self.state: State | None = None
        self._snapshot_seq = 0
        self._lock = asyncio.Lock()  # first come, first served
        self._in_progress: dict[str, _Waiting] = {}
        self._running: tuple[str, Running] | None = None
        self._mirrors: set[asyncio.Task[None]] | None = None  # few sessions ever have any
        self._known: dict[str, ToolOutcome] | None = None  # of calls whose outcome is not in the log yet
        self.used_at_ms = 0  # when it was last wanted for anything

    @property
    def idle(self) -> bool:
        """Nothing is under way that another actor of the session could get in the way of."""
        return not (self._in_progress or self._mirrors or self._lock.locked())

    # --- Mailbox ---------------------------------------------------------------------------------------

    async def take(self, turn: TurnRequest, show: Show | None = None) -> bytes:
        """The turn's reply as JSON, once it is durable. A second request with the same key joins the first.

        `show` gets a model's words as they come, of the first request only. Raises MailboxFull, DeadlineExceeded (not
        begun in time), KeyReused, and whatever keeps the log or the answerer from answering.
        """
        print_ = fingerprint(turn.text)
        joined = self._in_progress.get(turn.key)
        if joined is not None:
            if joined.fingerprint != print_:
                raise _key_reused(turn.key)
            joined.waiters += 1
            return await asyncio.shield(joined.outcome)
        if len(self._in_progress) >= MAILBOX:
            raise MailboxFull(
                f"session {self.external_id!r} has {MAILBOX} messages waiting; wait for replies",
                retry_after_s=1,
            )
        outcome: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._in_progress[turn.key] = _Waiting(print_, outcome)
        try:
            async with self._lock:
                reply = await self._turn(turn, print_, show)
        except BaseException as error:
            outcome.set_exception(error)
            outcome.exception()  # nobody may have joined; that is not a lost error
            raise
        finally:
            del self._in_progress[turn.key]
        outcome.set_result(reply)
        return reply

    def leave(self, key: str) -> None:
        """One who waited for this turn has gone. When nobody is left, a model that is still writing is stopped."""
        waiting = self._in_progress.get(key)
        if waiting is None:
            return
        waiting.waiters -= 1
        if waiting.waiters <= 0 and self._running is not None and self._running[0] == key:
            self._running[1].leave()

    async def open(self) -> None:
        """Load the session before it is asked anything. One that has not begun is not made by being looked at."""
        async with self._lock:
            if self.state is None and not self.session_id:
                self.session_id = await self._runtime.store.find(self.tenant, self.external_id) or 0
            if self.state is None and self.session_id:
                await self.activate()

    async def prepare(self, text: str) -> None:
        """Have the answer ready for a message that is still being written. Changes nothing."""
        if self._lock.locked():
            return  # a turn is being run: what follows it is not known yet
        await self.open()
        await self._runtime.rules.ready()
        state = self.state or State(tenant=self.tenant, external_id=self.external_id)
        if state.flow is not None or state.proposal is not None:
            return
        question = question_for(state, text, grounded=self._runtime.rules.of(self.tenant).uses_models)
        if self._runtime.answerer.cached(question) is None:
            await self._runtime.answerer.prepare(question)

    # --- A turn ----------------------------------------------------------------------------------------

    async def _turn(self, turn: TurnRequest, print_: bytes, show: Show | None) -> bytes:
        self._runtime.probe("received")
        if self._runtime.clock() > turn.deadline_ms:
            raise DeadlineExceeded("the turn waited too long to begin; retry with the same key", retry_after_s=1)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                reply = await self._run(turn, print_, show)
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

    async def _run(self, turn: TurnRequest, print_: bytes, show: Show | None) -> bytes:
        state = self.state
        if state is None or state.open_turn is not None:
            state = await self.activate()
        known = state.keys.get(key_digest(turn.key))
        if known is not None:
            return await self._recorded(turn, print_, known)
        rules = self._runtime.rules.of(self.tenant)
        message = ReceiveMessage(
            self.tenant, self.external_id, turn.key, print_, turn.text, self._runtime.clock(), None, turn.priority
        )
        found = tuple(triggered(turn.key, each, message.at_ms) for each in inspect_input(turn.text, rules.guardrails))
        if found or state.flow is not None or state.proposal is not None:
            return await self._at_length(state, rules, turn, structs.replace(message, facts=found), show)
        question = question_for(state, turn.text, grounded=rules.uses_models)
        answer = self._runtime.answerer.cached(question)
        if answer is None:
            if self._runtime.answerer.has_effects:
                return await self._at_length(state, rules, turn, message, show)
            self._runtime.probe("before_answer")
            answer = await self._runtime.answerer.answer(question)
            self._runtime.probe("after_answer")
        if not Turn(rules, message.at_ms).settled_by(answer):
            step = Consult(question.text, False, question.grounded)
            consulted = facts.consulted(turn.key, step, answer, rules, message.at_ms)
            return await self._at_length(state, rules, turn, structs.replace(message, facts=consulted), show)
        priority = cast(Priority, turn.priority or "normal")
        situation = Situation(
            self.tenant, self.external_id, message.at_ms, answer.language, answer.intent, priority=priority
        )
        answer = routed(answer, rules.choose(situation))
        # Nothing else can follow: message and reply in one append, which is what most turns are.
        events = decide(state, structs.replace(message, answer=answer))
        await append(self._runtime, self.session_id, state, events)
        return render(self.external_id, cast(BotReplied, events[-1]).turn, state.version, answer)

    async def _at_length(
        self, state: State, rules: TurnRules, turn: TurnRequest, message: ReceiveMessage, show: Show | None
    ) -> bytes:
        """A turn that takes more than looking up its answer."""
        recorder = Recorder(self._runtime, self.session_id, state)
        recorder.take(message)
        if self._runtime.answerer.has_effects:
            await recorder.flush()
        answer, reply = await self._to_its_reply(recorder, rules, turn.key, turn.deadline_ms, show)
        return render(self.external_id, reply.turn, state.version, answer)

    async def _to_its_reply(
        self, recorder: Recorder, rules: TurnRules, key: str, deadline_ms: int, show: Show | None
    ) -> tuple[Answer, BotReplied]:
        at, opened = recorder.ahead.flow, recorder.ahead.open_turn
        pinned = None
        if at is not None:
            flow = await self._runtime.rules.flow(self.tenant, at.flow, at.version)
            pinned = None if flow is None else VersionedFlow(flow, at.version)
        priority = cast(Priority, (opened and opened.priority) or "normal")
        turn = Turn(rules, self._runtime.clock(), priority, pinned)
        self._known = {} if self._known is None else self._known
        running = Running(self._runtime, recorder, turn, key, deadline_ms, show, self._known)
        self._running = (key, running)
        waiting = self._in_progress.get(key)
        if waiting is not None and waiting.waiters <= 0:
            running.leave()  # they left before it began
        try:
            given = await running.to_its_reply()
        finally:
            self._running = None
        self._known = None
        for ask in running.shadows:
            self._mirror(key, ask)
        return given

    # --- Shadows ---------------------------------------------------------------------------------------

    def _mirror(self, key: str, ask: Ask) -> None:
        """Ask the shadow route the same, for the record. Best effort: a crash loses it."""
        task = asyncio.get_running_loop().create_task(self._shadow(key, ask))
        self._mirrors = self._mirrors or set()
        self._mirrors.add(task)
        task.add_done_callback(self._mirrors.discard)

    async def _shadow(self, key: str, ask: Ask) -> None:
        event = await shadow_of(self._runtime, self.tenant, key, ask)
        for _ in range(_ATTEMPTS):
            async with self._lock:
                try:
                    state = self.state or await self.activate()
                    await append(self._runtime, self.session_id, state, decide(state, RecordShadow(event)))
                    return
                except (WrongExpectedVersion, AppendOutcomeUnknown):
                    self.state = None
                except KefuError as error:
                    _log.warning("session %r: what its shadow said is not recorded: %s", self.external_id, error)
                    return

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
        await self._runtime.rules.ready()  # a host that has just started must not take a turn by no rules at all
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
            recorder = Recorder(self._runtime, self.session_id, state)
            deadline_ms = self._runtime.clock() + _RECOVERY_MS
            rules = self._runtime.rules.of(self.tenant)
            await self._to_its_reply(recorder, rules, state.open_turn.key, deadline_ms, None)
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
