"""All of Kefu on this machine: what `kefu up` starts and stops. One instance per home folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import psutil

from events.embedded import EmbeddedPostgres, socket_folder
from schemas.errors import ConfigurationError
from schemas.settings import Settings

RAY_ENV = Path(__file__).parent.parent / "infra" / "ray.env"
_OBJECT_STORE = 256 * 2**20  # bytes; turns are far too small to use it
_DESCRIPTORS_PER_CONNECTION = 2.5  # what one customer costs HAProxy
_SPARE_DESCRIPTORS = 250
_MARK = "KEFU_INSTANCE"  # in the environment of every process of ours: the home folder
_KILL_TIMEOUT_S = 5

Step = Callable[[str], None]


class Local:
    """`start` returns when customers can be served; `stop` when nothing of it is left running."""

    def __init__(
        self,
        settings: Settings,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        dashboard_port: int | None = 8265,
    ) -> None:
        """`dashboard_port`: None for no Ray dashboard."""
        self._settings = settings
        self._host = host
        self._port = port
        self._dashboard_port = dashboard_port
        self._run_dir = settings.home_dir / "run"
        self._ray_session = self._run_dir / "ray-session"  # a file with the name of Ray's session
        self._lock: IO[str] | None = None

    def start(self, build: Callable[[Settings], Any], say: Step) -> None:
        """`build` makes the Serve application; `say` is told about each step.

        Neither Ray nor the application may be imported before: Ray Serve reads its environment on import.
        Raises ConfigurationError if the port or the home is taken.
        """
        self._take_home()
        self._stop_leftovers()
        if not port_is_free(self._host, self._port):
            raise ConfigurationError(f"port {self._port} on {self._host} is in use; choose another with --port")
        shutil.rmtree(self._settings.metrics_dir, ignore_errors=True)
        os.environ.update(self._environment())

        say("Starting the event log (Postgres)")
        app = build(self._settings)
        say("Starting Ray")
        import ray
        from ray import serve
        from ray.serve.config import HTTPOptions

        from deployments.wiring import APP

        ray.init(
            address="local",
            _node_ip_address="127.0.0.1",  # one machine: nothing of Ray listens beyond it
            include_dashboard=self._dashboard_port is not None,
            dashboard_host="127.0.0.1",
            dashboard_port=self._dashboard_port,
            object_store_memory=_OBJECT_STORE,
            configure_logging=True,
            logging_level="ERROR",
            log_to_driver=False,
        )
        self._ray_session.write_text(ray.get_runtime_context().get_session_name())
        say("Starting the front (Ray Serve, HAProxy)")
        serve.start(http_options=HTTPOptions(host=self._host, port=self._port))
        say("Starting models, index and session hosts")
        serve.run(app, name=APP, logging_config={"log_level": "ERROR"})

    def stop(self) -> None:
        """Also after a start that failed half-way. Takes seconds: Serve's own draining would take half a minute,
        and is not needed, because what was acknowledged is in the log and what was not will be sent again."""
        if self._lock is None:
            return  # the home is another's, and so is what runs there
        if "ray" in sys.modules:
            import ray

            ray.shutdown()
        self._stop_leftovers()
        if not self._settings.database_url:
            EmbeddedPostgres(self._settings.home_dir / "postgres").stop()
        self._lock.close()

    def _take_home(self) -> None:
        self._run_dir.mkdir(parents=True, exist_ok=True)
        lock = (self._run_dir / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._lock = lock
        except OSError:
            lock.close()
            raise ConfigurationError(
                f"another `kefu up` runs on {self._settings.home_dir}; stop it, or set KEFU_HOME to another folder"
            ) from None

    def _environment(self) -> dict[str, str]:
        """Ray's settings: infra/ray.env, this machine's limits, and what keeps two instances apart.

        What the caller's environment says already wins.
        """
        env = dict(read_env(RAY_ENV))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = int((hard - _SPARE_DESCRIPTORS) / _DESCRIPTORS_PER_CONNECTION)
        env["RAY_SERVE_HAPROXY_MAXCONN"] = str(min(int(env["RAY_SERVE_HAPROXY_MAXCONN"]), most))
        haproxy = self._haproxy_dir()
        env |= {
            _MARK: str(self._settings.home_dir),
            "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": f"{haproxy}/haproxy.cfg",
            "RAY_SERVE_HAPROXY_SOCKET_PATH": f"{haproxy}/admin.sock",
            "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": f"{haproxy}",
            "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": f"{haproxy}/server-state",
        }
        ports = {
            "HAPROXY_METRICS": 9101,
            "HAPROXY_STATS": 8404,
            "FALLBACK_PROXY_HTTP": 8500,
            "FALLBACK_PROXY_GRPC": 9500,
        }
        for name, preferred in ports.items():
            env[f"RAY_SERVE_{name}_PORT"] = str(_port_near(preferred))
        return {name: os.environ.get(name, value) for name, value in env.items() if name != _MARK} | {_MARK: env[_MARK]}

    def _haproxy_dir(self) -> Path:
        # HAProxyManager adds a folder of 56 characters.
        return socket_folder(self._run_dir / "haproxy", f"{'x' * 56}/admin.sock")

    def _stop_leftovers(self) -> None:
        """End what carries our mark and has outlived its `kefu up`: HAProxy always does, Ray's agents after kill -9."""
        leftovers = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in leftovers:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(leftovers, timeout=_KILL_TIMEOUT_S)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.name() == "postgres":
                return False
            if process.environ().get(_MARK) == str(self._settings.home_dir):
                return True
            # Ray's agents overwrite their environment with their title, but they write their log where we know.
            if process.name().startswith("ray::") and self._ray_session.exists():
                session = self._ray_session.read_text()
                return any(session in file.path for file in process.open_files())
            return False
        except psutil.Error:  # gone, or another user's
            return False


def read_env(path: Path) -> Iterator[tuple[str, str]]:
    """The NAME=value lines of a file; comments and blank lines are passed over."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, value = line.split("=", 1)
            yield name, value


def port_is_free(host: str, port: int) -> bool:
    """True if a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _port_near(preferred: int) -> int:
    """The preferred port if it is free, else any free one."""
    if port_is_free("0.0.0.0", preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port: int = probe.getsockname()[1]
        return port
