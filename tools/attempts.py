"""What one attempt at a call came to."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from tools.declarations import Tool
from tools.results import check_depth, encoded

Verdict = Literal["done", "refused", "unsent", "unsure"]


class Attempt(Struct, frozen=True):
    """`done`: `value` is the result. `refused`: the tool said no, and did nothing under this key. `unsent`: this
    attempt did nothing, whatever became of another. `unsure`: it may have done it.

    `error`: a stable word; `again`: a repeat may go better, after `after_s` seconds if the tool asked for patience.
    """

    verdict: Verdict
    value: Any = None
    error: str = ""
    detail: str = ""
    status: int = 0
    again: bool = False
    after_s: float = 0.0


def unsent(error: str, detail: str, *, again: bool = False) -> Attempt:
    return Attempt("unsent", error=error, detail=detail, again=again)


def returned(tool: Tool, value: Any, status: int = 0) -> Attempt:
    """Done, if the value is what the declaration promises; else it was done, and nobody knows with what result."""
    try:
        check_depth(value)
        size = len(encoded(value).encode())
    except (TypeError, ValueError, RecursionError) as error:
        return unusable(f"the result cannot be JSON: {str(error)[:200]}", status)
    if size > tool.max_result_bytes:
        return unusable(f"the result has {size} bytes; {tool.max_result_bytes} are allowed", status)
    if tool.result is not None and (problems := tool.result.problems(value)):
        return unusable(f"the result is not as declared: {problems}", status)
    return Attempt("done", value, status=status)


def unusable(detail: str, status: int = 0) -> Attempt:
    return Attempt("unsure", error="bad_result", detail=detail, status=status)
