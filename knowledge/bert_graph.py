"""A BERT sentence encoder as an ONNX graph, written straight from its safetensors weights.

Building it takes under two seconds. Two precisions:

- `fp32`: the reference, equal to sentence-transformers up to rounding;
- `int8`: matrix weights in int8 per column, activations in 8 bits per token, word
  embeddings in int8 per row. 24 MB on disk instead of 91. A scale per token, not per
  call, keeps a text's vector the same whatever shares its batch.

A few channels of BERT's activations are ten times the others, and would take the 8 bits
for themselves. As in SmoothQuant (Xiao et al., 2023), each channel is divided by a factor
that its matrix row is multiplied by; `smoothing.py` measures the channels.

Inputs of the graph: `ids` and `mask`, int64 (batch, tokens). Output: `vectors`,
float32 (batch, dim), mean-pooled over the mask and L2-normalised.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct

from knowledge.onnx_graph import MICROSOFT, Array, GraphBuilder, Shape

Precision = Literal["int8", "fp32"]

# Part of the cache file's name: raise it whenever the graph built below changes.
RECIPE = 2

# onnx.TensorProto's numbers for element types.
_FLOAT, _INT32 = 1, 6

# How much of a channel's unevenness moves from the activations into the matrix: 0 none, 1 all.
# 0.5 and 0.9 were both further from fp32.
_SMOOTHED = 0.7


class BertShape(Struct, frozen=True):
    """The fields of a BERT `config.json` that shape the graph."""

    model_type: str
    hidden_act: str
    hidden_size: int
    num_attention_heads: int
    num_hidden_layers: int
    layer_norm_eps: float


def build(weights: Path, shape: BertShape, peaks: Mapping[str, Array] | None = None) -> bytes:
    """The serialised ONNX model: int8 given the `peaks` of `peak_graph`, fp32 without.

    Raises ImportError without `onnx`, KeyError when a weight is missing.
    """
    from safetensors.numpy import load_file

    return _Graph(load_file(weights), shape, peaks).model()


def peak_graph(weights: Path, shape: BertShape) -> bytes:
    """The fp32 model with more outputs: for each dense layer, named as in the weights, the greatest
    magnitude of every input channel over the run, float32 (channels,)."""
    from safetensors.numpy import load_file

    return _Graph(load_file(weights), shape, None, with_peaks=True).model()


class _Graph(GraphBuilder):
    """Each method adds one block."""

    def __init__(
        self,
        weights: dict[str, Array],
        shape: BertShape,
        peaks: Mapping[str, Array] | None,
        *,
        with_peaks: bool = False,
    ) -> None:
        super().__init__()
        self._weights = weights
        self._shape = shape
        self._peaks = peaks
        self._with_peaks = with_peaks
        self._peak_outputs: list[str] = []

    def model(self) -> bytes:
        hidden = self._embed()
        self.node("Cast", ["mask"], "mask32", to=_INT32)
        for layer in range(self._shape.num_hidden_layers):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden)
        self._pool(hidden)

        texts: Shape = ["batch", "tokens"]
        outputs: dict[str, Shape] = {"vectors": ["batch", self._shape.hidden_size]}
        outputs |= {name: ["channels"] for name in self._peak_outputs}
        return self.serialise({"ids": (np.int64, texts), "mask": (np.int64, texts)}, outputs)

    def _embed(self) -> str:
        words = self._weights["embeddings.word_embeddings.weight"]
        if self._peaks is not None:
            scale = np.abs(words).max(axis=1, keepdims=True) / 127.0
            rows = np.round(words / np.maximum(scale, 1e-12)).astype(np.int8)
            self.node("Gather", [self.constant("words", rows), "ids"], "word_rows")
            self.node("Cast", ["word_rows"], "word_floats", to=_FLOAT)
            self.node("Gather", [self.constant("word_scales", scale), "ids"], "word_scale")
            self.node("Mul", ["word_floats", "word_scale"], "word")
        else:
            self.node("Gather", [self.constant("words", words), "ids"], "word")

        # One sentence at a time: every token is of type 0, so its row joins the positions.
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        positions = self._weights["embeddings.position_embeddings.weight"] + kind
        self.node("Shape", ["ids"], "tokens", start=1, end=2)
        self.node(
            "Slice",
            [self.constant("positions", positions), self.constant("zero", np.array([0])), "tokens"],
            "position",
        )
        self.node("Add", ["word", "position"], "embedded")
        norm = [self._weight(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
        eps = self._shape.layer_norm_eps
        return self.node("LayerNormalization", ["embedded", *norm], "hidden", axis=-1, epsilon=eps)

    def _layer(self, at: str, hidden: str) -> str:
        mixed = self._dense(at + "attention.output.dense", self._attention(at, hidden))
        middle = self._residual(at + "attention.output", mixed, hidden)
        # The one bias left out of its dense layer: BiasGelu adds it for nothing.
        wide = self._dense(at + "intermediate.dense", middle, biased=False)
        bias = self._weight(at + "intermediate.dense.bias")
        active = self.node("BiasGelu", [wide, bias], at + "gelu", domain=MICROSOFT)
        return self._residual(at + "output", self._dense(at + "output.dense", active), middle)

    def _attention(self, at: str, hidden: str) -> str:
        # One matrix product for all three: the activations are quantised once.
        for kind in ("weight", "bias"):
            parts = [self._weights[f"{at}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            self._weights[f"{at}qkv.{kind}"] = np.concatenate(parts)
        names = [at + part for part in ("q", "k", "v")]
        whole = self._dense(at + "qkv", hidden)
        self.split("Split", [whole], names, axis=-1)
        return self.node(
            "MultiHeadAttention",
            [*names, "", "mask32"],
            at + "attended",
            domain=MICROSOFT,
            num_heads=self._shape.num_attention_heads,
        )

    def _residual(self, at: str, update: str, before: str) -> str:
        # onnxruntime's fused SkipLayerNormalization took eight times as long as these two on the CPU.
        self.node("Add", [update, before], at + ".sum")
        norm = [self._weight(f"{at}.LayerNorm.{part}") for part in ("weight", "bias")]
        eps = self._shape.layer_norm_eps
        return self.node("LayerNormalization", [at + ".sum", *norm], at + ".norm", axis=-1, epsilon=eps)

    def _dense(self, at: str, hidden: str, *, biased: bool = True) -> str:
        matrix = np.ascontiguousarray(self._weights[at + ".weight"].T)
        if self._with_peaks:
            self.node("Abs", [hidden], at + ".input")
            self._peak_outputs.append(self.node("ReduceMax", [at + ".input"], at, axes=[0, 1], keepdims=0))
        if self._peaks is None:
            product = self.node("MatMul", [hidden, self.constant(at + ".matrix", matrix)], at + ".out")
        else:
            product = self._int8_product(at, hidden, matrix, self._peaks[at])
        return self.node("Add", [product, self._weight(at + ".bias")], at + ".biased") if biased else product

    def _int8_product(self, at: str, hidden: str, matrix: Array, peak: Array) -> str:
        even = np.maximum(peak, 1e-3 * peak.max()) ** _SMOOTHED
        even /= np.maximum(np.abs(matrix).max(axis=1), 1e-6) ** (1 - _SMOOTHED)
        smooth = self.node("Mul", [hidden, self.constant(at + ".smoothing", 1 / even)], at + ".smooth")
        return self.int8_product(at, smooth, matrix * even[:, None])

    def _pool(self, hidden: str) -> None:
        # The sum over the mask; its division by the count would vanish in the normalisation.
        self.node("Cast", ["mask"], "mask_float", to=_FLOAT)
        self.node("Unsqueeze", ["mask_float", self.constant("one", np.array([1]))], "mask_row")
        self.node("MatMul", ["mask_row", hidden], "pooled_row")
        self.node("Squeeze", ["pooled_row", "one"], "pooled")
        self.node("LpNormalization", ["pooled"], "vectors", axis=-1, p=2)

    def _weight(self, name: str) -> str:
        return self.constant(name, self._weights[name])
