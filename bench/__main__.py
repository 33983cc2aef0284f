"""`make bench`: every figure that the README quotes, in one run, with the load generator on the same cores."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from bench import questions, sessions
from bench.load import LoadResult, http_load, ws_load
from bench.machine import MB, Usage, describe, total_pss, usage
from bench.running import Running, running

_SETTLE_S = 5.0  # before memory is read
_FILL_S = 6.0  # the repeated mix is asked until the cache knows it, as it would be after a minute of business
_SOCKETS = 2_000
console = Console(width=110, highlight=False)

Load = Callable[[Running, float, Iterator[str]], Coroutine[Any, Any, LoadResult]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="measured, per row")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--only", choices=("system", "sessions"), help="half of it")
    arguments = parser.parse_args()
    console.print(f"[bold]Kefu bench[/]  {describe()}\n")
    figures: dict[str, Any] = {"machine": describe()}
    with tempfile.TemporaryDirectory(prefix="kefu-bench-") as folder:
        Path(folder).chmod(0o755)
        if arguments.only != "system":
            figures["sessions"] = _sessions(Path(folder) / "postgres")
        if arguments.only != "sessions":
            figures |= _system(Path(folder) / "home", arguments.seconds)
    if arguments.json:
        arguments.json.write_text(json.dumps(msgspec.to_builtins(figures), indent=1))


def _sessions(folder: Path) -> sessions.SessionFigures:
    found = uvloop.run(sessions.measure(folder))
    table = Table("a session costs", "", title="Sessions (one process, Postgres beside it)")
    table.add_row("memory while resident, 5 turns", f"{found.bytes_per_session / 1024:.1f} KB")
    for events, (p50, p99) in found.activation_ms.items():
        table.add_row(f"activation from cold, {events} events", f"p50 {p50:.2f} ms  p99 {p99:.2f} ms")
    table.add_row(f"rebuild of {sessions.RESIDENT:,} sessions", f"{found.rebuild_s:.2f} s")
    table.add_row("durable turns in the host alone", f"{found.appends_per_s:,.0f} /s")
    console.print(table, "")
    return found


def _system(home: Path, seconds: float) -> dict[str, Any]:
    with running(home, "--no-dashboard") as kefu:
        console.print(f"kefu up --no-dashboard: ready after {kefu.ready_s:.1f} s")
        time.sleep(_SETTLE_S)
        at_rest = usage(kefu.roots())
        uvloop.run(_http(128)(kefu, _FILL_S, questions.repeated()))
        rows = [_row(kefu, label, load, mix, seconds) for label, load, mix in _rows()]
        loaded = usage(kefu.roots())
        _print_rows(rows)
        per_socket = uvloop.run(_open_sockets(kefu))
        console.print(f"an open WebSocket costs {per_socket / 1024:.1f} KB, over all processes\n")
        _print_processes(at_rest, loaded)
    with running(home) as kefu:
        time.sleep(_SETTLE_S)
        with_dashboard = total_pss(usage(kefu.roots()))
    console.print(f"at rest with the Ray dashboard: {with_dashboard / MB:,.0f} MB")
    return {
        "ready_s": kefu.ready_s,
        "rows": rows,
        "per_socket": per_socket,
        "at_rest": at_rest,
        "loaded": loaded,
        "dashboard": with_dashboard,
    }


def _rows() -> Iterator[tuple[str, Load, Iterator[str]]]:
    yield "HTTP, 1 connection, repeated", _http(1), questions.repeated()
    yield "HTTP, 32 connections, repeated", _http(32), questions.repeated()
    yield "HTTP, 128 connections, repeated", _http(128), questions.repeated()
    yield "WebSocket, 1,000 sessions, repeated", _ws(1_000), questions.repeated()
    yield "HTTP, 1 connection, all different", _http(1), questions.all_different(seed=11)
    yield "HTTP, 32 connections, all different", _http(32), questions.all_different(seed=12)
    yield "HTTP, 128 connections, all different", _http(128), questions.all_different(seed=13)
    yield "WebSocket, 1,000 sessions, all different", _ws(1_000), questions.all_different(seed=14)


def _http(connections: int) -> Load:
    return lambda kefu, seconds, mix: http_load("127.0.0.1", kefu.port, connections, seconds, mix)


def _ws(sockets: int) -> Load:
    return lambda kefu, seconds, mix: ws_load("127.0.0.1", kefu.port, sockets, seconds, mix)


async def _open_sockets(kefu: Running) -> float:
    """Bytes of proportional set size that one open WebSocket adds, sessions nearly idle."""
    before = total_pss(usage(kefu.roots()))
    seconds = _SOCKETS / 500 + _SETTLE_S  # as long as connecting takes, and a little more
    load = asyncio.create_task(
        ws_load("127.0.0.1", kefu.port, _SOCKETS, seconds, questions.repeated(), warmup_s=0, rate=10)
    )
    await asyncio.sleep(seconds)
    grown = await asyncio.to_thread(lambda: total_pss(usage(kefu.roots()))) - before
    await load
    return grown / _SOCKETS


class Row(msgspec.Struct, frozen=True):
    """One line of the load table. `cores`: CPU seconds per second, of Kefu and of the load generator."""

    label: str
    result: LoadResult
    cores: float
    own_cores: float


def _row(kefu: Running, label: str, load: Load, mix: Iterator[str], seconds: float) -> Row:
    before = sum(kind.cpu_s for kind in usage(kefu.roots()).values())
    started = time.monotonic()
    result = uvloop.run(load(kefu, seconds, mix))
    took = time.monotonic() - started
    cpu_s = sum(kind.cpu_s for kind in usage(kefu.roots()).values()) - before
    return Row(label, result, cpu_s / took, result.cpu_s / result.seconds)


def _print_rows(rows: list[Row]) -> None:
    table = Table("load", "turns/s", "p50 ms", "p99 ms", "errors", "cores", "of the load", title="Durable turns")
    for row in rows:
        found = row.result
        table.add_row(
            row.label,
            f"{found.turns_per_s:,.0f}",
            f"{found.p50_ms:.1f}",
            f"{found.p99_ms:.1f}",
            str(sum(found.errors.values())),
            f"{row.cores:.2f}",
            f"{row.own_cores:.2f}",
        )
    console.print(table, "")


def _print_processes(at_rest: dict[str, Usage], loaded: dict[str, Usage]) -> None:
    table = Table("process", "count", "MB at rest", "MB after the load", "CPU s", title="Processes (PSS)")
    for kind, now in loaded.items():
        then = at_rest.get(kind)
        table.add_row(
            kind, str(now.count), f"{then.pss / MB:,.0f}" if then else "", f"{now.pss / MB:,.0f}", f"{now.cpu_s:.1f}"
        )
    table.add_row("[bold]all", "", f"{total_pss(at_rest) / MB:,.0f}", f"{total_pss(loaded) / MB:,.0f}", "")
    console.print(table, "")


if __name__ == "__main__":
    main()
