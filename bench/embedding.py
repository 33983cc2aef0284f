"""The encoders side by side: plain sentence-transformers, MiniLM on ONNX in fp32 and int8, the multilingual one.

    python -m bench.embedding [--threads 1] [--quick]

Each runs in a process of its own, pinned to as many cores as it has threads, so that memory
and import time are its own; of three repeats the fastest counts, as the machine may be shared.
"/s" is texts a second of processor time, that is per core; the milliseconds are as waited for.
Cosines are to the vectors of plain `SentenceTransformer.encode`, the texts in batches of 32 and
alone; memory "of its own" leaves out libraries and files that processes share. Quality is the
share of banking77 questions (../shared/fixtures) whose nearest neighbours and nearest class
centre have the right intent, on a split of the train file.
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
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knowledge.bert_graph import Precision

TRAIN = Path(__file__).resolve().parent.parent.parent / "shared" / "fixtures" / "banking77" / "train.csv"
KINDS = ("torch", "fp32", "int8", "multilingual")
# What the cosines of these kinds are to: the first kind's vectors.
SAME_MODEL = ("fp32", "int8")
REPEATS = 3
COLUMNS = (
    ("start_cold_s", "cold start s"),
    ("start_warm_s", "start s"),
    ("rss_mb", "RSS MB"),
    ("own_mb", "of its own MB"),
    ("p50_ms", "one text p50 ms"),
    ("p99_ms", "p99 ms"),
    ("batch_1", "batch 1 /s"),
    ("batch_8", "batch 8 /s"),
    ("batch_32", "batch 32 /s"),
    ("batch_128", "batch 128 /s"),
    ("cosine_mean", "cosine mean"),
    ("cosine_p1", "1st percentile"),
    ("alone_p1", "alone, 1st p."),
    ("batch_shift", "1-cos by batch"),
    ("knn", "kNN"),
    ("centroid", "centroid"),
)


def measure(kind: str, threads: int, cache: Path, quick: bool, only_start: bool) -> dict[str, float]:
    """Everything of one kind, in this process. Times in the units that COLUMNS names."""
    began = time.perf_counter()
    encoder: Any
    if kind == "torch":
        from knowledge.embedder import _bundled_folder, _TorchEncoder

        encoder = _TorchEncoder(str(_bundled_folder()), threads)
    elif kind == "multilingual":
        from knowledge.multilingual_encoder import MultilingualEncoder

        encoder = MultilingualEncoder(cache, threads=threads)
    else:
        from knowledge.embedder import _bundled_folder
        from knowledge.onnx_encoder import OnnxEncoder

        precision: Precision = "int8" if kind == "int8" else "fp32"
        encoder = OnnxEncoder(_bundled_folder(), cache, threads, precision)
    encoder.encode(["warm up"])
    found = {"start_warm_s": time.perf_counter() - began}
    if only_start:
        return found

    import psutil

    texts, labels = questions(40 if quick else 80)
    few = texts[:: max(1, len(texts) // 100)]
    single = [min(_timed(encoder, [text], time.perf_counter) for _ in range(REPEATS)) * 1e3 for text in few]
    single.sort()
    found |= {"p50_ms": single[len(single) // 2], "p99_ms": single[int(len(single) * 0.99)]}
    for size in (1, 8, 32, 128):
        some = texts[: 64 if size == 1 else 256]
        batches = [some[at : at + size] for at in range(0, len(some), size)]
        rounds = [sum(_timed(encoder, each, time.process_time) for each in batches) for _ in range(REPEATS)]
        found[f"batch_{size}"] = len(some) / min(rounds)
    memory = psutil.Process().memory_info()
    found |= {"rss_mb": memory.rss / 1e6, "own_mb": (memory.rss - memory.shared) / 1e6}
    found |= agreement(encoder, texts, kind, cache / "plain.npy")
    return found | (quality(encoder, texts, labels) if labels else {})


def agreement(encoder: Any, texts: list[str], kind: str, reference: Path) -> dict[str, float]:
    """How near the vectors are to the first kind's, kept in `reference`, and to themselves in another batch."""
    import numpy as np

    texts = texts[:1000]
    batched = np.concatenate([encoder.encode(texts[at : at + 32]) for at in range(0, len(texts), 32)])
    alone = np.concatenate([encoder.encode([text]) for text in texts[::10]])
    found = {"batch_shift": float(1 - (alone * batched[::10]).sum(axis=1).min())}
    if kind == KINDS[0]:
        np.save(reference, batched)
    elif kind in SAME_MODEL:
        plain = np.load(reference)[: len(texts)]
        cosines = (batched * plain).sum(axis=1)
        found["alone_p1"] = float(np.quantile((alone * plain[::10]).sum(axis=1), 0.01))
        found |= {"cosine_mean": float(cosines.mean()), "cosine_p1": float(np.quantile(cosines, 0.01))}
    return found


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


def _timed(encoder: Any, texts: list[str], clock: Callable[[], float]) -> float:
    began = clock()
    encoder.encode(texts)
    return clock() - began


def _child(kind: str, threads: int, cache: str, *flags: str) -> dict[str, float]:
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
        [*command, *flags],
        check=True,
        stdout=subprocess.PIPE,
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
    parser.add_argument("--only-start", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
        found = measure(arguments.child, arguments.threads, arguments.cache, arguments.quick, arguments.only_start)
        print(json.dumps(found))
        return

    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ", end="")
    print(f"threads: {arguments.threads}")
    if not TRAIN.exists():
        print(f"skipped: quality ({TRAIN} is not there); made-up questions are timed instead")
    print(f"{'':16}" + "".join(f"{kind:>13}" for kind in KINDS))
    with tempfile.TemporaryDirectory() as cache:
        results = {}
        flags = ["--quick"] if arguments.quick else []
        for kind in KINDS:  # plain first: the others are compared with its vectors
            # Cold: the ONNX file is built. Warm: it is there.
            cold = _child(kind, arguments.threads, cache, "--only-start")["start_warm_s"]
            results[kind] = {"start_cold_s": cold, **_child(kind, arguments.threads, cache, *flags)}
    for field, title in COLUMNS:
        cells = (f"{results[kind][field]:13.4g}" if field in results[kind] else f"{'-':>13}" for kind in KINDS)
        print(f"{title:16}" + "".join(cells))


if __name__ == "__main__":
    main()
