"""What an expression comes to. It never raises: what cannot be computed is missing (None).

A missing name, a wrong type, a division by zero: missing. An order between what has none: false. So a guard about
something nobody has said yet is simply not true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from flows.dates import spoken_date
from flows.expressions import Binary, Called, Expression, Listed, Literal, Name, Node, Unary

_LONGEST_TEXT = 4000  # characters that "+" makes at most
_LARGEST_INTEGER = 2**63  # JSON readers elsewhere have no larger ones
_SYMBOLS = {"EUR": "€", "USD": "$", "CNY": "¥", "RMB": "¥", "GBP": "£", "JPY": "JP¥"}


class Scope(Struct):
    """What names mean. `labels`: slot -> value -> label, of choice slots, in the customer's language."""

    slots: Mapping[str, Any]
    language: str
    intent: str = ""
    today: str = ""
    value: Any = None
    labels: Mapping[str, Mapping[str, str]] = {}


def evaluate(expression: Expression, scope: Scope) -> Any:
    return _value(expression.tree, scope)


def holds(expression: Expression | None, scope: Scope) -> bool:
    """Whether a guard lets through; none always does."""
    return expression is None or bool(_value(expression.tree, scope))


def _value(node: Node, scope: Scope) -> Any:
    match node:
        case Name():
            return _look_up(node, scope)
        case Literal():
            return node.value
        case Binary():
            return _binary(node, scope)
        case Unary():
            return _unary(node, scope)
        case Called():
            return _called(node, scope)
        case Listed():
            return [_value(item, scope) for item in node.items]


def _look_up(name: Name, scope: Scope) -> Any:
    found: Any
    match name.root:
        case "slots":
            found = scope.slots
        case "intent":
            found = scope.intent
        case "language":
            found = scope.language
        case "today":
            found = scope.today
        case "value":
            found = scope.value
        case saved:
            found = scope.slots.get(saved)
    for step in name.path:
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isdecimal() and len(step) < 6:
            found = found[int(step)] if int(step) < len(found) else None
        else:
            return None
    return found


def _unary(node: Unary, scope: Scope) -> Any:
    value = _value(node.operand, scope)
    match node.operator:
        case "not":
            return not value
        case "is missing":
            return value is None
        case "is not missing":
            return value is not None
        case _:
            return -value if _is_number(value) else None


def _binary(node: Binary, scope: Scope) -> Any:
    left = _value(node.left, scope)
    if node.operator == "and":
        return bool(left) and bool(_value(node.right, scope))
    if node.operator == "or":
        return bool(left) or bool(_value(node.right, scope))
    right = _value(node.right, scope)
    match node.operator:
        case "==":
            return _equal(left, right)
        case "!=":
            return not _equal(left, right)
        case "in":
            return _within(left, right)
        case "not in":
            return not _within(left, right)
        case "<" | "<=" | ">" | ">=":
            return _ordered(node.operator, left, right)
        case _:
            return _computed(node.operator, left, right)


def _equal(left: Any, right: Any) -> bool:
    """Truth values are no numbers here: 1 is not true."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _within(item: Any, whole: Any) -> bool:
    if isinstance(whole, str):
        return isinstance(item, str) and item in whole
    if isinstance(whole, list):
        return any(_equal(item, each) for each in whole)
    return isinstance(whole, Mapping) and isinstance(item, str) and item in whole


def _ordered(operator: str, left: Any, right: Any) -> bool:
    both_numbers = _is_number(left) and _is_number(right)
    if not both_numbers and not (isinstance(left, str) and isinstance(right, str)):
        return False
    match operator:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _computed(operator: str, left: Any, right: Any) -> Any:
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:_LONGEST_TEXT]
    if not (_is_number(left) and _is_number(right)):
        return None
    try:
        match operator:
            case "+":
                found = left + right
            case "-":
                found = left - right
            case "*":
                found = left * right
            case _:
                found = left / right
        return (found if abs(found) < _LARGEST_INTEGER else float(found)) if math.isfinite(found) else None
    except (OverflowError, ZeroDivisionError):
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _called(node: Called, scope: Scope) -> Any:
    first = node.arguments[0]
    value = _value(first, scope)
    match node.function:
        case "len":
            return len(value) if isinstance(value, str | list | Mapping) else None
        case "lower":
            return value.lower() if isinstance(value, str) else None
        case "date":
            return spoken_date(value, scope.language) if isinstance(value, str) else None
        case "label":
            slot = first.path[0] if isinstance(first, Name) and first.path else ""
            return scope.labels.get(slot, {}).get(value, value) if isinstance(value, str) else value
        case _:
            currency = _value(node.arguments[1], scope) if len(node.arguments) > 1 else None
            return _money(value, currency)


def _money(amount: Any, currency: Any) -> str | None:
    """€129.00; an unknown currency's code comes after the amount."""
    try:
        if not _is_number(amount) or not math.isfinite(amount):
            return None
        figure = f"{abs(amount):,.2f}"
    except OverflowError:
        return None
    sign = "-" if amount < 0 else ""
    if not isinstance(currency, str) or not currency:
        return sign + figure
    symbol = _SYMBOLS.get(currency.upper())
    return f"{sign}{symbol}{figure}" if symbol else f"{sign}{figure} {currency[:8]}"
