"""A tenant's own questions as examples, and the heads learnt from them, one per language."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from knowledge.entries import Entry
from knowledge.head import Head
from knowledge.passages import Passage, Role
from knowledge.text import LANGUAGES, Language

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]


class Examples:
    """One writer; `heads` may be read by anyone at any time."""

    def __init__(self) -> None:
        self.heads: dict[Language, Head] = {}
        self._known: dict[int, tuple[str, dict[Language, Halves]]] = {}
        self._changed: set[Language] = set()
        self._lock = threading.Lock()

    def add(self, number: int, entry: Entry, found: Sequence[Passage], vectors: Floats) -> None:
        """`vectors`: (n, dim) of the entry's passages. Passages of documents are no questions: nothing is learnt."""
        if entry.kind != "faq":
            return
        own: dict[Language, Halves] = {}
        for language in LANGUAGES:
            rows = [at for at, each in enumerate(found) if each.role == Role.ASKED and each.language == language]
            if rows:
                own[language] = unit(vectors[rows]).astype(np.float16)
        with self._lock:
            self._known[number] = (entry.id, own)
            self._changed.update(own)

    def remove(self, number: int) -> None:
        with self._lock:
            if (known := self._known.pop(number, None)) is not None:
                self._changed.update(known[1])

    def train(self) -> bool:
        """A new head for each language whose examples changed; True if any did."""
        with self._lock:
            changed, self._changed = self._changed, set()
            known = list(self._known.values())
        for language in changed:
            own = [(entry, vectors[language]) for entry, vectors in known if language in vectors]
            owners = [entry for entry, vectors in own for _ in range(len(vectors))]
            every = np.concatenate([vectors for _, vectors in own]) if own else np.zeros((0, 1), dtype=np.float16)
            head = Head.train(owners, every)
            heads = {each: trained for each, trained in self.heads.items() if each != language}
            self.heads = heads if head is None else {**heads, language: head}
        return bool(changed)


def unit(vectors: Floats) -> Floats:
    """Rows of length 1: a text read by two encoders has a row of length sqrt(2)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = vectors / np.maximum(lengths, 1e-9)
    return scaled
