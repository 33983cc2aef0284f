"""Puts tool calls together from their pieces, whatever the provider's habits."""

from __future__ import annotations

from collections.abc import Callable

from llm.provider import ToolDelta
from schemas.tools import ToolCall

_MOST_CALLS = 64


class ToolCalls:
    """Pieces belong together by index; where that is missing or the same for all, by id; else to the latest call.

    `new_id`: for calls to which the provider gives none; ids must not repeat within a session.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._calls: list[_Open] = []
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, delta: ToolDelta) -> None:
        call = self._find(delta)
        if call is None:
            if len(self._calls) >= _MOST_CALLS:
                return
            call = _Open(delta.index, delta.id)
            self._calls.append(call)
        call.id = call.id or delta.id
        # Some repeat the name with every piece; no one is known to split it.
        call.name = call.name or delta.name
        if delta.arguments:
            call.arguments.append(delta.arguments)
            self.size += len(delta.arguments)

    def done(self) -> tuple[ToolCall, ...]:
        """Pieces without any name are no call."""
        return tuple(
            ToolCall(call.id or self._new_id(), call.name, "".join(call.arguments) or "{}")
            for call in self._calls
            if call.name
        )

    def _find(self, delta: ToolDelta) -> _Open | None:
        if delta.index >= 0:
            same = [call for call in self._calls if call.index == delta.index]
            # Ollama and Gemini give every call of a reply index 0, each with an id of its own.
            fits = [call for call in same if not _differ(delta.id, call.id) and not _differ(delta.name, call.name)]
            return fits[-1] if fits else None
        if delta.id:
            return next(
                (call for call in self._calls if call.id == delta.id and not _differ(delta.name, call.name)), None
            )
        if not self._calls or _differ(delta.name, self._calls[-1].name):
            return None
        # A piece with a name again and whole arguments before it is another call of the same tool.
        last = self._calls[-1]
        return None if delta.name and last.whole else last


class _Open:
    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, index: int, id_: str) -> None:
        self.index = index
        self.id = id_
        self.name = ""
        self.arguments: list[str] = []

    @property
    def whole(self) -> bool:
        text = "".join(self.arguments).strip()
        return text.startswith("{") and text.endswith("}") and text.count("{") == text.count("}")


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)
