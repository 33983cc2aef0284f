"""The knowledge base of one process: entries, their index, and answers for batches of questions."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge.answers import CONSIDERED, compose
from knowledge.cache import CachedEncoder
from knowledge.embedder import Encoder
from knowledge.entries import EntriesInvalid, Entry, Side, load
from knowledge.index import HybridIndex
from knowledge.smalltalk import smalltalk
from schemas.answers import Answer, Question

__all__ = ["EntriesInvalid", "Entry", "KnowledgeBase", "Side", "load"]


class KnowledgeBase:
    """One version of what a company knows, held in memory and never changed."""

    def __init__(self, entries: list[Entry], embedder: Encoder, version: int = 1) -> None:
        self.version = version
        self.entries = tuple(entries)
        self.index = HybridIndex.build(entries, embedder)

    @classmethod
    def load(cls, path: Path, embedder: Encoder, version: int = 1, *, cache_dir: Path | None = None) -> KnowledgeBase:
        """Reads a JSONL file of entries and indexes it. Raises EntriesInvalid.

        Embedding takes about five seconds per hundred bilingual entries on one core;
        with `cache_dir` the vectors are kept there and the next process starts at once.
        """
        return cls(load(path), CachedEncoder(embedder, cache_dir) if cache_dir else embedder, version)

    def answer_batch(self, questions: list[Question], vectors: npt.NDArray[np.float32]) -> list[Answer]:
        """One answer per question, in order. `vectors`: (n, dim), the embedder's for the texts.

        Small talk is answered too. `answer_us` is each question's share of the batch's time,
        embedding not included.
        """
        started = time.perf_counter_ns()
        hits = self.index.search([question.text for question in questions], vectors, CONSIDERED)
        answers = [
            smalltalk(question) or compose(question, found, self.version)
            for question, found in zip(questions, hits, strict=True)
        ]
        share = (time.perf_counter_ns() - started) // 1000 // max(1, len(questions))
        return [msgspec.structs.replace(answer, answer_us=share) for answer in answers]
