"""Asks every question and measures how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from knowledge.answers import CONSIDERED
from knowledge.evaluating.asking import Asker
from knowledge.evaluating.channels import EVERY_CANDIDATE, Channels
from knowledge.evaluating.expected import Wanted
from knowledge.evaluating.outcomes import Outcome, outcome
from knowledge.evaluating.question_file import Asked

BATCH = 256
_DEPTH = 20  # hits of each question in which the right one is looked for
_TIMED = 200  # questions asked one by one, evenly from all
_WARM_UP = 5

Clock = Callable[[], float]


class Speed(Struct, frozen=True):
    """Of single questions in milliseconds, from the text to the answer; `per_s`: questions a second in batches."""

    p50_ms: float
    p99_ms: float
    per_s: float


def evaluate(
    asker: Asker,
    asked: Sequence[Asked],
    systems: Sequence[tuple[Channels, Sequence[Wanted]]],
    *,
    clock: Clock = time.perf_counter,
) -> tuple[list[list[Outcome]], float]:
    """The outcomes of each system, and questions a second. Each question is searched once.

    `systems`: channels, and what is right for each question.
    """
    found: list[list[Outcome]] = [[] for _ in systems]
    took = 0.0
    depth = EVERY_CANDIDATE if any(_needs_all(*system) for system in systems) else _DEPTH
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        began = clock()
        replies = asker.search([each.text for each in some], depth)
        took += clock() - began
        for (channels, wanted), own in zip(systems, found, strict=True):
            own += [
                outcome(each, right, reply.through(channels))
                for each, right, reply in zip(some, wanted[start : start + BATCH], replies, strict=True)
            ]
    return found, len(asked) / max(took, 1e-9)


def _needs_all(channels: Channels, wanted: Sequence[Wanted]) -> bool:
    """Another order is made of all candidates, and twenty of these may stand in one document."""
    return channels in ("lexical", "dense") or any(each.by_document for each in wanted)


def speed(asker: Asker, asked: Sequence[Asked], per_s: float, *, clock: Clock = time.perf_counter) -> Speed:
    """Asks a sample of the questions one by one, for as many hits as the chat looks at."""
    sample = asked[:: -(-len(asked) // _TIMED)]
    for each in sample[:_WARM_UP]:
        asker.search([each.text], CONSIDERED)
    times = []
    for each in sample:
        began = clock()
        asker.search([each.text], CONSIDERED)
        times.append((clock() - began) * 1e3)
    return Speed(float(np.quantile(times, 0.5)), float(np.quantile(times, 0.99)), per_s)
