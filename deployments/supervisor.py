"""Keeps what must be there: pooled hosts, spread over the nodes and answering; the embedded database; partitions."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from pathlib import Path
from typing import Any

import ray

from actors.host import start_host
from actors.placement import NAMESPACE, POOLED, pooled_name
from actors.recorder import FINDINGS
from deployments.compilers import compilers
from deployments.flow_files import DefinitionFiles
from deployments.wiring import runtime_builder
from events.embedded import EmbeddedPostgres
from events.migrate import migrate
from events.postgres_definitions import PostgresDefinitions
from schemas.ids import now_ms
from schemas.metrics import Metrics
from schemas.settings import Settings

BEAT_S = 0.5
STALLED_S = 4.0  # a host that has not answered for so long is killed and comes back empty
_STARTING_S = 60.0  # before its first answer a host has this long
_DAY_S = 86_400.0
_CORES_PER_HOST = 2

_log = logging.getLogger("kefu.supervisor")


class Supervisor:
    """One for the whole cluster. Should it die, Serve brings it back; nothing waits for it meanwhile."""

    def __init__(self, settings: Settings, embedded: Path | None) -> None:
        self._settings = settings
        self._build = runtime_builder()
        self._postgres = EmbeddedPostgres(embedded) if embedded else None
        self._metrics = Metrics(settings.metrics_dir)
        self._answered: dict[str, float] = {}
        self._stats: dict[str, dict[str, int]] = {}
        self._loop = asyncio.get_event_loop()
        self._files = _definition_files(settings)
        steps = (
            (self._watch_hosts, BEAT_S),
            (self._watch_postgres, BEAT_S / 2),
            (self._add_partitions, _DAY_S),
            (self._watch_definitions, BEAT_S),
        )
        self._tasks = [self._loop.create_task(self._forever(step, pause_s)) for step, pause_s in steps]

    async def _forever(self, step: Any, pause_s: float) -> None:
        while True:
            try:
                await step()
            except Exception:
                _log.exception("%s failed; it will be tried again", step.__name__)
            await asyncio.sleep(pause_s)

    async def _watch_hosts(self) -> None:
        wanted = [] if self._settings.placement == "dedicated" else await asyncio.to_thread(self._start_missing)
        await asyncio.gather(*(self._beat(name) for name in wanted))
        self._metrics.flush(
            {("hosts", "running"): len(self._stats)}
            | {
                (name, what): number
                for name, stats in self._stats.items()
                for what, number in stats.items()
                if not what.startswith(FINDINGS)
            }
        )

    def _start_missing(self) -> list[str]:
        nodes = sorted(
            (node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) > 0),
            key=lambda node: (not node["Resources"].get("node:__internal_head__"), node["NodeID"]),
        )
        cores = sum(node["Resources"]["CPU"] for node in nodes)
        count = self._settings.hosts or max(len(nodes), math.ceil(cores / _CORES_PER_HOST))
        names = [pooled_name(index) for index in range(count)]
        existing = {a["name"] for a in ray.util.list_named_actors(True) if a["namespace"] == NAMESPACE}
        for index, name in enumerate(names):
            if name not in existing:
                node_id = nodes[index % len(nodes)]["NodeID"]
                start_host(name, self._settings, self._build, room=self._settings.capacity, node_id=node_id)
                self._answered[name] = time.monotonic() + _STARTING_S
        for name in existing - {*names}:
            if name.startswith(POOLED):  # fewer hosts than before: the log has all they know
                ray.kill(ray.get_actor(name, namespace=NAMESPACE))
                self._stats.pop(name, None)
        return names

    async def _beat(self, name: str) -> None:
        """Ask the host how it is. One that stopped answering (SIGSTOP, a blocked loop) is killed; Ray restarts it."""
        handle = await asyncio.to_thread(ray.get_actor, name, NAMESPACE)
        try:
            stats = await asyncio.wait_for(_value(handle.stats.remote()), STALLED_S)
            self._count_findings(self._stats.get(name, {}), stats)
            self._stats[name] = stats
            self._answered[name] = time.monotonic()
        except TimeoutError:
            if time.monotonic() - self._answered.get(name, 0.0) > STALLED_S:
                _log.warning("%s has not answered for %g s and is replaced", name, STALLED_S)
                self._answered[name] = time.monotonic() + _STARTING_S
                await asyncio.to_thread(ray.kill, handle, no_restart=False)
        except ray.exceptions.RayActorError:
            self._stats.pop(name, None)  # Ray is restarting it

    def _count_findings(self, before: dict[str, int], now: dict[str, int]) -> None:
        """What a host has counted since it was last asked; a host that is new has begun at nothing."""
        same = before.get("pid") == now["pid"]
        for what, count in now.items():
            if what.startswith(FINDINGS):
                place, rule, action = finding_of(what)
                self._metrics.finding(place, rule, action, count - (before.get(what, 0) if same else 0))

    async def _watch_postgres(self) -> None:
        if self._postgres is not None and self._postgres.pid() is None:
            _log.warning("embedded Postgres is not running; starting it")
            await asyncio.to_thread(self._postgres.start)

    async def _watch_definitions(self) -> None:
        if self._files is not None:
            await self._files.scan()

    async def _add_partitions(self) -> None:
        await migrate(self._settings.database_url)


def _definition_files(settings: Settings) -> DefinitionFiles | None:
    if not settings.definitions:
        return None
    store = PostgresDefinitions(settings.database_url, connections=1)
    return DefinitionFiles(Path(settings.definitions), store, settings.tenant, compilers(), now_ms)


def finding_of(counted: str) -> tuple[str, str, str]:
    """Place, rule and action from the name a host counts a finding by. The rule's name may have colons itself."""
    place, _, rest = counted.removeprefix(FINDINGS).partition(":")
    rule, _, action = rest.rpartition(":")
    return place, rule, action


async def _value(reference: Any) -> dict[str, int]:
    value: dict[str, int] = await reference
    return value
