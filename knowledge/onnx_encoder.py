"""Runs a BERT sentence encoder with onnxruntime and tokenizers alone: no torch, no transformers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge import bert_graph
from knowledge.background import BACKGROUND
from knowledge.bert_graph import BertShape, Precision
from knowledge.files import write_atomically
from knowledge.smoothing import channel_peaks

Floats = npt.NDArray[np.float32]

# Tokens per run, padding included. Measured on one core: fewer leave the vector units idle, more
# leave the cache and pad more (256 cost batches of 8 a fifth).
_TOKENS_PER_RUN = 128
_MAX_TOKENS = 256


class OnnxEncoder:
    """Encodes texts on the CPU. Safe to call from several threads; onnxruntime releases the GIL.

    A text's vector does not depend on the other texts of a call, beyond float rounding.
    """

    def __init__(self, folder: Path, cache_dir: Path | None, threads: int, precision: Precision) -> None:
        """`folder` holds a SentenceTransformer. Raises ImportError or ValueError when it cannot run here."""
        import onnxruntime  # type: ignore[import-untyped,unused-ignore]
        from tokenizers import Tokenizer

        shape = _read_shape(folder)
        self.dim = shape.hidden_size
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)

        model = self._model(folder, shape, cache_dir, precision)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning threads win microseconds and take a core away from the database.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def _model(self, folder: Path, shape: BertShape, cache_dir: Path | None, precision: Precision) -> bytes | str:
        """The model's path in `cache_dir`, built there when missing; without a cache, its bytes."""
        weights = folder / "model.safetensors"
        if cache_dir is None:
            return self._build(weights, shape, precision)
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        path = cache_dir / f"encoder-{digest}-{precision}-r{bert_graph.RECIPE}.onnx"
        if not path.exists():
            write_atomically(path, self._build(weights, shape, precision))
        return str(path)

    def _build(self, weights: Path, shape: BertShape, precision: Precision) -> bytes:
        if precision == "fp32":
            return bert_graph.build(weights, shape)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(BACKGROUND)]
        return bert_graph.build(weights, shape, channel_peaks(bert_graph.peak_graph(weights, shape), tokens))

    def encode(self, texts: list[str]) -> Floats:
        """(n, dim) float32, L2-normalised, in the order of `texts`."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for rows in _runs([len(ids) for ids in tokens]):
            width = len(tokens[rows[-1]])
            ids = np.zeros((len(rows), width), dtype=np.int64)
            mask = np.zeros((len(rows), width), dtype=np.int64)
            for row, index in enumerate(rows):
                ids[row, : len(tokens[index])] = tokens[index]
                mask[row, : len(tokens[index])] = 1
            vectors[rows] = self._session.run(None, {"ids": ids, "mask": mask})[0]
        return vectors


def _runs(lengths: list[int]) -> list[list[int]]:
    """Indices grouped so that texts of like length share a run and none exceeds the token budget."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if groups and (len(groups[-1]) + 1) * lengths[index] <= _TOKENS_PER_RUN:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _read_shape(folder: Path) -> BertShape:
    """Raises ValueError for anything but BERT, mean-pooled and normalised, as the graph is built for that."""
    try:
        shape = msgspec.json.decode((folder / "config.json").read_bytes(), type=BertShape)
        modules = msgspec.json.decode((folder / "modules.json").read_bytes())
        pooling = msgspec.json.decode((folder / "1_Pooling" / "config.json").read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"{folder} is not a BERT SentenceTransformer folder: {error}") from error
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    if (shape.model_type, shape.hidden_act, kinds) != (
        "bert",
        "gelu",
        ["Transformer", "Pooling", "Normalize"],
    ):
        raise ValueError(f"{folder}: only a BERT with mean pooling and normalisation runs on ONNX here")
    if not pooling.get("pooling_mode_mean_tokens"):
        raise ValueError(f"{folder}: only mean pooling runs on ONNX here")
    return shape
