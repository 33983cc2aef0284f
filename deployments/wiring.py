"""What a session host is made of. Hosts get this function, not its results: stores and handles do not travel."""

from __future__ import annotations

import functools
import zlib
from typing import Any

from ray import serve

from actors.actor import Runtime
from actors.host import BuildRuntime
from actors.placement import POOLED
from deployments.heads import Heads
from deployments.remote_answerer import Call, RemoteAnswerer
from events.postgres import PostgresStore
from events.postgres_knowledge import PostgresKnowledge
from schemas.ids import WORKERS, Snowflake, now_ms
from schemas.settings import Settings

APP = "kefu"  # the Serve application's name under `kefu up`
_ANSWER_TIMEOUT_S = 10.0
_POOLED_WORKERS = 256


def runtime_builder() -> BuildRuntime:
    """How hosts of this replica's own application are made; `serve run` and `kefu up` name it differently."""
    return functools.partial(host_runtime, serve.get_replica_context().app_name)


def host_runtime(app: str, settings: Settings, name: str) -> Runtime:
    """The runtime of the host called `name`, over Postgres and the answerer deployment of the application `app`."""
    heads = Heads(PostgresKnowledge(settings.database_url, readers=1))
    return Runtime(
        store=PostgresStore(settings.database_url),
        answerer=RemoteAnswerer(
            _answer_call(app), heads.version, has_effects=settings.intent_first, timeout_s=_ANSWER_TIMEOUT_S
        ),
        clock=now_ms,
        new_id=Snowflake(_worker(name)).next,
    )


def _answer_call(app: str) -> Call:
    handle: Any = None

    async def call(payload: bytes) -> bytes:
        nonlocal handle
        if handle is None:  # hosts may be up before the application is
            handle = serve.get_deployment_handle("answerer", app_name=app)
        answers: bytes = await handle.answer.remote(payload)
        return answers

    return call


def _worker(name: str) -> int:
    """Pooled hosts have numbers of their own; dedicated ones share the rest by hash."""
    if name.startswith(POOLED):
        return int(name.removeprefix(POOLED)) % _POOLED_WORKERS
    return _POOLED_WORKERS + zlib.crc32(name.encode()) % (WORKERS - _POOLED_WORKERS)
