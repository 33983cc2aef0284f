"""From questions, perhaps of several tenants and of an earlier version, to what is found for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge import text
from knowledge.asking import Search
from knowledge.following import Follower
from knowledge.found import Confidence, Found
from knowledge.live import LiveKnowledge
from knowledge.past import Past

Floats = npt.NDArray[np.float32]


class Retrieval:
    """The one way to what is known, for the chat, the tester and the evaluation."""

    def __init__(self, follower: Follower, past: Past, embed: Callable[[list[str]], Awaitable[Floats]]) -> None:
        """`embed`: the vectors of questions, (n, dim)."""
        self._follower = follower
        self._past = past
        self._embed = embed

    async def search(self, search: Search) -> list[Found]:
        """One result for each question, in order. A tenant that knows nothing gets version 0 and no hits."""
        found = [_nothing(question.text) for question in search.questions]
        rows: dict[str, list[int]] = {}
        for row, question in enumerate(search.questions):
            rows.setdefault(question.tenant, []).append(row)
        known = {tenant: live for tenant in rows if (live := await self._live(tenant, search.version)) is not None}
        asked = [row for tenant in known for row in rows[tenant]]
        if not asked:
            return found
        vectors = await self._embed([search.questions[row].text for row in asked])
        place = {row: at for at, row in enumerate(asked)}
        for tenant, live in known.items():
            own = rows[tenant]
            texts = [search.questions[row].text for row in own]
            learning = self._follower.learning(tenant)
            own_vectors = vectors[[place[row] for row in own]]
            results = await asyncio.to_thread(live.search, texts, own_vectors, search.k, search.scope)
            learning = search.version is None and (learning or self._follower.learning(tenant))
            for row, result in zip(own, results, strict=True):
                found[row] = msgspec.structs.replace(result, learning=True) if learning else result
        return found

    async def _live(self, tenant: str, version: int | None) -> LiveKnowledge | None:
        live = await self._follower.live(tenant)
        if live is None or version in (None, live.version):
            return live
        return await self._past.at(tenant, version)


def _nothing(question: str) -> Found:
    return Found(0, text.language(question), (), Confidence(0.0, 0.0), 0.0)
