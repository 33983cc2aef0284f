"""An encoder that embeds no text twice, also between runs of a bench."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.embedder import Encoder, _bundled_folder, _TorchEncoder
from knowledge.files import write_atomically

Floats = npt.NDArray[np.float32]

_PART = 2_000  # texts embedded at once


class _Kept(Struct, frozen=True):
    """`vectors`: the texts' rows, little-endian float16."""

    encoder: str
    texts: list[str]
    vectors: bytes


class Memo:
    """What `encoder` makes, kept in `folder` in half precision: cosines move by less than 0.0005."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self.name, self.parts, self._encoder = encoder.name, encoder.parts, encoder
        digest = hashlib.sha256(encoder.name.encode()).hexdigest()[:12]
        self._path = folder / f"texts-{digest}.msgpack"
        self._known: dict[str, npt.NDArray[np.float16]] = {}
        self._saved = 0
        if self._path.exists():
            kept = msgspec.msgpack.decode(self._path.read_bytes(), type=_Kept)
            rows = np.frombuffer(kept.vectors, dtype=np.float16).reshape(len(kept.texts), -1)
            self._known = dict(zip(kept.texts, rows, strict=True))
            self._saved = len(self._known)

    def encode(self, texts: list[str]) -> Floats:
        """As the encoder's."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        # By length, so that a batch holds little padding.
        new.sort(key=len)
        for start in range(0, len(new), _PART):
            some = new[start : start + _PART]
            self._known.update(zip(some, self._encoder.encode(some).astype(np.float16), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(-1, sum(self.parts))

    def save(self) -> None:
        """Writes what is new. A run that is stopped loses what came after the last call."""
        if len(self._known) > self._saved:
            kept = _Kept(self.name, [*self._known], np.array([*self._known.values()]).tobytes())
            write_atomically(self._path, msgspec.msgpack.encode(kept))
            self._saved = len(self._known)


class PlainMiniLM:
    """MiniLM as sentence-transformers runs it, in float32: what baselines stand on. Loaded when first needed."""

    name = "all-MiniLM-L6-v2/sentence-transformers"
    parts = (384, 0)

    def __init__(self) -> None:
        self._model: _TorchEncoder | None = None

    def encode(self, texts: list[str]) -> Floats:
        """(n, 384) rows of length 1."""
        if self._model is None:
            self._model = _TorchEncoder(str(_bundled_folder()), threads=2)
        return self._model.encode(texts)
