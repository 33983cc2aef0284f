"""Counters of several processes, merged from their files. prometheus_client is imported afresh for each test."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.server import until

from schemas import metrics as module
from schemas.metrics import Metrics


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "overwritten")
    ours = [name for name in sys.modules if name.split(".")[0] == "prometheus_client"]
    before = {name: sys.modules.pop(name) for name in ours}
    yield tmp_path / "metrics"
    for name in [name for name in sys.modules if name.split(".")[0] == "prometheus_client"]:
        del sys.modules[name]
    sys.modules.update(before)


def lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.exposition().decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}


def test_turns_and_state(folder: Path) -> None:
    metrics = Metrics(folder)
    for status in (200, 200, 503):
        metrics.turn("http", status, metrics.now())
    metrics.turn("ws", 200, metrics.now() - 3)
    metrics.flush({("ingress", "sockets"): 5})
    metrics.flush({("ingress", "sockets"): 4})
    found = lines(metrics)
    assert found['kefu_turns_total{front="http",status="200"}'] == 2
    assert found['kefu_turns_total{front="http",status="503"}'] == 1
    assert found['kefu_turn_seconds_bucket{front="http",le="1.0"}'] == 3
    assert found['kefu_turn_seconds_bucket{front="ws",le="2.0"}'] == 0
    assert found['kefu_turn_seconds_bucket{front="ws",le="5.0"}'] == 1
    assert found['kefu_state{role="ingress",what="sockets"}'] == 4


async def test_flush_forever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.001)
    metrics = Metrics(folder)
    metrics.sockets = 7
    task = asyncio.ensure_future(metrics.flush_forever())
    await until(lambda: lines(metrics).get('kefu_state{role="ingress",what="sockets"}') == 7, "the gauge")
    task.cancel()


def test_processes_are_merged(folder: Path) -> None:
    metrics = Metrics(folder)
    metrics.turn("http", 200, metrics.now())
    metrics.flush({("host", "sessions"): 3})
    code = (
        "import sys, pathlib; from schemas.metrics import Metrics; m = Metrics(pathlib.Path(sys.argv[1]));"
        "m.turn('http', 200, m.now()); m.flush({('host', 'sessions'): 4});"
        "print(m.exposition().decode())"  # read while the process lives: gauges are of the living
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert 'kefu_turns_total{front="http",status="200"} 2.0' in done.stdout
    assert 'kefu_state{role="host",what="sessions"} 7.0' in done.stdout
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder)
