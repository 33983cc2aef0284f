"""All settings, read once from the environment at the composition root and passed on as one frozen object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, ValidationError, convert

from schemas.errors import ConfigurationError

Placement = Literal["pooled", "dedicated"]
DEMO = "demo"  # the tenant that the demo shop's flows and tools are for


class Settings(Struct, frozen=True):
    """Each field is the environment variable KEFU_<FIELD IN CAPITALS>."""

    # Where the embedded database, models, logs and metrics live.
    home: str = ".kefu"
    # Any Postgres >= 15; the embedded one if empty.
    database_url: str = ""
    # The tenant of callers that name none.
    tenant: str = DEMO
    # A file or folder of documents for that tenant, imported at every start; the shipped shop if it knows nothing.
    knowledge: str = ""
    # Hosts and networks, with commas between, that may be crawled although they are internal.
    crawl_allow: str = ""
    # A folder with routes.yaml, tools.yaml, guardrails.yaml and flows/*.yaml, watched for changes.
    definitions: str = ""
    # A folder with the secrets that providers and tools name, as <tenant>/<name> for tools.
    secrets: str = ""
    # Hosts and networks, with commas between, that tools may call although they are internal.
    tool_allow: str = ""
    # Python modules, with commas between, that tools may call functions of, beside those of the demo shop.
    tool_modules: str = ""
    # A sentence-transformers model, by path or name; the one from the wheel if empty.
    embedding_model: str = ""
    # Pooled hosts in the whole cluster; 0: one for every two cores.
    hosts: int = 0
    # "dedicated" gives every session a Ray actor of its own.
    placement: Placement = "pooled"
    # Sessions that one pooled host keeps in memory.
    capacity: int = 20_000
    # Turns that one host works on at once; more are refused with 503.
    max_turns: int = 4_000
    # An idle session leaves memory after this many seconds.
    idle_s: float = 900.0
    # A turn that is not done by then is answered with 503 (it may still be recorded).
    turn_deadline_s: float = 15.0
    # Record the customer's message before looking for the answer, as a model with a cost would need.
    intent_first: bool = False
    # Ingress replicas, and the most that autoscaling may start.
    ingress: int = 2
    ingress_max: int = 4
    # Open sockets and waiting turns per ingress replica, above which autoscaling adds one.
    ingress_customers: int = 4_000

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Raises ConfigurationError naming the variable and what it should be."""
        known = {f"KEFU_{name.upper()}": name for name in cls.__struct_fields__}
        given: dict[str, Any] = {name: env[variable] for variable, name in known.items() if variable in env}
        try:
            settings = convert(given, cls, strict=False)
        except ValidationError as error:
            # msgspec ends its message with the path of the field: "Expected `int`, got `str` - at `$.capacity`".
            reason, _, field = str(error).partition(" - at `$.")
            name = f"KEFU_{field.rstrip('`').upper()}"
            raise ConfigurationError(f"environment: {name}={env.get(name, '')!r} is wrong: {reason}") from error
        for name in ("capacity", "max_turns", "ingress", "ingress_customers"):
            if getattr(settings, name) < 1:
                raise ConfigurationError(f"environment: KEFU_{name.upper()} must be at least 1")
        return settings

    @property
    def home_dir(self) -> Path:
        return Path(self.home).resolve()

    @property
    def crawl_allowed(self) -> tuple[str, ...]:
        return _listed(self.crawl_allow)

    @property
    def tools_allowed(self) -> tuple[str, ...]:
        return _listed(self.tool_allow)

    @property
    def tools_from(self) -> tuple[str, ...]:
        return _listed(self.tool_modules)

    @property
    def secrets_dir(self) -> Path | None:
        return Path(self.secrets).resolve() if self.secrets else None

    @property
    def metrics_dir(self) -> Path:
        return self.home_dir / "metrics"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())
