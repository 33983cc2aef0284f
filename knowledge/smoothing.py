"""How large each channel of a model's activations gets, measured on a few everyday questions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def channel_peaks(model: bytes, tokens: list[list[int]]) -> dict[str, Floats]:
    """The greatest of each output of `bert_graph.peak_graph` over `tokens`, the ids of one text each.

    The peaks shape a rounding error only: no value is cut off for exceeding them later.
    """
    import onnxruntime  # type: ignore[import-untyped,unused-ignore]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()][1:]
    peaks: dict[str, Floats] = {}
    for ids in tokens:
        # One text a run: padding has activations too, which no sentence ever sees.
        row = np.array([ids], dtype=np.int64)
        for name, peak in zip(names, session.run(names, {"ids": row, "mask": np.ones_like(row)}), strict=True):
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    return peaks
