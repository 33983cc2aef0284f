"""`python -m bench.sentence_vectors`: embeds the sentences once and keeps them, as float16, for every later bench."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.sentences import collect
from knowledge.embedder import Embedder
from knowledge.files import write_atomically

ROWS = 1_000_000
QUERIES = 1_000  # held out: they are in no index
_SHARD = 10_000  # rows; half a minute of work that a stopped run may lose
_BATCH = 256

Floats = npt.NDArray[np.float32]


def cache() -> Path:
    """KEFU_BENCH_CACHE, or a folder of its own in the system's temporary one."""
    return Path(os.environ.get("KEFU_BENCH_CACHE", "") or Path(tempfile.gettempdir()) / "kefu-bench")


def sentence_vectors(rows: int) -> tuple[Floats, Floats]:
    """`rows` vectors to index and the held-out queries, (rows, dim) and (QUERIES, dim) float32, each of length 1.

    What is not in the cache is embedded first, which takes one core some 1,200 rows a second.
    """
    shards = range(-(-rows // _SHARD))
    found = [_shard(shard) for shard in shards]
    vectors = np.empty((rows, found[0].shape[1]), dtype=np.float32)
    for shard, half in zip(shards, found, strict=True):
        vectors[shard * _SHARD : (shard + 1) * _SHARD] = half[: rows - shard * _SHARD]
    queries = _shard(ROWS // _SHARD)[:QUERIES].astype(np.float32)
    for each in (vectors, queries):
        each /= np.linalg.norm(each, axis=1, keepdims=True)
    return vectors, queries


def provenance() -> str:
    """One line: how many sentences are real, how many perturbed, and where the real ones came from."""
    return str(_sentences()["provenance"])


_loaded: dict[str, object] = {}


def _sentences() -> dict[str, object]:
    """The sentences are kept too: the machine's files change, and vectors must stay those of their texts."""
    if not _loaded:
        path = cache() / "sentences.json"
        if not path.exists():
            found = collect(ROWS + QUERIES)
            told = ", ".join(f"{name} {count:,}" for name, count in found.sources.items())
            told = f"{found.real:,} real sentences, {len(found.texts) - found.real:,} perturbed (found: {told})"
            # The held-out queries are real ones: perturbed sentences stand at the end.
            texts = found.texts[QUERIES:] + found.texts[:QUERIES]
            write_atomically(path, json.dumps({"provenance": told, "texts": texts}, ensure_ascii=False).encode())
        _loaded.update(json.loads(path.read_bytes()))
    return _loaded


_encoders: list[Embedder] = []


def _encoder() -> Embedder:
    """Vectors of two encoders must not meet: the cache names the one that it is of."""
    if not _encoders:
        _encoders.append(Embedder(cache_dir=cache()))
        path, name = cache() / "encoder.txt", _encoders[0].name
        if not path.exists():
            write_atomically(path, name.encode())
        if (had := path.read_text(encoding="utf-8")) != name:
            raise SystemExit(f"{cache()} holds vectors of {had}, not {name}: name another folder in KEFU_BENCH_CACHE")
    return _encoders[0]


def _shard(number: int) -> npt.NDArray[np.float16]:
    path = cache() / f"vectors-{number:04d}.npy"
    if not path.exists():
        encoder = _encoder()
        dim = encoder.parts[0]  # the part that every text has
        texts = _sentences()["texts"]
        assert isinstance(texts, list)
        mine = texts[number * _SHARD : (number + 1) * _SHARD]
        # By length, so that a batch holds little padding.
        order = sorted(range(len(mine)), key=lambda at: len(mine[at]))
        made = np.empty((len(mine), dim), dtype=np.float16)
        for start in range(0, len(mine), _BATCH):
            batch = order[start : start + _BATCH]
            made[batch] = encoder.encode([mine[at] for at in batch])[:, :dim]
        aside = path.with_suffix(f".{os.getpid()}.npy")
        np.save(aside, made)
        aside.rename(path)
    stored: npt.NDArray[np.float16] = np.load(path)
    return stored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--backwards", action="store_true", help="from the last shard, beside a run from the first")
    arguments = parser.parse_args()
    print(provenance())
    _shard(ROWS // _SHARD)
    shards = list(range(-(-arguments.rows // _SHARD)))
    for done, shard in enumerate(reversed(shards) if arguments.backwards else shards):
        started = time.monotonic()
        _shard(shard)
        print(f"shard {shard}, {done + 1} of {len(shards)}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
