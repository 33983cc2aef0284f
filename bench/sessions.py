"""What a session costs: memory while resident, time to come back, time to rebuild many. One process, real Postgres."""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

import numpy as np
import psutil
from msgspec import Struct

from actors.actor import SessionActor
from actors.host import spare_the_collector
from actors.runtime import Runtime
from actors.sessions import Sessions
from actors.state import FOLD_VERSION, fold
from events.codec import decode
from events.embedded import EmbeddedPostgres
from events.migrate import migrate
from events.postgres import PostgresStore
from schemas.answers import Answer, Citation, Question
from schemas.api import TurnRequest
from schemas.ids import Snowflake, now_ms

RESIDENT = 10_000
TURNS = 5  # of each resident session
COLD = {10: 400, 100: 400, 1_000: 100}  # events of a cold session: how many are activated
_CONCURRENT = 64

_ANSWER = Answer(
    "answer", "Open My Orders, choose the item and tap Refund. " * 5, "en", 0.97, 1, "kefu-extractive",
    citations=(Citation("refund-how", 1, "How do I get a refund?", "Open My Orders, choose the item."),),
)  # fmt: skip


class SessionFigures(Struct, frozen=True):
    """`activation_ms`: by number of events, (p50, p99). `rebuild_s`: for RESIDENT sessions of 2 * TURNS + 1 events."""

    bytes_per_session: float
    activation_ms: dict[int, tuple[float, float]]
    rebuild_s: float
    appends_per_s: float


class _Known:
    """Every question is in the cache: what is measured is the session, not the answer."""

    has_effects = False

    def cached(self, question: Question) -> Answer | None:
        return _ANSWER

    async def answer(self, question: Question) -> Answer:
        return _ANSWER

    async def prepare(self, question: Question) -> None:
        return None


async def measure(folder: Path) -> SessionFigures:
    """Needs an idle machine and about half a minute."""
    postgres = EmbeddedPostgres(folder)
    url = postgres.start()
    try:
        await migrate(url)
        store = PostgresStore(url)
        runtime = Runtime(store, _Known(), now_ms, Snowflake(1).next)
        per_session, appends_per_s = await _resident(runtime)
        rebuild_s = await _rebuild(store)
        activation = {events: await _activation(runtime, events, count) for events, count in COLD.items()}
        await store.close()
    finally:
        postgres.stop()
    return SessionFigures(per_session, activation, rebuild_s, appends_per_s)


def _turn(session: str, number: int) -> TurnRequest:
    text = f"How do I get a refund for order {session}, line {number}?"
    return TurnRequest(0, "bench", session, f"{session}-{number}", text, now_ms() + 60_000)


async def _resident(runtime: Runtime) -> tuple[float, float]:
    sessions = Sessions(runtime, capacity=RESIDENT + 1, max_turns=RESIDENT + 1, idle_s=3_600)
    await sessions.take(_turn("warm-up", 0))
    gc.collect()
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    for number in range(TURNS):
        names = [f"resident-{i}" for i in range(RESIDENT)]
        for start in range(0, RESIDENT, 500):
            await asyncio.gather(*(sessions.take(_turn(name, number)) for name in names[start : start + 500]))
    seconds = time.perf_counter() - started
    gc.collect()
    grown = psutil.Process().memory_info().rss - before
    return grown / RESIDENT, RESIDENT * TURNS / seconds


async def _rebuild(store: PostgresStore) -> float:
    started = time.perf_counter()
    gate = asyncio.Semaphore(_CONCURRENT)

    async def one(number: int) -> None:
        async with gate:
            session_id = await store.find("bench", f"resident-{number}")
            assert session_id is not None
            opened = await store.open(session_id, FOLD_VERSION)
            assert fold(decode(session_id, event) for event in opened.tail).turns == TURNS

    await asyncio.gather(*(one(number) for number in range(RESIDENT)))
    return time.perf_counter() - started


async def _activation(runtime: Runtime, events: int, count: int) -> tuple[float, float]:
    """From the first command of a cold session until it runs, one at a time."""
    spare_the_collector()  # as a host does
    names = [f"cold-{events}-{i}" for i in range(count)]
    sessions = Sessions(runtime, capacity=count, max_turns=count, idle_s=3_600)
    for number in range(events // 2):
        await asyncio.gather(*(sessions.take(_turn(name, number)) for name in names))
    spent = []
    for name in names:
        actor = SessionActor(runtime, "bench", name)
        started = time.perf_counter()
        await actor.activate()
        spent.append(time.perf_counter() - started)
        assert actor.state is not None and actor.state.turns == events // 2
    p50, p99 = np.percentile(np.array(spent) * 1000, [50, 99])
    return float(p50), float(p99)
