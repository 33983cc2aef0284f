"""Runs an open turn to its reply: does what `next_step` asks for, and records what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import cast

from actors.calling import refusal
from actors.facts import completed, consulted, returned, unanswered
from actors.modelling import output_context, routed
from actors.recorder import Recorder
from actors.runtime import Runtime
from actors.session import CompleteTurn, RecordFacts
from actors.steps import Ask, Consult, Facts, Invoke, Reconcile, Reply, Turn
from actors.turn import next_step
from actors.uncited import Uncited, uncited
from actors.wording import escalated
from events.codec import Event
from guardrails.streaming import OutputStream
from schemas.answers import Answer, Question
from schemas.events_pb2 import BotReplied, ToolClaimed
from schemas.models import Completion, Delta, ModelRequest, ModelUnavailable
from schemas.tools import ToolOutcome, ToolRequest

Show = Callable[[str], None]

_MAX_STEPS = 200  # far beyond what flows and models are allowed to ask for
_SPARE_MS = 400  # before the turn's own deadline a model must be done, so that something else can still be said
_LEAST_MS = 1_000  # what reconciling is given, however late it is
_TOOL_MS = 30_000  # what a tool may take at most, whatever its declaration says


class Running:
    """One run of one turn. `show`: takes a model's words as they come; None if nobody reads along."""

    def __init__(
        self,
        runtime: Runtime,
        recorder: Recorder,
        turn: Turn,
        key: str,
        deadline_ms: int,
        show: Show | None,
        known: dict[str, ToolOutcome],
    ) -> None:
        """`known`: outcomes of this session's calls that may not be in the log, by idempotency key; added to."""
        self._runtime = runtime
        self._recorder = recorder
        self._turn = turn
        self._key = key
        self._deadline_ms = deadline_ms
        self._show = show
        self._known = known
        self._asking: asyncio.Task[Completion | ModelUnavailable] | None = None
        self._partial: list[str] = []
        self._left = False
        self._answered: tuple[Ask, Completion] | None = None
        self.shadows: list[Ask] = []  # what is to be asked once more, of another route, when the customer has the reply

    def leave(self) -> None:
        """Nobody waits any more: a model is stopped, and the turn ends with what is known without it."""
        self._left = True
        if self._asking is not None:
            self._asking.cancel()

    def _is_left(self) -> bool:
        return self._left

    async def to_its_reply(self) -> tuple[Answer, BotReplied]:
        """The recorded reply. Raises what the log and the answerer raise; the turn can be gone on with afterwards."""
        recorder = self._recorder
        for _ in range(_MAX_STEPS):
            step = next_step(recorder.ahead, self._turn)
            if isinstance(step, Reply):
                return await self._reply(step)
            if isinstance(step, Consult):
                answer = await self._find(step)
                if not step.for_flow and recorder.ahead.proposal is None and self._turn.settled_by(answer):
                    choice = self._turn.choose(recorder.ahead, "", answer.language)
                    return await self._reply(Reply(routed(answer, choice)))
                facts = consulted(self._key, step, answer, self._turn.rules, self._runtime.clock())
            else:
                facts = await self._events_of(step)
            recorder.take(RecordFacts(self._key, facts))
        # Raising would leave the turn open, and the session would fail at it for ever.
        return await self._reply(escalated(recorder.ahead, f"the turn did not come to an end in {_MAX_STEPS} steps"))

    async def _reply(self, step: Reply) -> tuple[Answer, BotReplied]:
        self._keep(step.answer)
        events = self._recorder.take(CompleteTurn(self._key, step.answer, self._runtime.clock(), step.reason))
        await self._recorder.flush()
        return step.answer, cast(BotReplied, events[-1])

    def _keep(self, given: Answer) -> None:
        if self._answered is None or self._runtime.given is None:
            return
        ask, done = self._answered
        if given.model == f"{done.provider}/{done.model}":  # and not what was said in its place
            self._runtime.given.keep(self._recorder.ahead, ask, done)

    async def _events_of(self, step: Facts | Ask | Invoke | Reconcile) -> tuple[Event, ...]:
        if isinstance(step, Facts):
            return step.events
        if isinstance(step, Ask):
            return (await self._ask(step),)
        return await self._use(step.claim, again=isinstance(step, Reconcile))

    async def _find(self, step: Consult) -> Answer:
        state, answerer = self._recorder.ahead, self._runtime.answerer
        question = Question(state.tenant, step.question, state.person_offered, step.grounded)
        answer = answerer.cached(question)
        if answer is None:
            self._runtime.probe("before_answer")
            answer = await answerer.answer(question)
            self._runtime.probe("after_answer")
        return answer

    # --- Models ----------------------------------------------------------------------------------------

    async def _ask(self, ask: Ask) -> Event:
        given = self._runtime.given
        kept = None if given is None else given.find(self._recorder.ahead, ask)
        if kept is not None:
            self._give(uncited(kept.text) if ask.shown else "")
            return completed(self._key, ask, kept, self._runtime.clock())
        await self._recorder.flush()  # what costs money is preceded by an append that won
        if ask.choice.shadow and ask.messages[-1].role == "user" and not ask.repair:
            self.shadows.append(ask)  # of several rounds the first
        clock = self._runtime.clock
        if self._is_left():
            return unanswered(self._key, ask, (), "", clock(), cancelled=True)
        self._runtime.probe("before_model")
        self._partial = []
        asking = self._asking = asyncio.ensure_future(self._reply_of(ask))
        try:
            done = await asking
        except asyncio.CancelledError:
            if not self._is_left():
                asking.cancel()
                raise
            return unanswered(self._key, ask, (), "".join(self._partial), clock(), cancelled=True)
        finally:
            self._asking = None
        self._runtime.probe("after_model")
        if isinstance(done, Completion):
            self._answered = (ask, done)
            return completed(self._key, ask, done, clock())
        return unanswered(self._key, ask, done.attempts, done.partial, clock())

    async def _reply_of(self, ask: Ask) -> Completion | ModelUnavailable:
        state = self._recorder.ahead
        guard, plain = None, Uncited()
        if ask.shown and self._show is not None:
            guard = OutputStream(output_context(state, ask.choice, ask.passages), self._turn.rules.guardrails)
        request = request_of(ask, state.tenant, ask.choice.route, self._runtime.clock(), self._deadline_ms - _SPARE_MS)
        try:
            async with aclosing(self._runtime.models.stream(request)) as stream:
                async for event in stream:
                    if not isinstance(event, Delta):
                        if guard is not None:
                            self._give(plain.feed(guard.end()) + plain.end())
                        return event
                    self._partial.append(event.text)
                    if guard is not None:
                        self._give(plain.feed(guard.feed(event.text)))
        except ModelUnavailable as error:
            return error
        return ModelUnavailable("the gateway ended without a reply", (), "".join(self._partial))

    def _give(self, text: str) -> None:
        if text and self._show is not None:
            self._show(text)

    # --- Tools -----------------------------------------------------------------------------------------

    async def _use(self, claim: ToolClaimed, *, again: bool) -> tuple[Event, ...]:
        """Calls a tool; `again`: for a claim without an outcome in the log, of this process or of one that has died."""
        clock, state = self._runtime.clock, self._recorder.ahead
        outcome = self._known.get(claim.idempotency_key)
        if outcome is not None:  # only its recording had failed
            return returned(claim, outcome, clock(), self._turn.rules)
        if not again:
            if clock() > self._deadline_ms:
                detail = "there was no time left to call it"
                return (refusal(state, self._turn, claim.call_id, claim.tool, "deadline", detail),)
            self._recorder.take(RecordFacts(self._key, (claim,)))
            await self._recorder.flush()
        left_ms = self._deadline_ms - _SPARE_MS - clock()
        request = ToolRequest(
            tenant=state.tenant,
            version=claim.tools_version,
            name=claim.tool,
            arguments=claim.arguments,
            idempotency_key=claim.idempotency_key,
            session=state.external_id,
            deadline_ms=clock() + min(max(left_ms, _LEAST_MS), _TOOL_MS),
        )
        self._runtime.probe("before_tool")
        tools = self._runtime.tools
        outcome = await (tools.reconcile(request) if again else tools.call(request))
        self._known[claim.idempotency_key] = outcome
        self._runtime.probe("after_tool")
        return returned(claim, outcome, clock(), self._turn.rules, reconciled=again)


def request_of(ask: Ask, tenant: str, route: str, now_ms: int, latest_ms: int) -> ModelRequest:
    """What the gateway is asked. `latest_ms`: the turn cannot wait longer, whatever the route allows."""
    return ModelRequest(
        tenant=tenant,
        route=route,
        version=ask.choice.version,
        messages=ask.messages,
        deadline_ms=max(min(now_ms + int(ask.choice.deadline_s * 1000), latest_ms), now_ms + 100),
        tools=ask.tools,
        json_schema=ask.choice.hybrid.json_schema,
    )
