"""The intents of every tenant's flows, as a retriever holds them: built aside, swapped when they are ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import NamedTuple

from deployments.definitions import Definitions
from flows.definition import Flow, intents
from knowledge.embedder import Encoder
from knowledge.intents import Intents
from knowledge.live import LiveKnowledge

_log = logging.getLogger("kefu.knowledge")


class Built(NamedTuple):
    """`rules_version`: of the definitions; `flows`, `knowledge`: what it was built from."""

    intents: Intents | None
    rules_version: int
    flows: tuple[tuple[str, int], ...]
    knowledge: int


_NOTHING = Built(None, 0, (), 0)


class IntentShelf:
    """`knowledge.retrieval.IntentSource` over the followed definitions."""

    def __init__(self, definitions: Definitions, encoder: Encoder) -> None:
        """`encoder` is called from threads."""
        self._definitions = definitions
        self._encoder = encoder
        self._built: dict[str, Built] = {}
        self._building: dict[str, asyncio.Task[None]] = {}

    def current(self, tenant: str, live: LiveKnowledge | None) -> tuple[Intents | None, int]:
        """The intents, and the version of the definitions that they are from: the newest, or a moment behind it."""
        rules = self._definitions.of(tenant)
        flows = tuple((id, version) for id, (_, version) in rules.flows.items())
        built = self._built.get(tenant, _NOTHING)
        known = live.version if live is not None else 0
        if built.flows == flows:
            if built.rules_version != rules.version:
                built = self._built[tenant] = built._replace(rules_version=rules.version)
            if built.knowledge == known or not flows:
                return built.intents, built.rules_version
        if tenant not in self._building:
            wanted = Built(None, rules.version, flows, known)
            task = asyncio.get_running_loop().create_task(self._build(tenant, wanted, examples(rules.flows), live))
            self._building[tenant] = task
        return built.intents, built.rules_version

    async def ready(self, tenant: str, live: LiveKnowledge | None) -> None:
        """Returns when the intents of what is defined now are there."""
        await self._definitions.loaded()
        self.current(tenant, live)
        while tenant in self._building:
            await asyncio.gather(self._building[tenant], return_exceptions=True)

    async def _build(
        self, tenant: str, wanted: Built, said: Mapping[str, list[str]], live: LiveKnowledge | None
    ) -> None:
        try:
            made = None
            if said:
                questions = live.questions() if live is not None else []
                made = await asyncio.to_thread(Intents, said, self._encoder, questions)
            self._built[tenant] = wanted._replace(intents=made)
        except Exception:  # the embedder was away: the next question tries again
            _log.exception("the intents of tenant %r could not be built", tenant)
        finally:
            del self._building[tenant]


def examples(flows: Mapping[str, tuple[Flow, int]]) -> dict[str, list[str]]:
    """Example utterances of every intent of all flows; one that several flows know has those of all."""
    found: dict[str, list[str]] = {}
    for flow, _ in flows.values():
        for name, said in intents(flow).items():
            found.setdefault(name, []).extend(said)
    return found
