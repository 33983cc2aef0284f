"""JSON made to fit a length: strings are shortened first, lists and objects only then, and what is cut says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

# No string is made shorter than this while there is something else to cut; a mark takes about half of it.
_LEAST = 64


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; a mark at the end says how much is shown."""
    if len(text) <= limit:
        return text
    shown = max(limit, 0)
    # The mark says how much is shown, and takes room itself.
    for _ in range(2):
        shown = max(limit - len(_mark(shown, len(text), "characters")), 0)
    return (text[:shown] + _mark(shown, len(text), "characters"))[: max(limit, 0)]


def fitted(value: Any, limit: int) -> Any:
    """A JSON value that takes at most `limit` characters, as near to the whole as possible.

    Strings are cut to the greatest length that makes it fit; where short strings are still too many, lists and
    objects keep their first items. A value that cannot be made so short is returned as short as it gets.
    """
    if _size(value) <= limit:
        return value
    if _size(_shorter(value, _LEAST, None)) <= limit:
        return _greatest(_LEAST, max(limit, _LEAST), lambda length: _shorter(value, length, None), limit)
    return _greatest(1, max(limit, 1), lambda items: _shorter(value, _LEAST, items), limit)


def _greatest(least: int, most: int, make: Callable[[int], Any], limit: int) -> Any:
    """What the greatest number in the range makes that still fits; else what the least makes."""
    best = make(least)
    while least < most:
        middle = (least + most + 1) // 2
        made = make(middle)
        if _size(made) <= limit:
            least, best = middle, made
        else:
            most = middle - 1
    return best


def _shorter(value: Any, length: int, items: int | None) -> Any:
    """Strings (keys, too) of at most `length` characters; lists and objects of at most `items`, and a mark."""
    if isinstance(value, str):
        return cut(value, length)
    if isinstance(value, list):
        kept = [_shorter(each, length, items) for each in value[:items]]
        return kept if len(kept) == len(value) else [*kept, _mark(len(kept), len(value), "items")]
    if not isinstance(value, dict):
        return value
    short: dict[str, Any] = {}
    for key in list(value)[:items]:
        name = cut(key, length)
        # Long keys that begin alike: the first keeps the name.
        short.setdefault(name, _shorter(value[key], length, items))
    return short if len(short) == len(value) else {**short, "…": _mark(len(short), len(value), "items")}


def _mark(shown: int, whole: int, what: str) -> str:
    return f"… [cut: {shown} of {whole} {what}]"


def _size(value: Any) -> int:
    """Characters, as it is sent."""
    return len(msgspec.json.encode(value).decode())
