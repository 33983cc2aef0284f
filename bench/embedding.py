"""The embedder side by side: int8 and fp32 on ONNX, and sentence-transformers.

    python -m bench.embedding [--threads 1] [--quick]

Each runs in a process of its own, so that memory and import time are its own. Quality
is the share of banking77 questions (../shared/fixtures) whose nearest neighbours and
nearest class centre have the right intent, on a split of the train file.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knowledge.bert_graph import Precision

TRAIN = Path(__file__).resolve().parent.parent.parent / "shared" / "fixtures" / "banking77" / "train.csv"
KINDS = ("int8", "fp32", "torch")
COLUMNS = (
    ("start_cold_s", "cold start s"),
    ("start_warm_s", "start s"),
    ("rss_mb", "RSS MB"),
    ("p50_ms", "one text p50 ms"),
    ("p99_ms", "p99 ms"),
    ("batch_8", "batch 8 /s"),
    ("batch_32", "batch 32 /s"),
    ("batch_128", "batch 128 /s"),
    ("knn", "kNN"),
    ("centroid", "centroid"),
)


def measure(kind: str, threads: int, cache: Path, quick: bool) -> dict[str, float]:
    """Everything of one kind, in this process. Times in the units that COLUMNS names."""
    began = time.perf_counter()
    encoder: Any
    if kind == "torch":
        from knowledge.embedder import _bundled_folder, _TorchEncoder

        encoder = _TorchEncoder(str(_bundled_folder()), threads)
    else:
        from knowledge.embedder import Embedder

        precision: Precision = "int8" if kind == "int8" else "fp32"
        encoder = Embedder(cache_dir=cache, threads=threads, precision=precision)
    encoder.encode(["warm up"])
    found = {"start_warm_s": time.perf_counter() - began}

    import psutil

    texts, labels = questions(40 if quick else 80)
    single = [_timed(encoder, [text]) * 1e3 for text in texts[:: max(1, len(texts) // 200)]]
    single.sort()
    found |= {"p50_ms": single[len(single) // 2], "p99_ms": single[int(len(single) * 0.99)]}
    for size in (8, 32, 128):
        some = texts[:512]
        spent = sum(_timed(encoder, some[at : at + size]) for at in range(0, len(some), size))
        found[f"batch_{size}"] = len(some) / spent
    found["rss_mb"] = psutil.Process().memory_info().rss / 1e6
    return found | (quality(encoder, texts, labels) if labels else {})


def questions(per_intent: int) -> tuple[list[str], list[int]]:
    """Real questions with their intents; made-up ones and no intents where the file is absent."""
    if not TRAIN.exists():
        return [f"How do I return item {number} that I bought last week?" for number in range(600)], []
    intents: dict[str, list[str]] = {}
    with TRAIN.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            intents.setdefault(row["category"], []).append(row["text"])
    # Interleaved, so that a batch holds questions of many intents and lengths.
    rows = [(own[at], label) for at in range(per_intent) for label, own in enumerate(intents.values()) if at < len(own)]
    return [text for text, _ in rows], [label for _, label in rows]


def quality(encoder: Any, texts: list[str], labels: list[int]) -> dict[str, float]:
    """Accuracy of 5 nearest neighbours and of the nearest centre; the second half asks, the first answers."""
    import numpy as np

    vectors, wanted, half = encoder.encode(texts), np.array(labels), len(texts) // 2
    known, asked = vectors[:half], vectors[half:]
    near = np.argsort(-(asked @ known.T), axis=1)[:, :5]
    votes = np.array([np.bincount(wanted[row], minlength=wanted.max() + 1).argmax() for row in near])
    centres = np.array([known[wanted[:half] == each].mean(axis=0) for each in range(wanted.max() + 1)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return {
        "knn": float((votes == wanted[half:]).mean()),
        "centroid": float(((asked @ centres.T).argmax(axis=1) == wanted[half:]).mean()),
    }


def _timed(encoder: Any, texts: list[str]) -> float:
    began = time.perf_counter()
    encoder.encode(texts)
    return time.perf_counter() - began


def _child(kind: str, threads: int, cache: str, quick: bool) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "bench.embedding",
        "--child",
        kind,
        "--threads",
        str(threads),
        "--cache",
        cache,
    ]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])],
        check=True,
        capture_output=True,
        text=True,
        # OpenBLAS and the tokenizer would take the second core, and a comparison with it.
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)},
    )
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="half the questions")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.child, arguments.threads, arguments.cache, arguments.quick)))
        return

    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ", end="")
    print(f"threads: {arguments.threads}")
    if not TRAIN.exists():
        print(f"skipped: quality ({TRAIN} is not there); made-up questions are timed instead")
    print(f"{'':16}" + "".join(f"{kind:>10}" for kind in KINDS))
    with tempfile.TemporaryDirectory() as cache:
        results = {}
        for kind in KINDS:
            # Cold: the ONNX file is built. Warm: it is there.
            cold = _child(kind, arguments.threads, cache, quick=True)["start_warm_s"]
            results[kind] = {"start_cold_s": cold, **_child(kind, arguments.threads, cache, arguments.quick)}
    for field, title in COLUMNS:
        cells = (f"{results[kind][field]:10.3g}" if field in results[kind] else f"{'-':>10}" for kind in KINDS)
        print(f"{title:16}" + "".join(cells))


if __name__ == "__main__":
    main()
