"""The definition store in memory: the same contract. Nothing survives the process."""

from __future__ import annotations

import hashlib

from events.definitions import Definition, DefinitionLine, Kind, check, conflict


class MemoryDefinitions:
    """DefinitionStore over one list, in which each definition stands at its id less one."""

    def __init__(self) -> None:
        self._log: list[Definition] = []
        self._versions: dict[tuple[str, str, str], list[Definition]] = {}

    async def put(
        self, tenant: str, kind: Kind, name: str, body: bytes, by: str, at_ms: int, *, expected: int | None = None
    ) -> Definition:
        check(tenant, kind, name, by)
        versions = self._versions.get((tenant, kind, name), [])
        newest = versions[-1] if versions else Definition(0, tenant, kind, name, 0, b"", "", 0)
        if newest.body == body:
            return newest
        if expected is not None and expected != newest.version:
            raise conflict(tenant, kind, name, expected, newest.version)
        new = Definition(len(self._log) + 1, tenant, kind, name, newest.version + 1, bytes(body), by, at_ms)
        self._log.append(new)
        self._versions.setdefault((tenant, kind, name), []).append(new)
        return new

    async def since(self, after_id: int, limit: int) -> list[Definition]:
        return self._log[max(after_id, 0) :][:limit]

    async def all_newest(self) -> list[Definition]:
        return sorted(versions[-1] for versions in self._versions.values())

    async def get(self, tenant: str, kind: Kind, name: str, version: int | None = None) -> Definition | None:
        check(tenant, kind, name)
        versions = self._versions.get((tenant, kind, name), [])
        if version is None:
            return versions[-1] if versions else None
        return versions[version - 1] if 0 < version <= len(versions) else None

    async def newest(self, tenant: str, kind: Kind) -> list[Definition]:
        found = [versions[-1] for key, versions in self._versions.items() if key[:2] == (tenant, kind)]
        return sorted(found, key=lambda each: each.name)

    async def history(
        self, tenant: str, kind: Kind, name: str, limit: int, before: int | None = None
    ) -> list[DefinitionLine]:
        check(tenant, kind, name)
        versions = self._versions.get((tenant, kind, name), [])
        older = versions if before is None else versions[: max(before - 1, 0)]
        return [
            DefinitionLine(v.version, v.by, v.recorded_at_ms, len(v.body), hashlib.sha256(v.body).digest())
            for v in reversed(older)
        ][:limit]

    async def close(self) -> None:
        return
