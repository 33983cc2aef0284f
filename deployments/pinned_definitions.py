"""Definitions in a version that somebody holds on to: each is fetched and compiled once, and never changes."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import Any

from deployments.compilers import Compilers
from events.definitions import DefinitionStore, Kind
from schemas.errors import InvalidDefinition, NotFound

KEPT = 512

_log = logging.getLogger("kefu.definitions")

_Key = tuple[str, Kind, str, int]


class Pinned:
    """Keeps the `kept` that were asked for last, also those that turned out not to be readable."""

    def __init__(self, store: DefinitionStore, compilers: Compilers, kept: int = KEPT) -> None:
        self._store = store
        self._compilers = compilers
        self._kept = kept
        self._cache: OrderedDict[_Key, Any] = OrderedDict()
        self._coming: dict[_Key, asyncio.Task[Any]] = {}

    async def get(self, tenant: str, kind: Kind, name: str, version: int) -> Any:
        """Raises NotFound if there is no such version, InvalidDefinition if it cannot be read, StoreUnavailable.

        Version 0 is the default of the kind, and so is one that says that it was removed.
        """
        key = (tenant, kind, name, version)
        if key in self._cache:
            self._cache.move_to_end(key)
            found = self._cache[key]
        else:
            # A task of its own: whoever asked first may leave while others wait for the same.
            if key not in self._coming:
                task = asyncio.get_running_loop().create_task(self._fetch(key))
                self._coming[key] = task
                task.add_done_callback(lambda done: self._arrived(key, done))
            found = await asyncio.shield(self._coming[key])
        if found is None and kind == "flow":
            raise NotFound(f"flow {name!r} of tenant {tenant!r} has no content in version {version}")
        if isinstance(found, InvalidDefinition):
            raise InvalidDefinition(found.detail)
        return found

    async def _fetch(self, key: _Key) -> Any:
        tenant, kind, name, version = key
        body = b""
        if version != 0:
            definition = await self._store.get(tenant, kind, name, version)
            if definition is None:
                raise NotFound(f"{kind} {name!r} of tenant {tenant!r} has no version {version}")
            body = definition.body
        try:
            return await asyncio.to_thread(self._compilers.compile, kind, body)
        except InvalidDefinition as error:
            return error
        except Exception as error:  # a reader's defect is met again with every try: the sessions go on without it
            _log.exception("the reader of a %s failed on %r of tenant %r, version %d", kind, name, tenant, version)
            return InvalidDefinition(
                f"{kind} {name!r} of tenant {tenant!r} cannot be read in version {version} ({type(error).__name__}); "
                "put it again, changed"
            )

    def _arrived(self, key: _Key, done: asyncio.Task[Any]) -> None:
        del self._coming[key]
        if done.cancelled() or done.exception() is not None:  # asked for, so that it counts as seen
            return
        self._cache[key] = done.result()
        while len(self._cache) > self._kept:
            self._cache.popitem(last=False)
