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

from schemas.models import Usage

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FLUSH_S = 0.5
_LONG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)  # seconds, of models
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

        # Names and labels after OpenTelemetry's conventions for generative AI.
        model = ["gen_ai_provider_name", "gen_ai_request_model"]
        self._asked: list[tuple[str, str, str, Usage, int, int]] = []
        self._findings: Tally[tuple[str, str, str]] = Tally()
        self._operation = Histogram(
            "gen_ai_client_operation_duration_seconds", "Calls of models", [*model, "error_type"], buckets=_LONG_BUCKETS
        )
        self._first_token = Histogram(
            "gen_ai_server_time_to_first_token_seconds", "Until a model's first word", model, buckets=_LONG_BUCKETS
        )
        self._tokens = Counter("gen_ai_client_token_usage", "Tokens", [*model, "gen_ai_token_type"])
        self._cost = Counter("kefu_model_cost", "What models cost, in the currency of the routes' prices", model)
        self._found = Counter("kefu_guardrail_findings", "Findings of guardrails", ["place", "rule", "action"])

    def model(self, provider: str, model: str, error: str, usage: Usage, first_token_us: int, took_us: int) -> None:
        """A model was called; `error` is empty if it answered."""
        self._asked.append((provider, model, error, usage, first_token_us, took_us))

    def finding(self, place: str, rule: str, action: str, count: int) -> None:
        """A guardrail found something, `count` times."""
        self._findings[place, rule, action] += count

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
        self._flush_models()
        findings, self._findings = self._findings, Tally()
        for found, count in findings.items():
            self._found.labels(*found).inc(count)
        for labels, value in state.items():
            self._gauge.labels(*labels).set(value)

    def _flush_models(self) -> None:
        asked, self._asked = self._asked, []
        for provider, model, error, usage, first_token_us, took_us in asked:
            self._operation.labels(provider, model, error).observe(took_us / 1e6)
            if first_token_us:
                self._first_token.labels(provider, model).observe(first_token_us / 1e6)
            self._tokens.labels(provider, model, "input").inc(usage.input_tokens)
            self._tokens.labels(provider, model, "output").inc(usage.output_tokens)
            if usage.cost:
                self._cost.labels(provider, model).inc(usage.cost)

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
