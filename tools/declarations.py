"""The tools of a tenant as declared, and what may be known of them without calling any."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.tools import ToolSpec, ToolTerms
from tools.checking import Checker

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Http(Struct, frozen=True):
    """An endpoint. `url`: with `{argument}` where one goes; `headers`: with `${secret}` where one goes.

    `allow`: internal hosts and networks that it is at; the operator must allow them too. `reconcile`: an address, with
    `{idempotency_key}`, that says what became of a call: 200 with its result, 404 if it never happened.
    """

    url: str
    method: Method
    headers: Mapping[str, str]
    allow: tuple[str, ...] = ()
    reconcile: str = ""


class Tool(Struct, frozen=True, eq=False):
    """One declared tool: `http` or `python`, as `package.module:function`, and never both.

    `tenants`: that may call it; everyone who has this document if empty. `idempotent`: a repeat under the same key
    has no second effect; `read_only`: it has no effect at all. `result`: what its result must be, if that was said.
    """

    spec: ToolSpec
    parameters: Checker
    result: Checker | None
    http: Http | None
    python: str
    timeout_s: float
    max_result_bytes: int
    confirm: Mapping[str, str]
    offered: bool
    tenants: frozenset[str]
    idempotent: bool
    read_only: bool

    @property
    def repeatable(self) -> bool:
        """Whether calling it again under the same key does no harm."""
        return self.idempotent or self.read_only

    def permits(self, tenant: str) -> bool:
        return not self.tenants or tenant in self.tenants


class Declarations:
    """All tools of one document. Immutable."""

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self._tools = dict(tools)

    @property
    def names(self) -> tuple[str, ...]:
        """In the document's order."""
        return tuple(self._tools)

    def tool(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def terms(self, name: str, version: int = 0) -> ToolTerms | None:
        """`version`: of the document, which does not know it."""
        tool = self._tools.get(name)
        return ToolTerms(tool.spec, version, dict(tool.confirm), tool.offered) if tool else None

    def offered(self, tenant: str) -> tuple[ToolSpec, ...]:
        """What a model that works for the tenant is told of."""
        return tuple(tool.spec for tool in self._tools.values() if tool.offered and tool.permits(tenant))

    def meant(self, name: str) -> str:
        """The declared name most like this one, or empty."""
        return next(iter(difflib.get_close_matches(name, list(self._tools), 1)), "")


NO_TOOLS = Declarations({})
