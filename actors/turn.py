"""What an open turn needs next, given what is known so far: the heart of a session. No I/O, no clock, no random.

`next_step` is asked again after every fact that was recorded, until it says
Reply. It goes by the session's state alone, so a turn that was cut off
anywhere goes on from there in another process.
"""

from __future__ import annotations

import msgspec

from actors import calling, flowing, modelling
from actors.modelling import triggered
from actors.reply import answer_of
from actors.rules import VersionedFlow
from actors.session import meant
from actors.stage import Stage, read
from actors.state import State
from actors.steps import Consult, Facts, Reconcile, Reply, Step, Turn
from actors.texts import say
from actors.wording import escalated, language, own
from flows import machine, phrases
from guardrails.outputs import OutputContext, inspect_output
from schemas import events_pb2 as pb
from schemas.events_pb2 import GuardrailTriggered, ToolReturned

_PATIENCE = 2  # replies to a proposal that are neither yes nor no
_LASTS_MS = 24 * 3_600_000  # a yes that comes later is asked for once more
_LOST = "the version of the flow that the session is in cannot be read any more"
_DIRECT = (pb.SMALLTALK, pb.ESCALATED)  # no flow and no model has a say in these


def next_step(state: State, turn: Turn) -> Step:
    """What the open turn needs next. The state has one."""
    step = _next(state, turn)
    return _guarded(state, turn, step) if isinstance(step, Reply) else step


def _guarded(state: State, turn: Turn, reply: Reply) -> Step:
    """Flows' words are their author's, but what is filled in is a tool's or the customer's: that is looked at.

    Links and numbers are the author's or a tool's, images are neither's; models' replies are looked at in
    modelling.py, with what they rest on.
    """
    text = reply.answer.text
    if reply.answer.kind not in ("flow", "closed", "confirm", "escalated"):
        return reply
    known = inspect_output(text, OutputContext(grounding=(text,)), turn.rules.guardrails)
    images = inspect_output(text, OutputContext(), turn.rules.guardrails)
    found = list(dict.fromkeys([*known, *(each for each in images if each.rule == "remote_image")]))
    told = {(fact.rule, fact.excerpt) for fact in state.facts if isinstance(fact, GuardrailTriggered)}
    new = [each for each in found if (each.rule, each.excerpt) not in told]
    if new:
        assert state.open_turn is not None
        return Facts(tuple(triggered(state.open_turn.key, each, turn.at_ms) for each in new))
    stops = [each for each in found if each.action != "flag"]
    return escalated(state, f"guardrail: {stops[0].rule}") if stops else reply


def _next(state: State, turn: Turn) -> Step:
    stage = read(state)
    if stage.stopped is not None:
        return _stopped(state, stage)
    lost = stage.unreturned
    if lost is not None:
        return Reconcile(lost)
    if stage.moved is not None:
        return _after_move(state, turn, stage, stage.moved)
    if stage.decided:
        return _after_decision(state, turn, stage)
    if state.proposal is not None and not stage.models:
        return _proposal(state, turn, stage)
    if state.flow is not None:
        return _hear(state, turn)
    return _answer(state, turn, stage)


def _text(state: State) -> str:
    assert state.open_turn is not None
    return meant(state, state.open_turn.text)


# --- Guardrails ------------------------------------------------------------------------------------------


def _stopped(state: State, stage: Stage) -> Reply:
    assert stage.stopped is not None
    if stage.stopped.action == "escalate":
        return escalated(state, f"guardrail: {stage.stopped.rule}")
    text = say("refused", language(state))
    if state.flow is None and state.proposal is None:
        return Reply(own(state, "refused", text))
    # What was asked before is asked again, so that the next "yes" is an answer to it and to nothing else.
    asked = next((said for from_customer, said in reversed(state.recent) if not from_customer), "")
    return Reply(own(state, "refused", f"{text}\n\n{asked}", options=state.options))


# --- Flows -----------------------------------------------------------------------------------------------


def _hear(state: State, turn: Turn) -> Step:
    """The flow that the session is in gets the customer's words."""
    at, flow = state.flow, turn.pinned
    assert at is not None
    cause = ""
    newest = turn.rules.newest(at.flow)
    if newest is not None and newest.version != at.version:
        moved = machine.migrate(newest.flow, newest.version, at)
        if moved is not None:
            at, flow, cause = moved, newest, "migrate"
    if flow is None:
        return Facts((flowing.broken_off(state, at, _LOST),))
    outcome = machine.advance(flow.flow, at, machine.Said(_text(state)), turn.at_ms, language(state))
    return Facts((flowing.moved(state, flow, at, outcome, turn.at_ms, cause),))


def _knows(state: State, turn: Turn, intent: str) -> bool:
    """Whether the flow that the session is in has something to do with the intent itself."""
    flow = _current(state, turn)
    return flow is not None and intent in flow.flow.intents


def _current(state: State, turn: Turn) -> VersionedFlow | None:
    """The flow that the session is in, in its version; None if that cannot be read any more."""
    at = state.flow
    if at is None:
        return None
    known = (turn.pinned, turn.rules.newest(at.flow))
    return next((each for each in known if each and (each.flow.id, each.version) == (at.flow, at.version)), None)


def _begin(state: State, turn: Turn, flow: VersionedFlow) -> Facts:
    outcome = machine.begin(flow.flow, flow.version, _text(state), turn.at_ms, language(state))
    return Facts((flowing.moved(state, flow, None, outcome, turn.at_ms),))


def _advance(state: State, turn: Turn, given: machine.Input) -> Step:
    at = state.flow
    assert at is not None
    flow = _current(state, turn)
    if flow is None:
        return Facts((flowing.broken_off(state, at, _LOST),))
    outcome = machine.advance(flow.flow, at, given, turn.at_ms, language(state))
    return Facts((flowing.moved(state, flow, at, outcome, turn.at_ms),))


def _after_move(state: State, turn: Turn, stage: Stage, move: pb.FlowMoved) -> Step:
    if move.call_tool:
        if stage.returned:
            return _advance_with(state, turn, next(iter(stage.returned.values())))
        id = stage.proposed.call_id if stage.proposed is not None else calling.call_id(state, stage)
        call = (id, move.call_tool, move.call_arguments, "flow")
        return calling.call(state, turn, stage, *call, confirmed=move.call_confirmed)
    if move.consult:
        return _consult_for_flow(state, turn, stage, move)
    text = "\n\n".join(stage.said)
    if move.ended and not (text or move.escalate or move.closed):
        return _answer(state, turn, stage)  # it ended without a word, so the customer's words are not for it
    if move.escalate:
        return escalated(state, f"flow {move.flow}: {move.escalate}", text)
    if move.closed:
        text = text or say("closed", language(state))
    return Reply(flowing.answer(state, move, text))


def _consult_for_flow(state: State, turn: Turn, stage: Stage, move: pb.FlowMoved) -> Step:
    consulted = stage.consulted
    wants_words = move.awaiting == "answer"
    if consulted is None:
        return Consult(move.consult, True, wants_words and turn.rules.uses_models)
    if consulted.answer.kind == pb.ESCALATED:
        assert state.flow is not None
        return Facts((flowing.broken_off(state, state.flow, "the customer asked for a person", consulted.answer.text),))
    other = turn.rules.started_by(consulted.intent) if consulted.intent and not wants_words else None
    if other is not None and not _knows(state, turn, consulted.intent):
        assert state.flow is not None
        return Facts((flowing.left(state, state.flow, other.flow.id), *_begin(state, turn, other).events))
    given = flowing.consulted(consulted)
    if wants_words and consulted.answer.kind not in _DIRECT:
        choice = turn.choose(state, consulted.intent, language(state))
        if choice.mode != "extractive":
            step = modelling.next_step(state, turn, stage, choice, consulted, move.consult)
            if isinstance(step, modelling.Call):
                return calling.call(state, turn, stage, step.id, step.name, step.arguments, "model")
            if not isinstance(step, Reply):
                return step
            if step.answer.kind == "escalated":
                return step
            sure = step.answer.kind == "answer"
            given = machine.Consulted(consulted.question, consulted.intent, step.answer.text, sure)
    return _advance(state, turn, given)


# --- Without a flow --------------------------------------------------------------------------------------


def _answer(state: State, turn: Turn, stage: Stage) -> Step:
    """A flow that begins, a model's words, or what knowledge says."""
    consulted = stage.consulted
    if consulted is None:
        return Consult(_text(state), False, turn.rules.uses_models)
    known = answer_of(consulted.answer)
    if consulted.answer.kind in _DIRECT:
        return Reply(known)
    flow = turn.rules.started_by(consulted.intent) if consulted.intent else None
    if flow is not None:
        return _begin(state, turn, flow)
    choice = turn.choose(state, consulted.intent, language(state))
    if choice.mode == "extractive":
        return Reply(modelling.routed(known, choice))
    step = modelling.next_step(state, turn, stage, choice, consulted, _text(state))
    if isinstance(step, modelling.Call):
        return calling.call(state, turn, stage, step.id, step.name, step.arguments, "model")
    return step


def _advance_with(state: State, turn: Turn, returned: ToolReturned) -> Step:
    """The flow's call has an outcome. One that nobody knows is a person's matter, whatever the flow says of failure."""
    if returned.outcome == "unknown" and state.flow is not None:
        reason = f"what became of {returned.tool} is unknown"
        return Facts((flowing.broken_off(state, state.flow, reason, say("unsure", language(state))),))
    try:
        result = msgspec.json.decode(returned.result)
    except msgspec.DecodeError:
        result = returned.result
    return _advance(state, turn, machine.Returned(returned.outcome == "ok", result))


# --- The customer's yes ------------------------------------------------------------------------------------


def _proposal(state: State, turn: Turn, stage: Stage) -> Step:
    """The customer was asked whether a tool may be called."""
    proposal = state.proposal
    assert proposal is not None and state.open_turn is not None
    if stage.proposed is not None:  # asked again, in this turn
        known = answer_of(stage.consulted.answer) if stage.consulted is not None else None
        if known is not None and known.kind == "answer":
            return calling.confirm(state, turn, stage.proposed, known.text, known.citations)
        return calling.confirm(state, turn, stage.proposed)
    decided = phrases.consent(phrases.plain(_text(state)))
    if decided and turn.at_ms - proposal.at_ms > _LASTS_MS:
        return calling.ask_again(state, turn, proposal)
    if decided:
        call = (proposal.call_id, proposal.tool, proposal.arguments, proposal.origin)
        return calling.call(state, turn, stage, *call, confirmed=True)
    if decided is False:
        return Facts(
            (calling.refusal(state, turn, proposal.call_id, proposal.tool, "declined", "the customer said no"),)
        )
    if proposal.misses >= _PATIENCE:
        detail = "the customer did not say yes"
        return Facts((calling.refusal(state, turn, proposal.call_id, proposal.tool, "not_confirmed", detail),))
    if stage.consulted is None:
        return Consult(_text(state), False, False)
    if stage.consulted.answer.kind == pb.ESCALATED:  # an "ok" to that must not be taken for a yes to the call
        reason = "the customer asked for a person"
        lapsed = calling.refusal(state, turn, proposal.call_id, proposal.tool, "not_confirmed", reason)
        if state.flow is None:
            return Facts((lapsed,))
        return Facts((lapsed, flowing.broken_off(state, state.flow, reason, stage.consulted.answer.text)))
    return calling.ask_again(state, turn, proposal)


def _after_decision(state: State, turn: Turn, stage: Stage) -> Step:
    """What was proposed in an earlier turn has been done, or will not be."""
    if stage.consulted is not None and stage.consulted.answer.kind == pb.ESCALATED:
        return Reply(answer_of(stage.consulted.answer))
    returned = next(iter(stage.returned.values()))
    if state.flow is not None and state.flow.awaiting == "call":
        return _advance_with(state, turn, returned)
    speaks = language(state)
    if returned.outcome == "unknown":
        return escalated(state, f"tool {returned.tool}: outcome unknown", say("unsure", speaks))
    if returned.outcome == "ok":
        choice = turn.choose(state, "", speaks)
        claim = stage.claimed.get(returned.call_id)
        if choice.mode != "extractive" and claim is not None:
            step = modelling.next_step(state, turn, stage, choice, None, _text(state))
            if not isinstance(step, modelling.Call):
                return step
        return Reply(own(state, "flow", say("done", speaks)))
    if returned.call_id not in stage.claimed:  # it was never called: the customer did not want it
        return Reply(own(state, "flow", say("declined", speaks)))
    return Reply(own(state, "flow", say("failed", speaks), offer_person=True))
