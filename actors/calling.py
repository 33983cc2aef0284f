"""A tool's call on its way: refused, proposed to the customer, or claimed. No I/O, no clock, no random."""

from __future__ import annotations

import hashlib

import msgspec

from actors.stage import Stage
from actors.state import Proposal, State
from actors.steps import Facts, Invoke, Reply, Turn
from actors.texts import say
from actors.wording import language, own
from schemas.answers import Citation, Option
from schemas.events_pb2 import ToolClaimed, ToolProposed, ToolReturned


def call_id(state: State, stage: Stage) -> str:
    """Of a flow's call: the same again when the turn goes on in another process."""
    assert state.open_turn is not None
    return f"{state.open_turn.seq}-{len(stage.said)}-{len(state.facts)}"


def call(
    state: State, turn: Turn, stage: Stage, id: str, name: str, arguments: str, origin: str, confirmed: bool = False
) -> Facts | Invoke | Reply:
    """Refuse, propose or claim it."""
    assert state.open_turn is not None
    if stage.proposed is not None and stage.proposed.call_id == id:
        return confirm(state, turn, stage.proposed, "\n\n".join(stage.said))
    terms = turn.rules.tool(name)
    if terms is None or (origin == "model" and not terms.offered):
        detail = f"there is no tool {name!r}" if terms is None else f"{name!r} may not be called by models"
        return Facts((refusal(state, turn, id, name, "unknown_tool", detail),))
    if origin == "model" and not _is_object(arguments):
        return Facts((refusal(state, turn, id, name, "bad_arguments", "the arguments are not a JSON object"),))
    problem = turn.rules.problem(name, arguments) if origin == "model" else ""
    if problem:  # before the customer is asked about it
        return Facts((refusal(state, turn, id, name, "bad_arguments", problem),))
    if terms.confirm and not confirmed:
        proposal = ToolProposed(
            key=state.open_turn.key, call_id=id, tool=name, arguments=arguments, origin=origin, at_ms=turn.at_ms
        )
        return Facts((proposal,))
    return Invoke(
        ToolClaimed(
            key=state.open_turn.key,
            call_id=id,
            tool=name,
            tools_version=terms.version,
            arguments=arguments,
            idempotency_key=idempotency_key(state, id),
            origin=origin,
            at_ms=turn.at_ms,
        )
    )


def idempotency_key(state: State, id: str) -> str:
    """Of one call in one turn of one session, and of nothing else."""
    assert state.open_turn is not None
    parts = (state.tenant, state.external_id, str(state.open_turn.seq), id)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def refusal(state: State, turn: Turn, id: str, tool: str, error: str, detail: str) -> ToolReturned:
    """The outcome of a call that was not made."""
    assert state.open_turn is not None
    result = msgspec.json.encode({"error": error, "detail": detail}).decode()
    return ToolReturned(
        key=state.open_turn.key, call_id=id, tool=tool, outcome="failed", result=result, at_ms=turn.at_ms
    )


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(arguments), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def confirm(
    state: State, turn: Turn, proposal: ToolProposed, before: str = "", citations: tuple[Citation, ...] = ()
) -> Reply:
    """Ask the customer, after what there is to say `before`."""
    speaks = language(state)
    question = turn.rules.confirmation(proposal.tool, proposal.arguments, speaks) or say("confirm", speaks)
    options = (Option("yes", say("yes", speaks)), Option("no", say("no", speaks)))
    text = f"{before}\n\n{question}" if before else question
    return Reply(own(state, "confirm", text, options=options, citations=citations))


def ask_again(state: State, turn: Turn, proposal: Proposal) -> Facts:
    """The same call is proposed once more."""
    assert state.open_turn is not None
    again = ToolProposed(
        key=state.open_turn.key, call_id=proposal.call_id, tool=proposal.tool, arguments=proposal.arguments,
        origin=proposal.origin, at_ms=turn.at_ms,
    )  # fmt: skip
    return Facts((again,))
