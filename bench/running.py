"""A Kefu of our own to measure: started as a user would start it, on free ports, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from events.embedded import EmbeddedPostgres

_READY_S = 120


class Running(Struct, frozen=True):
    """A Kefu that answers."""

    port: int
    home: Path
    pid: int
    ready_s: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def roots(self) -> list[int]:
        """The processes that all others descend from."""
        postgres = EmbeddedPostgres(self.home / "postgres").pid()
        return [self.pid, *([postgres] if postgres else [])]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(home: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """`kefu up` for the block. Raises RuntimeError with its output if it does not get ready."""
    port = free_port()
    home.mkdir(parents=True, exist_ok=True)
    log = home / "up.log"
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--port", str(port), *options],
            env={**os.environ, **(env or {}), "KEFU_HOME": str(home)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait_ready(process, port, log)
            yield Running(port, home, process.pid, time.monotonic() - started)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        # `up` says so when everything is there; asking earlier would only be in its way.
        if "is ready" in log.read_text() and _answers(port):
            return
        time.sleep(0.1)
    raise RuntimeError(f"kefu up did not get ready:\n{log.read_text()[-4000:]}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
