"""The definitions port: what operators write (routes, flows, tools, guardrails), in every version there has been.

A definition is known by tenant, kind and name: a flow's id, or "" of the kinds of which a tenant has one. An empty
body says that it was removed; its versions go on to count. Whether a body makes sense is for others to say.

Every implementation passes `tests/contract/definitions_contract.py`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, get_args

from schemas.errors import InvalidRequest, WrongExpectedVersion

Kind = Literal["routes", "flow", "tools", "guardrails"]

KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_BODY = 256 * 1024  # bytes that whoever puts a definition may take
MAX_NAME = 128  # characters of a tenant, a name or an author


class Definition(NamedTuple):
    """One version, as it was written. `id` counts over everything, strictly in the order in which it became visible.

    `version` counts from 1 by tenant, kind and name; 0, with id 0, is a definition that there has never been.
    """

    id: int
    tenant: str
    kind: Kind
    name: str
    version: int
    body: bytes
    by: str
    recorded_at_ms: int

    @property
    def removed(self) -> bool:
        return not self.body


class DefinitionLine(NamedTuple):
    """A version in short. `size`: bytes of the body, 0 if it was removed; `digest`: its SHA-256."""

    version: int
    by: str
    recorded_at_ms: int
    size: int
    digest: bytes


class DefinitionStore(Protocol):
    """Every call raises StoreUnavailable when the log cannot be reached, and InvalidRequest for an impossible name."""

    async def put(
        self, tenant: str, kind: Kind, name: str, body: bytes, by: str, at_ms: int, *, expected: int | None = None
    ) -> Definition:
        """Make it the newest version, and return that. `at_ms`: when it counts as recorded.

        If the newest version has this body already, nothing is written and that version is returned, whatever is
        expected: what the caller wants is so. This makes it safe to repeat a call that ended in StoreUnavailable,
        which may have been recorded. (Removing what there has never been returns version 0.)

        Raises WrongExpectedVersion if the newest version is not `expected`; None: whichever it is; 0: there is none.
        """

    async def since(self, after_id: int, limit: int) -> list[Definition]:
        """At most `limit` of those with a larger id, in order. Nothing with a smaller id than one of these becomes
        visible later. Cheap: made to be polled several times a second."""

    async def all_newest(self) -> list[Definition]:
        """The newest version of everything of all tenants, what was removed too, by id: where a follower starts."""

    async def get(self, tenant: str, kind: Kind, name: str, version: int | None = None) -> Definition | None:
        """This version, None: the newest, which may say that it was removed. None if there is no such version."""

    async def newest(self, tenant: str, kind: Kind) -> list[Definition]:
        """The newest version of each name, what was removed too, sorted by name."""

    async def history(
        self, tenant: str, kind: Kind, name: str, limit: int, before: int | None = None
    ) -> list[DefinitionLine]:
        """At most `limit` versions, the newest first, of those below `before` (None: of all)."""

    async def close(self) -> None:
        """Release connections."""


def check(tenant: str, kind: str, name: str, by: str = "-") -> None:
    """Raises InvalidRequest for what cannot be stored."""
    if kind not in KINDS:
        raise InvalidRequest(f"{kind[:40]!r} is no kind of definition; there are {', '.join(KINDS)}")
    if (kind == "flow") != bool(name):
        raise InvalidRequest(f"definition of kind {kind}: a flow has a name (its id), the other kinds have none")
    for what, value, least in (("tenant", tenant, 1), ("name", name, 0), ("author", by, 1)):
        if not least <= len(value) <= MAX_NAME or not value.isprintable():
            raise InvalidRequest(
                f"definition of kind {kind}: {what} {value[:40]!r} must be {least} to {MAX_NAME} printable characters"
            )


def conflict(tenant: str, kind: str, name: str, expected: int | None, newest: int) -> WrongExpectedVersion:
    what = f"{kind} {name!r}" if name else kind
    return WrongExpectedVersion(
        f"{what} of tenant {tenant!r}: the newest version is {newest}, not the expected {expected}; "
        "look at it and decide again"
    )
