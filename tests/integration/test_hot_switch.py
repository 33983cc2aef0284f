"""Day, night and hybrid: routes that change with the clock and while streams run, without breaking one."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any, NamedTuple

import pytest
from kit.actors import FakeClock, runtime, turn
from kit.given import answer
from kit.turns import KnowingAnswerer
from kit.upstream import Reply, Upstream

from actors.actor import SessionActor
from deployments.compilers import compilers
from deployments.definitions import Definitions
from deployments.turn_rules import FollowedRules
from events.codec import decode
from events.memory import MemoryStore
from events.memory_definitions import MemoryDefinitions
from llm.gateway import Gateway
from llm.secrets import Secrets
from schemas.answers import Passage
from schemas.events_pb2 import ModelReplied
from schemas.models import Spent

pytestmark = pytest.mark.timeout(60)

STREAMS = 50
NOON, MIDNIGHT = 1_767_610_800_000, 1_767_654_000_000  # 2026-01-05 12:00 and 2026-01-06 00:00 in Berlin
WORDS = "You can send it back within 30 days and the money is with you soon after that ."

ROUTES = """
zone: Europe/Berlin
providers:
  cloud: {{kind: openai, base_url: "{url}", model: day-model}}
  house: {{kind: openai, base_url: "{url}", model: night-model}}
routes:
  day: {{mode: model, chain: [cloud]}}
  night: {{mode: model, chain: [house]}}
  careful: {{mode: hybrid, chain: [house]}}
rules:
  - {{name: by night, when: {{hours: "20:00-08:00"}}, use: {night}}}
default: day
"""


class World(NamedTuple):
    upstream: Upstream
    store: MemoryStore
    definitions: MemoryDefinitions
    rules: FollowedRules
    gateway: Gateway
    clock: FakeClock
    answerer: KnowingAnswerer

    async def put(self, night: str) -> int:
        """Routes whose night is that route; returns when they are in force here."""
        body = ROUTES.format(url=self.upstream.url, night=night).encode()
        put = await self.definitions.put("acme", "routes", "", body, "test", self.clock())
        async with asyncio.timeout(1):
            while self.rules.version("acme") < put.id:
                await asyncio.sleep(0.01)
        return put.version

    async def say(self, session: str) -> Said:
        made = runtime(self.store, self.answerer, self.clock)
        actor = SessionActor(made._replace(rules=self.rules, models=self.gateway), "acme", session)
        shown: list[str] = []
        request = turn("k", "may I send it back?", session=session, deadline_ms=self.clock() + 30_000)
        reply = json.loads(await actor.take(request, shown.append))
        session_id = await self.store.find("acme", session)
        assert session_id is not None
        events = [decode(session_id, stored) for stored in await self.store.read(session_id)]
        return Said(reply, "".join(shown), [event for event in events if isinstance(event, ModelReplied)])


class Said(NamedTuple):
    reply: dict[str, Any]
    shown: str
    models: list[ModelReplied]

    @property
    def where(self) -> tuple[str, int, str]:
        return self.reply["route"], self.reply["route_version"], self.reply["model"]


async def test_day_night_and_hybrid_under_fifty_streams() -> None:
    slow = Reply(WORDS, first_s=0.05, gap_s=0.03)
    passage = Passage("faq-1", 1, "Returns", WORDS)
    answerer = KnowingAnswerer()
    answerer.known["may I send it back?"] = answer(WORDS, passages=(passage,))
    async with Upstream(slow) as upstream:
        store, definitions, clock = MemoryStore(), MemoryDefinitions(), FakeClock(NOON)
        followed = Definitions(definitions, compilers())
        gateway = Gateway(followed.routes, Secrets({}), clock=clock)
        world = World(
            upstream, store, definitions, FollowedRules(followed, lambda _: Spent()), gateway, clock, answerer
        )
        try:
            first = await world.put("night")
            by_day = [asyncio.ensure_future(world.say(f"day-{n}")) for n in range(STREAMS)]
            await _under_way(upstream, STREAMS)
            clock.now = MIDNIGHT
            by_night = [asyncio.ensure_future(world.say(f"night-{n}")) for n in range(STREAMS)]
            await _under_way(upstream, 2 * STREAMS)
            second = await world.put("careful")
            checked = [asyncio.ensure_future(world.say(f"careful-{n}")) for n in range(STREAMS)]
            groups = [await asyncio.gather(*group) for group in (by_day, by_night, checked)]
        finally:
            await gateway.close()
            await followed.close()

    assert first < second
    expected = [
        ("day", first, "cloud/day-model"),
        ("night", first, "house/night-model"),
        ("careful", second, "house/night-model"),
    ]
    for group, where in zip(groups, expected, strict=True):
        assert Counter(said.where for said in group) == {where: STREAMS}
        assert {said.reply["text"] for said in group} == {WORDS}
        assert {(len(said.models), said.models[0].finish_reason) for said in group} == {(1, "stop")}
    assert {said.shown for said in (*groups[0], *groups[1])} == {WORDS}
    assert {said.shown for said in groups[2]} == {""}  # nothing is shown before it is checked
    assert Counter(asked.body["model"] for asked in upstream.chats) == {"day-model": 50, "night-model": 100}


async def _under_way(upstream: Upstream, count: int) -> None:
    """So many streams have begun, and those asked last are still running."""
    async with asyncio.timeout(10):
        while len(upstream.chats) < count:
            await asyncio.sleep(0.005)
    assert upstream.chats[-1].done_at is None
