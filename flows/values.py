"""JSON values that any JSON reader takes, whatever a tool returned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

DEEPEST = 16
LARGEST = 32_768  # characters in all; a position is recorded whole with every move
_LARGEST_INTEGER = 2**63
_TOO_LARGE = {"error": "result_too_large", "detail": f"a tool's result may have {LARGEST} characters"}


def json_value(value: Any) -> Any:
    """The value without what JSON or UTF-8 has not: NaN, lone surrogates, integers beyond 64 bits (as text), foreign
    types (None). Deeper than DEEPEST it is None; larger than LARGEST the whole of it becomes an error."""
    budget = [LARGEST]
    cleaned = _clean(value, DEEPEST, budget)
    return cleaned if budget[0] >= 0 else dict(_TOO_LARGE)


def _clean(value: Any, depth: int, budget: list[int]) -> Any:
    budget[0] -= 1
    if depth < 0 or budget[0] < 0:
        return None
    match value:
        case str():
            budget[0] -= len(value)
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case bool() | None:
            return value
        case int():
            return value if -_LARGEST_INTEGER <= value < _LARGEST_INTEGER else _as_text(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_clean(str(key), 0, budget): _clean(each, depth - 1, budget) for key, each in value.items()}
        case list() | tuple():
            return [_clean(each, depth - 1, budget) for each in value]
        case _:
            return None


def _as_text(value: int) -> str | None:
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        return None
