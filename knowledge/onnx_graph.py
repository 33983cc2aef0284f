"""Collects the nodes and constants of an ONNX graph that is written by hand.

Building a graph this way needs no torch and no tracing, and lets it use onnxruntime's
fused operators. `onnx` itself is only imported here, when a graph is built.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
# A dimension is a number, or a name where it varies from run to run.
Shape = list[int | str]

MICROSOFT = "com.microsoft"


class GraphBuilder:
    """Each method adds to the graph and returns the name of its output. Raises ImportError without `onnx`."""

    def __init__(self) -> None:
        import onnx

        self._onnx = onnx
        self._nodes: list[Any] = []
        self._constants: dict[str, Array] = {}

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.split(op, inputs, [output], **attributes)
        return output

    def split(self, op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> list[str]:
        """A node of several outputs."""
        self._nodes.append(self._onnx.helper.make_node(op, inputs, outputs, **attributes))
        return outputs

    def constant(self, name: str, array: Array) -> str:
        self._constants[name] = np.ascontiguousarray(array) if array.ndim else array
        return name

    def int8_product(self, at: str, rows: str, matrix: Array) -> str:
        """`rows` @ `matrix` in int8: a scale per column of the matrix, and a scale per row, found as it runs.

        No operator takes a scale per row: divide by it, quantise [-1, 1], multiply the product.
        """
        scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127.0
        whole = np.round(matrix / scale).astype(np.int8)
        step = self.constant("unit_step", np.array(1 / 127, dtype=np.float32))
        middle = self.constant("unit_middle", np.array(128, dtype=np.uint8))
        tiny = self.constant("tiny", np.array(1e-12, dtype=np.float32))

        self.node("Abs", [rows], at + ".magnitude")
        self.node("ReduceMax", [at + ".magnitude"], at + ".greatest", axes=[-1], keepdims=1)
        top = self.node("Max", [at + ".greatest", tiny], at + ".top")
        self.node("Div", [rows, top], at + ".unit")
        self.node("QuantizeLinear", [at + ".unit", step, middle], at + ".whole")
        factors = [self.constant(at + ".int8", whole), step, self.constant(at + ".scale", scale.astype(np.float32))]
        self.node("MatMulIntegerToFloat", [at + ".whole", *factors, middle], at + ".product", domain=MICROSOFT)
        return self.node("Mul", [at + ".product", top], at + ".out")

    def serialise(self, inputs: dict[str, tuple[type, Shape]], outputs: dict[str, Shape]) -> bytes:
        """The model, given the type and shape of its inputs and the shape of its outputs, all float32."""
        helper, kinds = self._onnx.helper, self._onnx.TensorProto
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
                for name, (kind, shape) in inputs.items()
            ],
            [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in outputs.items()],
            [self._onnx.numpy_helper.from_array(array, name) for name, array in self._constants.items()],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return bytes(model.SerializeToString())
