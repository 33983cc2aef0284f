"""Snowflake ids: 41 bits of milliseconds, 10 of worker, 12 of sequence, in a signed 64-bit integer.

Because an id begins with time, all events of a session fall into the partition
of the month in which it began, and a time range prunes to a few partitions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from schemas.errors import ConfigurationError

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z; part of the stored format
WORKERS = 1 << 10
_SEQUENCES = 1 << 12


def now_ms() -> int:
    """Wall clock in milliseconds since 1970. The one place where the system reads it."""
    return time.time_ns() // 1_000_000


class Snowflake:
    """Makes ids that never repeat within one `worker` number, also when the clock steps back."""

    def __init__(self, worker: int, clock: Callable[[], int] = now_ms) -> None:
        """`worker`: 0..1023, different for every process that makes ids at the same time."""
        if not 0 <= worker < WORKERS:
            raise ConfigurationError(f"snowflake worker {worker} is outside 0..{WORKERS - 1}")
        self._worker = worker
        self._clock = clock
        self._last_ms = 0
        self._sequence = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        with self._lock:
            at = max(self._clock(), self._last_ms)
            if at == self._last_ms:
                self._sequence += 1
                if self._sequence == _SEQUENCES:  # borrow from the next millisecond rather than wait
                    at, self._sequence = at + 1, 0
            else:
                self._sequence = 0
            self._last_ms = at
            return first_id_at(at) | (self._worker << 12) | self._sequence


def first_id_at(at_ms: int) -> int:
    """The smallest id a session that began at `at_ms` can have."""
    return (at_ms - EPOCH_MS) << 22


def born_ms(session_id: int) -> int:
    """When the session began, in milliseconds since 1970."""
    return (session_id >> 22) + EPOCH_MS
