"""What tools return is data from outside: decoded within limits, and without secrets. Pure.

What a model may be shown of it: guardrails.results.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from guardrails.cleaning import cleaned as cleaned

DEEPEST = 64
EXCERPT = 500
"""Characters of a reply that a failure quotes."""
_READ_FOR_EXCERPT = 16 * 1024


def decoded(body: bytes | str) -> Any:
    """JSON, not nested more than DEEPEST deep. ValueError says what is wrong with it."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise ValueError(f"is nested more than {DEEPEST} deep") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"is not JSON: {str(error)[:200]}") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """ValueError if it is nested more than DEEPEST deep."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for each in level
            if isinstance(each, list | tuple | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError(f"is nested more than {DEEPEST} deep")


def encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def failure(error: str, detail: str) -> str:
    """The result of a call that failed: a stable word and what it is about."""
    return encoded({"error": error, "detail": detail})


def excerpt(body: bytes, secrets: Collection[str] = ()) -> str:
    """The beginning of a body, as one line of text, whatever it is."""
    # Cut after secrets are out: half of one would not be recognised.
    text = without(cleaned(body[:_READ_FOR_EXCERPT].decode("utf-8", "replace")), secrets)
    return " ".join(text.split())[:EXCERPT]


def without(value: Any, secrets: Collection[str]) -> Any:
    """The same value with `***` wherever a secret stood: in texts, keys and numbers."""
    known = sorted({each for each in secrets if each}, key=len, reverse=True)
    if not known:
        return value
    pattern = re.compile("|".join(map(re.escape, known)))

    def clean(text: str) -> str:
        return pattern.sub("***", text)

    def of(one: Any) -> Any:
        if isinstance(one, int | float) and not isinstance(one, bool) and pattern.search(str(one)):
            return "***"
        return one

    return _mapped(value, clean, of)


def _mapped(value: Any, text: Callable[[str], str], other: Callable[[Any], Any]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key): _mapped(each, text, other) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(each, text, other) for each in value]
    return other(value)
