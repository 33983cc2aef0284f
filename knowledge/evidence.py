"""What speaks for each candidate entry, from the cosines of its passages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from knowledge import ranking
from knowledge.passages import Passage, Role

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# A passage's id holds its entry's number, its role and its place among the entry's passages.
_PLACE_BITS = 12
_ROLE_BITS = 2
NUMBER_BITS = _PLACE_BITS + _ROLE_BITS
MOST_PASSAGES = 1 << _PLACE_BITS
_TOP = 3  # questions that the mean is over: one lucky question counts less


def passage_ids(number: int, found: Sequence[Passage]) -> Ints:
    """(n,) ids, ascending where `found` is sorted by role."""
    roles = np.array([each.role for each in found], dtype=np.int64)
    return (number << NUMBER_BITS) | (roles << _PLACE_BITS) | np.arange(len(found), dtype=np.int64)


def passage_id(number: int, role: Role, place: int) -> int:
    """The id of one passage."""
    return (number << NUMBER_BITS) | (role << _PLACE_BITS) | place


def is_question(ids: Ints) -> npt.NDArray[np.bool_]:
    """(n,) flags of passage ids."""
    flags: npt.NDArray[np.bool_] = _roles(ids) == Role.ASKED
    return flags


def _roles(ids: Ints) -> Ints:
    return (ids >> _PLACE_BITS) & ((1 << _ROLE_BITS) - 1)


def of_entries(numbers: Ints, asked: Ints, ids: Ints, cosines: Sequence[Floats], floors: Sequence[float]) -> Floats:
    """(n, len(EVIDENCE)) with the columns of the cosines filled in.

    `numbers`: (n,) candidates, ascending; `asked`: (n,) how many questions each has; `ids`: (m,) passages
    of theirs whose `cosines` are known, one (m,) array per encoder; `floors`: what a question that is not
    among them has at most.
    """
    evidence = np.zeros((len(numbers), len(ranking.EVIDENCE)), dtype=np.float32)
    owner = np.searchsorted(numbers, ids >> NUMBER_BITS)
    role = _roles(ids)
    for first, own, floor in zip((ranking.ENGLISH, ranking.MULTILINGUAL), cosines, floors, strict=False):
        best = np.full((len(numbers), len(Role)), -1.0, dtype=np.float32)
        np.maximum.at(best, (owner, role), own)
        evidence[:, first] = best[:, Role.ASKED]
        evidence[:, first + 1] = _mean_of_top(owner[role == Role.ASKED], own[role == Role.ASKED], asked, floor)
        evidence[:, first + 2] = best[:, Role.BODY]
        # An answer of one sentence is its body.
        evidence[:, first + 3] = np.where(best[:, Role.SENTENCE] < 0, best[:, Role.BODY], best[:, Role.SENTENCE])
    return evidence


def _mean_of_top(owner: Ints, cosines: Floats, asked: Ints, floor: float) -> Floats:
    order = np.lexsort((-cosines, owner))
    owner, cosines = owner[order], cosines[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    top = rank < _TOP
    total = np.bincount(owner[top], cosines[top], len(asked))
    known = np.bincount(owner[top], minlength=len(asked))
    wanted = np.clip(asked, 0, _TOP)
    mean: Floats = ((total + (wanted - known) * floor) / np.maximum(wanted, 1)).astype(np.float32)
    return mean
