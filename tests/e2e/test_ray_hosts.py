"""Hosts that are Ray actors, reached through the ingress's own router: killed, stopped, more, fewer, dedicated."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
import ray
import ray_hosts
from kit.server import until
from ledger import TENANT, Ledger, Tally, audit, read_streams
from ray_build import arm, faults, settings_for
from ray_hosts import Chatter, routing, stats, take
from runs import RUNS
from scripted import EFFECT_POINTS

from actors.placement import NAMESPACE, dedicated_name, pooled_name, ranked
from deployments.host_router import DOWN_S
from schemas.settings import Settings

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]
SESSIONS = [f"s-{i}" for i in range(12)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with ray_hosts.cluster():
        yield


@pytest.fixture
def settings(cluster: None, database: str, tmp_path: Path) -> Iterator[Settings]:
    """No host runs before or after."""
    yield settings_for(database, tmp_path)
    ray_hosts.stop_hosts()


async def _audit(settings: Settings, ledger: Ledger, line: Tally) -> None:
    line.acknowledged = ledger.acknowledged
    audit(ledger, await read_streams(settings.database_url, ledger.sessions), line, settled=True)


async def test_a_killed_host_comes_back_and_the_caller_does_nothing(
    settings: Settings, tally: Callable[[str], Tally], rng: random.Random
) -> None:
    """kill -9 at each point of a turn, with other sessions' turns under way; one host, so that Ray must restart it."""
    line, ledger = tally("Ray: kill -9 of the only host"), Ledger()
    name = ray_hosts.start(settings, 0)
    await stats(name)
    async with routing(settings) as router, Chatter(router, ledger, SESSIONS) as chatter:
        for point in EFFECT_POINTS * (2 if RUNS > 20 else 1):
            before = len(faults(settings))
            await asyncio.sleep(rng.uniform(0.0, 0.1))
            arm(settings, point)
            await until(lambda: len(faults(settings)) > before, f"the host died at {point}")  # noqa: B023
            killed = monotonic()
            await until(lambda: chatter.all_answered_since(killed), "all are answered again", 10.0)  # noqa: B023
            line.runs += 1
            line.faults += 1
            line.recovered(monotonic() - killed)
    assert faults(settings) == [*EFFECT_POINTS * (2 if RUNS > 20 else 1)]
    assert chatter.longest_s < 10.0
    line.note = f"longest turn {chatter.longest_s:.2f} s"
    await _audit(settings, ledger, line)


@pytest.mark.parametrize(("stopped", "limit_s"), [(1, 5.0), (2, 10.0)])
async def test_stopped_hosts_are_passed_over(
    settings: Settings, tally: Callable[[str], Tally], stopped: int, limit_s: float
) -> None:
    """Ray does not notice a SIGSTOP; the router does. Woken up, the hosts find that another one wrote."""
    line, ledger = tally(f"Ray: SIGSTOP of all hosts but one of {stopped + 1}"), Ledger()
    names = [ray_hosts.start(settings, index) for index in range(stopped + 1)]
    pids = [(await stats(name))["pid"] for name in names]
    homes = [ranked(TENANT, session, names)[0] for session in SESSIONS]
    assert {*homes} == {*names}
    async with routing(settings) as router, Chatter(router, ledger, SESSIONS) as chatter:
        await until(lambda: chatter.all_answered_since(0.0), "all sessions have begun")
        for pid in pids[:stopped]:
            os.kill(pid, signal.SIGSTOP)
        began = monotonic()
        try:
            await until(lambda: chatter.all_answered_since(began), "turns go on through the last host", limit_s)
            line.recovered(monotonic() - began)
            later = monotonic() + DOWN_S  # by then the router may try the stopped hosts again
            await until(lambda: chatter.all_answered_since(later), "turns still go on", DOWN_S + limit_s)
        finally:
            for pid in pids[:stopped]:
                os.kill(pid, signal.SIGCONT)
        woken = monotonic()
        for name in names[:stopped]:
            while (await stats(name))["turns_in_progress"]:
                await asyncio.sleep(0.01)
        await until(lambda: chatter.all_answered_since(woken + 1.0), "turns go on with all hosts")
    line.runs, line.faults = 1, stopped
    await _audit(settings, ledger, line)


async def test_the_number_of_hosts_may_change(settings: Settings, tally: Callable[[str], Tally]) -> None:
    """1 -> 3 -> 2 under load: sessions move, and are where the log left them."""
    line, ledger = tally("Ray: 1 -> 3 -> 2 hosts"), Ledger()
    await stats(ray_hosts.start(settings, 0))
    async with routing(settings) as router, Chatter(router, ledger, SESSIONS) as chatter:
        await until(lambda: chatter.all_answered_since(0.0), "all sessions have begun")
        for index in (1, 2):
            await stats(ray_hosts.start(settings, index))
        await until(lambda: len(router.hosts) == 3, "the router knows the new hosts")
        changed = monotonic()
        await until(lambda: chatter.all_answered_since(changed), "all are answered by three hosts")
        turns = [(await stats(pooled_name(index)))["turns"] for index in range(3)]
        assert all(turns), turns
        ray.kill(ray.get_actor(pooled_name(2), namespace=NAMESPACE))
        removed = monotonic()
        await until(lambda: chatter.all_answered_since(removed), "all are answered by two hosts")
        line.recovered(monotonic() - removed)
        await until(lambda: len(router.hosts) == 2, "the router has forgotten the host")
        gone = monotonic()
        await until(lambda: chatter.all_answered_since(gone), "all go on")
        for turn in [turn for turn, reply in ledger.replies.items() if reply][:100]:
            await take(router, ledger, turn)  # retried: the same replies
    line.runs = line.faults = 1
    await _audit(settings, ledger, line)


async def test_a_dedicated_session_has_a_ray_actor_of_its_own(
    settings: Settings, database: str, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    """It shows by name, is started by its first turn, and comes back when killed."""
    line, ledger = tally("Ray: dedicated actors, one killed"), Ledger()
    dedicated = settings_for(database, tmp_path, placement="dedicated")
    sessions = ["d-1", "d-2"]
    async with routing(dedicated) as router:
        await asyncio.gather(*(take(router, ledger, ledger.next(session)) for session in sessions))
        named = {a["name"] for a in ray.util.list_named_actors(True) if a["namespace"] == NAMESPACE}
        assert (
            named
            == {dedicated_name(TENANT, session) for session in sessions}
            == {f"session-actor-{TENANT}/{session}" for session in sessions}
        )
        pids = [(await stats(dedicated_name(TENANT, session)))["pid"] for session in sessions]
        assert len({*pids, os.getpid()}) == 3
        os.kill(pids[0], signal.SIGKILL)
        line.recovered(await take(router, ledger, ledger.next(sessions[0])))
        assert (await stats(dedicated_name(TENANT, sessions[1])))["pid"] == pids[1]
        assert line.recovery_s < 10.0
    line.runs = line.faults = 1
    await _audit(settings, ledger, line)
