"""Texts to vectors as a Serve deployment. Each call carries a batch; bytes in, bytes out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import msgspec
import numpy as np

from events.batching import Batcher
from knowledge.embedder import Embedder, Floats
from schemas.settings import Settings

_CORES = min(2, os.cpu_count() or 1)  # two runs of one thread each do a third more than one run of two threads

_decode_texts = msgspec.msgpack.Decoder(list[str]).decode


class EmbedderDeployment:
    """Holds the models, which nothing else of Kefu does."""

    def __init__(self, settings: Settings) -> None:
        self._embedder = Embedder(settings.embedding_model or None, cache_dir=settings.home_dir / "models")
        self._batcher: Batcher[list[str], Floats] = Batcher(self._run, max_items=8, width=_CORES)

    async def embed(self, payload: bytes) -> bytes:
        """MessagePack list of n strings to n x (sum of parts) little-endian float32."""
        return (await self._batcher.submit(_decode_texts(payload))).tobytes()

    async def identity(self) -> tuple[str, tuple[int, int]]:
        """The model's name and the lengths of its vectors' parts, as `Encoder` says."""
        return self._embedder.name, self._embedder.parts

    async def _run(self, lists: list[list[str]]) -> Sequence[Floats | BaseException]:
        texts = [text for each in lists for text in each]
        vectors = await asyncio.to_thread(self._embedder.encode, texts)
        ends = np.cumsum([len(each) for each in lists])[:-1]
        return np.split(vectors, ends)
