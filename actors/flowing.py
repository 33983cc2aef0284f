"""Between a flow's pure machine and the session's events."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import structs

from actors.modelling import written
from actors.reply import answer_of
from actors.rules import VersionedFlow
from actors.state import State
from actors.wording import own
from flows.machine import Call, Consult, Consulted, Outcome, Position
from schemas import events_pb2 as pb
from schemas.answers import Answer, Kind, Option
from schemas.events_pb2 import FlowMove, FlowMoved, KnowledgeConsulted, ModelReplied, ReplyChecked

_json = msgspec.json.Encoder(order="deterministic").encode


def moved(
    state: State, flow: VersionedFlow, before: Position | None, outcome: Outcome, at_ms: int, cause: str = ""
) -> FlowMoved:
    """The event of an outcome. `cause`: what happened to the position before the machine saw it."""
    assert state.open_turn is not None
    at = outcome.position
    moves = [FlowMove(from_state=m.from_state, to_state=m.to_state, cause=m.cause) for m in outcome.moves]
    if cause and before is not None:
        moves.insert(0, FlowMove(from_state=before.state, to_state=before.state, cause=cause))
    event = FlowMoved(
        key=state.open_turn.key,
        flow=flow.flow.id,
        version=flow.version,
        moves=moves,
        said=outcome.said,
        options=outcome.options,
        ended=at is None,
        escalate=outcome.escalate,
        closed=outcome.closed,
        at_ms=at_ms,
    )
    if at is not None:
        event.state, event.slots, event.entered_at_ms = at.state, _json(at.slots).decode(), at.entered_at_ms
        event.step, event.awaiting, event.misses = at.step, at.awaiting, at.misses
    if isinstance(outcome.need, Consult):
        event.consult = outcome.need.question
    elif isinstance(outcome.need, Call):
        event.call_tool = outcome.need.tool
        event.call_arguments = _json(outcome.need.arguments).decode()
        event.call_confirmed = outcome.need.confirmed
    return event


def broken_off(state: State, at: Position, reason: str, said: str = "") -> FlowMoved:
    """The flow cannot go on, and a person must."""
    assert state.open_turn is not None
    return FlowMoved(
        key=state.open_turn.key,
        flow=at.flow,
        version=at.version,
        state=at.state,
        moves=[FlowMove(from_state=at.state, cause="end")],
        said=[said] if said else [],
        ended=True,
        escalate=reason,
        at_ms=state.last_at_ms,
    )


def left(state: State, at: Position, other: str) -> FlowMoved:
    """The customer wants something else done: the flow ends for another one."""
    assert state.open_turn is not None
    return FlowMoved(
        key=state.open_turn.key,
        flow=at.flow,
        version=at.version,
        state=at.state,
        moves=[FlowMove(from_state=at.state, cause=f"switch:{other}")],
        ended=True,
        at_ms=state.last_at_ms,
    )


def consulted(event: KnowledgeConsulted) -> Consulted:
    """What knowledge said, as flows hear it: an answer may be passed on, and so may small talk."""
    return Consulted(event.question, event.intent, event.answer.text, event.answer.kind in (pb.ANSWER, pb.SMALLTALK))


def answer(state: State, move: FlowMoved, text: str) -> Answer:
    """The reply of a flow, with the sources of whatever knowledge or a model said in it, and the model's route."""
    given = [each for each in _given(state) if each.text and each.text in text]
    citations = tuple(dict.fromkeys(c for each in given for c in each.citations))
    options = tuple(Option(f"{move.flow}-{n}", title) for n, title in enumerate(move.options, 1))
    version = max((each.knowledge_version for each in given), default=0)
    kind: Kind = "closed" if move.closed else "flow"
    reply = own(state, kind, text, citations=citations, options=options, knowledge_version=version)
    routes = [each for each in given if each.route_version]
    if not routes:
        return reply
    return structs.replace(
        reply, model=routes[-1].model, route=routes[-1].route, route_version=routes[-1].route_version
    )


def _given(state: State) -> Iterator[Answer]:
    """What knowledge said, and what models wrote that was given, in the open turn."""
    consulted: KnowledgeConsulted | None = None
    wrote: ModelReplied | None = None
    for fact in state.facts:
        if isinstance(fact, KnowledgeConsulted):
            consulted = fact
            yield answer_of(fact.answer)
        elif isinstance(fact, ModelReplied):
            wrote = fact
        elif isinstance(fact, ReplyChecked) and fact.verdict == "given" and wrote is not None:
            yield written(state, consulted, wrote)
