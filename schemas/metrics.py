"""Counters and latencies of a process: kept locally, flushed now and then to prometheus_client's files.

A turn costs a few list and integer operations here. `/metrics` of any process
merges the files of all processes on the machine.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter as Tally
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FLUSH_S = 0.5
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)  # seconds


class Metrics:
    """The metrics of one process. `folder` is shared by all processes of an instance on one machine."""

    now = staticmethod(time.perf_counter)

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # prometheus_client decides between memory and files when it is first imported.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from prometheus_client import Counter, Gauge, Histogram

        self._folder = folder
        self.sockets = 0
        self._turns: Tally[tuple[str, int]] = Tally()
        self._seconds: dict[str, list[float]] = {"http": [], "ws": []}
        self._gauge = Gauge("kefu_state", "What processes are at", ["role", "what"], multiprocess_mode="livesum")
        self._count = Counter("kefu_turns", "Turns answered, by front and status", ["front", "status"])
        self._latency = Histogram("kefu_turn_seconds", "From request to reply", ["front"], buckets=_BUCKETS)

    def turn(self, front: str, status: int, started: float) -> None:
        """A turn was answered; `started`: what `now()` said when its request came."""
        self._turns[front, status] += 1
        self._seconds[front].append(time.perf_counter() - started)

    def flush(self, state: dict[tuple[str, str], int]) -> None:
        """Write out what was counted, and `state`: a number for each (role, what), as of now."""
        turns, self._turns = self._turns, Tally()
        for (front, status), count in turns.items():
            self._count.labels(front, str(status)).inc(count)
        for front, seconds in self._seconds.items():
            taken, self._seconds[front] = seconds, []
            observe = self._latency.labels(front).observe
            for value in taken:
                observe(value)
        for labels, value in state.items():
            self._gauge.labels(*labels).set(value)

    async def flush_forever(self) -> None:
        """For an ingress, whose state is its sockets."""
        while True:
            await asyncio.sleep(FLUSH_S)
            self.flush({("ingress", "sockets"): self.sockets})

    def exposition(self) -> bytes:
        """All processes' metrics in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry: CollectorRegistry = CollectorRegistry()
        collector: Any = MultiProcessCollector
        collector(registry, path=str(self._folder))
        return generate_latest(registry)
