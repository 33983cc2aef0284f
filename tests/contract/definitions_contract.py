"""What every DefinitionStore does, sentence by sentence of the protocol in events/definitions.py.

A store joins with a subclass that has a fixture `store`, which may hold tenants other than those of
`tenant`; see test_memory_definitions.py.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
from collections import defaultdict

import pytest
from kit.knowledge import fresh_tenant

from events.definitions import KINDS, Definition, DefinitionLine, DefinitionStore, Kind
from schemas.errors import InvalidRequest, WrongExpectedVersion

FORMS = [b"a: 1\n", "问候: 您好 🙂\n".encode(), b"crlf: 1\r\n", b"\x00\xff not utf-8", b"x" * 262_144]


async def end_of(store: DefinitionStore) -> int:
    return max((each.id for each in await store.all_newest()), default=0)


class Tenant:
    @pytest.fixture
    def tenant(self) -> str:
        """One that no other test writes to."""
        return fresh_tenant()


class PutContract(Tenant):
    @pytest.mark.parametrize("body", FORMS, ids=range(len(FORMS)))
    async def test_what_was_put_is_read_back_byte_by_byte(
        self, store: DefinitionStore, tenant: str, body: bytes
    ) -> None:
        put = await store.put(tenant, "flow", "refund", body, "王芳", 1_700_000_000_123)
        assert put == Definition(put.id, tenant, "flow", "refund", 1, body, "王芳", 1_700_000_000_123)
        assert await store.get(tenant, "flow", "refund") == put
        assert await store.get(tenant, "flow", "refund", 1) == put

    async def test_versions_count_by_tenant_kind_and_name(self, store: DefinitionStore, tenant: str) -> None:
        places: list[tuple[str, Kind, str]] = [
            (tenant, "routes", ""), (tenant, "flow", "a"), (tenant, "flow", "b"), (fresh_tenant(), "routes", ""),
        ]  # fmt: skip
        for version in (1, 2, 3):
            for place in places:
                assert (await store.put(*place, b"%d" % version, "me", version)).version == version

    async def test_an_unchanged_body_writes_nothing(self, store: DefinitionStore, tenant: str) -> None:
        first = await store.put(tenant, "tools", "", b"same", "me", 1)
        for expected in (None, 0, 1, 7):
            assert await store.put(tenant, "tools", "", b"same", "you", 2, expected=expected) == first
        assert await store.since(first.id, 10) == []

    async def test_a_body_may_come_back(self, store: DefinitionStore, tenant: str) -> None:
        for body in (b"a", b"b", b"a"):
            newest = await store.put(tenant, "tools", "", body, "me", 1)
        assert (newest.version, newest.body) == (3, b"a")

    @pytest.mark.parametrize("expected", [-1, 0, 1, 3, 100])
    async def test_another_expected_version_writes_nothing(
        self, store: DefinitionStore, tenant: str, expected: int
    ) -> None:
        await store.put(tenant, "routes", "", b"1", "me", 1, expected=0)
        second = await store.put(tenant, "routes", "", b"2", "me", 1, expected=1)
        with pytest.raises(WrongExpectedVersion, match=f"'{tenant}'.* 2, not the expected {expected}"):
            await store.put(tenant, "routes", "", b"3", "me", 1, expected=expected)
        assert await store.get(tenant, "routes", "") == second
        assert (await store.put(tenant, "routes", "", b"3", "me", 1, expected=2)).version == 3

    async def test_of_concurrent_writers_with_one_expectation_one_wins(
        self, store: DefinitionStore, tenant: str
    ) -> None:
        outcomes = await asyncio.gather(
            *(store.put(tenant, "routes", "", b"%d" % n, "me", 1, expected=0) for n in range(12)),
            return_exceptions=True,
        )
        assert sum(isinstance(each, WrongExpectedVersion) for each in outcomes) == 11
        (winner,) = (each for each in outcomes if isinstance(each, Definition))
        assert await store.get(tenant, "routes", "") == winner

    async def test_removing_and_coming_back(self, store: DefinitionStore, tenant: str) -> None:
        nothing = await store.put(tenant, "flow", "a", b"", "me", 1)
        assert (nothing.id, nothing.version, nothing.removed) == (0, 0, True)
        assert await store.get(tenant, "flow", "a") is None
        await store.put(tenant, "flow", "a", b"1", "me", 1)
        removed = await store.put(tenant, "flow", "a", b"", "me", 2, expected=1)
        assert (removed.version, removed.removed) == (2, True)
        assert await store.put(tenant, "flow", "a", b"", "you", 3) == removed
        assert await store.get(tenant, "flow", "a") == removed
        again = await store.put(tenant, "flow", "a", b"1", "me", 4, expected=2)
        assert (again.version, again.removed) == (3, False)

    @pytest.mark.parametrize(
        ("kind", "name", "by", "says"),
        [
            ("flows", "a", "me", "'flows' is no kind"),
            ("flow", "", "me", "a flow has a name"),
            ("routes", "a", "me", "a flow has a name"),
            ("flow", "a\0b", "me", "name"),
            ("flow", "a" * 129, "me", "name"),
            ("flow", "\ud800", "me", "name"),
            ("flow", "a", "", "author"),
            ("flow", "a", "me\n", "author"),
        ],
    )
    async def test_names_that_none_can_have(
        self, store: DefinitionStore, tenant: str, kind: Kind, name: str, by: str, says: str
    ) -> None:
        with pytest.raises(InvalidRequest, match=says):
            await store.put(tenant, kind, name, b"1", by, 1)
        with pytest.raises(InvalidRequest, match="tenant"):
            await store.put("", "routes", "", b"1", "me", 1)


class ReadContract(Tenant):
    async def test_what_there_is_not(self, store: DefinitionStore, tenant: str) -> None:
        assert await store.get(tenant, "routes", "") is None
        assert await store.newest(tenant, "flow") == []
        assert await store.history(tenant, "routes", "", 10) == []
        await store.put(tenant, "routes", "", b"1", "me", 1)
        assert [await store.get(tenant, "routes", "", version) for version in (-1, 0, 2)] == [None] * 3

    async def test_the_newest_of_each_name(self, store: DefinitionStore, tenant: str) -> None:
        for name, body in [("b", b"1"), ("a-2", b"1"), ("退款", b"1"), ("b", b"2"), ("B", b"1"), ("a-2", b"")]:
            await store.put(tenant, "flow", name, body, "me", 1)
        await store.put(tenant, "tools", "", b"1", "me", 1)
        newest = await store.newest(tenant, "flow")
        assert [(each.name, each.version, each.body) for each in newest] == [
            ("B", 1, b"1"), ("a-2", 2, b""), ("b", 2, b"2"), ("退款", 1, b"1"),
        ]  # fmt: skip

    async def test_history(self, store: DefinitionStore, tenant: str) -> None:
        bodies = [b"1", b"22", b"", b"4444", b"55555"]
        for at, body in enumerate(bodies, 1):
            await store.put(tenant, "flow", "a", body, f"user {at}", at * 1000)
        await store.put(tenant, "flow", "b", b"1", "me", 1)
        lines = [
            DefinitionLine(at, f"user {at}", at * 1000, len(body), hashlib.sha256(body).digest())
            for at, body in enumerate(bodies, 1)
        ][::-1]
        assert await store.history(tenant, "flow", "a", 10) == lines
        assert await store.history(tenant, "flow", "a", 2) == lines[:2]
        assert await store.history(tenant, "flow", "a", 2, before=4) == lines[2:4]
        assert await store.history(tenant, "flow", "a", 10, before=1) == []
        assert await store.history(tenant, "flow", "a", 10, before=100) == lines
        assert await store.history(tenant, "flow", "a", 0) == []


class FollowContract(Tenant):
    async def test_since_in_order_and_in_pages(self, store: DefinitionStore, tenant: str) -> None:
        before = await end_of(store)
        put = [await store.put(tenant, "flow", f"f{n % 3}", b"%d" % n, "me", n) for n in range(10)]
        assert [each.id for each in put] == sorted({each.id for each in put})
        assert await store.since(before, 100) == put
        assert await store.since(before, 4) == put[:4]
        assert await store.since(put[3].id, 4) == put[4:8]
        assert await store.since(put[-1].id, 4) == []
        assert await store.since(before, 0) == []

    async def test_all_newest_is_where_since_goes_on(self, store: DefinitionStore, tenant: str) -> None:
        other = fresh_tenant()
        for of, kind, name, body in itertools.product((tenant, other), KINDS, ("a", "b"), (b"1", b"2")):
            await store.put(of, kind, name if kind == "flow" else "", body + name.encode(), "me", 1)
        await store.put(tenant, "flow", "a", b"", "me", 1)
        newest = await store.all_newest()
        assert newest == sorted(newest)
        mine = {(each.tenant, each.kind, each.name): each for each in newest if each.tenant in (tenant, other)}
        assert len(mine) == sum(each.tenant in (tenant, other) for each in newest) == 10
        for place, each in mine.items():
            assert await store.get(*place) == each
        assert mine[tenant, "flow", "a"].removed
        assert await store.since(newest[-1].id, 10) == []

    async def test_a_follower_misses_none_of_20_writers(self, store: DefinitionStore) -> None:
        """Each writes to a tenant of its own and to one that all share, in a random order, some of it unchanged."""
        last, shared, chance = await end_of(store), fresh_tenant(), random.Random(20)
        written: dict[int, Definition] = {}
        followed: list[Definition] = []

        async def write(n: int, own: str) -> None:
            for step in range(10):
                to = chance.choice([own, shared])
                body = chance.choice([b"", b"1", b"2", f"{n} {step}".encode()])
                put = await store.put(to, "flow", chance.choice("abc"), body, f"writer {n}", step)
                if put.id:
                    written[put.id] = put

        async def follow(writing: asyncio.Future[list[None]]) -> None:
            nonlocal last
            while True:
                over = writing.done()
                while found := await store.since(last, 7):
                    followed.extend(found)
                    last = found[-1].id
                if over:
                    return
                await asyncio.sleep(0)

        writing = asyncio.gather(*(write(n, fresh_tenant()) for n in range(20)))
        await asyncio.gather(follow(writing), writing)
        assert len(followed) > 50
        assert [each.id for each in followed] == sorted(written)
        assert followed == [written[id] for id in sorted(written)]
        versions: dict[tuple[str, str], list[int]] = defaultdict(list)
        for each in followed:
            versions[each.tenant, each.name].append(each.version)
        assert all(found == [*range(1, len(found) + 1)] for found in versions.values())


class DefinitionsContract(PutContract, ReadContract, FollowContract):
    """Everything above."""
