"""The gateway: the one way to answers. From knowledge, which always works; from models; and to tools.

Everything that leaves for the outside on behalf of a session leaves from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from ray.serve.handle import DeploymentHandle

from deployments.answering import Answering
from deployments.outside import Outside
from deployments.remote_gateway import Failed, decode_request, decode_tool_request, encode
from schemas.metrics import FLUSH_S, Metrics
from schemas.models import ModelUnavailable
from schemas.settings import Settings


class GatewayDeployment(Answering):
    """A replica. Models and tools are set up when they are first needed: a Kefu without any does without them."""

    def __init__(self, settings: Settings, retriever: DeploymentHandle) -> None:
        super().__init__(retriever)
        self._metrics = Metrics(settings.metrics_dir)
        self._outside = Outside(settings, self._metrics)
        loop = asyncio.get_event_loop()
        self._background = [
            loop.create_task(forever) for forever in (self._flush_forever(), self._outside.keep_warm(settings.tenant))
        ]

    async def stream(self, payload: bytes) -> AsyncIterator[bytes]:
        """A MessagePack ModelRequest to MessagePack Deltas and, at the end, a Completion or Failed."""
        try:
            # Closed here and now when the session leaves, not when it is collected: a model would write on till then.
            async with aclosing(self._outside.models.stream(decode_request(payload))) as events:
                async for event in events:
                    yield encode(event)
        except ModelUnavailable as error:
            yield encode(Failed(error.detail, error.attempts, error.partial))

    async def call_tool(self, payload: bytes) -> bytes:
        """A MessagePack ToolRequest to a ToolOutcome."""
        return encode(await self._outside.tools.call(decode_tool_request(payload)))

    async def reconcile_tool(self, payload: bytes) -> bytes:
        """A MessagePack ToolRequest of a claim whose process died to a ToolOutcome."""
        return encode(await self._outside.tools.reconcile(decode_tool_request(payload)))

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            self._metrics.flush({})
