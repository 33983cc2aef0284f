"""The usage port: what tenants used of models, by UTC day, so that budgets can be kept over all processes.

Every implementation passes `tests/contract/usage_contract.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple, Protocol

from schemas.models import Spent

_MAX_NAME = 200  # characters; a provider may call its model anything
_MAX_COUNT = 10**15  # more than anyone uses in a day, and far from overflowing a sum of them


class UsageRow(NamedTuple):
    """What is to be added. `errors`: of the calls, those that failed; `cost`: in the currency of the prices."""

    tenant: str
    day: date
    provider: str
    model: str
    calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


class UsageStore(Protocol):
    """Every call raises StoreUnavailable when the database cannot be reached."""

    async def add(self, rows: Iterable[UsageRow]) -> None:
        """Add to the sums, all of the rows or none. After StoreUnavailable they may have been added."""

    async def spent(self, day: date) -> dict[str, Spent]:
        """What each tenant used on that day, of all models together; those that used none are left out."""

    async def close(self) -> None:
        """Release connections."""


def day_of(at_ms: int) -> date:
    """The UTC day of a time in milliseconds since 1970."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def merged(rows: Iterable[UsageRow]) -> list[UsageRow]:
    """One row for each tenant, day, provider and model, sorted by them, such as can be stored.

    Names and numbers partly come from providers, so what no column takes is made to fit: one bad row
    would otherwise keep all the others from being counted.
    """
    sums: dict[tuple[str, date, str, str], UsageRow] = {}
    for row in rows:
        key = _name(row.tenant), row.day, _name(row.provider), _name(row.model)
        sums[key] = _plus(sums.get(key, UsageRow(*key)), row)
    return [sums[key] for key in sorted(sums)]


def _plus(a: UsageRow, b: UsageRow) -> UsageRow:
    calls, errors, read, written = (min(x + max(y, 0), _MAX_COUNT) for x, y in zip(a[4:8], b[4:8], strict=True))
    cost = b.cost if math.isfinite(b.cost) and b.cost > 0 else 0.0
    return UsageRow(*a[:4], calls, errors, read, written, a.cost + cost)


def _name(given: str) -> str:
    return given.replace("\0", "")[:_MAX_NAME].encode("utf-8", "replace").decode()
