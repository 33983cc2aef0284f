"""What a Python function that serves a tool may ask for and say, beside its arguments and its result."""

from __future__ import annotations

from msgspec import Struct


class ToolContext(Struct, frozen=True):
    """Given to a function that has a parameter named `context`.

    `idempotency_key`: the same in every repeat of this call and in no other.
    """

    idempotency_key: str
    tenant: str
    session: str


class ToolRefused(Exception):
    """Raised by a function that will not do it, having done nothing. `error`: a stable word, for flows and models."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail
