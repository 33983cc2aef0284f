"""How many ingress replicas there should be: by customers, which Serve cannot count on the fast lane."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

CUSTOMERS = "customers"  # the metric's name: open sockets plus turns waiting for a reply, of one replica


def by_customers(context: Any) -> tuple[int, dict[str, Any]]:
    """Serve's autoscaling policy of the ingress, called with its AutoscalingContext; returns (replicas, state).

    One replica for every `target_ongoing_requests` customers. A replica goes only
    when the others would be at most half full without it: with it go its WebSockets.
    """
    counts: Mapping[Any, float] = (context.aggregated_metrics or {}).get(CUSTOMERS, {})
    wanted = replicas_for(sum(counts.values()), context.config.target_ongoing_requests, context.target_num_replicas)
    least, most = context.capacity_adjusted_min_replicas, context.capacity_adjusted_max_replicas
    return max(least, min(wanted, most)), {}


def replicas_for(customers: float, per_replica: float, now: int) -> int:
    """The number of replicas for so many customers, given that there are `now`."""
    needed = math.ceil(customers / per_replica)
    if needed >= now:
        return needed
    return max(needed, min(now, math.ceil(2 * customers / per_replica)))
