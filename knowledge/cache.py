"""Vectors kept between starts."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge.embedder import Encoder
from knowledge.files import write_atomically


class CachedEncoder:
    """Keeps the vectors of each list of texts in a file, so that a restart need not embed it again.

    For the passages of a knowledge base, not for customers' questions.
    """

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self.name = encoder.name
        self.dim = encoder.dim
        self._encoder = encoder
        self._folder = folder

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        digest = hashlib.sha256("\0".join([self.name, *texts]).encode()).hexdigest()[:16]
        path = self._folder / f"vectors-{digest}.npy"
        try:
            kept: npt.NDArray[np.float32] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            kept = self._encoder.encode(texts)
            content = io.BytesIO()
            np.save(content, kept, allow_pickle=False)
            write_atomically(path, content.getvalue())
        return kept
