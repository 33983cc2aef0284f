"""Texts with values in them: `Order {{ slots.number }} comes to {{ money(order.total, order.currency) }}.`"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from flows.evaluating import Scope, evaluate
from flows.expressions import BadExpression, Expression, parse

LONGEST_TEXT = 4000  # characters, of what is written and of what is said
_LONGEST_VALUE = 1000
_TRUTH = {"zh": ("是", "否")}


class Template(Struct, frozen=True):
    """Words and expressions, in order."""

    parts: tuple[str | Expression, ...]


def parse_template(text: str, line: int = 1, column: int = 1) -> Template:
    """Raises BadExpression, with the offset in `text`."""
    if len(text) > LONGEST_TEXT:
        raise BadExpression(f"the text has {len(text)} characters, at most {LONGEST_TEXT} are allowed", 0)
    parts: list[str | Expression] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = text.find("}}", start)
        if end < 0:
            raise BadExpression('"{{" without "}}"', start)
        if start > at:
            parts.append(text[at:start])
        inner = text[start + 2 : end]
        lead = start + 2 + len(inner) - len(inner.lstrip())
        try:
            parts.append(parse(inner.strip(), line, column + lead))
        except BadExpression as error:
            raise BadExpression(str(error), lead + error.offset) from None
        at = end + 2
    if at < len(text):
        parts.append(text[at:])
    return Template(tuple(parts))


def expressions(value: Any) -> Iterator[Expression]:
    """All expressions in a template, or in JSON with templates in it."""
    match value:
        case Template():
            yield from (part for part in value.parts if isinstance(part, Expression))
        case Mapping():
            for each in value.values():
                yield from expressions(each)
        case list() | tuple():
            for each in value:
                yield from expressions(each)


def say(texts: Mapping[str, Template], scope: Scope) -> str:
    """The text in the scope's language, or in the first one there is."""
    template = texts.get(scope.language) or next(iter(texts.values()), None)
    return _render(template, scope) if template else ""


def fill(value: Any, scope: Scope) -> Any:
    """JSON from JSON with templates: `"{{ order.total }}"` alone stays a number, between words it becomes text."""
    match value:
        case Template(parts=(Expression() as only,)):
            return evaluate(only, scope)
        case Template():
            return _render(value, scope)
        case Mapping():
            return {key: fill(each, scope) for key, each in value.items()}
        case list():
            return [fill(each, scope) for each in value]
        case _:
            return value


def _render(template: Template, scope: Scope) -> str:
    parts = (
        part if isinstance(part, str) else spoken(evaluate(part, scope), scope.language) for part in template.parts
    )
    return "".join(parts)[:LONGEST_TEXT]


def spoken(value: Any, language: str) -> str:
    """A JSON value in words: nothing for missing, 129 for 129.0, a list with commas, an object by its name or title."""
    match value:
        case str():
            return value[:_LONGEST_VALUE]
        case None:
            return ""
        case bool():
            yes, no = _TRUTH.get(language, ("yes", "no"))
            return yes if value else no
        case int():
            return str(value)
        case float():
            return f"{value:.10g}" if math.isfinite(value) else ""
        case {"name": str(name)} | {"title": str(name)}:
            return name[:_LONGEST_VALUE]
        case list():
            return ("、" if language == "zh" else ", ").join(spoken(each, language) for each in value)[:_LONGEST_VALUE]
        case _:
            return msgspec.json.encode(value).decode()[:_LONGEST_VALUE]
