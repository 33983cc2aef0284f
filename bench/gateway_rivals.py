"""The sides of the gateway bench, each started for a block: the scripted upstreams, Kefu, its core alone, LiteLLM."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from msgspec import Struct

from bench.gateway_load import Endpoint
from bench.running import free_port, running

# An upstream's name is the route's and the model's on every side.
PACES: Mapping[str, Sequence[str]] = {
    "instant": (),
    "paced": ("--first-ms", "200", "--gap-ms", "10", "--tokens", "30"),
}
_READY_S = 120
_REPOSITORY = Path(__file__).parent.parent
_PATH = "/v1/chat/completions"


class Side(Struct, frozen=True):
    """Someone who answers. `roots`: of its processes."""

    name: str
    endpoints: dict[str, Endpoint]
    roots: tuple[int, ...]

    def cpu_s(self) -> float:
        """Used so far, by all its processes."""
        total = 0.0
        for root in self.roots:
            for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
                try:
                    times = process.cpu_times()
                except psutil.Error:
                    continue  # gone meanwhile
                total += times.user + times.system
        return total


@contextmanager
def upstreams(folder: Path) -> Iterator[Side]:
    """One scripted server for each pace, from the tests' kit: needs a checkout."""
    kit = _REPOSITORY / "tests"
    if not (kit / "kit" / "upstream.py").is_file():
        raise SystemExit("bench.gateway runs from a checkout: its upstream is tests/kit/upstream.py")
    ports = {pace: free_port() for pace in PACES}
    commands = [
        [sys.executable, "-m", "kit.upstream", "--port", str(ports[pace]), *options] for pace, options in PACES.items()
    ]
    with _processes(commands, folder / "upstream.log", {"PYTHONPATH": str(kit)}) as pids:
        for port in ports.values():
            _wait_ready(f"http://127.0.0.1:{port}/v1/models", pids, folder / "upstream.log")
        yield Side("direct", {pace: Endpoint("127.0.0.1", port, _PATH, pace) for pace, port in ports.items()}, pids)


@contextmanager
def core(folder: Path, direct: Side) -> Iterator[Side]:
    """The gateway in a process with nothing else but uvicorn."""
    port = free_port()
    definition = folder / "routes.yaml"
    definition.write_text(routes_yaml(direct))
    command = [sys.executable, "-m", "bench.gateway_core", "--port", str(port), "--routes", str(definition)]
    with _processes([command], folder / "core.log", {"BENCH_UPSTREAM_KEY": "sk-bench"}) as pids:
        _wait_ready(f"http://127.0.0.1:{port}/readyz", pids, folder / "core.log")
        yield _side("Kefu's core", port, pids)


@contextmanager
def kefu(folder: Path, direct: Side) -> Iterator[Side]:
    """A whole Kefu, its routes set as an operator sets them."""
    with running(folder / "home", "--no-dashboard", env={"BENCH_UPSTREAM_KEY": "sk-bench"}) as started:
        request = urllib.request.Request(
            f"{started.url}/v1/models/routes",
            data=routes_yaml(direct).encode(),
            headers={"Content-Type": "application/yaml"},
            method="PUT",
        )
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"Kefu refused the routes: {error.read().decode()}") from error
        time.sleep(2)  # in force everywhere within a second
        yield _side("Kefu", started.port, tuple(started.roots()))


def routes_yaml(direct: Side) -> str:
    """A provider and a route for each pace."""
    providers, routes = "", ""
    for pace, endpoint in direct.endpoints.items():
        providers += (
            f"  {pace}:\n    kind: openai\n    model: {pace}\n    base_url: http://127.0.0.1:{endpoint.port}/v1\n"
            "    key_env: BENCH_UPSTREAM_KEY\n"
        )
        routes += f"  {pace}:\n    mode: model\n    chain: [{pace}]\n    deadline_s: 30\n"
    return f"providers:\n{providers}routes:\n{routes}default: {next(iter(direct.endpoints))}\n"


class NotToBeHad(Exception):
    """A rival cannot be installed or started here; the message says why."""


@contextmanager
def litellm(folder: Path, direct: Side, environment: Path | None = None) -> Iterator[Side]:
    """A LiteLLM proxy with one worker, in production mode and without a database.

    `environment`: of Python, with litellm[proxy] in it; made in `folder` if there is none. Raises NotToBeHad.
    """
    binaries = (environment or _install(folder / "litellm")) / "bin"
    port, key = free_port(), f"sk-{secrets.token_hex(24)}"
    config = folder / "litellm.yaml"
    models = "".join(
        f"  - model_name: {pace}\n    litellm_params:\n      model: openai/{pace}\n"
        f"      api_base: http://127.0.0.1:{endpoint.port}/v1\n      api_key: sk-bench\n"
        for pace, endpoint in direct.endpoints.items()
    )
    config.write_text(f"model_list:\n{models}general_settings:\n  master_key: {key}\n")
    command = [str(binaries / "python"), str(binaries / "litellm"), "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environ = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with _processes([command], folder / "litellm.log", environ) as pids:
        try:
            _wait_ready(f"http://127.0.0.1:{port}/health/liveliness", pids, folder / "litellm.log")
        except RuntimeError as error:
            raise NotToBeHad(str(error)) from error
        yield _side(f"LiteLLM {_version(binaries)}", port, pids, key)


def _install(folder: Path) -> Path:
    steps = [
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "pip"), "install", "--quiet", "litellm[proxy]"],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotToBeHad(f"{' '.join(step)} failed: {done.stderr.strip()[-500:]}")
    return folder


def _version(binaries: Path) -> str:
    program = "from importlib.metadata import version; print(version('litellm'))"
    return subprocess.run([str(binaries / "python"), "-c", program], capture_output=True, text=True).stdout.strip()


def _side(name: str, port: int, roots: tuple[int, ...], key: str = "sk-bench") -> Side:
    return Side(name, {pace: Endpoint("127.0.0.1", port, _PATH, pace, key) for pace in PACES}, roots)


@contextmanager
def _processes(commands: Sequence[Sequence[str]], log: Path, environ: Mapping[str, str]) -> Iterator[tuple[int, ...]]:
    """Runs them for the block; their output goes to `log`."""
    with log.open("w") as output:
        started = [
            subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environ})
            for command in commands
        ]
        try:
            yield tuple(process.pid for process in started)
        finally:
            for process in started:
                process.terminate()
            for process in started:
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _wait_ready(url: str, pids: Sequence[int], log: Path) -> None:
    """Raises RuntimeError with the end of the log if it does not answer in time."""
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and all(map(_alive, pids)):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not get ready:\n{log.read_text(errors='replace')[-2000:]}")


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
