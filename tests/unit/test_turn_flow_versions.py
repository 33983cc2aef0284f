"""Sessions in mid-flow when a newer version of the flow comes, or the flow goes."""

from __future__ import annotations

import pytest
from flow_world import KNOWN, REFUND, World, greet

from flows.definition import Flow
from schemas.events_pb2 import EscalationRequested, FlowMoved
from schemas.tools import ToolOutcome, ToolRequest

pytestmark = pytest.mark.timeout(30)


async def test_a_session_stays_on_the_version_on_which_it_began() -> None:
    world = World()
    assert (await world.say("greet me"))["text"] == "v1: your name?"
    world.rules.put("greet", 2, greet(2))
    world.actor = world.another()
    assert (await world.say("Ada"))["text"] == "v1: bye Ada"
    assert {event.version for event in await world.log(FlowMoved)} == {1}
    assert (await world.say("greet me"))["text"] == "v2: your name?"


async def test_a_session_moves_to_a_newer_version_that_says_so() -> None:
    world = World()
    await world.say("greet me")
    world.rules.put("greet", 2, greet(2, "migrate: {from: [1], states: {name: who}}", "who"))
    assert (await world.say("Ada"))["text"] == "v2: bye Ada"
    (_, moved) = await world.log(FlowMoved)
    assert moved.version == 2
    assert moved.moves[0].cause == "migrate"
    await world.agrees()


async def test_a_rule_for_other_versions_moves_nobody() -> None:
    world = World()
    await world.say("greet me")
    world.rules.put("greet", 3, greet(3, "migrate: {from: [2]}"))
    assert (await world.say("Ada"))["text"] == "v1: bye Ada"


async def test_who_migrates_asks_knowledge_and_goes_on_in_the_new_version() -> None:
    """A digression in the very turn of the move: the flow is heard twice, both times in the new version."""
    world = World()
    await world.say("refund, please")
    world.rules.put("refund", 2, REFUND.replace('en: "Which order?"', 'en: "v2: which?"') + 'migrate: {from: "*"}\n')
    assert (await world.say("how long?"))["text"] == f"{KNOWN.text}\n\nv2: which?"
    assert [event.version for event in await world.log(FlowMoved)] == [1, 2, 2]


async def test_a_flow_that_was_removed_is_finished_by_those_who_are_in_it() -> None:
    world = World()
    await world.say("greet me")
    removed = world.rules.flows.pop(("greet", 1))

    async def kept(tenant: str, flow: str, version: int) -> Flow | None:
        return removed

    world.rules.flow = kept  # type: ignore[method-assign]
    assert (await world.say("Ada"))["text"] == "v1: bye Ada"
    assert (await world.say("greet me"))["text"] == "re: greet me"


async def test_a_flow_that_cannot_be_read_any_more_is_a_persons_matter() -> None:
    world = World()
    await world.say("greet me")
    del world.rules.flows["greet", 1]
    reply = await world.say("Ada")
    assert reply["kind"] == "escalated"
    (escalation,) = await world.log(EscalationRequested)
    assert "greet" in escalation.reason and "cannot be read" in escalation.reason
    assert world.actor.state is not None and world.actor.state.flow is None
    await world.agrees()
    assert (await world.say("how long?"))["text"] == KNOWN.text


async def test_a_version_that_lost_the_sessions_state_is_a_persons_matter() -> None:
    world = World()
    await world.say("greet me")
    world.rules.put("greet", 1, greet(1, name="elsewhere"))  # a store that broke its word
    assert (await world.say("Ada"))["kind"] == "escalated"


async def test_a_newer_version_in_mid_turn_waits_for_the_next_turn() -> None:
    world = World()
    migrating = REFUND.replace("One moment.", "v2") + 'migrate: {from: "*"}\n'

    async def call(request: ToolRequest) -> ToolOutcome:
        world.rules.put("refund", 2, migrating)
        return ToolOutcome("ok", '{"total": 5}')

    world.tools.call = call  # type: ignore[method-assign]
    await world.say("refund, please")
    assert (await world.say("KF-7"))["text"] == "Why?"
    assert (await world.say("Broken"))["text"].startswith("v2")
