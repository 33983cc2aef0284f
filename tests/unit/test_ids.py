from __future__ import annotations

import threading

import pytest

from schemas.errors import ConfigurationError
from schemas.ids import EPOCH_MS, WORKERS, Snowflake, born_ms, first_id_at, now_ms

T0 = 1_760_000_000_000


class Clock:
    now = T0

    def __call__(self) -> int:
        return self.now


def test_ids_grow_and_begin_with_time() -> None:
    clock = Clock()
    make = Snowflake(5, clock)
    ids = []
    for clock.now in (T0, T0, T0 + 1, T0 + 1000):
        ids.append(make.next())
    assert ids == sorted(set(ids))
    assert [born_ms(one) for one in ids] == [T0, T0, T0 + 1, T0 + 1000]
    assert ids[0] == ((T0 - EPOCH_MS) << 22) | (5 << 12)
    assert ids[1] - ids[0] == 1


def test_ids_fit_a_bigint_until_2094() -> None:
    last = Snowflake(WORKERS - 1, lambda: EPOCH_MS + (1 << 41) - 1).next()
    assert 0 < last < 1 << 63


def test_a_clock_that_steps_back_repeats_no_id() -> None:
    clock = Clock()
    make = Snowflake(0, clock)
    ids = [make.next()]
    for step in (-1, -5000, 0, 0, 1, -1):
        clock.now = T0 + step
        ids.append(make.next())
    assert ids == sorted(set(ids))


def test_more_ids_than_a_millisecond_holds_borrow_from_the_next() -> None:
    clock = Clock()
    make = Snowflake(3, clock)
    ids = [make.next() for _ in range(3 * 4096 + 7)]
    assert ids == sorted(set(ids))
    assert born_ms(ids[4095]) == T0
    assert born_ms(ids[4096]) == T0 + 1
    assert {one >> 12 & 1023 for one in ids} == {3}  # the sequence never spills into the worker
    clock.now = T0 + 1
    assert make.next() > ids[-1]


def test_workers_never_share_an_id() -> None:
    ids = [make.next() for make in [Snowflake(n, Clock()) for n in range(WORKERS)] for _ in range(3)]
    assert len(set(ids)) == len(ids)


def test_threads_never_share_an_id() -> None:
    make = Snowflake(0)
    taken: list[list[int]] = []

    def take() -> None:
        taken.append([make.next() for _ in range(3000)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for some in taken for one in some}) == 8 * 3000
    assert all(some == sorted(some) for some in taken)


@pytest.mark.parametrize("worker", [-1, WORKERS])
def test_worker_out_of_range(worker: int) -> None:
    with pytest.raises(ConfigurationError, match=f"worker {worker} is outside 0..1023"):
        Snowflake(worker)


def test_first_id_at_is_the_smallest_of_its_millisecond() -> None:
    assert born_ms(first_id_at(T0)) == T0
    assert born_ms(first_id_at(T0) - 1) == T0 - 1
    assert abs(born_ms(Snowflake(0).next()) - now_ms()) < 60_000
