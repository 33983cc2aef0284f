"""From questions, perhaps of several tenants and of an earlier version, to what is found for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge import text
from knowledge.asking import Search
from knowledge.following import Follower
from knowledge.found import Confidence, Found
from knowledge.intent_wording import without_codes
from knowledge.intents import NONE, Intents
from knowledge.live import LiveKnowledge
from knowledge.past import Past

Floats = npt.NDArray[np.float32]


class IntentSource(Protocol):
    """Knows the intents of every tenant's flows."""

    def current(self, tenant: str, live: LiveKnowledge | None) -> tuple[Intents | None, int]:
        """The intents (None if the tenant has none) and the version of the definitions that they are from."""


class Retrieval:
    """The one way to what is known, for the chat, the tester and the evaluation."""

    def __init__(
        self,
        follower: Follower,
        past: Past,
        embed: Callable[[list[str]], Awaitable[Floats]],
        intents: IntentSource | None = None,
    ) -> None:
        """`embed`: the vectors of texts, (n, dim)."""
        self._follower = follower
        self._past = past
        self._embed = embed
        self._intents = intents

    async def search(self, search: Search) -> list[Found]:
        """One result for each question, in order. A tenant that knows nothing gets version 0 and no hits."""
        found = [_nothing(question.text) for question in search.questions]
        tenants: dict[str, list[int]] = {}
        for row, question in enumerate(search.questions):
            tenants.setdefault(question.tenant, []).append(row)
        parts = [await self._part(tenant, rows, search) for tenant, rows in tenants.items()]
        texts = [text for part in parts for text in part.texts]
        if not texts:
            return found
        vectors = await self._embed(texts)
        for part in parts:
            own, vectors = vectors[: len(part.texts)], vectors[len(part.texts) :]
            for row, result in zip(part.rows, await self._results(part, own, search), strict=True):
                found[row] = result
        return found

    async def _part(self, tenant: str, rows: list[int], search: Search) -> _Part:
        """What is asked of one tenant, and the texts that have to be embedded for it."""
        asked = [search.questions[row].text for row in rows]
        live = await self._live(tenant, search.version)
        intents, version = (None, 0)
        if self._intents is not None and search.version is None:
            intents, version = self._intents.current(tenant, live)
        # A code says which order it is about, not what is to be done: intents are recognised without codes.
        bare = [without_codes(each) for each in asked] if intents is not None else asked
        apart = [at for at, (each, other) in enumerate(zip(asked, bare, strict=True)) if each != other]
        texts = [*asked, *(bare[at] for at in apart)] if live is not None or intents is not None else []
        learning = self._follower.learning(tenant)
        return _Part(tenant, rows, asked, live, intents, version, apart, texts, learning)

    async def _results(self, part: _Part, vectors: Floats, search: Search) -> list[Found]:
        if not part.texts:
            return [msgspec.structs.replace(_nothing(each), rules_version=part.rules_version) for each in part.asked]
        own = vectors[: len(part.asked)]
        wishes = [NONE] * len(part.asked)
        if part.intents is not None:
            bare = own.copy()
            bare[part.apart] = vectors[len(part.asked) :]
            wishes = part.intents.recognise(part.asked, bare)
        found = [_nothing(each) for each in part.asked]
        if part.live is not None:
            found = await asyncio.to_thread(part.live.search, part.asked, own, search.k, search.scope)
        learning = search.version is None and (part.learning or self._follower.learning(part.tenant))
        return [
            msgspec.structs.replace(
                each,
                learning=learning,
                intent=intent,
                intent_confidence=chance,
                rules_version=part.rules_version,
            )
            for each, (intent, chance) in zip(found, wishes, strict=True)
        ]

    async def _live(self, tenant: str, version: int | None) -> LiveKnowledge | None:
        live = await self._follower.live(tenant)
        if live is None or version in (None, live.version):
            return live
        return await self._past.at(tenant, version)


class _Part(NamedTuple):
    """The questions of one tenant. `apart`: those of `asked` whose wording without codes is embedded too; `texts`:
    all of `asked` and then these."""

    tenant: str
    rows: list[int]
    asked: list[str]
    live: LiveKnowledge | None
    intents: Intents | None
    rules_version: int
    apart: list[int]
    texts: list[str]
    learning: bool


def _nothing(question: str) -> Found:
    return Found(0, text.language(question), (), Confidence(0.0, 0.0), 0.0)
