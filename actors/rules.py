"""What a tenant's operators have laid down, as a turn sees it: the port to routes, flows, tools and guardrails."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from flows.definition import Flow
from guardrails.policy import Guardrails
from schemas.models import RouteChoice, Situation
from schemas.tools import ToolSpec, ToolTerms


class VersionedFlow(NamedTuple):
    """A flow and which of its versions it is."""

    flow: Flow
    version: int


class TurnRules(Protocol):
    """One tenant's rules at one moment. A turn goes by those of its beginning."""

    @property
    def uses_models(self) -> bool:
        """False: every turn is answered from knowledge, whatever the situation."""

    @property
    def guardrails(self) -> Guardrails: ...

    def choose(self, situation: Situation) -> RouteChoice:
        """The route of a turn."""

    def started_by(self, intent: str) -> VersionedFlow | None:
        """The newest version of the flow that begins with this intent."""

    def newest(self, flow: str) -> VersionedFlow | None:
        """The newest version of a flow; None if it was removed."""

    def tool(self, name: str) -> ToolTerms | None:
        """A declared tool that this tenant may use."""

    def problem(self, name: str, arguments: str) -> str:
        """What breaks the tool's schema in these arguments (a JSON object); empty if nothing."""

    def confirmation(self, name: str, arguments: str, language: str) -> str:
        """What the customer is asked before the tool is called with these arguments (JSON)."""

    def offered(self) -> tuple[ToolSpec, ...]:
        """The tools that models are told of."""


class Rules(Protocol):
    """Every tenant's rules, a moment old at most."""

    async def ready(self) -> None:
        """Returns once they have been read for the first time: until then `of` knows nothing of what was defined.

        Raises StoreUnavailable.
        """

    def of(self, tenant: str) -> TurnRules:
        """Without I/O; called on the hot path."""

    async def flow(self, tenant: str, flow: str, version: int) -> Flow | None:
        """The version of a flow that a session is pinned to; None if it cannot be read any more."""
