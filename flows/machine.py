"""The machine that runs a flow: a position and an input in, an outcome out. No clock, no random, no I/O.

It never raises: a position that the flow no longer has, or a flow that goes in circles, leads to a person.
"""

from __future__ import annotations

from flows.conversing import consulted, returned, said, take_in, values_at_start
from flows.definition import AnswerAction, Ask, CallTool, Flow, Migration, State
from flows.position import Call, Consult, Consulted, Input, Move, Outcome, Position, Returned, Said
from flows.running import IN_CIRCLES, MOST_HOPS, MOST_NEEDS, Run

__all__ = [
    "IN_CIRCLES", "MOST_HOPS", "MOST_NEEDS",
    "Call", "Consult", "Consulted", "Input", "Move", "Outcome", "Position", "Returned", "Said",
    "advance", "begin", "migrate",
]  # fmt: skip


# The names of the parameters are a contract with whoever runs sessions, `said` the text among them.
def begin(flow: Flow, version: int, said: str, at_ms: int, language: str) -> Outcome:
    """Start with the utterance that asked for the flow; what it says already is not asked again."""
    run = Run(flow, Position(flow.id, version, "", entered_at_ms=at_ms), at_ms, language)
    run.scope.intent = flow.start_intents[0] if len(flow.start_intents) == 1 else ""
    take_in(run, values_at_start(run, said))
    run.enter(flow.start, "start")
    run.go()
    return run.outcome()


def advance(flow: Flow, position: Position, given: Input, at_ms: int, language: str) -> Outcome:
    """Go on with what has come. An outcome that the position does not wait for changes nothing."""
    run = Run(flow, position, at_ms, language)
    if lost := _lost(flow, position):
        run.escalate(lost)
        return run.outcome()
    match given:
        case Said():
            said(run, given)
        case Consulted():
            consulted(run, given)
        case Returned():
            returned(run, given)
    return run.outcome()


def migrate(flow: Flow, version: int, position: Position) -> Position | None:
    """The position in this newer version, by its declared rule; None without one: the session stays pinned.

    A flow in the middle of an answer or a call is let finish that first.
    """
    rule = next((rule for rule in flow.migrations if _concerns(rule, version, position.version)), None)
    if rule is None or position.awaiting in ("answer", "call"):
        return None
    state = flow.states.get(rule.states.get(position.state, position.state))
    if state is None:
        return None
    # The customer's next word goes on from the same question; where it is not asked any more, from the beginning of
    # the state; and from its transitions where the old state had done everything and waited.
    slot = position.awaiting.removeprefix("slot:")
    asks = [step for step in range(len(state.do)) if _asks(state, step, slot)] if slot else [len(state.do)]
    return Position(
        flow.id, version, state.name, position.slots, position.entered_at_ms,
        step=asks[0] if asks else 0,
        awaiting=position.awaiting if asks else "",
        misses=position.misses,
    )  # fmt: skip


def _concerns(rule: Migration, version: int, old: int) -> bool:
    return old < version and (rule.of is None or old in rule.of)


def _asks(state: State, step: int, slot: str) -> bool:
    action = state.do[step] if step < len(state.do) else None
    return isinstance(action, Ask) and action.slot == slot


def _lost(flow: Flow, position: Position) -> str:
    """Why the flow cannot go on from there: it was changed under the session. Empty if it can."""
    state = flow.states.get(position.state)
    if state is None:
        return f"flow {flow.id} has no state {position.state!r}"
    if not 0 <= position.step <= len(state.do):
        return f"state {state.name} of flow {flow.id} has no step {position.step}"
    action = state.do[position.step] if position.step < len(state.do) else None
    kind, _, slot = position.awaiting.partition(":")
    fits = {
        "": True,
        "slot": slot in flow.slots and _asks(state, position.step, slot),
        "answer": isinstance(action, AnswerAction),
        "call": isinstance(action, CallTool),
    }
    if not fits.get(kind, False):
        return f"state {state.name} of flow {flow.id} does not wait for {position.awaiting!r} at step {position.step}"
    return ""
