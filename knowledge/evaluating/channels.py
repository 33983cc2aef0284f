"""The same search with parts of it left out, to see what each is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from knowledge import ranking

# "no-head" is a knowledge that was never trained (see local.py): it needs no other order.
Channels = Literal["all", "lexical", "dense", "no-head"]

# So many hits hold every entry that a channel nominates: the best of any channel is among them.
EVERY_CANDIDATE = 100

_COSINES = {
    encoder: [at for at, name in enumerate(ranking.EVIDENCE) if name.startswith(encoder)]
    for encoder in ("english", "multilingual")
}
_BM25 = ranking.EVIDENCE.index("bm25")


def reordered(
    evidence: Sequence[Sequence[float]], channels: Literal["lexical", "dense"]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Places of the hits in the order of one channel, and what orders them, best first.

    `evidence`: of each hit, columns of ranking.EVIDENCE. "lexical": BM25 alone. "dense": the cosine of the nearest
    passage, by the encoder that reads the question's language best, as a plain vector search has it.
    """
    columns = np.array(evidence, dtype=np.float64).reshape(-1, len(ranking.EVIDENCE))
    if channels == "lexical":
        scores = columns[:, _BM25]
    else:
        multilingual = columns[:, _COSINES["multilingual"]]
        own = multilingual if multilingual.any() else columns[:, _COSINES["english"]]
        scores = own.max(axis=1, initial=-1.0)
    order = np.argsort(-scores, kind="stable")
    return order, scores[order]
