"""Embedder, retriever and answerer as Serve deployments. Each call carries a batch; bytes in, bytes out."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from ray.serve.handle import DeploymentHandle

from deployments.remote_answerer import decode_questions, encode
from events.batching import Batcher
from knowledge.answers import CONSIDERED, compose
from knowledge.cache import CachedEncoder
from knowledge.embedder import Embedder, Floats
from knowledge.entries import load
from knowledge.index import Hit, HybridIndex
from knowledge.smalltalk import smalltalk
from schemas.answers import Answer
from schemas.settings import Settings

DEMO = Path(__file__).parent.parent / "knowledge" / "demo_shop.jsonl"
_CORES = min(2, os.cpu_count() or 1)  # two runs of one thread each do a third more than one run of two threads
_TEXTS = 512  # in one call; gRPC refuses messages over 4 MB

_decode_texts = msgspec.msgpack.Decoder(list[str]).decode
_decode_hits = msgspec.msgpack.Decoder(tuple[int, list[list[Hit]]]).decode


def knowledge_path(settings: Settings) -> Path:
    """The configured entries, or the demo shop's."""
    return Path(settings.knowledge) if settings.knowledge else DEMO


class EmbedderDeployment:
    """Texts to vectors."""

    def __init__(self, settings: Settings) -> None:
        self._embedder = Embedder(settings.embedding_model or None, cache_dir=settings.home_dir / "models")
        self._batcher: Batcher[list[str], Floats] = Batcher(self._run, max_items=8, width=_CORES)

    async def embed(self, payload: bytes) -> bytes:
        """MessagePack list of n strings to n x dim little-endian float32."""
        return (await self._batcher.submit(_decode_texts(payload))).tobytes()

    async def identity(self) -> tuple[str, int]:
        """The model's name and the length of its vectors."""
        return self._embedder.name, self._embedder.dim

    async def _run(self, lists: list[list[str]]) -> Sequence[Floats | BaseException]:
        texts = [text for each in lists for text in each]
        vectors = await asyncio.to_thread(self._embedder.encode, texts)
        ends = np.cumsum([len(each) for each in lists])[:-1]
        return np.split(vectors, ends)


class RetrieverDeployment:
    """Questions to the entries that may answer them, with the evidence."""

    def __init__(self, settings: Settings, embedder: DeploymentHandle) -> None:
        self._embed = embedder.embed
        self._identity = embedder.identity
        self._path = knowledge_path(settings)
        self._cache = settings.home_dir / "models"
        self._tenant = settings.tenant
        self._version = 1
        self._index: HybridIndex | None = None
        self._building = asyncio.Lock()

    async def retrieve(self, payload: bytes) -> bytes:
        """MessagePack list of Question to (knowledge version, hits of each question)."""
        index = self._index or await self._build()
        questions = decode_questions(payload)
        texts = [question.text for question in questions]
        vectors = _vectors(await self._embed.remote(encode(texts)), len(texts))
        found = await asyncio.to_thread(index.search, texts, vectors, CONSIDERED)
        for row, question in enumerate(questions):
            if question.tenant != self._tenant:
                found[row] = []
        return encode((self._version, found))

    async def check_health(self) -> None:
        """Serve calls this before the replica counts as running: the index is built by then."""
        if self._index is None:
            await self._build()

    async def _build(self) -> HybridIndex:
        async with self._building:
            index = self._index
            if index is None:
                loop = asyncio.get_running_loop()
                encoder = CachedEncoder(_RemoteEncoder(self._embed, loop, *await self._identity.remote()), self._cache)
                index = self._index = await asyncio.to_thread(HybridIndex.build, load(self._path), encoder)
            return index


class _RemoteEncoder:
    """The embedder deployment as index building wants it: called from a thread, answered by the event loop."""

    def __init__(self, embed: DeploymentHandle, loop: asyncio.AbstractEventLoop, name: str, dim: int) -> None:
        self._embed = embed
        self._loop = loop
        self.name = name
        self.dim = dim

    def encode(self, texts: list[str]) -> Floats:
        return asyncio.run_coroutine_threadsafe(self._encode(texts), self._loop).result()

    async def _encode(self, texts: list[str]) -> Floats:
        parts = [texts[i : i + _TEXTS] for i in range(0, len(texts), _TEXTS)]
        return np.concatenate([_vectors(await self._embed.remote(encode(part)), len(part)) for part in parts])


def _vectors(payload: bytes, rows: int) -> Floats:
    flat = np.frombuffer(payload, dtype=np.float32)
    return flat.reshape(rows, -1)


class AnswererDeployment:
    """Questions to answers: small talk, or the extractive answer from what was retrieved."""

    def __init__(self, retriever: DeploymentHandle) -> None:
        self._retrieve = retriever.retrieve

    async def answer(self, payload: bytes) -> bytes:
        """MessagePack list of Question to one of Answer. `answer_us` is the time of the whole batch."""
        started = time.perf_counter_ns()
        questions = decode_questions(payload)
        answers: list[Answer | None] = [smalltalk(question) for question in questions]
        open_ = [i for i, answer in enumerate(answers) if answer is None]
        if open_:
            version, found = _decode_hits(await self._retrieve.remote(encode([questions[i] for i in open_])))
            for i, hits in zip(open_, found, strict=True):
                answers[i] = compose(questions[i], hits, version)
        took = (time.perf_counter_ns() - started) // 1000
        return encode([msgspec.structs.replace(answer, answer_us=took) for answer in answers if answer is not None])
