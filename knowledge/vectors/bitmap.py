"""Sets of row numbers as bits, the least significant bit of a byte first (as faiss reads them)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def of(flags: Bools) -> Bits:
    """The rows whose flag is set; the spare bits of the last byte are clear."""
    return np.packbits(flags, bitorder="little")


def full(rows: int) -> Bits:
    """All of `rows` rows."""
    return of(np.ones(rows, dtype=np.bool_))


def count(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def flags(bits: Bits, rows: int) -> Bools:
    """One bool per row of the first `rows`."""
    return np.unpackbits(bits, count=rows, bitorder="little").view(np.bool_)


def has(bits: Bits, rows: Ints) -> Bools:
    """Whether each of `rows` is in the set."""
    found: Bools = ((bits[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1).astype(np.bool_)
    return found


def without(bits: Bits, rows: Ints) -> Bits:
    """A copy that lacks `rows`. A published bitmap is never changed in place: a search may be reading it."""
    copy = bits.copy()
    np.bitwise_and.at(copy, rows >> 3, ~np.left_shift(1, rows & 7).astype(np.uint8))
    return copy
