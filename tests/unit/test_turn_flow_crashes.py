"""A crash at every point of a turn in mid-flow: the turn ends as if there had been none, and nothing is done twice."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from flow_world import CONFIRM, HYBRID, KNOWN, REFUND, World
from kit.actors import Crash
from kit.turns import Says, ScriptedModels

from schemas.events_pb2 import ToolClaimed, ToolReturned, UserMessageReceived
from schemas.models import ModelEvent, ModelRequest

pytestmark = pytest.mark.timeout(30)

Prepare = Callable[[], World]


class Mended(ScriptedModels):
    """Wrong at first, right when it is told so, however often it is asked."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        asked = request.messages[-1].content
        self.says = deque([Says("It takes 60 days." if asked == "how long?" else "You have 30 days.")])
        return super().stream(request)


async def _at(prepare: Prepare, before: tuple[str, ...], *crashes: int, same: bool) -> World:
    """The world after `before`, about to crash at the points of these numbers, one crash after the other."""
    world = prepare()
    for number, text in enumerate(before):
        await world.say(text, f"before-{number}")
    world.probe.passed.clear()
    for crash in crashes:
        world.probe.left = crash
        with pytest.raises(Crash):
            await world.say(_LAST[prepare], "last")
        if not same:
            world.actor = world.another()
    world.probe.left = 0
    return world


def _plain() -> World:
    return World()


def _with_effects() -> World:
    return World(effects=True)


def _switched() -> World:
    return World(effects=True)


def _confirmed() -> World:
    return World(confirm=CONFIRM)


def _hybrid() -> World:
    world = World(route=HYBRID)
    world.models = Mended()
    world.actor = world.another()
    return world


_BEFORE = {
    _plain: ("refund, please", "KF-7"),
    _with_effects: ("refund, please", "KF-7"),
    _switched: ("refund, please",),
    _confirmed: ("refund, please", "KF-7", "Broken"),
    _hybrid: (),
}
_LAST = {
    _plain: "Broken", _with_effects: "Broken", _switched: "greet me", _confirmed: "yes", _hybrid: "advise me"
}  # fmt: skip


async def _points(prepare: Prepare) -> tuple[list[str], dict[str, Any]]:
    """The names of the points that the last turn passes, and its reply when nothing happens."""
    world = await _at(prepare, _BEFORE[prepare], same=True)
    reply = await world.say(_LAST[prepare], "last")
    return world.probe.passed, reply


@pytest.mark.parametrize("same", [False, True], ids=["another process", "the same actor"])
@pytest.mark.parametrize("prepare", list(_LAST))
async def test_after_a_crash_at_any_point_of_a_turn_it_ends_as_if_there_had_been_none(
    prepare: Prepare, same: bool
) -> None:
    points, expected = await _points(prepare)
    assert "after_reply_append" in points
    for n in range(1, len(points) + 1):
        world = await _at(prepare, _BEFORE[prepare], n, same=same)
        reply = await world.say(_LAST[prepare], "last")
        assert reply["text"] == expected["text"] and reply["kind"] == expected["kind"], points[n - 1]
        assert await world.say(_LAST[prepare], "last") == reply
        await _one_of_each(world, points[n - 1])


@pytest.mark.parametrize("prepare", [_plain, _confirmed])
async def test_two_crashes_in_one_turn(prepare: Prepare) -> None:
    """The second one while the first is mended."""
    points, expected = await _points(prepare)
    for first in range(1, len(points) + 1):
        for second in range(1, len(points) + 1):
            world = await _at(prepare, _BEFORE[prepare], first, same=False)
            world.probe.passed.clear()
            world.probe.left = second
            try:
                await world.say(_LAST[prepare], "last")
            except Crash:
                world.actor = world.another()
            world.probe.left = 0
            reply = await world.say(_LAST[prepare], "last")
            assert reply["text"] == expected["text"], (points[first - 1], second)
            await _one_of_each(world, f"{points[first - 1]}, then {second}")


async def _one_of_each(world: World, what: str) -> None:
    """One effect for each claim, one claim for each call, one reply for each message, and the state is the log's."""
    claims, returned = await world.log(ToolClaimed), await world.log(ToolReturned)
    keys = [claim.idempotency_key for claim in claims]
    assert sorted(world.tools.effects) == sorted(set(keys)) and len(keys) == len(set(keys)), what
    assert sorted(claim.call_id for claim in claims) == sorted(each.call_id for each in returned), what
    assert [claim.tool for claim in claims].count("pay") <= 1, what
    assert len({call.idempotency_key for call in world.tools.calls}) == len(world.tools.calls), what
    messages = [event.key for event in await world.log(UserMessageReceived)]
    assert len(messages) == len(set(messages)), what
    await world.agrees()


async def test_a_crash_in_mid_flow_is_mended_when_the_next_message_comes() -> None:
    """The customer does not retry but writes something else: the open turn is ended first, then that is heard."""
    world = World()
    await world.say_all("refund, please", "KF-7")
    world.probe.passed.clear()
    points, _ = await _points(_plain)
    world.probe.left = points.index("before_tool") + 1
    with pytest.raises(Crash):
        await world.say("Broken", "cut off")
    world.probe.left = 0
    world.actor = world.another()
    assert (await world.say("how long?", "next"))["text"] == KNOWN.text
    assert (await world.say("Broken", "cut off"))["text"] == "One moment.\n\nPaid 5 for KF-7."
    assert list(world.tools.effects.values()) == ["lookup", "pay"]


async def test_rules_that_changed_while_a_turn_was_cut_off_do_not_move_it() -> None:
    """The turn goes on, on its version, with what was recorded; the newer version is for the turn after it."""
    world = World()
    await world.say_all("refund, please", "KF-7")
    points, _ = await _points(_plain)
    world.probe.left = points.index("before_tool") + 1
    with pytest.raises(Crash):
        await world.say("Broken", "cut off")
    world.probe.left = 0
    world.rules.put("refund", 2, REFUND.replace("Paid", "v2 paid") + 'migrate: {from: "*"}\n')
    world.actor = world.another()
    assert (await world.say("Broken", "cut off"))["text"] == "One moment.\n\nPaid 5 for KF-7."
