"""The same application the other two ways: `serve run serve_app:app`, and `serve deploy` on a running cluster."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from bench.running import free_port
from deployments.local import RAY_ENV, port_is_free, read_env
from events.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
READY_S = 120
TOKEN = secrets.token_hex(32)


@contextmanager
def process(*command: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command for the block; it and all that it started are gone afterwards."""
    with log.open("w") as output:
        running = subprocess.Popen(command, env=env, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    try:
        yield running
    finally:
        family = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
        running.send_signal(signal.SIGINT)
        psutil.wait_procs(family, timeout=15)
        for member in family:
            if member.is_running():
                member.kill()
        running.wait(30)


def environment(tmp_path: Path) -> dict[str, str]:
    """A cluster of our own beside any other: its ports and folders are free ones."""
    haproxy = tmp_path / "haproxy"
    return {
        **os.environ,
        **dict(read_env(RAY_ENV)),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "KEFU_HOME": str(tmp_path / "home"),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": f"{haproxy}/haproxy.cfg",
        "RAY_SERVE_HAPROXY_SOCKET_PATH": f"/tmp/kefu-{os.getpid()}-{free_port()}/admin.sock",
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": f"{haproxy}/server-state",
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(free_port()),
    }


def wait_answer(port: int, log: Path) -> dict[str, object]:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/chat",
                json={"session_id": "abc123", "text": "怎么退款?"},
                headers={"X-Idempotency-Key": "1"},
                timeout=20,
                trust_env=False,
            )
            if answer.status_code == 200:
                found: dict[str, object] = answer.json()
                return found
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise AssertionError(log.read_text()[-4000:])


def config(tmp_path: Path, port: int) -> Path:
    """infra/serve.yaml on a port of ours."""
    path = tmp_path / "serve.yaml"
    path.write_text((ROOT / "infra" / "serve.yaml").read_text().replace("port: 8000", f"port: {port}"))
    return path


@pytest.mark.timeout(300)
def test_serve_deploy_on_a_running_cluster(tmp_path: Path) -> None:
    env = environment(tmp_path)
    port, gcs, dashboard = free_port(), free_port(), free_port()
    log = tmp_path / "ray.log"
    head = ["ray", "start", "--head", "--block", f"--port={gcs}", "--node-ip-address=127.0.0.1",
            f"--dashboard-port={dashboard}", f"--dashboard-agent-listen-port={free_port()}",
            f"--metrics-export-port={free_port()}", "--disable-usage-stats"]  # fmt: skip
    try:
        with process(str(BIN / head[0]), *head[1:], env=env, log=log):
            deploy = [str(BIN / "serve"), "deploy", str(config(tmp_path, port)), "-a", f"http://127.0.0.1:{dashboard}"]
            deadline = time.monotonic() + 60
            while (
                done := subprocess.run(deploy, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
            ).returncode:
                assert time.monotonic() < deadline, done.stderr[-2000:] + log.read_text()[-2000:]
                time.sleep(0.5)
            assert wait_answer(port, log)["kind"] == "answer"
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()["hosts"] == ["session-host-00"]
            _hosts_are_legible_in_the_dashboard(dashboard)
    finally:
        EmbeddedPostgres(tmp_path / "home" / "postgres").stop()


def _hosts_are_legible_in_the_dashboard(port: int) -> None:
    """What the dashboard's own pages read: actors with their names and states."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    listed = httpx.get(f"http://127.0.0.1:{port}/api/v0/actors", headers=headers, trust_env=False, timeout=20).json()
    actors = {actor["name"]: actor["state"] for actor in listed["data"]["result"]["result"]}
    assert actors["session-host-00"] == "ALIVE"


@pytest.mark.timeout(300)
def test_serve_run(tmp_path: Path) -> None:
    if not port_is_free("127.0.0.1", 8000):
        pytest.skip("`serve run` has no option for its port, and 8000 is in use")
    env = environment(tmp_path) | {"RAY_ADDRESS": "local"}  # whatever else runs here, start a cluster of its own
    log = tmp_path / "run.log"
    try:
        with process(str(BIN / "serve"), "run", "serve_app:app", env=env, log=log):
            assert wait_answer(8000, log)["kind"] == "answer"
    finally:
        EmbeddedPostgres(tmp_path / "home" / "postgres").stop()
