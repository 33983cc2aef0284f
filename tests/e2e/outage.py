"""The scenario of a database that is killed under load, with a host that lives on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
from crash import deliver_all, together
from kit.server import execute, until
from ledger import Ledger, Tally, Turn, audit, check_states, read_streams
from scripted import Journal, JournalAnswerer

from actors.host import SessionHostCore
from actors.runtime import Runtime
from actors.snapshot import state_hash
from deployments.host_link import HostLink
from events.embedded import EmbeddedPostgres
from events.postgres import PostgresStore
from schemas.errors import ConfigurationError
from schemas.ids import Snowflake, now_ms
from schemas.settings import Settings

SESSIONS = 50
LONGEST_ERROR_S = 1.5
_RETRY_S = 0.02
_START_AGAIN_S = 0.25  # as in deployments.supervisor
_PATIENCE = 5  # answers other than 200 and 503 to one turn
_STEP_S = 60.0
_EXPECTED = ("store_unavailable", "append_outcome_unknown")  # what an outage may be answered with


class LocalHost:
    """A host in this process, with the handle that HostLink expects."""

    def __init__(self, url: str, journal: Path) -> None:
        self.store = PostgresStore(url)
        answerer = JournalAnswerer(Journal(journal), has_effects=True, caches=True)
        runtime = Runtime(self.store, answerer, now_ms, Snowflake(2).next)
        self.core = SessionHostCore("local", runtime, Settings(), room=1_000)
        self.link = HostLink("local", "here", find=lambda _: self)

    @property
    def exchange(self) -> LocalHost:
        return self

    def remote(self, client_id: str, payload: bytes) -> Awaitable[bytes]:
        return self.core.exchange(client_id, payload)

    def state_hashes(self) -> dict[str, bytes]:
        actors = self.core._sessions._actors.values()
        return {actor.external_id: state_hash(actor.state) for actor in actors if actor.state is not None}


class Crowd:
    """Customers in closed loop who repeat a failed turn, with its key, until it is answered."""

    def __init__(self, link: HostLink, ledger: Ledger) -> None:
        self._link = link
        self._ledger = ledger
        self.going_home = False
        self.errors: Counter[str] = Counter()
        self.gave_up = 0
        self.failed_starts = 0
        self.longest_error_s = 0.0
        self.last_reply = monotonic()
        self.longest_gap_s = 0.0

    async def chat(self, session: str) -> None:
        while not self.going_home:
            await self._ask(self._ledger.next(session))

    async def _ask(self, turn: Turn) -> None:
        refusals = 0
        while refusals < _PATIENCE:
            sent = monotonic()
            outcome = await self._link.send(turn.request())
            if outcome.status == 200:
                self._ledger.acknowledge(turn, outcome.body)
                now = monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now - self.last_reply)
                self.last_reply = now
                return
            problem: dict[str, Any] = msgspec.json.decode(outcome.body)
            refusals += outcome.status != 503
            self.errors[problem["code"]] += 1
            self.longest_error_s = max(self.longest_error_s, monotonic() - sent)
            await asyncio.sleep(_RETRY_S)
        self.gave_up += 1


async def killed_database(
    server: EmbeddedPostgres, journal: Path, kills: int, rng: random.Random, tally: Tally
) -> None:
    """`kills` times: kill -9 the postmaster under load and start it again, as the supervisor does."""
    host, ledger = LocalHost(server.url, journal), Ledger()
    crowd = Crowd(host.link, ledger)
    sessions = [f"crowd-{i}" for i in range(SESSIONS)]
    await deliver_all(host.link, ledger, [ledger.next(session) for session in sessions])
    await execute(server.url, "CHECKPOINT")
    crowd.last_reply = monotonic()
    try:
        await together([*map(crowd.chat, sessions), _outages(server, crowd, kills, rng, tally)], kills * _STEP_S)
        await _agree(host, server.url, ledger, crowd, rng, tally)
    finally:
        await host.store.close()


async def _outages(server: EmbeddedPostgres, crowd: Crowd, kills: int, rng: random.Random, tally: Tally) -> None:
    for _ in range(kills):
        await _outage(server, crowd, rng, tally)
    crowd.going_home = True


async def _outage(server: EmbeddedPostgres, crowd: Crowd, rng: random.Random, tally: Tally) -> None:
    """From a kill to the first reply after it."""
    await asyncio.sleep(rng.uniform(0.05, 0.4))  # any moment is as good as another
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    killed = monotonic()
    tally.runs += 1
    tally.faults += 1
    await until(lambda: server.pid() is None, "the postmaster is dead")
    crowd.failed_starts += await _start_again(server)
    started = monotonic()
    await until(lambda: crowd.last_reply > started, "turns are answered again", _STEP_S)
    tally.recovered(crowd.last_reply - killed)


async def _agree(host: LocalHost, url: str, ledger: Ledger, crowd: Crowd, rng: random.Random, tally: Tally) -> None:
    """Nothing was lost or doubled, and every error told the caller to retry, soon."""
    tally.acknowledged = ledger.acknowledged
    tally.note = (
        f"{', '.join(f'{n} x {code}' for code, n in crowd.errors.items())}, slowest {crowd.longest_error_s:.2f} s; "
        f"longest silence {crowd.longest_gap_s:.2f} s; {crowd.failed_starts} failed starts"
    )
    streams = await read_streams(url, ledger.sessions)
    audit(ledger, streams, tally, settled=not crowd.gave_up)
    check_states(host.state_hashes(), streams)
    await deliver_all(host.link, ledger, rng.sample(list(ledger.replies), 200))  # retried: the same replies
    audit(ledger, streams, tally, settled=True)
    assert set(crowd.errors) <= {*_EXPECTED}, crowd.errors
    assert crowd.longest_error_s < LONGEST_ERROR_S


async def _start_again(server: EmbeddedPostgres) -> int:
    """What the supervisor does when it finds no postmaster; how often it failed."""
    deadline = monotonic() + _STEP_S
    failures = 0
    while True:
        try:
            await asyncio.to_thread(server.start)
            return failures
        except ConfigurationError:
            failures += 1
            assert monotonic() < deadline
            await asyncio.sleep(_START_AGAIN_S)
