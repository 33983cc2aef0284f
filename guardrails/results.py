"""What a tool returned, as a model may be shown it: data from outside, harmless, of bounded length. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from guardrails.cleaning import cleaned, visible
from guardrails.folding import fold
from guardrails.policy import Guardrails
from guardrails.retrieval import found_in
from guardrails.shortening import cut, fitted
from schemas.findings import Finding

REMOVED = "[removed]"
_MOST_FINDINGS = 20
# Characters of one text that are looked through for a hidden one.
_MOST_HIDDEN = 32_000


def inspect_result(tool: str, result: str, rules: Guardrails, limit: int = 8_000) -> tuple[str, tuple[Finding, ...]]:
    """The text that a model may be shown, at most `limit` characters, and what was found; total.

    JSON stays JSON unless `limit` leaves no room for it: the strings in it are cleaned, the longest are shortened with
    a mark, and those that speak to the model are replaced by "[removed]" where the tenant's setting for retrieval is
    to refuse or to escalate. Findings are of place `retrieval`; an excerpt begins with the tool's name. What is
    returned stays data: whoever puts it into a prompt says that it is not to be obeyed.
    """
    try:
        value = msgspec.json.decode(result)
        return _of_json(tool, value, rules, limit)
    except (ValueError, RecursionError, OverflowError, msgspec.MsgspecError):
        # Not JSON, or nested too deep to be taken apart.
        return _of_text(tool, result, rules, limit)


def _of_text(tool: str, text: str, rules: Guardrails, limit: int) -> tuple[str, tuple[Finding, ...]]:
    inspection = _Inspection(tool, rules)
    seen = cut(visible(text), limit)
    removed = inspection.hiding([text]) | inspection.offending([seen])
    return cut(cleaned(seen), limit) if not removed else REMOVED[: max(limit, 0)], inspection.found()


def _of_json(tool: str, value: Any, rules: Guardrails, limit: int) -> tuple[str, tuple[Finding, ...]]:
    inspection = _Inspection(tool, rules)
    hiding = inspection.hiding([each for part in _texts(value) for each in part])
    seen = fitted(_mapped(value, lambda text: REMOVED if text in hiding else visible(text)), limit)
    removed: set[str] = set()
    # What a tool calls its values is judged by itself: it stands between the parts of what they say together.
    for part in _texts(seen):
        removed |= inspection.offending(part)
    # Special tokens are broken last: they tell an order.
    shown = fitted(_mapped(seen, lambda text: REMOVED if text in removed else cleaned(text)), limit)
    return cut(msgspec.json.encode(shown).decode(), limit), inspection.found()


class _Inspection:
    """Collects findings; its methods return the texts that must not be shown."""

    def __init__(self, tool: str, rules: Guardrails) -> None:
        self._tool = visible(tool)
        self._rules = rules
        self._found: dict[Finding, None] = {}

    def found(self) -> tuple[Finding, ...]:
        return tuple(self._found)[:_MOST_FINDINGS]

    def hiding(self, texts: Sequence[str]) -> set[str]:
        """Those, as they came, that spell something in characters nobody sees."""
        removed: set[str] = set()
        for text in texts:
            if visible(text) != text and (hidden := fold(text[:_MOST_HIDDEN]).hidden):
                words = f"{self._tool[:40]}: unseen characters: {hidden}"
                finding = self._rules.finding("retrieval", "prompt_injection", words)
                removed |= self._kept([finding] if finding is not None else [], [text])
        return removed

    def offending(self, texts: Sequence[str]) -> set[str]:
        """Those that speak to a model, each for itself or together with its neighbours."""
        texts = [each for each in texts if each != REMOVED]
        removed: set[str] = set()
        for each in dict.fromkeys(texts):
            removed |= self._kept(found_in(self._tool, each, self._rules), [each])
        left = [each for each in texts if each not in removed]
        if len(left) > 1:
            removed |= self._together(left)
        return removed

    def _together(self, texts: Sequence[str]) -> set[str]:
        """An order may be spread over several texts: halves are looked at until no smaller part holds it."""
        refused = [each for each in found_in(self._tool, "\n".join(texts), self._rules) if each.action != "flag"]
        if not refused:
            return set()
        if len(texts) <= 2:
            return self._kept(refused, texts)
        middle = len(texts) // 2
        removed = self._together(texts[:middle]) | self._together(texts[middle:])
        return removed or self._across(texts, middle, refused)

    def _across(self, texts: Sequence[str], middle: int, refused: list[Finding]) -> set[str]:
        """It is spread over the middle: over the fewest texts around it that hold it."""
        reach = 1
        while reach < middle:
            part = texts[middle - reach : middle + reach]
            if any(each.action != "flag" for each in found_in(self._tool, "\n".join(part), self._rules)):
                return self._kept(refused, part)
            reach *= 2
        return self._kept(refused, texts)

    def _kept(self, findings: list[Finding], texts: Sequence[str]) -> set[str]:
        self._found.update(dict.fromkeys(findings))
        return set(texts) if any(each.action != "flag" for each in findings) else set()


def _texts(value: Any) -> tuple[list[str], list[str]]:
    """The strings of a JSON value, in order, and its keys."""
    strings: list[str] = []
    keys: list[str] = []
    for is_key, text in _walked(value):
        (keys if is_key else strings).append(text)
    return strings, list(dict.fromkeys(keys))


def _walked(value: Any) -> Iterator[tuple[bool, str]]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield False, one
        elif isinstance(one, dict):
            yield from ((True, key) for key in one)
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)


def _mapped(value: Any, text: Callable[[str], str]) -> Any:
    """The same with every string and key replaced; keys that become the same are numbered."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_mapped(each, text) for each in value]
    if not isinstance(value, dict):
        return value
    mapped: dict[str, Any] = {}
    number = 1
    for key, each in value.items():
        name = shown = text(key)
        while name in mapped:
            number += 1
            name = f"{shown} ({number})"
        mapped[name] = _mapped(each, text)
    return mapped
