"""Snapshots between starts: a replica goes on from the last one, if it is of this log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kit.knowledge import added, entry, removed
from kit.letters import Floats, Letters
from kit.server import until

from events.memory_knowledge import MemoryKnowledge
from knowledge.background import BACKGROUND
from knowledge.following import Follower
from knowledge.live import LiveKnowledge
from knowledge.shelf import Shelf

pytestmark = pytest.mark.timeout(30)


class Counting(Letters):
    """Knows what it was asked to embed, but for the background."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode(self, texts: list[str]) -> Floats:
        self.texts += [text for text in texts if text not in BACKGROUND]
        return super().encode(texts)


@asynccontextmanager
async def replica(store: MemoryKnowledge, encoder: Counting, folder: Path) -> AsyncIterator[LiveKnowledge]:
    follower = Follower(store, encoder, Shelf(folder))
    following = asyncio.create_task(follower.follow_forever())
    await follower.ready("acme")
    live = await follower.live("acme")
    assert live is not None
    try:
        yield live
    finally:
        following.cancel()
        follower.close()


async def filled(folder: Path) -> MemoryKnowledge:
    """A log with two documents, and a snapshot of it."""
    store = MemoryKnowledge()
    await store.append("acme", 0, [added("a", entry("a1", "one")), added("b", entry("b1", "two"))])
    async with replica(store, Counting(), folder):
        await until(lambda: [*folder.glob("*/mark")], "a snapshot")
    return store


def ids(live: LiveKnowledge) -> set[str]:
    (found,) = live.search(["what"], Letters().encode(["what"]), 10)
    return {hit.id for hit in found.hits}


async def test_a_restart_embeds_nothing_again_and_follows_what_came_since(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    await store.append("acme", 2, [added("c", entry("c1", "three")), removed("a")])
    encoder = Counting()
    async with replica(store, encoder, tmp_path) as live:
        assert live.version == 4
        assert ids(live) == {"b1", "c1"}
    assert encoder.texts and not any("two" in text or "b1" in text for text in encoder.texts)


async def test_a_snapshot_of_another_log_is_not_used(tmp_path: Path) -> None:
    await filled(tmp_path)
    other = MemoryKnowledge()
    await other.append("acme", 0, [added("x", entry("x1", "ten")), added("y", entry("y1", "six"))])
    async with replica(other, Counting(), tmp_path) as live:
        assert ids(live) == {"x1", "y1"}


async def test_a_snapshot_beyond_the_log_or_damaged_is_not_used(tmp_path: Path) -> None:
    store = await filled(tmp_path)
    shorter = MemoryKnowledge()
    await shorter.append("acme", 0, [added("a", entry("a1", "one"))])
    async with replica(shorter, Counting(), tmp_path) as live:
        assert (live.version, ids(live)) == (1, {"a1"})
    for manifest in tmp_path.glob("*/snapshot/manifest.json"):
        manifest.write_bytes(b"{")
    async with replica(store, Counting(), tmp_path) as live:
        assert ids(live) == {"a1", "b1"}
