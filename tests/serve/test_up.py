"""`kefu up` from start to Ctrl-C: no orphans, nothing forgotten, clear words when it cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from bench.running import Running, free_port, running
from events.embedded import EmbeddedPostgres

ASK = {"session_id": "abc123", "text": "How do I get a refund?"}
KEY = {"X-Idempotency-Key": "first"}


def processes_of(kefu: Running) -> list[psutil.Process]:
    return [p for root in kefu.roots() for p in (psutil.Process(root), *psutil.Process(root).children(recursive=True))]


def ask(kefu: Running) -> httpx.Response:
    return httpx.post(f"{kefu.url}/v1/chat", json=ASK, headers=KEY, timeout=20, trust_env=False)


def kefu_command(*words: str, home: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words], env={**os.environ, "KEFU_HOME": str(home), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=60, check=False, **options,
    )  # fmt: skip


@pytest.mark.timeout(400)
def test_up_stop_and_up_again(tmp_path: Path) -> None:
    with running(tmp_path, "--no-dashboard") as kefu:
        assert kefu.ready_s < 60
        first = ask(kefu)
        assert first.json()["citations"][0]["id"] == "refund-how"
        second_up = kefu_command("up", "--port", str(kefu.port), home=tmp_path)
        assert second_up.returncode == 1
        assert "another `kefu up` runs" in second_up.stderr
        talk = kefu_command("chat", "--url", kefu.url, "--session", "abc123", home=tmp_path, input="怎么退款?\n\n")
        assert "How do I get a refund?" in talk.stdout
        assert "refund-how@1" in talk.stdout
        live = httpx.get(f"{kefu.url}/v1/sessions/abc123", trust_env=False).json()
        everything = processes_of(kefu)
        assert len(everything) > 15
    _, alive = psutil.wait_procs(everything, timeout=20)
    assert alive == []

    replayed = kefu_command("replay", "abc123", home=tmp_path)  # starts the database for the moment
    assert live["state_hash"] in replayed.stdout
    assert "怎么退款?" in replayed.stdout
    until = kefu_command("replay", "abc123", "--at", "3", home=tmp_path)
    assert "How do I get a refund?" in until.stdout
    assert "怎么退款?" not in until.stdout
    assert kefu_command("replay", "nobody", home=tmp_path).returncode == 1
    assert EmbeddedPostgres(tmp_path / "postgres").pid() is None

    with running(tmp_path, "--no-dashboard") as again:
        assert ask(again).content == first.content
        assert httpx.get(f"{again.url}/v1/sessions/abc123", trust_env=False).json() == live
        everything = processes_of(again)
        os.kill(again.pid, signal.SIGKILL)  # and now without a chance to clean up
        for process in everything:
            if "haproxy" in process.name():
                assert process.is_running()

    with running(tmp_path, "--no-dashboard") as after_kill:
        assert ask(after_kill).content == first.content
        everything += processes_of(after_kill)
    _, alive = psutil.wait_procs(everything, timeout=20)
    assert alive == []


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("KEFU_CAPACITY", "many", "KEFU_CAPACITY"),
        ("KEFU_CAPACITY", "0", "KEFU_CAPACITY"),
        ("KEFU_PLACEMENT", "everywhere", "KEFU_PLACEMENT"),
        ("KEFU_DATABASE_URL", "postgresql://127.0.0.1:1/none", "event log"),
        ("KEFU_KNOWLEDGE", "/nowhere.jsonl", "/nowhere.jsonl"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_name(tmp_path: Path, variable: str, value: str, says: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "cli", "up", "--no-dashboard", "--port", str(free_port())],
        env={**os.environ, "KEFU_HOME": str(tmp_path), "COLUMNS": "200", variable: value},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
