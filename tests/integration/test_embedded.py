"""The embedded server: started by anybody, any number of times, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from kit.server import execute, fetch, run, until

from events import embedded
from events.embedded import EmbeddedPostgres
from schemas.errors import ConfigurationError

_COMPUTE = """
DO $$ DECLARE until timestamptz := clock_timestamp() + interval '1 s';
BEGIN WHILE clock_timestamp() < until LOOP END LOOP; END $$"""
_START = (
    "import sys, pathlib; from events.embedded import EmbeddedPostgres;"
    "print(EmbeddedPostgres(pathlib.Path(sys.argv[1])).start())"
)


def test_start_twice_is_one_server(own_server: EmbeddedPostgres) -> None:
    pid = own_server.pid()
    assert pid is not None
    assert own_server.start() == own_server.url
    assert own_server.pid() == pid


def test_started_by_two_processes_at_once(server_folder: Path) -> None:
    """On an empty folder, so that both would initialise it."""
    folder = server_folder
    starters = [
        subprocess.Popen([sys.executable, "-c", _START, str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    urls = [starter.communicate(timeout=60)[0].strip() for starter in starters]
    postgres = EmbeddedPostgres(folder)
    try:
        assert [starter.returncode for starter in starters] == [0, 0]
        assert urls == [postgres.url] * 2
        assert run(fetch(postgres.url, "SELECT 1")) == [(1,)]  # it outlived both
        servers = [p for p in psutil.process_iter(["cmdline"]) if str(folder / "data") in (p.info["cmdline"] or [])]
        assert [p.pid for p in servers] == [postgres.pid()]
    finally:
        postgres.stop()


def test_what_was_committed_survives_kill_9(own_server: EmbeddedPostgres) -> None:
    run(execute(own_server.url, "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (42)"))
    for _ in range(2):
        pid = own_server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
        assert own_server.pid() is None
        own_server.start()
        assert own_server.pid() != pid
        assert run(fetch(own_server.url, "SELECT a FROM t")) == [(42,)]


async def test_start_waits_for_what_a_killed_server_left_behind(own_server: EmbeddedPostgres) -> None:
    """A backend that computes does not notice the death of its server, and holds on to the shared memory."""
    busy = await asyncpg.connect(own_server.url)
    computing = asyncio.ensure_future(busy.execute(_COMPUTE))
    while not await fetch(own_server.url, "SELECT 1 FROM pg_stat_activity WHERE query = $1", _COMPUTE):
        await asyncio.sleep(0.01)  # pytest-timeout is the deadline
    pid = own_server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: own_server.pid() is None, "the server's death")
    await asyncio.to_thread(own_server.start)
    assert await fetch(own_server.url, "SELECT 1") == [(1,)]
    await asyncio.gather(computing, return_exceptions=True)
    busy.terminate()


def test_stop_and_stop_again(own_server: EmbeddedPostgres) -> None:
    own_server.stop()
    assert own_server.pid() is None
    with pytest.raises(OSError):
        run(execute(own_server.url, "SELECT 1"))
    own_server.stop()


def test_durability_is_on(own_server: EmbeddedPostgres) -> None:
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert run(fetch(own_server.url, f"SHOW {setting}")) == [("on",)]
    assert run(fetch(own_server.url, "SHOW listen_addresses")) == [("",)]


def test_a_long_path_gets_a_short_socket(server_folder: Path) -> None:
    folder = server_folder / ("long-" * 20) / "pg"
    postgres = EmbeddedPostgres(folder)
    socket_dir = Path(postgres.url.partition("?host=")[2])
    assert folder not in socket_dir.parents
    assert EmbeddedPostgres(folder).url == postgres.url
    assert EmbeddedPostgres(folder.parent / "pg2").url != postgres.url
    try:
        postgres.start()
        assert run(fetch(postgres.url, "SHOW data_directory")) == [(str(folder / "data"),)]
    finally:
        postgres.stop()
        socket_dir.rmdir()


def test_a_stale_pid_file_is_no_server(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    assert postgres.pid() is None
    (tmp_path / "data").mkdir()
    pid_file = tmp_path / "data" / "postmaster.pid"
    for content in ("", "nonsense\n", f"{os.getpid()}\n/data\n", "2147483646\n"):
        pid_file.write_text(content)
        assert postgres.pid() is None


def test_a_server_that_cannot_start_says_why(own_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    own_server.stop()
    monkeypatch.setattr(embedded, "_CONFIG", embedded._CONFIG + "shared_buffers = nonsense\n")
    with pytest.raises(ConfigurationError, match="shared_buffers") as error:
        own_server.start()
    assert "KEFU_DATABASE_URL" in str(error.value)


def test_a_missing_wheel_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="KEFU_DATABASE_URL"):
        embedded._binaries()
