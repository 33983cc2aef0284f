"""The usage store on Postgres 15 or newer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from events.connections import Connections
from events.usage import UsageRow, merged
from schemas.models import Spent

# Primary key of model_usage. The rows are sorted and each is there once, so that two batches with the same
# tenants cannot deadlock, and none touches a row twice.
_ADD = """
INSERT INTO model_usage AS known
    (tenant, day, provider, model, calls, errors, input_tokens, output_tokens, cost)
SELECT * FROM unnest(
    $1::text[], $2::date[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::float8[]
)
ON CONFLICT (day, tenant, provider, model) DO UPDATE SET
    calls = known.calls + EXCLUDED.calls, errors = known.errors + EXCLUDED.errors,
    input_tokens = known.input_tokens + EXCLUDED.input_tokens,
    output_tokens = known.output_tokens + EXCLUDED.output_tokens,
    cost = known.cost + EXCLUDED.cost
"""

# Primary key of model_usage, by its day.
_SPENT = """
SELECT tenant, sum(input_tokens + output_tokens)::bigint, sum(cost) FROM model_usage WHERE day = $1 GROUP BY tenant
"""


class PostgresUsage:
    """UsageStore over asyncpg. Connects lazily and again after a failure; needs a migrated database."""

    def __init__(self, url: str, *, connections: int = 1, timeout_s: float = 5.0) -> None:
        self._connections = Connections(url, size=connections, timeout_s=timeout_s)

    async def add(self, rows: Iterable[UsageRow]) -> None:
        columns = [*zip(*merged(rows), strict=True)]
        if columns:
            async with self._connections.reading() as connection:
                await connection.execute(_ADD, *columns)

    async def spent(self, day: date) -> dict[str, Spent]:
        async with self._connections.reading() as connection:
            rows = await connection.fetch(_SPENT, day)
        return {tenant: Spent(tokens, cost) for tenant, tokens, cost in rows}

    async def close(self) -> None:
        await self._connections.close()
