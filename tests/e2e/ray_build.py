"""What Ray hosts are made of in tests. Ray workers import this module, and none of those that tests live in."""

from __future__ import annotations

import contextlib
import os
import signal
import zlib
from pathlib import Path
from typing import Any

import ray
from scripted import Journal, JournalAnswerer, read_journal

from actors.runtime import Runtime
from events.postgres import PostgresStore
from schemas.ids import WORKERS, Snowflake, now_ms
from schemas.settings import Settings


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


def nodes_of_hosts(settings: Settings) -> dict[str, str]:
    """Node id of each host, as of its last start."""
    lines = read_journal(Path(settings.home) / "journal", "host")
    return dict(line.split() for line in lines)


def build(settings: Settings, name: str) -> Runtime:
    """What `deployments.wiring.host_runtime` is to production."""
    journal = Journal(Path(settings.home) / "journal")
    journal.write("host", f"{name} {ray.get_runtime_context().get_node_id()}")
    return Runtime(
        store=PostgresStore(settings.database_url),
        answerer=JournalAnswerer(journal, has_effects=True, caches=False),
        clock=now_ms,
        new_id=Snowflake(zlib.crc32(name.encode()) % WORKERS).next,
        probe=FileProbe(Path(settings.home), journal),
    )
