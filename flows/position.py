"""What goes into a flow's machine and what comes out. All of it is data, and all of it can be recorded."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Position(Struct, frozen=True):
    """Where a session is in a flow. Recorded whole in every FlowMoved event, so a replay needs no flow definition.

    `slots`: JSON values, results of tools among them by their `save` name. `step`: index of the next action of the
    state's `do`. `awaiting`: "" (the customer), "slot:<name>", "answer" or "call". `misses`: utterances in a row that
    did not help.
    """

    flow: str
    version: int
    state: str
    slots: dict[str, Any] = {}
    entered_at_ms: int = 0
    step: int = 0
    awaiting: str = ""
    misses: int = 0


class Said(Struct, frozen=True):
    """The customer's utterance."""

    text: str


class Consulted(Struct, frozen=True):
    """What knowledge and intents say of an utterance. `intent`: empty if none; `sure`: the answer may be given."""

    text: str
    intent: str
    answer: str
    sure: bool


class Returned(Struct, frozen=True):
    """A tool's outcome. `result`: decoded JSON, of a failure `{"error": ..., "detail": ...}`."""

    ok: bool
    result: Any


Input = Said | Consulted | Returned


class Consult(Struct, frozen=True):
    """Needed: what knowledge and intents say of this."""

    question: str


class Call(Struct, frozen=True):
    """Needed: a tool's outcome. `confirmed`: the customer has said yes to it already."""

    tool: str
    arguments: dict[str, Any]
    confirmed: bool = False


class Move(Struct, frozen=True):
    """From one state to the next ("" before the first and after the last).

    `cause`: start, intent:<name>, slot:<name>, ok, failed, timeout, always, misses, migrate or end.
    """

    from_state: str
    to_state: str
    cause: str


class Outcome(Struct, frozen=True):
    """What came of an input. `position` None: the flow has ended.

    `said`: what the customer is told, in order; `options`: choices to offer with it. `need`: what the flow waits for;
    with none it waits for the customer. `escalate`: why a person is asked for. `closed`: the matter is settled.
    """

    position: Position | None
    moves: tuple[Move, ...] = ()
    said: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    need: Consult | Call | None = None
    escalate: str = ""
    closed: bool = False
