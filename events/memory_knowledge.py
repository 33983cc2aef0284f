"""The knowledge store in memory: the same contract, from nothing but the events. Nothing survives the process."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from events.knowledge_codec import REMOVED, Event, Row, decode, encode_all, type_name
from events.knowledge_spans import Holding, Span, find
from events.knowledge_store import Changes, CitedEntry, HistoryLine, cited
from schemas.errors import InvalidRequest, WrongExpectedVersion


class MemoryKnowledge:
    """KnowledgeStore over lists of events, which are folded whenever a state is asked for."""

    def __init__(self) -> None:
        self._streams: dict[str, list[Row]] = {}
        self._contents: dict[tuple[str, str], dict[int, bytes]] = {}  # digests by revision, of (tenant, entry id)
        self._vectors: dict[tuple[str, bytes], bytes] = {}

    async def append(self, tenant: str, expected: int, events: Sequence[Event]) -> int:
        rows = encode_all(expected, events)
        head = await self.head(tenant)
        if head != expected:
            raise WrongExpectedVersion(
                f"the knowledge of tenant {tenant!r} is at version {head}, not at the expected version {expected}; "
                "reload it and decide again"
            )
        if rows:
            self._number(tenant, rows)
            self._streams.setdefault(tenant, []).extend(rows)
        return expected + len(rows)

    def _number(self, tenant: str, rows: list[Row]) -> None:
        fresh: dict[tuple[str, int], bytes] = {}
        for entry_id, revision, digest in (held for row in rows for held in row.entries):
            known = self._contents.get((tenant, entry_id), {}).get(revision)
            if (known or fresh.setdefault((entry_id, revision), digest)) != digest:
                raise InvalidRequest(f"tenant {tenant!r}: revision {revision} of {entry_id!r} has another content")
        for (entry_id, revision), digest in fresh.items():
            self._contents.setdefault((tenant, entry_id), {})[revision] = digest

    async def revisions(self, tenant: str, digests: Mapping[str, bytes]) -> dict[str, int]:
        numbers = {}
        for entry_id, digest in digests.items():
            known = self._contents.get((tenant, entry_id), {})
            same = [revision for revision, other in known.items() if other == digest]
            numbers[entry_id] = min(same, default=max(known, default=0) + 1)
        return numbers

    async def head(self, tenant: str) -> int:
        return len(self._streams.get(tenant, ()))

    async def heads(self) -> dict[str, int]:
        return {tenant: len(rows) for tenant, rows in self._streams.items()}

    async def tenants(self) -> list[str]:
        return sorted(self._streams)

    async def state(self, tenant: str, version: int) -> dict[str, int]:
        return _state(self._streams.get(tenant, []), version)

    async def changes(self, tenant: str, after: int) -> Changes:
        rows = self._streams.get(tenant, [])
        was, now = _state(rows, after), _state(rows, len(rows))
        return Changes(
            head=len(rows),
            removed=sorted(was.keys() - now.keys()),
            changed={item: version for item, version in sorted(now.items()) if was.get(item) != version},
        )

    async def read(self, tenant: str, versions: Iterable[int]) -> dict[int, Event]:
        rows = self._streams.get(tenant, [])
        return {
            version: decode(tenant, version, rows[version - 1].event_type, rows[version - 1].payload)
            for version in sorted(set(versions))
            if 0 < version <= len(rows)
        }

    async def history(self, tenant: str, limit: int, before: int | None = None) -> list[HistoryLine]:
        rows = self._streams.get(tenant, [])
        newest = len(rows) if before is None else min(before - 1, len(rows))
        return [self._line(rows, version) for version in range(newest, max(newest - limit, 0), -1)]

    def _line(self, rows: list[Row], version: int) -> HistoryLine:
        row = rows[version - 1]
        title = row.title
        if row.event_type == REMOVED and (held := _state(rows, version - 1).get(row.item)):
            title = rows[held - 1].title
        return HistoryLine(
            version, type_name(row.event_type), row.recorded_at_ms, row.author, row.item, title, row.to_version
        )

    async def version_at(self, tenant: str, at_ms: int) -> int:
        rows = self._streams.get(tenant, [])
        return max((version for version, row in enumerate(rows, 1) if row.recorded_at_ms <= at_ms), default=0)

    async def entry(self, tenant: str, entry_id: str, revision: int | None = None) -> CitedEntry | None:
        found = find(_holdings(self._streams.get(tenant, []), entry_id), revision)
        if found is None:
            return None
        events = await self.read(tenant, [found.version])
        return cited(tenant, events[found.version], entry_id, found)

    async def holders(self, tenant: str, entry_ids: Collection[str]) -> dict[str, str]:
        rows = self._streams.get(tenant, [])
        wanted, holders = set(entry_ids), dict[str, str]()
        for item, version in sorted(_state(rows, len(rows)).items()):
            for one in rows[version - 1].entries:
                if one.entry_id in wanted:
                    holders.setdefault(one.entry_id, item)
        return holders

    async def vectors(self, model: str, digests: Collection[bytes]) -> dict[bytes, bytes]:
        return {digest: self._vectors[model, digest] for digest in digests if (model, digest) in self._vectors}

    async def save_vectors(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        for digest, vector in vectors.items():
            self._vectors.setdefault((model, digest), vector)

    async def close(self) -> None:
        return


def _state(rows: list[Row], version: int) -> dict[str, int]:
    """What is known in a version: from there back to its last rollback, from the target of that one back, and so on."""
    stretches: list[range] = []
    at = end = min(version, len(rows))
    while at > 0:
        target = rows[at - 1].to_version
        if target is None:
            at -= 1
        else:
            stretches.append(range(at + 1, end + 1))
            at = end = target
    stretches.append(range(1, end + 1))
    known: dict[str, int] = {}
    for stretch in reversed(stretches):
        for changed in stretch:
            _apply(known, rows[changed - 1], changed)
    return known


def _apply(known: dict[str, int], row: Row, version: int) -> None:
    if row.event_type == REMOVED:
        known.pop(row.item, None)
    else:
        known[row.item] = version


def _holdings(rows: list[Row], entry_id: str) -> Iterator[Holding]:
    """One for each version in which a document held the entry."""
    revisions = {at: one.revision for at, row in enumerate(rows, 1) for one in row.entries if one.entry_id == entry_id}
    items = {rows[at - 1].item for at in revisions}
    known: dict[str, int] = {}
    for at, row in enumerate(rows, 1):
        if row.to_version is not None:
            known = _state(rows, row.to_version)
        else:
            _apply(known, row, at)
        for version in revisions.keys() & {known.get(item) for item in items}:
            yield Holding(revisions[version], version, Span(at, at + 1 if at < len(rows) else None))
