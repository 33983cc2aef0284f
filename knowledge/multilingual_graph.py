"""Google's multilingual universal sentence encoder, version 3, as an ONNX graph written from its weights.

Token embeddings go through three convolutions over 2, 3 and 5 tokens; their sum over the
text goes through a small dense network (Yang et al., 2019). Up to that network, matrices
are int8 per column and activations 8 bits per row: cosine 0.9998 to float32, at twice its speed.

Texts lie end to end, without padding. Inputs of the graph, for `tokens` tokens of `texts` texts:

- `rows` uint8 (tokens, 512), `part` int64 (tokens): rows of the embedding table and which
  of its 17 parts, each with a scale of its own, they are from;
- `window` int64 (tokens, 5): the places of the two tokens before, the token itself and
  the two after; `tokens`, one past the end, where the text has none;
- `spread` float32 (texts, tokens): 1 / sqrt(tokens of the text) at its own tokens, else 0.

Output: `vectors`, float32 (texts, 512), L2-normalised.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from knowledge.onnx_graph import Array, GraphBuilder

# Part of the cache files' names: raise it whenever the graph or the table changes.
RECIPE = 1

DIM = 512
PARTS = 17
REACH = 2

_CHANNELS = 256
# Tokens a convolution sees, and the first of them within the window.
_CONVOLUTIONS = ((2, 2), (3, 1), (5, 0))
_FLOAT = 1  # onnx.TensorProto.FLOAT


def embedding_table(weights: Mapping[str, Array]) -> Array:
    """uint8 (vocabulary, 512), indexed by token; token t is of part t % 17."""
    parts = [weights[f"q{part + 1}"] for part in range(PARTS)]
    return np.stack(parts, axis=1).reshape(-1, DIM)


def build(weights: Mapping[str, Array]) -> bytes:
    """The serialised ONNX model. Raises ImportError without `onnx`, KeyError when a weight is missing."""
    return _Graph(weights).model()


class _Graph(GraphBuilder):
    """Each method adds one block."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        super().__init__()
        self._weights = weights
        self._epsilon = float(weights["eps"])

    def model(self) -> bytes:
        embedded = self._embed()
        orders = [order for order, _ in _CONVOLUTIONS]
        projected = self._dense("projection", embedded, self._joined("proj", orders), self._joined("proj_b", orders))
        normed = self._norm("branches", projected, self._joined("ln_g", orders), self._joined("ln_b", orders))
        branches = self.split("Split", [normed], [f"branch{order}" for order in orders], axis=-1)
        seen = [self._convolve(*each, branch) for each, branch in zip(_CONVOLUTIONS, branches, strict=True)]
        self.node("Concat", [embedded, *seen], "features", axis=-1)
        features = self._norm("features", "features", self._weights["ln_g"], self._weights["ln_b"])
        self._head(features)
        return self.serialise(
            {
                "rows": (np.uint8, ["tokens", DIM]),
                "part": (np.int64, ["tokens"]),
                "window": (np.int64, ["tokens", 2 * REACH + 1]),
                "spread": (np.float32, ["texts", "tokens"]),
            },
            {"vectors": ["texts", DIM]},
        )

    def _embed(self) -> str:
        self.node("Cast", ["rows"], "steps", to=_FLOAT)
        for name in ("scale", "lo"):
            column = self.constant(name, self._weights[name].reshape(PARTS, 1))
            self.node("Gather", [column, "part"], name + ".of_token")
        self.node("Mul", ["steps", "scale.of_token"], "scaled")
        return self.node("Add", ["scaled", "lo.of_token"], "embedded")

    def _convolve(self, order: int, first: int, branch: str) -> str:
        """Two convolutions over `order` tokens, as matrix products, each added to its input."""
        at = f"convolution{order}"
        bounds = [self.constant(f"{at}.{end}", np.array([first + past])) for end, past in (("from", 0), ("to", order))]
        window = self.node("Slice", ["window", *bounds, self.constant("one", np.array([1]))], at + ".window")
        # The row one past the end: what a text's edge sees.
        nothing = self.constant("nothing", np.zeros((1, _CHANNELS), dtype=np.float32))
        wide = self.constant(at + ".wide", np.array([-1, order * _CHANNELS]))
        for step in (1, 2):
            name = f"{at}.{step}"
            self.node("Concat", [branch, nothing], name + ".all", axis=0)
            self.node("Gather", [name + ".all", window], name + ".seen")
            self.node("Reshape", [name + ".seen", wide], name + ".row")
            matrix, bias = (self._weights[f"{kind}{step}_{order}"] for kind in ("w", "b"))
            self.node("Relu", [self._dense(name, name + ".row", matrix, bias)], name + ".active")
            branch = self.node("Add", [name + ".active", branch], name + ".added")
        return branch

    def _head(self, features: str) -> None:
        # The sum over a text's tokens comes first: then the products have a row a text, not a row a token.
        self.node("MatMul", ["spread", features], "summed")
        self.node("ReduceSum", ["spread", "one"], "root_of_tokens", keepdims=1)
        self.node("Mul", ["root_of_tokens", self.constant("cnn_b", self._weights["cnn_b"])], "summed_bias")
        self.node("Add", [self._dense("cnn", "summed", self._weights["cnn_W"]), "summed_bias"], "mean")
        first = self._active("first", self._named("d0", "mean"))
        second = self._active("second", self._sum("second", self._named("p1", "mean"), self._named("d1", first)))
        third = self._active("third", self._named("d2", second))
        self.node("Tanh", [self._sum("last", self._named("p3", second), self._named("d3", third))], "bounded")
        self.node("LpNormalization", ["bounded"], "vectors", axis=-1, p=2)

    def _named(self, weight: str, rows: str) -> str:
        # Left in float32: a row a text costs little, and int8 here costs most of the accuracy.
        return self.node("MatMul", [rows, self.constant(weight, self._weights[weight])], weight + ".out")

    def _active(self, at: str, rows: str) -> str:
        return self.node("Relu", [rows], at + ".active")

    def _sum(self, at: str, left: str, right: str) -> str:
        return self.node("Add", [left, right], at + ".sum")

    def _joined(self, name: str, orders: list[int]) -> Array:
        return np.concatenate([self._weights[f"{name}{order}"] for order in orders], axis=-1)

    def _norm(self, at: str, rows: str, gain: Array, bias: Array) -> str:
        parts = [self.constant(at + ".gain", gain), self.constant(at + ".bias", bias)]
        return self.node("LayerNormalization", [rows, *parts], at + ".norm", axis=-1, epsilon=self._epsilon)

    def _dense(self, at: str, rows: str, matrix: Array, bias: Array | None = None) -> str:
        product = self.int8_product(at, rows, matrix)
        return product if bias is None else self._sum(at, product, self.constant(at + ".bias", bias))
