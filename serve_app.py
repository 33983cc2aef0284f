"""Composition root: settings in, a Serve application out. Nothing but wiring.

`kefu up` runs it; so do `serve run serve_app:app` and `serve deploy infra/serve.yaml`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from ray import serve
from ray.serve import Application, Deployment

from deployments.compilers import compilers, shipped
from deployments.embedder import EmbedderDeployment
from deployments.flow_files import DefinitionFiles
from deployments.flow_files import seed as seed_definitions
from deployments.gateway import GatewayDeployment
from deployments.ingress import Ingress
from deployments.librarian import LibrarianDeployment
from deployments.retriever import RetrieverDeployment
from deployments.supervisor import Supervisor
from events.embedded import EmbeddedPostgres
from events.migrate import migrate
from events.postgres_definitions import PostgresDefinitions
from events.postgres_knowledge import PostgresKnowledge
from knowledge.seeding import seed
from schemas.ids import now_ms
from schemas.settings import DEMO, Settings

# No line per call: Kefu's metrics count turns.
_QUIET = {"enable_access_log": False, "log_level": "WARNING"}


def build(settings: Settings) -> Application:
    """The whole of Kefu. Starts the embedded database unless one is configured, migrates either, and sees to it
    that there is something to answer from."""
    embedded = None if settings.database_url else settings.home_dir / "postgres"
    if embedded is not None:
        settings = msgspec.structs.replace(settings, database_url=EmbeddedPostgres(embedded).start())
    settings = msgspec.structs.replace(settings, home=str(settings.home_dir))
    asyncio.run(_prepare(settings))

    embedder = _scaled("embedder", EmbedderDeployment, 4).bind(settings)
    retriever = _scaled("retriever", RetrieverDeployment, 2).bind(settings, embedder)
    # Most of what a replica has under way are models' streams, which wait.
    gateway = _scaled("gateway", GatewayDeployment, 4, at_once=64, most_at_once=1_000).bind(settings, retriever)
    librarian = serve.deployment(
        name="librarian", max_ongoing_requests=64, ray_actor_options={"num_cpus": 0.1}, logging_config=_QUIET
    )(LibrarianDeployment).bind(settings, embedder)
    supervisor = serve.deployment(name="supervisor", ray_actor_options={"num_cpus": 0}, logging_config=_QUIET)(
        Supervisor
    ).bind(settings, embedded)
    ingress = serve.deployment(
        name="ingress",
        autoscaling_config={
            "min_replicas": settings.ingress,
            "max_replicas": max(settings.ingress, settings.ingress_max),
            "target_ongoing_requests": settings.ingress_customers,
            "policy": {"policy_function": "deployments.scaling:by_customers"},
        },
        max_ongoing_requests=16_000,
        ray_actor_options={"num_cpus": 0.1},
        logging_config=_QUIET,
    )(serve.ingress()(Ingress))
    return ingress.bind(settings, librarian, gateway, supervisor)


async def _prepare(settings: Settings) -> None:
    await migrate(settings.database_url)
    store = PostgresKnowledge(settings.database_url)
    try:
        await seed(store, settings.tenant, Path(settings.knowledge) if settings.knowledge else None)
    finally:
        await store.close()
    definitions = PostgresDefinitions(settings.database_url)
    try:
        if settings.tenant == DEMO and not settings.knowledge:
            await seed_definitions(definitions, settings.tenant, shipped(), now_ms())
        if settings.definitions:
            files = DefinitionFiles(Path(settings.definitions), definitions, settings.tenant, compilers(), now_ms)
            await files.scan()
    finally:
        await definitions.close()


def _scaled(name: str, cls: type, most: int, *, at_once: int = 4, most_at_once: int = 64) -> Deployment:
    """A deployment of one to `most` replicas, one for every `at_once` calls under way. A call to those that hold models
    or indexes is a batch already, so few of them make a queue."""
    scaling = {
        "min_replicas": 1,
        "max_replicas": most,
        "target_ongoing_requests": at_once,
        "downscale_delay_s": 300,
    }
    return serve.deployment(
        name=name,
        autoscaling_config=scaling,
        max_ongoing_requests=most_at_once,
        ray_actor_options={"num_cpus": 0.1},
        logging_config=_QUIET,
    )(cls)


def __getattr__(name: str) -> Any:
    """`serve_app:app`, built when it is asked for and not on import."""
    if name == "app":
        return build(Settings.from_env())
    raise AttributeError(name)
