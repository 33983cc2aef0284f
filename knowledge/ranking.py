"""From evidence to an order: what speaks for an entry, and how much each piece of it counts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.text import LANGUAGES, Language

Floats = npt.NDArray[np.float32]

# Columns of an evidence matrix. Cosines come from two encoders: MiniLM, which reads English (and
# Chinese through a glossary), and a multilingual one, which is asked about Chinese.
EVIDENCE = (
    "english asked",  # best cosine with a question of the entry
    "english asked 3",  # mean of its best three questions
    "english body",  # with question and answer together
    "english sentence",  # best cosine with a sentence of the answer
    "multilingual asked",
    "multilingual asked 3",
    "multilingual body",
    "multilingual sentence",
    "coverage",  # see knowledge/lexical.py
    "bm25",
    "head",  # about 10 for the entry the tenant's own questions point to, 0 for others (knowledge/head.py)
    "head odds",  # the same on the scale on which it was right about those questions
)
HEAD_SCALE = 10.0  # so that all columns move by about as much
ENGLISH, MULTILINGUAL, COVERAGE, BM25, HEAD, HEAD_ODDS = 0, 4, 8, 9, 10, 11


Kind = Literal["faq", "headed", "documents"]


class Regime(Struct, frozen=True):
    """What weights and calibration hold for: the question's language, and knowledge that is mostly FAQ entries,
    such entries with enough questions to learn from, or mostly passages of documents."""

    language: Language
    kind: Kind

    @property
    def name(self) -> str:
        return f"{self.language} {self.kind}"


class Calibration(Struct, frozen=True):
    """`weights`: of EVIDENCE, in the score. `first`, `among_three`: of confidence.FEATURES, in the log-odds."""

    weights: tuple[float, ...]
    first: tuple[float, ...]
    among_three: tuple[float, ...]


REGIMES = tuple(Regime(language, kind) for language in LANGUAGES for kind in get_args(Kind))


def _load() -> dict[Regime, Calibration]:
    known = msgspec.json.decode(FILE.read_bytes(), type=dict[str, Calibration])
    return {regime: known[regime.name] for regime in REGIMES}


FILE = Path(__file__).with_name("calibration.json")  # written by bench/calibrate.py
CALIBRATION = _load()


def scores(weights: tuple[float, ...], evidence: Floats) -> Floats:
    """(n,) on a log-odds scale, comparable within one question only, of (n, len(EVIDENCE)) evidence."""
    found: Floats = evidence @ np.array(weights, dtype=np.float32)
    return found
