"""Fixtures of the crash tests, and the table at their end."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from runs import RUNS, SEED

pytest.register_assert_rewrite("crash", "ledger", "outage", "ray_hosts")

from crash import World  # noqa: E402
from forked import Forker  # noqa: E402
from ledger import Tally  # noqa: E402

_TALLIES = pytest.StashKey[list[Tally]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TALLIES] = []


@pytest.fixture
def tally(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Callable[[str], Tally]:
    """Opens a line of the table."""

    def open_line(scenario: str) -> Tally:
        line = Tally(scenario)
        pytestconfig.stash.setdefault(_TALLIES, []).append(line)
        return line

    return open_line


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """The test's own random numbers; KEFU_CHAOS_SEED repeats them."""
    sys.stdout.write(f"KEFU_CHAOS_SEED={SEED}\n")
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="kefu-e2e-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def forker(short_folder: Path) -> Iterator[Forker]:
    forker = Forker(short_folder)
    forker.start()
    yield forker
    forker.stop()


@pytest.fixture
async def world(forker: Forker, database: str, tmp_path: Path) -> AsyncIterator[World]:
    """Forked hosts over a database of the test's own."""
    world = World(forker, database, tmp_path / "journal", [])
    yield world
    for host in world.hosts:
        await host.kill()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tallies = config.stash.get(_TALLIES, [])
    if not tallies:
        return
    terminalreporter.section(f"crash tests (KEFU_CHAOS_RUNS={RUNS} KEFU_CHAOS_SEED={SEED})")
    terminalreporter.line(
        f"{'scenario':44}{'runs':>6}{'faults':>8}{'acked':>8}{'lost':>6}{'doubled':>9}{'other':>7}{'max s':>8}  note"
    )
    for line in tallies:
        terminalreporter.line(
            f"{line.scenario:44}{line.runs:6}{line.faults:8}{line.acknowledged:8}{line.lost:6}{line.doubled:9}"
            f"{line.other:7}{line.recovery_s:8.2f}  {line.note}"
        )
