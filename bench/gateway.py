"""`make bench-gateway`: what a gateway adds to a call of a model, Kefu's beside a LiteLLM proxy, in one run.

    python -m bench.gateway [--core] [--seconds 5] [--json FILE] [--litellm ENVIRONMENT | --no-litellm]

The same scripted model is asked directly and through each gateway, at 1 and at 32 connections, streamed and whole.
`paced` answers as a model does: the first token after 200 ms, 30 tokens, 10 ms apart; the connections begin spread
over the length of a reply. `instant` answers at once, so
that at 32 connections each side is as busy as it can be: its times are then those of a queue, and its requests per
second what matters. `--core` measures the gateway alone behind uvicorn, without Serve and HAProxy around it.
Everything shares the cores of this machine. A whole Kefu's CPU time has in it what its processes use at rest, which
is most of it where there are two requests a second.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from bench.gateway_load import ChatFigures, chat_load
from bench.gateway_rivals import PACES, NotToBeHad, Side, core, kefu, litellm, upstreams
from bench.machine import describe

_CONNECTIONS = (1, 32)
_REPLY_S = 0.49  # of the paced upstream
console = Console(width=150, highlight=False)


class Row(msgspec.Struct, frozen=True):
    """One load on one side. `cpu_ms`: of the side's processes, for a request."""

    side: str
    pace: str
    stream: bool
    connections: int
    figures: ChatFigures
    cpu_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", action="store_true", help="Kefu's gateway alone in one process, not a whole Kefu")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured, per row; twice that where it is paced")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--litellm", type=Path, help="an environment with litellm[proxy]; else one is made")
    parser.add_argument("--no-litellm", action="store_true", help="without the rival")
    parser.add_argument("--only", choices=("direct",), help="no gateway at all: what the upstream itself can do")
    arguments = parser.parse_args()
    console.print(f"[bold]Gateway bench[/]  {describe()}\n")
    with tempfile.TemporaryDirectory(prefix="kefu-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        direct = stack.enter_context(upstreams(folder))
        sides = [direct]
        if arguments.only != "direct":
            sides.append(stack.enter_context((core if arguments.core else kefu)(folder, direct)))
            if not arguments.no_litellm:
                try:
                    sides.append(stack.enter_context(litellm(folder, direct, arguments.litellm)))
                except NotToBeHad as error:
                    console.print(f"without LiteLLM: {error}", markup=False)
        rows = _measure(sides, arguments.seconds)
    if arguments.json:
        figures = {"machine": describe(), "rows": msgspec.to_builtins(rows)}
        arguments.json.write_text(json.dumps(figures, indent=1))


def _measure(sides: list[Side], seconds: float) -> list[Row]:
    rows: list[Row] = []
    for pace in PACES:
        table = _table(pace)
        for stream, connections in product((False, True), _CONNECTIONS):
            measured = [
                _row(side, pace, stream, connections, seconds * (2 if pace == "paced" else 1)) for side in sides
            ]
            for row in measured:
                _add(table, row, measured[0])
            table.add_section()
            rows += measured
        console.print(table, "")
    return rows


def _row(side: Side, pace: str, stream: bool, connections: int, seconds: float) -> Row:
    before = side.cpu_s()
    spread_s = _REPLY_S if pace == "paced" else 0.0
    load = chat_load(side.endpoints[pace], connections=connections, stream=stream, seconds=seconds, spread_s=spread_s)
    figures = uvloop.run(load)
    requests = figures.requests * (figures.seconds + figures.warmup_s) / figures.seconds
    return Row(side.name, pace, stream, connections, figures, 1e3 * (side.cpu_s() - before) / max(requests, 1))


def _table(pace: str) -> Table:
    return Table(
        "load", "side", "requests/s", "p50 ms", "p99 ms", "added p50", "first token p50", "p99", "added p50",
        "CPU ms a request", "errors", title=f"Upstream: {pace}",
    )  # fmt: skip


def _add(table: Table, row: Row, direct: Row) -> None:
    found, plain = row.figures, direct.figures
    is_direct = row is direct
    errors = ", ".join(f"{count} {code}" for code, count in found.errors.items())
    table.add_row(
        f"{'streamed' if row.stream else 'whole'}, {row.connections}" if is_direct else "",
        row.side,
        f"{found.per_s:,.0f}" if found.per_s >= 100 else f"{found.per_s:.1f}",
        f"{found.p50_ms:.2f}",
        f"{found.p99_ms:.2f}",
        "" if is_direct else f"{found.p50_ms - plain.p50_ms:+.2f}",
        _shown(found.first_p50_ms),
        _shown(found.first_p99_ms),
        "" if is_direct else _shown(found.first_p50_ms - plain.first_p50_ms, "+"),
        "" if is_direct else f"{row.cpu_ms:.2f}",
        errors or "0",
    )


def _shown(milliseconds: float, sign: str = "") -> str:
    return "" if math.isnan(milliseconds) else f"{milliseconds:{sign}.2f}"


if __name__ == "__main__":
    main()
