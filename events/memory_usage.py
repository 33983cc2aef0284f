"""The usage store in memory: the same contract. Nothing survives the process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from events.usage import UsageRow, merged
from schemas.models import Spent


class MemoryUsage:
    """UsageStore over a list of sums."""

    def __init__(self) -> None:
        self._rows: list[UsageRow] = []

    async def add(self, rows: Iterable[UsageRow]) -> None:
        self._rows = merged([*self._rows, *rows])

    async def spent(self, day: date) -> dict[str, Spent]:
        found: dict[str, Spent] = {}
        for row in self._rows:
            if row.day == day:
                was = found.get(row.tenant, Spent())
                tokens = was.tokens + row.input_tokens + row.output_tokens
                found[row.tenant] = Spent(tokens, was.cost + row.cost)
        return found

    async def close(self) -> None:
        return
