"""The scenarios: kill or stop a host in the middle of turns, carry on elsewhere, and hold everyone to account."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Coroutine, Iterable
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from forked import ForkedHost, Forker
from kit.server import until
from ledger import Ledger, Tally, Turn, audit, check_states, messages, read_streams
from scripted import read_journal

from deployments.host_link import HostGone, HostLink

SESSIONS = 8
STEP_S = 20.0  # no step of a run takes nearly as long
OUTSIDE = "during append"  # killed from outside, at any moment
STOP_POINTS = ("before_intent_append", "after_intent_append", "before_answer", "after_answer", "before_reply_append")


class World(NamedTuple):
    """Where a scenario takes place."""

    forker: Forker
    database: str
    journal: Path
    hosts: list[ForkedHost]

    async def host(self, **how: Any) -> ForkedHost:
        self.hosts.append(await self.forker.host(self.database, self.journal, **how))
        return self.hosts[-1]


async def deliver(link: HostLink, ledger: Ledger, turn: Turn) -> None:
    """Send a turn once; the ledger learns of the reply. Raises HostGone."""
    outcome = await link.send(turn.request())
    assert outcome.status == 200, f"{turn.key}: {outcome.status} {outcome.body!r}"
    ledger.acknowledge(turn, outcome.body)


async def deliver_all(link: HostLink, ledger: Ledger, turns: Iterable[Turn]) -> None:
    await together(deliver(link, ledger, turn) for turn in turns)


async def together(steps: Iterable[Coroutine[Any, Any, None]], timeout_s: float = STEP_S) -> None:
    """Run all at once; the first failure, by itself, is that of all."""
    try:
        async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


# --- kill -9 ---------------------------------------------------------------------------------------------


async def killed_host(
    world: World, point: str, runs: int, rng: random.Random, tally: Tally, *, earliest: int = 1, **how: Any
) -> None:
    """`runs` times: sessions chat in closed loop, the host is killed at `point`, a new host takes over.

    Half of the sessions live through all runs, the other half is new in each.
    `earliest`: the host dies when it passes the point for at least this time. `how`: see HostSpec.
    """
    regulars = [f"regular-{i}" for i in range(SESSIONS // 2)]
    ledger = Ledger()
    host = await world.host(**how)
    for run in range(runs):
        sessions = regulars + [f"guest-{run}-{i}" for i in range(SESSIONS // 2)]
        before = set(ledger.replies)
        await _chat_until_killed(world, host, ledger, sessions, point, rng, earliest)
        died = monotonic()
        turns = [turn for turn in ledger.replies if turn not in before]
        unanswered = [turn for turn in turns if ledger.replies[turn] is None]
        tally.runs += 1
        tally.faults += 1
        tally.acknowledged += len(turns) - len(unanswered)

        # What was acknowledged is on disk before anyone retries; nothing was asked that is not on disk.
        streams = await read_streams(world.database, sessions)
        audit(ledger, streams, tally, settled=False)
        if how["has_effects"]:
            asked = {text for text in read_journal(world.journal, "asked") if text.split(" ")[0] in sessions}
            assert asked <= messages(streams), "the answerer was called before the message was on disk"

        host = await world.host(**how)
        await deliver_all(host.link, ledger, unanswered)
        tally.recovered(monotonic() - died)
        await deliver_all(host.link, ledger, turns)  # the acknowledged ones too: they get the same reply
        await _agree(world, host, ledger, sessions, tally)
    audit(ledger, await read_streams(world.database, ledger.sessions), tally, settled=True)


async def _chat_until_killed(
    world: World, host: ForkedHost, ledger: Ledger, sessions: list[str], point: str, rng: random.Random, earliest: int
) -> None:
    """All sessions send turn after turn until the host is dead."""

    async def chat(session: str) -> None:
        try:
            while True:
                await deliver(host.link, ledger, ledger.next(session))
        except HostGone:
            pass

    faults = len(read_journal(world.journal, "fault"))
    if point != OUTSIDE:
        await host.call("arm", point, rng.randint(earliest, 3 * SESSIONS), signal.SIGKILL)

    async def kill() -> None:
        await asyncio.sleep(rng.uniform(0.0, 0.08))  # any moment is as good as another
        await host.kill()

    await together([*map(chat, sessions), *([kill()] if point == OUTSIDE else [])])
    await host.gone.wait()
    if point != OUTSIDE:
        assert read_journal(world.journal, "fault")[faults:] == [point], "the host died of something else"


async def _agree(world: World, host: ForkedHost, ledger: Ledger, sessions: list[str], tally: Tally) -> None:
    """The log is in order, and the state in memory is what the log replays to."""
    streams = await read_streams(world.database, sessions)
    audit(ledger, streams, tally, settled=True)
    live: dict[str, bytes] = await host.call("state_hashes")
    resident = {session: stream for session, stream in streams.items() if session in live}
    assert resident
    check_states(live, resident)


# --- SIGSTOP ---------------------------------------------------------------------------------------------


async def stopped_host(
    world: World,
    runs: int,
    rng: random.Random,
    tally: Tally,
    *,
    points: tuple[str, ...] = STOP_POINTS,
    earlier_turns: int | None = None,
    later_turns: int = 2,
    ours: dict[str, Any],
    theirs: dict[str, Any],
) -> None:
    """`runs` times: host A stops in mid-turn, B takes its sessions over and goes on, A wakes up.

    `ours`, `theirs`: HostSpec of A and of B. Each session has `earlier_turns` behind it (None: at
    random) when A stops, and B answers `later_turns` more before A wakes.
    """
    a, b = await world.host(**ours), await world.host(**theirs)
    for run in range(runs):
        ledger = Ledger()
        sessions = [f"stop-{run}-{i}" for i in range(3)]
        for _ in range(rng.randint(0, 2) if earlier_turns is None else earlier_turns):
            await deliver_all(a.link, ledger, [ledger.next(session) for session in sessions])

        turns = [ledger.next(session) for session in sessions]
        await a.call("arm", rng.choice(points), rng.randint(1, len(sessions)), signal.SIGSTOP)
        sent = [a.link.send(turn.request()) for turn in turns]
        await until(lambda: a.stopped, "host A stopped")
        stopped = monotonic()
        tally.runs += 1
        tally.faults += 1
        in_flight = [turn for turn, future in zip(turns, sent, strict=True) if not future.done()]
        assert in_flight

        await deliver_all(b.link, ledger, turns)
        tally.recovered(monotonic() - stopped)
        for _ in range(later_turns):
            await deliver_all(b.link, ledger, [ledger.next(session) for session in sessions])
        before = await read_streams(world.database, sessions)
        os.kill(a.pid, signal.SIGCONT)
        await _settle(a, ledger, turns, sent)

        after = await read_streams(world.database, sessions)
        tally.acknowledged += ledger.acknowledged
        audit(ledger, after, tally, settled=True)
        assert after == before, "host A wrote after B had taken over"
        await deliver_all(a.link, ledger, [ledger.next(session) for session in sessions])  # A is of use again
        await _agree(world, a, ledger, sessions, tally)


async def _settle(a: ForkedHost, ledger: Ledger, turns: list[Turn], sent: list[asyncio.Future[Any]]) -> None:
    """A has answered what it had begun, and does nothing any more."""
    async with asyncio.timeout(STEP_S):
        for turn, future in zip(turns, sent, strict=True):
            try:
                outcome = await future
            except HostGone:  # it was stopped for longer than its caller's patience
                await deliver(a.link, ledger, turn)
            else:
                assert outcome.status == 200, f"{turn.key}: {outcome.status} {outcome.body!r}"
                ledger.acknowledge(turn, outcome.body)
        while (await a.call("stats"))["turns_in_progress"]:
            await asyncio.sleep(0.002)
