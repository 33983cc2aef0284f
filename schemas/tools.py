"""Tools as sessions, models and flows see them: what can be called, what was asked for, what came of it."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from msgspec import Struct

Outcome = Literal["ok", "failed", "unknown"]


class ToolSpec(Struct, frozen=True):
    """What a model is told of a tool. `parameters` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolTerms(Struct, frozen=True):
    """A declared tool and how a session must treat it.

    `version`: of the tenant's tool declarations. `confirm`: what the customer is asked before it is called, by
    language; empty if it may be called at once. `offered`: models may ask for it, not flows alone.
    """

    spec: ToolSpec
    version: int
    confirm: dict[str, str] = {}
    offered: bool = True


class ToolCall(Struct, frozen=True):
    """What a model or a flow wants called. `arguments`: JSON text, of a model as it wrote it, so perhaps broken."""

    id: str
    name: str
    arguments: str


class ToolRequest(Struct, frozen=True):
    """A claimed call on its way. `idempotency_key` is the same in every repeat of this call and in no other."""

    tenant: str
    version: int
    name: str
    arguments: str
    idempotency_key: str
    session: str
    deadline_ms: int


class ToolOutcome(Struct, frozen=True):
    """`result`: JSON text, for a failure `{"error": ..., "detail": ...}`. `status`: HTTP's, 0 if there was none.

    `unknown`: the call may have had its effect, and nobody can say.
    """

    outcome: Outcome
    result: str
    status: int = 0
    took_us: int = 0


class Tools(Protocol):
    """Calls tools. Neither method raises for what the tool or the network does: that is an outcome."""

    async def call(self, request: ToolRequest) -> ToolOutcome:
        """Call it once. Arguments that break the schema are `failed` before anything is sent."""

    async def reconcile(self, request: ToolRequest) -> ToolOutcome:
        """What became of a call that was claimed by a process which has died: asked of the tool, or repeated under
        the same key where its declaration says that the key makes this safe, else `unknown`."""
