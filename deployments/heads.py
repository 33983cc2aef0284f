"""Which knowledge version every tenant is at, as a session host knows it: a moment old, and read without I/O."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from schemas.errors import StoreUnavailable

POLL_S = 0.2

_log = logging.getLogger("kefu.host")


class HeadsSource(Protocol):
    """Such as a KnowledgeStore."""

    async def heads(self) -> dict[str, int]:
        """The newest version of every tenant that has one. Raises StoreUnavailable."""


class Heads:
    """Polls once it has been asked for the first time. While the log is away, what is known goes on to count."""

    def __init__(self, source: HeadsSource) -> None:
        self._source = source
        self._known: Mapping[str, int] | None = None
        self._polling: asyncio.Task[None] | None = None

    def version(self, tenant: str) -> int | None:
        """The tenant's newest version, 0 if it has none; None before anything is known."""
        if self._polling is None or self._polling.done():
            self._polling = asyncio.get_running_loop().create_task(self._poll_forever())
        return None if self._known is None else self._known.get(tenant, 0)

    async def _poll_forever(self) -> None:
        while True:
            try:
                self._known = await self._source.heads()
            except StoreUnavailable as error:
                _log.debug("knowledge versions stay as they are known: %s", error)
            await asyncio.sleep(POLL_S)
