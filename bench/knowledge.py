"""`make bench-knowledge`: how good answers are, how fast texts are embedded, how the vector index does; in one run.

    python -m bench.knowledge [--only quality|embedding|vectors] [--json FILE] [--rows 200000]

Quality goes through the live path: the search and the answers of the chat. No question stands in the
knowledge it is asked of. knowledge/calibration.json was fitted with these sets among others;
`python -m bench.calibrate --judge` shows each set as judged by the others. Vectors of texts are kept
in KEFU_BENCH_CACHE (a folder; default: kefu-bench in the temporary one) between runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench import quality
from bench.machine import describe
from bench.memo import Memo, PlainMiniLM
from bench.quality import Figure
from bench.sentence_vectors import cache
from knowledge.embedder import Embedder

console = Console(width=150, highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("quality", "embedding", "vectors"), help="a third of it")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--rows", type=int, default=200_000, help="of the vector index; a new one takes 1 ms to embed")
    arguments = parser.parse_args()
    console.print(f"[bold]Knowledge bench[/]  {describe()}\n")
    figures: dict[str, Any] = {"machine": describe()}
    if arguments.only in (None, "quality"):
        figures["quality"] = _quality()
    if arguments.only in (None, "embedding"):
        console.print("\n[bold]Embedding[/]")
        figures["embedding"] = _printed_by("bench.embedding")
    if arguments.only in (None, "vectors"):
        console.print("\n[bold]Vector index[/]")
        rivals = str(arguments.rows)
        if not all(map(importlib.util.find_spec, ("hnswlib", "usearch"))):
            rivals = "0"
            console.print("skipped: hnswlib and usearch (pip install 'kefu\\[rivals]')")
        figures["vectors"] = _printed_by("bench.vectors", "--rows", str(arguments.rows), "--rivals-rows", rivals)
    if arguments.json:
        arguments.json.write_text(json.dumps(msgspec.to_builtins(figures), indent=1, ensure_ascii=False))


def _quality() -> list[quality.Row]:
    folder = cache()
    memo, plain = Memo(Embedder(cache_dir=folder, threads=2), folder), Memo(PlainMiniLM(), folder)
    table = Table(
        "set", "system", "asked", "hit@1", "hit@5", "coverage at 95 %", "AUROC", "right of answered",
        "out of scope answered", "calibration error", title="Quality, mean ± standard deviation over splits",
    )  # fmt: skip
    rows = []
    for row in quality.rows(memo, plain):
        rows.append(row)
        name = row.set if row.system == "Kefu" else ""
        figures = (row.hit_1, row.hit_5, row.coverage_95, row.auroc, row.right_of_answered, row.out_of_scope_answered,
                   row.calibration_error)  # fmt: skip
        table.add_row(name, row.system, f"{row.asked:,}", *map(_shown, figures), end_section=False)
    console.print(table)
    return rows


def _shown(figure: Figure | None) -> str:
    return "-" if figure is None else str(figure)


def _printed_by(module: str, *arguments: str) -> list[str]:
    """Runs a bench in a process of its own, so that memory and time are its own; shows and returns its lines."""
    lines = []
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            sys.stdout.write(line)
            sys.stdout.flush()
    if process.returncode:
        raise SystemExit(f"{module} failed with status {process.returncode}")
    return lines


if __name__ == "__main__":
    main()
