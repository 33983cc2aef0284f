"""What may have to happen next in an open turn, and what deciding about it goes by."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from actors.rules import TurnRules, VersionedFlow
from actors.state import State
from events.codec import Event
from schemas.answers import Answer
from schemas.events_pb2 import ToolClaimed
from schemas.models import Message, Priority, RouteChoice, Situation
from schemas.tools import ToolSpec


class Facts(NamedTuple):
    """Follows by itself: only to be recorded."""

    events: tuple[Event, ...]


class Consult(NamedTuple):
    """Ask knowledge, and which intent it is. `grounded`: with the passages a model would need."""

    question: str
    for_flow: bool
    grounded: bool


class Ask(NamedTuple):
    """Ask a model. `passages`: the texts it is given; `shown`: its words may be shown as they come."""

    choice: RouteChoice
    messages: tuple[Message, ...]
    prompt_hash: bytes
    tools: tuple[ToolSpec, ...]
    tools_version: int
    passages: tuple[str, ...]
    shown: bool
    repair: bool


class Invoke(NamedTuple):
    """Record the claim, and only when that has won call the tool."""

    claim: ToolClaimed


class Reconcile(NamedTuple):
    """Find out what became of a call whose process died."""

    claim: ToolClaimed


class Reply(NamedTuple):
    """The turn's answer. `reason`: why a person is called, if the answer says so."""

    answer: Answer
    reason: str = ""


Step = Facts | Consult | Ask | Invoke | Reconcile | Reply


class Turn(Struct):
    """What one run of a turn goes by: the rules and the time of its beginning, so that it ends on the route on which
    it began. `pinned`: the flow version that the session is in, or None."""

    rules: TurnRules
    at_ms: int
    priority: Priority = "normal"
    pinned: VersionedFlow | None = None
    _choices: dict[tuple[str, str, str], RouteChoice] = field(default_factory=dict)

    def settled_by(self, answer: Answer) -> bool:
        """No flow and no model has a say: what knowledge answers is the reply."""
        if answer.kind in ("smalltalk", "escalated"):
            return True
        return not self.rules.uses_models and not (answer.intent and self.rules.started_by(answer.intent))

    def choose(self, state: State, intent: str, language: str) -> RouteChoice:
        """The route for what is asked now."""
        flow, at = (state.flow.flow, state.flow.state) if state.flow else ("", "")
        choice = self._choices.get((intent, flow, at))
        if choice is None:
            situation = Situation(
                state.tenant, state.external_id, self.at_ms, language, intent, flow, at, self.priority
            )
            choice = self._choices[intent, flow, at] = self.rules.choose(situation)
        return choice
