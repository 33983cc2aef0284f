"""The embedder deployment and the shelf of vectors as a thread wants them: called there, answered by the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
import numpy as np
from ray.serve.handle import DeploymentHandle

from events.knowledge_store import KnowledgeStore
from knowledge.embedder import Floats
from knowledge.vector_cache import CachedEncoder

_TEXTS = 64  # in one call: a customer's question waits for no more than one of them
_PAUSE_S = 0.5

T = TypeVar("T")

_log = logging.getLogger("kefu.knowledge")
_encode = msgspec.msgpack.Encoder().encode


async def embed(embedder: DeploymentHandle, texts: list[str]) -> Floats:
    """(n, sum of parts) float32 of n texts, which travel in several calls at once if there are many."""
    parts = [texts[start : start + _TEXTS] for start in range(0, len(texts), _TEXTS)]
    payloads = await asyncio.gather(*(_answer(embedder, part) for part in parts))
    return np.frombuffer(b"".join(payloads), dtype=np.float32).reshape(len(texts), -1)


async def _answer(embedder: DeploymentHandle, texts: list[str]) -> bytes:
    payload: bytes = await embedder.embed.remote(_encode(texts))
    return payload


async def cached_encoder(embedder: DeploymentHandle, store: KnowledgeStore, patience_s: float) -> CachedEncoder:
    """The encoder of what is known, for threads of this process; the event loop is the caller's.

    `patience_s`: how long a call goes on trying while the embedder or the log is away.
    """
    loop = asyncio.get_running_loop()
    name, parts = await embedder.identity.remote()
    return CachedEncoder(_RemoteEncoder(embedder, loop, name, parts, patience_s), _Shelf(store, loop, patience_s))


class _RemoteEncoder:
    """An Encoder."""

    def __init__(
        self,
        embedder: DeploymentHandle,
        loop: asyncio.AbstractEventLoop,
        name: str,
        parts: tuple[int, int],
        patience_s: float,
    ) -> None:
        self.name, self.parts = name, (parts[0], parts[1])
        self._embedder, self._loop, self._patience_s = embedder, loop, patience_s

    def encode(self, texts: list[str]) -> Floats:
        trying = patiently(lambda: embed(self._embedder, texts), self._patience_s)
        return asyncio.run_coroutine_threadsafe(trying, self._loop).result()


class _Shelf:
    """A VectorShelf."""

    def __init__(self, store: KnowledgeStore, loop: asyncio.AbstractEventLoop, patience_s: float) -> None:
        self._store, self._loop, self._patience_s = store, loop, patience_s

    def load(self, model: str, digests: list[bytes]) -> Mapping[bytes, bytes]:
        trying = patiently(lambda: self._store.vectors(model, digests), self._patience_s)
        return asyncio.run_coroutine_threadsafe(trying, self._loop).result()

    def save(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        trying = patiently(lambda: self._store.save_vectors(model, vectors), self._patience_s)
        asyncio.run_coroutine_threadsafe(trying, self._loop).result()


async def patiently(call: Callable[[], Awaitable[T]], patience_s: float) -> T:
    """The call's result, tried again while it fails; its last error when `patience_s` seconds have passed."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + patience_s
    while True:
        try:
            return await call()
        except Exception as error:
            if loop.time() >= give_up:
                raise
            _log.warning("trying again: %s: %s", type(error).__name__, error)
            await asyncio.sleep(_PAUSE_S)
