"""What a session host is made of. Hosts get this function, not its results: stores and handles do not travel."""

from __future__ import annotations

import functools
import zlib
from collections import Counter

from ray import serve

from actors.given import GivenReplies
from actors.host import BuildRuntime
from actors.placement import POOLED
from actors.runtime import Runtime
from deployments.compilers import compilers
from deployments.definitions import Definitions
from deployments.heads import Heads
from deployments.remote_answerer import RemoteAnswerer
from deployments.remote_gateway import RemoteModels, RemoteTools
from deployments.turn_rules import FollowedRules
from deployments.usage import UsageLedger
from events.postgres import PostgresStore
from events.postgres_definitions import PostgresDefinitions
from events.postgres_knowledge import PostgresKnowledge
from events.postgres_usage import PostgresUsage
from schemas.ids import WORKERS, Snowflake, now_ms
from schemas.settings import Settings

APP = "kefu"  # the Serve application's name under `kefu up`
_ANSWER_TIMEOUT_S = 10.0
_POOLED_WORKERS = 256


def runtime_builder() -> BuildRuntime:
    """How hosts of this replica's own application are made; `serve run` and `kefu up` name it differently."""
    return functools.partial(host_runtime, serve.get_replica_context().app_name)


def host_runtime(app: str, settings: Settings, name: str) -> Runtime:
    """The runtime of the host called `name`, over Postgres and the gateway deployment of the application `app`."""
    heads = Heads(PostgresKnowledge(settings.database_url, readers=1))
    definitions = Definitions(PostgresDefinitions(settings.database_url, connections=1), compilers())
    rules = FollowedRules(definitions, UsageLedger(PostgresUsage(settings.database_url), now_ms).spent)
    gateway = functools.cache(lambda: serve.get_deployment_handle("gateway", app_name=app))

    async def ask(payload: bytes) -> bytes:
        answers: bytes = await gateway().answer.remote(payload)
        return answers

    return Runtime(
        store=PostgresStore(settings.database_url),
        answerer=RemoteAnswerer(
            ask, heads.version, rules.version, has_effects=settings.intent_first, timeout_s=_ANSWER_TIMEOUT_S
        ),
        clock=now_ms,
        new_id=Snowflake(_worker(name)).next,
        rules=rules,
        models=RemoteModels(gateway),
        tools=RemoteTools(gateway),
        tally=Counter(),
        given=GivenReplies(),
    )


def _worker(name: str) -> int:
    """Pooled hosts have numbers of their own; dedicated ones share the rest by hash."""
    if name.startswith(POOLED):
        return int(name.removeprefix(POOLED)) % _POOLED_WORKERS
    return _POOLED_WORKERS + zlib.crc32(name.encode()) % (WORKERS - _POOLED_WORKERS)
