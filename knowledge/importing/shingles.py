"""A text as the set of its overlapping pieces: pairs of characters in Chinese, pairs of words otherwise."""

from __future__ import annotations

import re
import zlib

import numpy as np
import numpy.typing as npt

from knowledge.text import language, normalise

_WORD = re.compile(r"\w+")
_MIX = np.uint64(0x9E3779B97F4A7C15)


def shingles(text: str) -> npt.NDArray[np.uint64]:
    """Sorted hashes of all neighbouring pairs, each once; of a single word or character, its own. Case, punctuation
    and spaces do not count."""
    words = _WORD.findall(normalise(text))
    if language(text) == "zh":
        codes = np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    else:
        codes = np.array([zlib.crc32(word.encode()) for word in words], dtype=np.uint64)
    if len(codes) > 1:
        # Unsigned integers wrap around, which is what mixing wants.
        codes = (codes[:-1] * _MIX) ^ (codes[1:] + _MIX)
        codes = (codes ^ (codes >> np.uint64(29))) * _MIX
    return np.unique(codes)
