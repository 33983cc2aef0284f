"""Asking a shadow route what the customer's own route was asked, for the record alone."""

from __future__ import annotations

from contextlib import aclosing

from msgspec import structs

from actors.facts import completed, unanswered
from actors.running import request_of
from actors.runtime import Runtime
from actors.steps import Ask
from schemas.events_pb2 import ModelReplied
from schemas.models import Completion, ModelUnavailable

_LONGEST_MS = 60_000


async def shadow_of(runtime: Runtime, tenant: str, key: str, ask: Ask) -> ModelReplied:
    """What the shadow route made of it."""
    clock = runtime.clock
    request = request_of(ask, tenant, ask.choice.shadow, clock(), clock() + _LONGEST_MS)
    ask = ask._replace(choice=structs.replace(ask.choice, route=ask.choice.shadow))
    event = unanswered(key, ask, (), "", clock())
    try:
        async with aclosing(runtime.models.stream(request)) as stream:
            async for each in stream:
                if isinstance(each, Completion):
                    event = completed(key, ask, each, clock())
    except ModelUnavailable as error:
        event = unanswered(key, ask, error.attempts, error.partial, clock())
    event.shadow = True
    return event
