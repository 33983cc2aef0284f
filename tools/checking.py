"""Is a value what its schema asks for? Answered within CHECK_S, whatever the value and the schema are."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache
from typing import Any

import msgspec
import regex
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from tools.patterns import compiled, found

CHECK_S = 0.25
"""Seconds of CPU that checking one value may take."""

_MOST_TOLD = 5
_MOST_LOOKED_AT = 50
_FORMATS = FormatChecker(("date", "email", "ipv4", "ipv6", "uuid"))

_stop_at: ContextVar[float] = ContextVar("stop_at")


class _TooLong(Exception):
    pass


class Checker:
    """One schema, with its references written out (see json_schema)."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._validator = _Validator(schema, format_checker=_FORMATS)

    def problems(self, value: Any) -> str:
        """What breaks the schema, and where, such as `$.amount: -1 is less than the minimum of 0`; empty if nothing.

        `value` is JSON that was decoded, not nested more than a few dozen deep.
        """
        token = _stop_at.set(time.thread_time() + CHECK_S)
        try:
            errors = list(itertools.islice(self._validator.iter_errors(value), _MOST_LOOKED_AT))
        except _TooLong:
            return f"$: takes longer than {CHECK_S:g} s to check against the schema; make it shorter"
        finally:
            _stop_at.reset(token)
        errors.sort(key=lambda error: (len(error.absolute_path), str(error.absolute_path)))
        told = [_told(error) for error in errors[:_MOST_TOLD]]
        if len(errors) > _MOST_TOLD:
            told.append("and more")
        return "; ".join(told)


def _told(error: ValidationError) -> str:
    message = error.message if len(error.message) <= 200 else f"{error.message[:120]} ... {error.message[-60:]}"
    # The wildcard branches of a choice say more than that none of them fits.
    inner = ""
    if error.context:
        inner = f" ({'; '.join(each.message[:80] for each in error.context[:3])})"
    return f"{error.json_path[:200]}: {message}{inner}"


Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


def _in_time(keyword: Keyword) -> Keyword:
    def checked(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        if time.thread_time() > _stop_at.get():
            raise _TooLong
        yield from keyword(validator, wanted, value, schema) or ()

    return checked


@lru_cache(maxsize=1_000)
def _pattern(text: str) -> regex.Pattern[str]:
    return compiled(text)


def _matches(validator: Any, wanted: str, value: Any, _: Any) -> Iterator[ValidationError]:
    if not isinstance(value, str):
        return
    try:
        if not found(_pattern(wanted), value):
            yield ValidationError(f"{value!r} does not match {wanted!r}")
    except TimeoutError:
        raise _TooLong from None


def _unique(validator: Any, wanted: bool, value: Any, _: Any) -> Iterator[ValidationError]:
    if not wanted or not isinstance(value, list):
        return
    # Numbers are equal by value in JSON Schema, so 1 and 1.0 are written alike.
    seen = {msgspec.json.encode(_alike(each), order="sorted") for each in value}
    if len(seen) < len(value):
        yield ValidationError("has items that are equal")


def _alike(value: Any) -> Any:
    if isinstance(value, list):
        return [_alike(each) for each in value]
    if isinstance(value, dict):
        return {key: _alike(each) for key, each in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _multiple(validator: Any, wanted: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    """By what is written: 19.99 is a multiple of 0.01, which binary fractions deny."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    if (Fraction(str(value)) / Fraction(str(wanted))).denominator != 1:
        yield ValidationError(f"{value!r} is not a multiple of {wanted!r}")


_Validator = extend(
    Draft202012Validator,
    {
        name: _in_time(keyword)
        for name, keyword in (
            Draft202012Validator.VALIDATORS | {"pattern": _matches, "uniqueItems": _unique, "multipleOf": _multiple}
        ).items()
    },
)
