"""What hosts are given instead of the outside world: an answerer that keeps a journal, and faults."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import zlib
from collections.abc import Sequence
from pathlib import Path

from events.postgres import PostgresStore
from events.store import NewEvent
from schemas.answers import Answer, Citation, Kind, Option, Question

EFFECT_POINTS = (
    "received",
    "before_intent_append",
    "after_intent_append",
    "before_answer",
    "after_answer",
    "before_reply_append",
    "after_reply_append",
    "before_acknowledgement",
)
PLAIN_POINTS = tuple(point for point in EFFECT_POINTS if "intent" not in point)
KINDS: tuple[Kind, ...] = ("answer", "clarify", "answer", "escalated")
_SLOWEST_S = 0.004
_EARLY_S = 0.05


class Journal:
    """Lines that survive the writer's `kill -9`: one write(2) each, into the page cache."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(self, what: str, detail: str) -> None:
        os.write(self._file, f"{what}\t{detail}\n".encode())


def read_journal(path: Path, what: str) -> list[str]:
    """The details of all lines about `what`."""
    lines = (line.split("\t", 1) for line in path.read_text().splitlines()) if path.exists() else ()
    return [detail for about, detail in lines if about == what]


class JournalAnswerer:
    """Every call gives another answer and leaves a line `asked`, so that doubled effects and changed replies show.

    With `caches` every fourth text is answered without a call. Calls take 0 to 4 ms: turns overlap.
    """

    def __init__(self, journal: Journal, *, has_effects: bool, caches: bool, kinds: Sequence[Kind] = KINDS) -> None:
        self.has_effects = has_effects
        self._journal = journal
        self._caches = caches
        self._kinds = kinds
        self._calls = 0

    def cached(self, question: Question) -> Answer | None:
        if self._caches and zlib.crc32(question.text.encode()) % 4 == 0:
            return self._make(question)
        return None

    async def answer(self, question: Question) -> Answer:
        self._journal.write("asked", question.text)
        await asyncio.sleep(random.uniform(0, _SLOWEST_S))
        return self._make(question)

    def _make(self, question: Question) -> Answer:
        self._calls += 1
        kind = self._kinds[self._calls % len(self._kinds)]
        return Answer(
            kind=kind,
            text=f"{question.text} | answered by {os.getpid()}, call {self._calls}",
            language="en",
            confidence=0.5,
            knowledge_version=1,
            model="scripted",
            citations=(Citation("faq-1", 1, "Returns", "seven days"),) if kind == "answer" else (),
            options=(Option("a", "Return"), Option("b", "换货")) if kind == "clarify" else (),
            offer_person=kind == "clarify",
        )


class DeadlyProbe:
    """Sends this very process a signal when `point` is passed for the n-th time from now."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._point = ""
        self._left = 0
        self._signal = signal.SIGKILL

    def arm(self, point: str, nth: int, signal_number: int) -> None:
        self._point, self._left, self._signal = point, nth, signal.Signals(signal_number)

    def __call__(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._point = ""
            self._journal.write("fault", point)
            os.kill(os.getpid(), self._signal)


class EarlyStore(PostgresStore):
    """Sabotage: says that an append is durable 50 ms before it is sent."""

    async def append(self, session_id: int, expected: int, events: Sequence[NewEvent]) -> None:
        async def later() -> None:
            await asyncio.sleep(_EARLY_S)
            await super(EarlyStore, self).append(session_id, expected, events)

        self._late = {*getattr(self, "_late", ()), asyncio.get_running_loop().create_task(later())}


# Sabotage: the fence taken out of the log. A stale batch of events 3 and 4 loses 3 and lands 4.
UNFENCED = """
CREATE OR REPLACE FUNCTION append_events(
    ids bigint[], seqs integer[], types smallint[], times_ms bigint[], payloads bytea[],
    heads bigint[], expected integer[]
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO session_events (session_id, seq, event_type, recorded_at, payload)
    SELECT id, seq, type, to_timestamp(at_ms / 1000.0), payload
    FROM unnest(ids, seqs, types, times_ms, payloads) AS event (id, seq, type, at_ms, payload)
    ON CONFLICT DO NOTHING
$$
"""
