"""A Ray cluster, hosts in it, and customers who reach them through the router of an ingress replica."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import ray
from ledger import TENANT, Ledger, Turn
from ray._private.node import Node
from ray.cluster_utils import Cluster
from ray_build import build

from actors.host import start_host
from actors.placement import NAMESPACE, pooled_name
from deployments.host_router import HostRouter
from schemas.settings import Settings

ROOM = 1_000
_START_S = 30.0
_FREE_PORT = 0
_OBJECT_STORE = 128 * 2**20  # bytes
_INFRA = Path(__file__).parents[2] / "infra" / "ray.env"


@contextmanager
def ray_environment(folder: str) -> Iterator[None]:
    """Kefu's settings for all Ray processes; what they leave behind is in `folder`, and workers find this one."""
    from deployments.local import read_env

    added = {name: value for name, value in read_env(_INFRA) if name not in os.environ}
    added["RAY_TMPDIR"] = folder
    added["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    added["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    added["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@contextmanager
def cluster(nodes: int = 1) -> Iterator[list[Node]]:
    """A Ray of the module's own, next to any other on this machine, of nodes with two cores each; the first is head."""
    with (
        tempfile.TemporaryDirectory(prefix="kefu-ray-", ignore_cleanup_errors=True) as folder,
        ray_environment(folder),
    ):
        node = {"num_cpus": 2, "object_store_memory": _OBJECT_STORE}
        head = {**node, "include_dashboard": False, "dashboard_port": _FREE_PORT}
        ray_cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            started = [ray_cluster.head_node, *(ray_cluster.add_node(**node) for _ in range(nodes - 1))]
            ray.init(address=ray_cluster.address, log_to_driver=False, logging_level="ERROR")
            yield started
        finally:
            ray.shutdown()
            ray_cluster.shutdown()
            _forget_sockets()


def _forget_sockets() -> None:
    """Ray leaves open sockets to the garbage collector, whose warnings would fail whatever test runs by then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def kill_node(node: Node) -> None:
    """kill -9 of the raylet and everything under it."""
    [raylet] = node.all_processes["raylet"]
    process = psutil.Process(raylet.process.pid)
    for one in [*process.children(recursive=True), process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()


def start(settings: Settings, index: int, node_id: str | None = None) -> str:
    """Start a pooled host; its name."""
    start_host(pooled_name(index), settings, build, room=ROOM, node_id=node_id)
    return pooled_name(index)


async def stats(name: str) -> dict[str, int]:
    """What a host says of itself, once it runs. Repeats the question while Ray restarts it."""
    async with asyncio.timeout(_START_S):
        while True:
            try:
                reference: Any = ray.get_actor(name, namespace=NAMESPACE).stats.remote()
                answer: dict[str, int] = await _value(reference)
                return answer
            except ray.exceptions.RayActorError:
                await asyncio.sleep(0.05)


async def _value(reference: Any) -> Any:
    return await reference


def stop_hosts() -> None:
    """End all hosts, for the next test to have the cluster to itself."""
    for actor in ray.util.list_named_actors(True):
        if actor["namespace"] == NAMESPACE:
            ray.kill(ray.get_actor(actor["name"], namespace=NAMESPACE))


@asynccontextmanager
async def routing(settings: Settings) -> AsyncIterator[HostRouter]:
    """A router as an ingress replica has it, which knows the hosts there are."""
    router = HostRouter(settings, build)
    await router.refresh()
    refreshing = asyncio.get_running_loop().create_task(router.refresh_forever())
    try:
        yield router
    finally:
        refreshing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await refreshing


async def take(router: HostRouter, ledger: Ledger, turn: Turn) -> float:
    """Send a turn, as an ingress replica does: once. The seconds until its reply."""
    sent = monotonic()
    outcome = await router.turn(TENANT, turn.session, turn.key, turn.text)
    assert outcome.status == 200, f"{turn.key}: {outcome.status} {outcome.body!r}"
    ledger.acknowledge(turn, outcome.body)
    return monotonic() - sent


class Chatter:
    """Sessions in closed loop. `longest_s`: the longest wait for a reply; `answered`: when each last got one."""

    def __init__(self, router: HostRouter, ledger: Ledger, sessions: list[str]) -> None:
        self._router = router
        self._ledger = ledger
        self._done = False
        self.longest_s = 0.0
        self.answered = dict.fromkeys(sessions, 0.0)

    async def __aenter__(self) -> Chatter:
        self._tasks = [asyncio.get_running_loop().create_task(self._chat(session)) for session in self.answered]
        return self

    async def __aexit__(self, failed: object, *_: object) -> None:
        self._done = True
        if failed:
            for task in self._tasks:
                task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        if not failed:
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _chat(self, session: str) -> None:
        while not self._done:
            self.longest_s = max(self.longest_s, await take(self._router, self._ledger, self._ledger.next(session)))
            self.answered[session] = monotonic()

    def all_answered_since(self, moment: float) -> bool:
        for task in self._tasks:
            if task.done():
                task.result()
        return all(at > moment for at in self.answered.values())
