"""Entries that say nearly the same, and questions that are answered in two ways. MinHash finds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.entries import Entry, Side
from knowledge.importing.shingles import shingles
from knowledge.text import Language

Hashes = npt.NDArray[np.uint64]

# Share of shingles in common from which two texts count as nearly the same.
NEAR = 0.9
# 12 bands of 5: a pair at 0.9 is missed once in 40,000 times, one at 0.5 is looked at in a third of the cases.
_BANDS, _ROWS = 12, 5
# Of 60 hash functions, a pair at 0.9 agrees in fewer than three quarters once in 10,000 times.
_LIKELY = 0.75
# In one bucket, each is compared with so many before it: templates fill buckets with thousands.
_NEIGHBOURS = 8


class Duplicate(Struct, frozen=True):
    """Two entries' ids, the later and the one it repeats, which may be a known one.

    `similarity`: of their questions, of passages their texts, from 0.9 to 1. A "conflict" is a question with
    another answer; of the two, a person has to say which holds.
    """

    entry: str
    other: str
    language: Language
    similarity: float
    kind: Literal["duplicate", "conflict"]


class _Text(Struct, frozen=True):
    entry: Entry
    side: Side
    known: bool
    shingles: Hashes


def near_duplicates(entries: Sequence[Entry], known: Sequence[Entry] = ()) -> list[Duplicate]:
    """Pairs with a Jaccard similarity of 0.9 or more: among `entries`, and of these with `known`.

    Questions are compared with questions and passages with passages, in each language. An entry of many equal
    ones is reported with the first of them. Takes under two seconds for 5,000 entries.
    """
    pools: dict[tuple[Language, str], list[_Text]] = defaultdict(list)
    for entry, is_known in [*((each, True) for each in known), *((each, False) for each in entries)]:
        for spoken, side in entry.sides():
            said = side.question if entry.kind == "faq" else side.answer
            pools[spoken, entry.kind].append(_Text(entry, side, is_known, shingles(said)))
    found: list[Duplicate] = []
    for (spoken, _), pool in pools.items():
        for later, earlier, similarity in _pairs(pool):
            if later.entry.id == earlier.entry.id or later.known:
                continue
            conflict = later.entry.kind == "faq" and _answers_differ(later.side, earlier.side)
            kind: Literal["duplicate", "conflict"] = "conflict" if conflict else "duplicate"
            found.append(Duplicate(later.entry.id, earlier.entry.id, spoken, round(similarity, 3), kind))
    return found


def _pairs(pool: list[_Text]) -> Iterator[tuple[_Text, _Text, float]]:
    """Equal texts by their shingles alone, then the near ones among those that are left."""
    first: dict[bytes, _Text] = {}
    for text in pool:
        if not len(text.shingles):
            continue
        earlier = first.setdefault(text.shingles.tobytes(), text)
        if earlier is not text:
            yield text, earlier, 1.0
    different = list(first.values())
    for second, one in _candidates(different):
        similarity = _jaccard(different[second].shingles, different[one].shingles)
        if similarity >= NEAR:
            yield different[second], different[one], similarity


def _candidates(texts: list[_Text]) -> list[tuple[int, int]]:
    """Pairs that agree in one band of their signatures and in most of the rest, as (later, earlier) indices."""
    if len(texts) < 2:
        return []
    signatures = _signatures([text.shingles for text in texts])
    pairs: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for number, row in enumerate(np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])):
            bucket = buckets[row.tobytes()]
            pairs.update((number, earlier) for earlier in bucket[-_NEIGHBOURS:])
            bucket.append(number)
    ordered = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    agreement = np.zeros(len(ordered))
    for column in range(signatures.shape[1]):
        agreement += signatures[ordered[:, 0], column] == signatures[ordered[:, 1], column]
    likely = ordered[agreement >= _LIKELY * signatures.shape[1]]
    return [(later, earlier) for later, earlier in likely.tolist()]


def _signatures(sets: list[Hashes]) -> npt.NDArray[np.uint32]:
    """(texts, bands x rows) smallest values of as many hash functions over each text's shingles."""
    random = np.random.default_rng(0)
    starts = np.cumsum([0, *(len(each) for each in sets[:-1])])
    values = (np.concatenate(sets) >> np.uint64(32)).astype(np.uint32)
    signatures = np.empty((len(sets), _BANDS * _ROWS), dtype=np.uint32)
    for column in range(_BANDS * _ROWS):
        factor, offset = random.integers(1, 2**32, 2, dtype=np.uint32)
        # An odd factor makes a permutation of 32 bits; integers wrap around.
        signatures[:, column] = np.minimum.reduceat(values * (factor | np.uint32(1)) + offset, starts)
    return signatures


def _answers_differ(one: Side, other: Side) -> bool:
    return one.answer != other.answer and _jaccard(shingles(one.answer), shingles(other.answer)) < NEAR


def _jaccard(one: Hashes, other: Hashes) -> float:
    """Of two sorted sets."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    together = len(one) + len(other) - common
    return common / together if together else 1.0
