"""Real Ray hosts with scripted surroundings. Ray workers import this module to build their runtime."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import ray
from ledger import TENANT, Ledger, Turn
from scripted import Journal, JournalAnswerer, read_journal

from actors.actor import Runtime
from actors.host import start_host
from actors.placement import NAMESPACE, pooled_name
from deployments.host_router import HostRouter
from events.postgres import PostgresStore
from schemas.ids import WORKERS, Snowflake, now_ms
from schemas.settings import Settings

ROOM = 1_000
_INFRA = Path(__file__).parents[2] / "infra" / "ray.env"


def settings_for(database_url: str, home: Path, **more: Any) -> Settings:
    """`home` holds the hosts' journal, and the file that arms their probes."""
    return Settings(database_url=database_url, home=str(home), **more)


class FileProbe:
    """Kills its process at the point that the file `armed` names; the file is gone before the process is."""

    def __init__(self, home: Path, journal: Journal) -> None:
        self._file = home / "armed"
        self._journal = journal

    def __call__(self, point: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._file.read_text() == point:
                self._file.unlink()
                self._journal.write("fault", point)
                os.kill(os.getpid(), signal.SIGKILL)


def arm(settings: Settings, point: str) -> None:
    (Path(settings.home) / "armed.new").write_text(point)
    (Path(settings.home) / "armed.new").rename(Path(settings.home) / "armed")


def faults(settings: Settings) -> list[str]:
    return read_journal(Path(settings.home) / "journal", "fault")


def build(settings: Settings, name: str) -> Runtime:
    """What `deployments.wiring.host_runtime` is to production."""
    journal = Journal(Path(settings.home) / "journal")
    return Runtime(
        store=PostgresStore(settings.database_url),
        answerer=JournalAnswerer(journal, has_effects=True, caches=False),
        clock=now_ms,
        new_id=Snowflake(zlib.crc32(name.encode()) % WORKERS).next,
        probe=FileProbe(Path(settings.home), journal),
    )


@contextmanager
def ray_environment() -> Iterator[None]:
    """Kefu's Ray settings, for the processes that Ray starts; the workers find the test modules."""
    from deployments.local import read_env

    added = {name: value for name, value in read_env(_INFRA) if name not in os.environ}
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
def cluster() -> Iterator[None]:
    """A Ray of the module's own, next to any other on this machine."""
    with ray_environment(), tempfile.TemporaryDirectory(prefix="kefu-ray-", ignore_cleanup_errors=True) as folder:
        ray.init(
            address="local",
            num_cpus=4,
            include_dashboard=False,
            object_store_memory=128 * 2**20,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=folder,
        )
        try:
            yield
        finally:
            ray.shutdown()


def start(settings: Settings, index: int, node_id: str | None = None) -> str:
    """Start a pooled host; its name."""
    start_host(pooled_name(index), settings, build, room=ROOM, node_id=node_id)
    return pooled_name(index)


async def stats(name: str) -> dict[str, int]:
    """What a host says of itself, once it runs. Repeats the question while Ray restarts it."""
    while True:
        try:
            reference: Any = ray.get_actor(name, namespace=NAMESPACE).stats.remote()
            answer: dict[str, int] = await reference
            return answer
        except ray.exceptions.RayActorError:
            await asyncio.sleep(0.05)


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
    """Sessions in closed loop. `longest_s`: the longest wait for a reply; `answered`: when each session last got one."""

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
