"""Files that are costly to make and may be lost: one per content, written atomically."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge.embedder import Encoder


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


def write_atomically(path: Path, content: bytes) -> None:
    """Several processes may race: each writes its own file, and the last rename wins with equal content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
