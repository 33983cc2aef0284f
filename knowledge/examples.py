"""A tenant's own questions, as examples to learn from."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.entries import Entry
from knowledge.passages import Passage, Role
from knowledge.text import Language

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]


class Example(Struct, frozen=True):
    """A question of the entry. `place`: among its passages; `title`: the question that names the entry.

    `vector`: (dim,) float16, the encoder's.
    """

    entry: str
    number: int
    place: int
    text: str
    language: Language
    title: bool
    vector: Halves


class Examples:
    """Written by one thread, read by another."""

    def __init__(self) -> None:
        self._known: dict[int, list[Example]] = {}
        self._changed = False
        self._lock = threading.Lock()

    def add(self, number: int, entry: Entry, found: Sequence[Passage], vectors: Floats) -> None:
        """`vectors`: (n, dim) of the entry's passages. Passages of documents are no questions: nothing is learnt."""
        if entry.kind != "faq":
            return
        own = [
            Example(entry.id, number, place, each.text, each.language, each.title, vector.astype(np.float16))
            for place, (each, vector) in enumerate(zip(found, vectors, strict=True))
            if each.role == Role.ASKED
        ]
        with self._lock:
            self._known[number] = own
            self._changed = True

    def remove(self, number: int) -> None:
        with self._lock:
            if self._known.pop(number, None) is not None:
                self._changed = True

    def take(self) -> list[Example] | None:
        """All examples; None if nothing changed since the last call."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return [example for number in sorted(self._known) for example in self._known[number]]

    def put_back(self) -> None:
        """What was taken could not be learnt: the next `take` gives it again."""
        with self._lock:
            self._changed = True

    def held(self) -> tuple[list[Example], bool]:
        """All examples, and whether any changed since the last `take`: for a snapshot."""
        with self._lock:
            return [example for number in sorted(self._known) for example in self._known[number]], self._changed

    @classmethod
    def of(cls, examples: Iterable[Example], changed: bool) -> Examples:
        """Those that held these."""
        new = cls()
        for example in examples:
            new._known.setdefault(example.number, []).append(example)
        new._changed = changed
        return new


def unit(vectors: Floats) -> Floats:
    """Rows of length 1: a text read by two encoders has a row of length sqrt(2)."""
    wide = vectors.astype(np.float32)
    scaled: Floats = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-9)
    return scaled
