"""The follower and the retrieval over it, without Ray: what is appended is found, each tenant's own, whatever fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kit.knowledge import added, confirmed, entry, removed, revised, rolled_back
from kit.letters import Floats, Letters
from kit.server import until

from events.memory_knowledge import MemoryKnowledge
from knowledge.asking import Search
from knowledge.following import Follower
from knowledge.found import Found
from knowledge.past import Past
from knowledge.retrieval import Retrieval
from schemas.answers import Question
from schemas.errors import StoreUnavailable

pytestmark = pytest.mark.timeout(30)


class Store(MemoryKnowledge):
    """Fails as long as it is told to, and counts states read."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.states = 0

    async def heads(self) -> dict[str, int]:
        if self.away:
            raise StoreUnavailable("away")
        return await super().heads()

    async def state(self, tenant: str, version: int) -> dict[str, int]:
        self.states += 1
        return await super().state(tenant, version)


class Encoder(Letters):
    """Fails for texts with a word in `refused`; waits where `gate` is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = "\0"
        self.gate = threading.Event()
        self.gate.set()
        self.failures = 0

    def encode(self, texts: list[str]) -> Floats:
        self.gate.wait(10)
        if any(self.refused in text for text in texts):
            self.failures += 1
            raise RuntimeError("refused")
        return super().encode(texts)


class World:
    def __init__(self) -> None:
        self.store = Store()
        self.encoder = Encoder()
        self.follower = Follower(self.store, self.encoder)
        self.past = Past(self.store, self.encoder)
        self.retrieval = Retrieval(self.follower, self.past, self._embed)

    async def _embed(self, texts: list[str]) -> Floats:
        return Letters().encode(texts)

    async def append(self, tenant: str, *events: Any) -> int:
        return await self.store.append(tenant, await self.store.head(tenant), events)

    async def search(self, *questions: tuple[str, str], version: int | None = None) -> list[Found]:
        asked = tuple(Question(tenant, text) for tenant, text in questions)
        return await self.retrieval.search(Search(asked, 5, version=version))

    async def answers(self, tenant: str, version: int | None = None) -> tuple[int, list[str]]:
        (found,) = await self.search((tenant, "what of x?"), version=version)
        return found.version, sorted(f"{hit.id}: {hit.answer}" for hit in found.hits)

    async def reaches(self, tenant: str, version: int) -> None:
        async with asyncio.timeout(10):
            while (await self.search((tenant, "x")))[0].version != version:
                await asyncio.sleep(0.005)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    following = asyncio.create_task(world.follower.follow_forever())
    yield world
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    world.follower.close()


async def test_what_changes_is_found_at_once(world: World) -> None:
    await world.append("a", added("d", entry("x", "one"), entry("y", "two")))
    await world.reaches("a", 1)
    assert await world.answers("a") == (1, ["x: one", "y: two"])
    await world.append("a", revised("d", entry("x", "other", 2)))
    await world.reaches("a", 2)
    assert await world.answers("a") == (2, ["x: other"])
    await world.append("a", removed("d"), added("e", entry("z", "three")))
    await world.reaches("a", 4)
    assert await world.answers("a") == (4, ["z: three"])
    await world.append("a", rolled_back(1))
    await world.reaches("a", 5)
    assert await world.answers("a") == (5, ["x: one", "y: two"])


async def test_a_confirmed_question_is_the_entrys_own(world: World) -> None:
    await world.append("a", added("d", entry("x"), entry("y")), confirmed("y", "gimme"))
    await world.reaches("a", 2)
    (found,) = await world.search(("a", "Gimme!"))
    assert (found.hits[0].id, found.hits[0].exact) == ("y", True)


async def test_tenants_never_mix_in_one_batch(world: World) -> None:
    for tenant in ("a", "b"):
        await world.append(tenant, added("d", entry("x", f"of {tenant}"), entry(f"only-{tenant}", f"of {tenant}")))
    await world.append("b", added("e", entry("more", "of b")))
    await world.reaches("a", 1)
    await world.reaches("b", 2)
    asked = [("a", "what of x?"), ("b", "what of x?"), ("nobody", "x"), ("a", "what of only-b?"), ("b", "only-a")]
    found = await world.search(*asked)
    assert [each.version for each in found] == [1, 2, 0, 1, 2]
    assert (found[2].hits, found[2].confidence.first, found[2].confidence.among_three) == ((), 0, 0)
    for (tenant, _), each in zip(asked, found, strict=True):
        assert {hit.answer for hit in each.hits} <= {f"of {tenant}"}
    assert found[0].hits[0].id == found[1].hits[0].id == "x"


async def test_ready_when_loaded_and_learnt() -> None:
    world = World()
    await world.append("a", added("d", entry("x")))
    waiting = asyncio.create_task(world.follower.ready("a"))
    await asyncio.sleep(0.05)
    assert not waiting.done()  # nobody has looked yet
    world.encoder.gate.clear()
    await world.follower.poll()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    world.encoder.gate.set()
    await asyncio.wait_for(waiting, 10)
    assert not (await world.search(("a", "x")))[0].learning
    await asyncio.wait_for(world.follower.ready("knows nothing"), 10)
    world.follower.close()


async def test_what_is_being_learnt_is_marked(world: World) -> None:
    await world.append("a", added("d", entry("x")))
    await world.reaches("a", 1)
    await world.follower.ready("a")
    world.encoder.gate.clear()
    await world.append("a", added("e", entry("y")))
    await until(lambda: world.follower.learning("a"), "the second document is being indexed")
    (found,) = await world.search(("a", "x"))
    assert (found.version, found.learning) == (1, True)
    world.encoder.gate.set()
    await world.reaches("a", 2)
    await until(lambda: not world.follower.learning("a"), "it is learnt")


async def test_a_tenant_that_fails_keeps_what_it_knew_and_stops_nobody(world: World) -> None:
    for tenant in ("a", "b"):
        await world.append(tenant, added("d", entry("x", "before")))
        await world.reaches(tenant, 1)
    world.encoder.refused = "poison"
    await world.append("a", added("p", entry("p", "poison")), revised("d", entry("x", "after", 2)))
    await until(lambda: world.encoder.failures, "the encoder refused")
    await world.append("b", revised("d", entry("x", "after", 2)))
    await world.reaches("b", 2)
    assert await world.answers("b") == (2, ["x: after"])
    assert await world.answers("a") == (1, ["x: before"])
    world.encoder.refused = "\0"
    await world.reaches("a", 3)
    assert await world.answers("a") == (3, ["p: poison", "x: after"])


async def test_an_outage_of_the_log_is_waited_out(world: World) -> None:
    await world.append("a", added("d", entry("x", "before")))
    await world.reaches("a", 1)
    world.store.away = True
    await world.append("a", revised("d", entry("x", "after", 2)))
    await asyncio.sleep(0.3)
    assert await world.answers("a") == (1, ["x: before"])
    world.store.away = False
    await world.reaches("a", 2)


async def test_a_log_restored_from_a_backup_is_read_anew(world: World) -> None:
    await world.append("a", added("d", entry("x", "one")), added("e", entry("y", "lost")))
    await world.append("gone", added("d", entry("x")))
    await world.reaches("a", 2)
    await world.reaches("gone", 1)
    world.store._streams = {"a": world.store._streams["a"][:1]}
    await world.reaches("a", 1)
    assert await world.answers("a") == (1, ["x: one"])
    await world.reaches("gone", 0)


async def test_earlier_versions_are_searched_the_same_way(world: World) -> None:
    await world.append("a", added("d", entry("x", "one")), revised("d", entry("x", "two", 2)), removed("d"))
    await world.append("b", added("d", entry("x", "of b")))
    await world.reaches("a", 3)
    await world.reaches("b", 1)
    assert await world.answers("a") == (3, [])
    assert [await world.answers("a", version) for version in (0, 1, 2, 3)] == [
        (0, []),
        (1, ["x: one"]),
        (2, ["x: two"]),
        (3, []),
    ]
    (found,) = await world.search(("a", "what of x?"), version=1)
    assert (found.hits[0].revision, found.hits[0].exact, found.learning) == (1, True, False)


async def test_an_earlier_version_is_built_once_and_two_are_kept(world: World) -> None:
    await world.append("a", *(added(f"d{number}", entry(f"e{number}")) for number in range(4)))
    await world.reaches("a", 4)
    await asyncio.gather(*(world.answers("a", 1) for _ in range(5)))
    assert world.store.states == 1
    for version in (2, 1, 3):  # 1 was asked for after 2, so 2 is the one to be forgotten
        await world.answers("a", version)
    assert world.store.states == 3
    await world.answers("a", 1)
    assert world.store.states == 3
    await world.answers("a", 2)
    assert world.store.states == 4


async def test_an_earlier_version_that_could_not_be_built_is_tried_again(world: World) -> None:
    await world.append("a", added("d", entry("x", "poison")), removed("d"))
    await world.reaches("a", 2)
    world.encoder.refused = "poison"
    with pytest.raises(RuntimeError, match="refused"):
        await world.answers("a", 1)
    world.encoder.refused = "\0"
    assert await world.answers("a", 1) == (1, ["x: poison"])
