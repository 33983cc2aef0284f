"""An open turn read from its facts: how far it has got. Pure."""

from __future__ import annotations

from msgspec import Struct, field

from actors.state import State
from schemas.events_pb2 import (
    FlowMoved,
    GuardrailTriggered,
    KnowledgeConsulted,
    ModelReplied,
    ReplyChecked,
    ToolClaimed,
    ToolProposed,
    ToolReturned,
)


class Stage(Struct):
    """The facts since the flow last moved, or since the message if it has not.

    `said`: what the flow has told the customer in the whole turn; `moved`: its last move; `stopped`: the guardrail
    that ends the turn; `checked`: the verdict on the last of `models`; `decided`: the turn began with what became of a
    call that an earlier turn had proposed.
    """

    moved: FlowMoved | None = None
    said: list[str] = field(default_factory=list)
    stopped: GuardrailTriggered | None = None
    consulted: KnowledgeConsulted | None = None
    models: list[ModelReplied] = field(default_factory=list)
    checked: ReplyChecked | None = None
    proposed: ToolProposed | None = None
    claimed: dict[str, ToolClaimed] = field(default_factory=dict)
    returned: dict[str, ToolReturned] = field(default_factory=dict)
    decided: bool = False

    @property
    def unreturned(self) -> ToolClaimed | None:
        """A call that was claimed, and of which nothing is known: its process died."""
        return next((claim for id, claim in self.claimed.items() if id not in self.returned), None)


def read(state: State) -> Stage:
    """How far the open turn has got."""
    stage = Stage()
    for fact in state.facts:
        if isinstance(fact, FlowMoved):
            stage = Stage(fact, [*stage.said, *fact.said], stage.stopped)
        elif isinstance(fact, GuardrailTriggered):
            if fact.place == "input" and fact.action != "flag" and stage.stopped is None:
                stage.stopped = fact
        elif isinstance(fact, KnowledgeConsulted):
            stage.consulted = fact
        elif isinstance(fact, ModelReplied):
            stage.models.append(fact)
            stage.checked = None
        elif isinstance(fact, ReplyChecked):
            stage.checked = fact
        elif isinstance(fact, ToolProposed):
            stage.proposed = fact
        elif isinstance(fact, ToolClaimed):
            stage.decided |= stage.moved is None and not stage.models
            stage.claimed[fact.call_id] = fact
        elif isinstance(fact, ToolReturned):
            stage.decided |= stage.moved is None and not stage.models
            stage.returned[fact.call_id] = fact
    return stage
