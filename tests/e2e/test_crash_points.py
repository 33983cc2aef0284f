"""kill -9 at every point of a turn, and SIGSTOP in the middle of one: nothing lost, nothing doubled."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from crash import OUTSIDE, STOP_POINTS, World, killed_host, stopped_host
from ledger import Tally
from runs import RUNS
from scripted import EFFECT_POINTS, PLAIN_POINTS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(60 + 3 * RUNS)]


@pytest.mark.parametrize("point", EFFECT_POINTS)
async def test_killed_when_answers_have_effects(
    world: World, rng: random.Random, tally: Callable[[str], Tally], point: str
) -> None:
    await killed_host(world, point, RUNS, rng, tally(f"kill -9 {point}"), has_effects=True)


@pytest.mark.parametrize("point", PLAIN_POINTS)
async def test_killed_when_answers_have_none(
    world: World, rng: random.Random, tally: Callable[[str], Tally], point: str
) -> None:
    await killed_host(world, point, RUNS, rng, tally(f"kill -9 {point}, no effects"), has_effects=False)


async def test_killed_from_outside(world: World, rng: random.Random, tally: Callable[[str], Tally]) -> None:
    """At any moment, most of which are appends; with less room than sessions, so that they come and go."""
    await killed_host(world, OUTSIDE, RUNS, rng, tally(f"kill -9 {OUTSIDE}"), has_effects=True, room=5)


async def test_stopped_when_answers_have_effects(
    world: World, rng: random.Random, tally: Callable[[str], Tally]
) -> None:
    host = {"has_effects": True, "caches": False}
    await stopped_host(world, RUNS * 3 // 2, rng, tally("SIGSTOP in mid-turn"), ours=host, theirs=host)


async def test_stopped_when_answers_have_none(world: World, rng: random.Random, tally: Callable[[str], Tally]) -> None:
    host = {"has_effects": False, "caches": False}
    points = STOP_POINTS[2:]
    await stopped_host(
        world, RUNS, rng, tally("SIGSTOP in mid-turn, no effects"), points=points, ours=host, theirs=host
    )
