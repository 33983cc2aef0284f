"""A customer, a shop's tools and its knowledge around the pure machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows import reading
from flows.definition import Flow
from flows.machine import Call, Consult, Consulted, Move, Outcome, Returned, Said, advance, begin

SHIPPED = Path(reading.__file__).parent / "shipped"
T0 = 1_777_809_600_000  # Sunday 2026-05-03, noon UTC
MINUTE = 60_000

Tools = Callable[[str, dict[str, Any]], Returned]
Knows = Callable[[str], Consulted]


def shipped(name: str) -> Flow:
    return reading.read((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"), source=f"{name}.yaml")


def knows_nothing(text: str) -> Consulted:
    return Consulted(text, "", "", False)


def knows(answers: dict[str, str], intents: dict[str, str] | None = None) -> Knows:
    """Sure answers and recognised intents by utterance."""
    return lambda text: Consulted(text, (intents or {}).get(text, ""), answers.get(text, ""), text in answers)


class Talk:
    """One customer in one flow. After each utterance: what was `said`, `options`, `moves`, and all `calls` so far."""

    def __init__(
        self, flow: Flow, language: str = "en", tools: Tools | None = None, knowledge: Knows = knows_nothing
    ) -> None:
        self.flow, self.language, self.at_ms = flow, language, T0
        self._tools, self._knowledge = tools or no_tools, knowledge
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.consulted: list[str] = []
        self.states: list[str] = []

    def start(self, text: str) -> Talk:
        return self._settle(begin(self.flow, 1, text, self.at_ms, self.language))

    def say(self, text: str, after_ms: int = 1000) -> Talk:
        assert self.outcome.position is not None, "the flow has ended"
        self.at_ms += after_ms
        return self._settle(advance(self.flow, self.outcome.position, Said(text), self.at_ms, self.language))

    def _settle(self, outcome: Outcome) -> Talk:
        said, options, moves = list(outcome.said), outcome.options, list(outcome.moves)
        for _ in range(40):
            if outcome.position is None or outcome.need is None:
                break
            json.dumps(outcome.position.slots, allow_nan=False)
            match outcome.need:
                case Consult(question):
                    self.consulted.append(question)
                    given: Any = self._knowledge(question)
                case Call(tool, arguments):
                    self.calls.append((tool, arguments))
                    given = self._tools(tool, arguments)
            outcome = advance(self.flow, outcome.position, given, self.at_ms, self.language)
            said, options = said + list(outcome.said), outcome.options
            moves += outcome.moves
        else:
            raise AssertionError("the flow never stops wanting something")
        self.outcome, self.said, self.options, self.moves = outcome, tuple(said), options, tuple(moves)
        self.states += [move.to_state for move in moves]
        return self

    @property
    def text(self) -> str:
        return "\n".join(self.said)

    @property
    def slots(self) -> dict[str, Any]:
        assert self.outcome.position is not None
        return self.outcome.position.slots

    @property
    def state(self) -> str:
        return self.outcome.position.state if self.outcome.position else ""

    @property
    def awaiting(self) -> str:
        return self.outcome.position.awaiting if self.outcome.position else ""

    @property
    def causes(self) -> list[str]:
        return [move.cause for move in self.moves]


def no_tools(tool: str, _: dict[str, Any]) -> Returned:
    raise AssertionError(f"{tool} was called")


def move(from_state: str, to_state: str, cause: str) -> Move:
    return Move(from_state, to_state, cause)


# --- The demo shop ---------------------------------------------------------------------------------------


def order(**changed: Any) -> dict[str, Any]:
    return {
        "number": "KF-20417", "status": "delivered", "total": 129.0, "currency": "EUR", "refundable": True,
        "items": [{"name": "Desk lamp", "quantity": 1}], "carrier": "DHL", "eta": "2026-05-06", **changed,
    }  # fmt: skip


class Shop:
    """Tools over these orders, by number. `broken`: tools that fail, with the error they give."""

    def __init__(self, *orders: dict[str, Any], broken: dict[str, str] | None = None) -> None:
        self._orders = {each["number"]: each for each in orders}
        self._broken = broken or {}

    def __call__(self, tool: str, arguments: dict[str, Any]) -> Returned:
        if tool in self._broken:
            return Returned(False, {"error": self._broken[tool], "detail": "as the test wants"})
        if (found := self._orders.get(arguments["number"])) is None:
            return Returned(False, {"error": "not_found", "detail": "no such order"})
        return Returned(True, found if tool == "order_lookup" else {"id": f"{tool}-1"})
