"""Definitions from files: what changes in a folder becomes a new version while Kefu runs, if it can be used."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from deployments.compilers import Compilers
from deployments.definition_checks import DefinitionChecks
from events.definitions import MAX_BODY, Definition, DefinitionStore, Kind
from schemas.errors import InvalidDefinition, KefuError, StoreUnavailable, WrongExpectedVersion

SETTLE_S = 0.1  # a file that changes within this time is still being written
_PAGE = 100
_SHIPPED_BY = "kefu"
# In the order in which they rest on each other: flows call tools, routes name flows.
_SINGLE: tuple[tuple[str, Kind], ...] = (
    ("tools.yaml", "tools"), ("guardrails.yaml", "guardrails"), ("routes.yaml", "routes")
)  # fmt: skip
_ORDER: tuple[Kind, ...] = ("tools", "flow", "guardrails", "routes")

_log = logging.getLogger("kefu.definitions")

_Stamp = tuple[int, int, int, int]  # content and attributes modified (ns), size, inode


class _File(NamedTuple):
    path: Path
    label: str  # below the folder
    kind: Kind
    name: str
    stamp: _Stamp


class DefinitionFiles:
    """Watches `routes.yaml`, `tools.yaml`, `guardrails.yaml` and `flows/<id>.yaml` in `folder` for one tenant.

    A file that cannot be used is logged once, with each line that is wrong, and what is in force stays. So it does
    when a file goes away: editors do that for a moment; a flow is removed by DELETE /v1/flows/{id}. A file that has
    not changed since it was last taken, also by an earlier process, does not undo what was put over HTTP since.
    `clock`: milliseconds since 1970. A `settle_s` after its last change a file counts as written.
    """

    def __init__(
        self,
        folder: Path,
        store: DefinitionStore,
        tenant: str,
        compilers: Compilers,
        clock: Callable[[], int],
        *,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._folder = folder
        self._store = store
        self._tenant = tenant
        self._checks = DefinitionChecks(store, compilers)
        self._clock = clock
        self._settle_s = settle_s
        self._handled: dict[str, _Stamp] = {}  # by label, as the file was when it was last dealt with
        self._digests: dict[str, bytes] = {}  # of what was last taken
        self._refused: dict[str, str] = {}  # what was said of files that cannot be used

    async def scan(self) -> list[Definition]:
        """Takes what has changed since the last scan; returns the versions that it brought about.

        Cheap while nothing changes. While the log is away, the next scan tries again.
        """
        files = await asyncio.to_thread(_find, self._folder)
        changed = [file for file in files if self._handled.get(file.label) != file.stamp]
        if not changed:
            return []
        await asyncio.sleep(self._settle_s)
        taken: list[Definition] = []
        try:
            while True:
                new = [put for file in changed if (put := await self._take(file)) is not None]
                taken += new
                # What was refused may have waited for what has been taken now.
                changed = [file for file in files if file.label in self._refused] if new else []
                if not changed:
                    return taken
        except StoreUnavailable as error:
            _log.debug("definition files wait for the log: %s", error)
            return taken

    async def _take(self, file: _File) -> Definition | None:
        """The new version, if it became one. A file that is still being written is left to the next scan."""
        try:
            body = await asyncio.to_thread(_read, file)
            if body is None:
                return None
            put = await self._put(file, body)
        except StoreUnavailable:
            raise
        except (KefuError, OSError) as error:
            self._refuse(file, error.detail if isinstance(error, KefuError) else f"cannot be read: {error}", None)
            return None
        except Exception as error:  # a reader's defect must not keep the other files from being taken
            self._refuse(file, f"cannot be used, by a defect: {error!r}", error)
            return None
        self._handled[file.label] = file.stamp
        self._refused.pop(file.label, None)
        return put

    async def _put(self, file: _File, body: bytes) -> Definition | None:
        digest = hashlib.sha256(body).digest()
        author = f"file:{file.label}"
        known = self._digests.get(file.label) or await self._taken_before(file, author)
        if digest == known:
            self._digests[file.label] = digest
            return None
        for warning in await self._checks.check(self._tenant, file.kind, file.name, body):
            _log.warning("%s: %s", file.label, warning)
        before = await self._store.get(self._tenant, file.kind, file.name)
        put = await self._store.put(self._tenant, file.kind, file.name, body, author, self._clock())
        self._digests[file.label] = digest
        if before is not None and before.version == put.version:
            return None
        _log.info("%s is version %d of %s %s", file.label, put.version, file.kind, file.name)
        return put

    async def _taken_before(self, file: _File, author: str) -> bytes | None:
        """The digest of what was last taken from this file."""
        before: int | None = None
        while True:
            lines = await self._store.history(self._tenant, file.kind, file.name, _PAGE, before)
            for line in lines:
                if line.by == author:
                    return line.digest
            if len(lines) < _PAGE:
                return None
            before = lines[-1].version

    def _refuse(self, file: _File, why: str, defect: Exception | None) -> None:
        if (self._handled.get(file.label), self._refused.get(file.label)) != (file.stamp, why):
            _log.error("%s: what is in force stays, because it cannot be used:\n%s", file.path, why, exc_info=defect)
        self._handled[file.label] = file.stamp
        self._refused[file.label] = why


async def seed(
    store: DefinitionStore, tenant: str, documents: Mapping[tuple[Kind, str], str], at_ms: int
) -> list[Definition]:
    """Stores shipped documents, by kind and name, of those kinds of which the tenant has never had any.

    Returns what was stored. Several processes may do it at once; what an operator removed does not come back.
    """
    put: list[Definition] = []
    for kind in _ORDER:
        if await store.newest(tenant, kind):
            continue
        for (of, name), text in documents.items():
            if of == kind:
                try:
                    put.append(await store.put(tenant, kind, name, text.encode(), _SHIPPED_BY, at_ms, expected=0))
                except WrongExpectedVersion:  # another was quicker
                    continue
    return put


def _find(folder: Path) -> list[_File]:
    """What is there now, in the order in which it is to be taken."""
    found = [_file(path, f"flows/{path.name}", "flow", path.stem) for path in sorted((folder / "flows").glob("*.yaml"))]
    single = [_file(folder / label, label, kind, "") for label, kind in _SINGLE]
    return sorted(_there([*single, *found]), key=lambda file: _ORDER.index(file.kind))


def _there(files: Iterable[_File | None]) -> list[_File]:
    return [file for file in files if file is not None]


def _file(path: Path, label: str, kind: Kind, name: str) -> _File | None:
    stamp = _stamp(path)
    return None if stamp is None else _File(path, label, kind, name, stamp)


def _stamp(path: Path) -> _Stamp | None:
    """None if it is no file (any more)."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino) if path.is_file() else None


def _read(file: _File) -> bytes | None:
    """The content, None if it has changed since it was found. Raises OSError, InvalidDefinition if it is too large."""
    if file.stamp[2] > MAX_BODY:
        raise InvalidDefinition(f"it has {file.stamp[2]:,} bytes, more than {MAX_BODY:,}; shorten it")
    with file.path.open("rb") as opened:
        body = opened.read(MAX_BODY + 1)
    return body if _stamp(file.path) == file.stamp else None
