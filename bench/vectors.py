"""`python -m bench.vectors`: the vector index beside hnswlib and usearch on real sentences, then as it changes."""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
from msgspec import Struct

from bench.machine import MB, describe
from bench.sentence_vectors import ROWS, cache, provenance, sentence_vectors
from knowledge.vectors import Filter, VectorIndex, VectorSettings
from knowledge.vectors.index import Searcher

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Ask = Callable[[Floats], Ints]

K = 10
_TARGET = 0.98
_PASSES = 3  # over all queries; of each query the quickest counts, because the machine is shared
_WRITES_PER_S = 100
_GAPS = (0.33, 0.36, 0.39, 0.42, 0.45, 0.48)
_EFS = (32, 48, 64, 96, 128, 192, 256, 384)
_SHARES = (0.5, 0.1, 0.01)


class Row(Struct, frozen=True):
    """One line: recall@10, milliseconds of one query, seconds to build, bytes of a vector as told and as resident."""

    name: str
    recall: float
    p50_ms: float
    p99_ms: float
    built_s: float
    told: float
    resident: float

    def line(self) -> str:
        return (
            f"{self.name:<34} {self.recall:.4f} {self.p50_ms:8.2f} {self.p99_ms:8.2f} "
            f"{self.built_s:8.0f} {self.told:8.0f} {self.resident:8.0f}"
        )


_HEADER = f"{'':<34} recall   p50 ms   p99 ms  build s  B/vector    RSS/v"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rivals-rows", type=int, default=200_000, help="rows of the side-by-side table; 0: none")
    parser.add_argument("--seconds", type=float, default=30.0, help="of searching beside a writer")
    parser.add_argument("--quick", action="store_true", help="50,000 rows, 5 seconds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.rivals_rows, arguments.seconds = 50_000, 50_000, 5.0
    print(describe())
    vectors, queries = sentence_vectors(arguments.rows)
    print(f"{arguments.rows:,} x {vectors.shape[1]}, {len(queries):,} held-out queries; {provenance()}")
    # A search has one core; builds take what they can get.
    core = max(os.sched_getaffinity(0))
    if arguments.rivals_rows:
        some = vectors[: arguments.rivals_rows]
        print(f"\nside by side, {len(some):,} rows, at a recall@{K} of {_TARGET} or the nearest setting\n{_HEADER}")
        truth = _truth(some, queries)
        for contender in (_ours, _hnswlib, _usearch):
            for row in contender(some, queries, truth, core):
                print(row.line(), flush=True)
            gc.collect()
    _alone(vectors, queries, core, arguments.seconds)


def _truth(vectors: Floats, queries: Floats) -> Ints:
    """Row numbers, (q, K), by float32 brute force; kept beside the vectors."""
    path = cache() / f"truth-{len(vectors)}.npy"
    if not path.exists():
        np.save(path, _exact(vectors, np.arange(len(vectors)), queries))
    found: Ints = np.load(path)
    return found


def _exact(vectors: Floats, ids: Ints, queries: Floats) -> Ints:
    """The K best of `ids`, which number rows of `vectors`."""
    scores = np.empty((len(queries), 0), dtype=np.float32)
    best = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(ids), 50_000):
        chunk = ids[start : start + 50_000]
        scores = np.concatenate([scores, queries @ vectors[chunk].T], axis=1)
        best = np.concatenate([best, np.tile(chunk, (len(queries), 1))], axis=1)
        top = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        scores, best = np.take_along_axis(scores, top, 1), np.take_along_axis(best, top, 1)
    return best


def _recall(found: Ints, truth: Ints) -> float:
    return float(np.mean([np.isin(want, got).mean() for want, got in zip(truth, found, strict=True)]))


def _timed(ask: Ask, queries: Floats, core: int, passes: int = _PASSES) -> tuple[Ints, npt.NDArray[np.float64]]:
    """What each query found, and its quickest time in ms, one query at a time, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    times = np.empty((passes, len(queries)))
    try:
        for each in range(passes):
            found = []
            for at in range(len(queries)):
                started = time.perf_counter()
                found.append(ask(queries[at : at + 1]))
                times[each, at] = time.perf_counter() - started
    finally:
        os.sched_setaffinity(0, allowed)
    return np.concatenate(found), times.min(axis=0) * 1e3


def _sweep(
    name: str,
    settings: Iterable[tuple[str, Ask]],
    queries: Floats,
    truth: Ints,
    core: int,
    built: tuple[float, float, float],
) -> list[Row]:
    """Rows up to the first setting that reaches the target."""
    rows = []
    for setting, ask in settings:
        found, times = _timed(ask, queries, core)
        recall = _recall(found, truth)
        rows.append(Row(f"{name}, {setting}", recall, float(np.median(times)), float(np.quantile(times, 0.99)), *built))
        if recall >= _TARGET:
            break
    return rows[-2:]


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def _filled(vectors: Floats) -> tuple[VectorIndex, tuple[float, float, float]]:
    """Our index with the rows' numbers as ids; seconds, told and resident bytes a vector."""
    before, started = _resident(), time.perf_counter()
    index = VectorIndex(vectors.shape[1])
    index.add(np.arange(len(vectors)), vectors)
    index.settle()
    took = time.perf_counter() - started
    return index, (took, index.stats().bytes / len(vectors), (_resident() - before) / len(vectors))


def _our_settings(index: VectorIndex) -> Iterable[tuple[str, Ask]]:
    for gap in _GAPS:
        tuned = index.tuned(VectorSettings(), gap)
        yield f"gap {gap:.2f}", _asking(tuned)


def _asking(index: VectorIndex | Searcher, allowed: Filter | None = None) -> Ask:
    return lambda query: index.search(query, K, allowed)[1]


def _ours(vectors: Floats, queries: Floats, truth: Ints, core: int) -> list[Row]:
    index, built = _filled(vectors)
    rows = _sweep("Kefu IVF, PQ96x4 + 8 bit", _our_settings(index), queries, truth, core, built)
    index.close()
    return rows


def _hnswlib(vectors: Floats, queries: Floats, truth: Ints, core: int) -> list[Row]:
    import hnswlib  # type: ignore[import-not-found,import-untyped,unused-ignore]

    before, started = _resident(), time.perf_counter()
    index: Any = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=32, ef_construction=200)
    index.add_items(vectors)
    took = time.perf_counter() - started
    index.set_num_threads(1)
    resident = (_resident() - before) / len(vectors)

    def settings() -> Iterable[tuple[str, Ask]]:
        for ef in _EFS:
            index.set_ef(ef)
            yield f"ef {ef}", lambda query: index.knn_query(query, K)[0].astype(np.int64)

    # Four bytes a dimension, 64 links of 4 bytes at the bottom, an 8-byte label: what its file holds.
    told = index.index_file_size() / len(vectors)
    return _sweep("hnswlib float32, M 32", settings(), queries, truth, core, (took, told, resident))


def _usearch(vectors: Floats, queries: Floats, truth: Ints, core: int) -> list[Row]:
    from usearch.index import Index  # type: ignore[import-not-found,import-untyped,unused-ignore]

    before, started = _resident(), time.perf_counter()
    index: Any = Index(ndim=vectors.shape[1], metric="ip", dtype="i8", connectivity=32, expansion_add=200)
    # Given floats it would make 8 bits of the unit vector, whose values are small: recall ends at 0.95.
    scale = np.float32(127 / np.quantile(np.abs(vectors[:20_000]), 0.9999))

    def eighth(rows: Floats) -> npt.NDArray[np.int8]:
        codes: npt.NDArray[np.int8] = np.clip(np.rint(rows * scale), -127, 127).astype(np.int8)
        return codes

    index.add(np.arange(len(vectors)), eighth(vectors))
    took = time.perf_counter() - started
    resident = (_resident() - before) / len(vectors)

    def settings() -> Iterable[tuple[str, Ask]]:
        for ef in _EFS:
            index.expansion_search = ef
            yield f"ef {ef}", lambda query: index.search(eighth(query[0]), K, threads=1).keys.astype(np.int64)[None]

    told = index.memory_usage / len(vectors)
    return _sweep("usearch int8, M 32", settings(), queries, truth, core, (took, told, resident))


def _alone(vectors: Floats, queries: Floats, core: int, seconds: float) -> None:
    print(f"\nKefu alone, {len(vectors):,} rows\n{_HEADER}")
    index, built = _filled(vectors)
    truth = _truth(vectors, queries)
    for row in _sweep("at rest", _our_settings(index), queries, truth, core, built):
        print(row.line(), flush=True)
    found, times = _timed(_asking(index), queries, core)
    defaults = Row(
        "at rest, defaults", _recall(found, truth), float(np.median(times)), float(np.quantile(times, 0.99)), *built
    )
    print(defaults.line(), index.stats(), flush=True)
    for share in _SHARES:
        ids = np.flatnonzero(np.random.default_rng(1).random(len(vectors)) < share)
        allowed = Filter(ids)
        found, times = _timed(_asking(index, allowed), queries, core)
        recall = _recall(found, _exact(vectors, ids, queries))
        print(f"  filter, {share:.1%} allowed: recall {recall:.4f}, {_percentiles(times)}", flush=True)
    index = _reopened(index)
    _changing(index, vectors, queries, core, seconds)
    index.close()


def _percentiles(times_ms: npt.NDArray[np.float64]) -> str:
    p50, p99 = np.quantile(times_ms, [0.5, 0.99])
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"


def _reopened(index: VectorIndex) -> VectorIndex:
    with tempfile.TemporaryDirectory(prefix="kefu-vectors-") as folder:
        started = time.perf_counter()
        index.save(Path(folder))
        saved = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        started = time.perf_counter()
        index.save(Path(folder))
        again = time.perf_counter() - started
        index.close()
        started = time.perf_counter()
        opened = VectorIndex.open(Path(folder))
        took = time.perf_counter() - started
    print(f"snapshot: {size / MB:,.0f} MB, saved in {saved:.1f} s, again in {again:.1f} s, opened in {took:.1f} s")
    return opened


class _Writer:
    """100 adds and 100 removals a second: a row leaves, another that had left comes back under a new id."""

    def __init__(self, index: VectorIndex, vectors: Floats) -> None:
        self._index, self._vectors = index, vectors
        self.row_of = {row: row for row in range(len(vectors))}
        self.visible_ms: list[float] = []
        self.late = 0.0
        self.writes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        random = np.random.default_rng(7)
        next_id, due = len(self._vectors), time.monotonic()
        alive = list(self.row_of)
        gone: list[int] = []
        while not self._stop.is_set():
            at = int(random.integers(len(alive)))
            gone.append(self.row_of.pop(alive[at]))
            self._index.remove([alive[at]])
            row = gone.pop(int(random.integers(len(gone))))
            started = time.perf_counter()
            self._index.add([next_id], self._vectors[row : row + 1])
            if self.writes % 20 == 0:
                # The same text may stand there twice; its own id must be among the best all the same.
                while next_id not in self._index.search(self._vectors[row : row + 1], K)[1]:
                    if time.perf_counter() - started > 10:
                        break
                self.visible_ms.append((time.perf_counter() - started) * 1e3)
            self.row_of[next_id] = row
            alive[at] = next_id
            next_id += 1
            self.writes += 1
            due += 1 / _WRITES_PER_S
            self.late = max(self.late, time.monotonic() - due)
            self._stop.wait(max(0.0, due - time.monotonic()))


def _changing(index: VectorIndex, vectors: Floats, queries: Floats, core: int, seconds: float) -> None:
    """Searches one after another on one core; the writer and upkeep have the others."""
    allowed = os.sched_getaffinity(0)
    with _Writer(index, vectors) as writer:
        os.sched_setaffinity(0, {core})  # of this thread alone
        times: list[float] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            at = len(times) % len(queries)
            started = time.perf_counter()
            index.search(queries[at : at + 1], K)
            times.append((time.perf_counter() - started) * 1e3)
        os.sched_setaffinity(0, allowed)
    live = np.array(times)
    ids = np.fromiter(writer.row_of, dtype=np.int64)
    rows = np.fromiter(writer.row_of.values(), dtype=np.int64)
    found = np.concatenate([index.search(query[None], K)[1] for query in queries])
    order = np.argsort(ids)
    found_rows = rows[order][np.searchsorted(ids[order], found)]
    recall = _recall(found_rows, _exact(vectors, rows, queries))
    rate = writer.writes / seconds
    print(f"with {rate:.0f} adds/s and {rate:.0f} removals/s: {_percentiles(live)}, {len(live) / seconds:,.0f}/s")
    windows = [_percentiles(each) for each in np.array_split(live, 6)]
    print(f"  by sixth of the time: {'; '.join(windows)}")
    print(
        f"  add to visible {_percentiles(np.array(writer.visible_ms))}; recall afterwards {recall:.4f}; {index.stats()}"
    )


if __name__ == "__main__":
    main()
