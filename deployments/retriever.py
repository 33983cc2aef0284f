"""Questions to the entries that may answer them, as a Serve deployment. Each call carries a batch."""

from __future__ import annotations

import asyncio

from ray.serve.handle import DeploymentHandle

from deployments.compilers import compilers
from deployments.definitions import Definitions
from deployments.intent_shelf import IntentShelf
from deployments.remote_encoder import cached_encoder, embed
from events.postgres_definitions import PostgresDefinitions
from events.postgres_knowledge import PostgresKnowledge
from knowledge.asking import decode_search, encode
from knowledge.following import Follower
from knowledge.past import Past
from knowledge.retrieval import Retrieval
from knowledge.shelf import Shelf
from schemas.settings import Settings

_PATIENCE_S = 300.0  # indexing waits for the embedder and the log; searches go on meanwhile


class RetrieverDeployment:
    """A replica holds what every tenant knows, and follows the log."""

    def __init__(self, settings: Settings, embedder: DeploymentHandle) -> None:
        self._embedder = embedder
        self._tenant = settings.tenant
        self._database_url = settings.database_url
        self._store = PostgresKnowledge(settings.database_url, readers=4)
        self._shelf = Shelf(settings.home_dir / "knowledge")
        self._follower: Follower | None = None
        self._starting = asyncio.get_event_loop().create_task(self._start())

    async def _start(self) -> Retrieval:
        encoder = await cached_encoder(self._embedder, self._store, _PATIENCE_S)
        follower = self._follower = Follower(self._store, encoder, self._shelf)
        self._following = asyncio.get_running_loop().create_task(follower.follow_forever())
        definitions = Definitions(PostgresDefinitions(self._database_url), compilers())
        intents = IntentShelf(definitions, encoder)
        past = Past(self._store, encoder)
        retrieval = Retrieval(follower, past, lambda texts: embed(self._embedder, texts), intents)
        await follower.ready(self._tenant)
        await intents.ready(self._tenant, await follower.live(self._tenant))
        return retrieval

    async def check_health(self) -> None:
        """Serve calls this before the replica counts as running: the default tenant is loaded by then."""
        await asyncio.shield(self._starting)
        if self._following.done():
            raise RuntimeError("the knowledge log is not followed any more")

    async def retrieve(self, payload: bytes) -> bytes:
        """A Search to a list of Found, both in MessagePack, in the order of the questions."""
        retrieval = await asyncio.shield(self._starting)
        return encode(await retrieval.search(decode_search(payload)))
