"""Searches beside a writer and upkeep: every answer is of one moment at which the search ran."""

from __future__ import annotations

import threading
import time

import numpy as np
from msgspec.structs import replace
from unit.vectors.vector_model import DIM, SMALL, unit

from knowledge.vectors import Filter, VectorIndex

_IDS = 400
_SECONDS = 5.0


class _Life:
    """When each id was alive: written before and after each change, so that a reader can only err on the mild side."""

    def __init__(self) -> None:
        self.may_live = np.zeros(_IDS, dtype=np.int64)  # last time that it may have been alive, ns
        self.must_live = np.zeros(_IDS, dtype=np.bool_)  # alive for sure, and to stay until told otherwise
        self.changes = np.zeros(_IDS, dtype=np.int64)  # goes up before and after each change


def test_every_result_was_alive_during_the_search() -> None:
    index = VectorIndex(DIM, settings=replace(SMALL, seal_rows=32, exact_rows=60, retrain_growth=2))
    life, stop, problems = _Life(), threading.Event(), list[str]()
    anchors = unit(_IDS, 1)  # the id's own direction: its vectors vary a little around it
    searches = [0, 0]
    never = np.iinfo(np.int64).max

    def write() -> None:
        random = np.random.default_rng(2)
        while not stop.is_set():
            ids = random.choice(_IDS, size=random.integers(1, 12), replace=False)
            life.changes[ids] += 1
            if random.random() < 0.55:
                life.may_live[ids] = never
                vectors = anchors[ids] + random.standard_normal((len(ids), DIM)).astype(np.float32) * 0.02
                index.add(ids, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
                life.must_live[ids] = True
            else:
                life.must_live[ids] = False
                index.remove(ids)
                life.may_live[ids] = time.perf_counter_ns()
            life.changes[ids] += 1

    def read(number: int) -> None:
        random = np.random.default_rng(10 + number)
        even = Filter(lambda ids: ids % 2 == 0)
        while not stop.is_set():
            asked = int(random.integers(_IDS))
            changes, must_live = int(life.changes[asked]), bool(life.must_live[asked])
            started = time.perf_counter_ns()
            filtered = random.random() < 0.3
            scores, ids = index.search(anchors[asked : asked + 1], 10, even if filtered else None)
            found = ids[0][ids[0] >= 0]
            if len(set(found.tolist())) != len(found):
                problems.append(f"twice the same id: {found}")
            if (life.may_live[found] < started).any():
                problems.append(f"deleted before the search began: {found[life.may_live[found] < started]}")
            if not np.isfinite(scores[0, : len(found)]).all():
                problems.append(f"scores {scores}")
            if filtered and (found % 2).any():
                problems.append(f"not allowed: {found}")
            # Its replacement included: an id that no one touched meanwhile is never missed.
            steady = must_live and changes % 2 == 0 and life.changes[asked] == changes
            if steady and (not filtered or asked % 2 == 0) and asked not in found:
                problems.append(f"missed {asked}")
            searches[number] += 1

    threads = [threading.Thread(target=write), *(threading.Thread(target=read, args=(number,)) for number in (0, 1))]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and not problems:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert not problems, problems[:3]
    assert min(searches) > 50, searches
    assert index.settle(20)
    assert (
        sorted(index.search(anchors[:1], _IDS)[1][0][: len(index)].tolist()) == np.flatnonzero(life.must_live).tolist()
    )
    assert index.stats().segments > 0
    index.close()


def test_a_replaced_id_is_never_missing() -> None:
    """Old and new vector change places in one step."""
    index = VectorIndex(DIM, settings=SMALL)
    index.add(range(300), unit(300, 1))
    here = unit(1, 2)
    index.add([1_000], here)
    stop = threading.Event()

    def replace_it() -> None:
        while not stop.is_set():
            index.add([1_000], here)

    writer = threading.Thread(target=replace_it)
    writer.start()
    try:
        for _ in range(1_500):
            assert (index.search(here, 5)[1] == 1_000).sum() == 1
    finally:
        stop.set()
        writer.join()
        index.close()
