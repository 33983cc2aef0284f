"""Vectors by content: what was embedded once, by whichever process, is not embedded again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge.embedder import Encoder

Floats = npt.NDArray[np.float32]

_PART = 256  # texts embedded at once: kept before the next are begun, so that an interrupted import goes on


class VectorShelf(Protocol):
    """Where vectors are kept. Called from a thread."""

    def load(self, model: str, digests: list[bytes]) -> Mapping[bytes, bytes]:
        """Those that are there."""

    def save(self, model: str, vectors: Mapping[bytes, bytes]) -> None: ...


class CachedEncoder:
    """For what is known, not for what customers ask. Half precision is kept: cosines move by less than 0.0005."""

    def __init__(self, encoder: Encoder, shelf: VectorShelf) -> None:
        self.name, self.parts = encoder.name, encoder.parts
        self._encoder = encoder
        self._shelf = shelf

    def encode(self, texts: list[str]) -> Floats:
        """As the encoder's."""
        digests = [hashlib.sha256(text.encode()).digest()[:16] for text in texts]
        known = dict(self._shelf.load(self.name, list({*digests})))
        missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
        left = list(missing)
        for start in range(0, len(left), _PART):
            some = left[start : start + _PART]
            vectors = self._encoder.encode([missing[digest] for digest in some]).astype(np.float16)
            made = {digest: vector.tobytes() for digest, vector in zip(some, vectors, strict=True)}
            self._shelf.save(self.name, made)
            known |= made
        flat = b"".join(known[digest] for digest in digests)
        return np.frombuffer(flat, dtype=np.float16).reshape(len(texts), sum(self.parts)).astype(np.float32)
