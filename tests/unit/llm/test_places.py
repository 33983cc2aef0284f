"""Places of a provider: how many, for whom, in which order."""

from __future__ import annotations

import asyncio
import random

import pytest

from llm.places import Full, Places


async def test_a_tenant_alone_leaves_some_to_others() -> None:
    places = Places(8, 0, 0.75)
    held = 0
    while places.try_take("loud"):
        held += 1
    assert held == 6
    assert places.try_take("quiet")
    assert places.taken == 7


async def test_one_place_and_two_places() -> None:
    one = Places(1, 0, 0.75)
    assert one.try_take("a") and not one.try_take("a") and not one.try_take("b")
    two = Places(2, 0, 0.75)
    assert two.try_take("a") and not two.try_take("a") and two.try_take("b")


async def test_a_share_of_one_is_everything() -> None:
    places = Places(4, 0, 1.0)
    assert [places.try_take("a") for _ in range(5)] == [True] * 4 + [False]


async def test_who_waits_is_served_in_turn_by_tenant() -> None:
    places = Places(1, 10, 1.0)
    places.try_take("x")
    served: list[str] = []

    async def wait(tenant: str, name: str) -> None:
        await places.take(tenant, 5.0)
        served.append(name)
        places.give_back(tenant)

    waiting = []
    for tenant, name in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")):
        waiting.append(asyncio.create_task(wait(tenant, name)))
        await asyncio.sleep(0)
    places.give_back("x")
    await asyncio.gather(*waiting)
    assert served == ["a1", "b1", "a2", "a3"]
    assert (places.taken, places.waiting) == (0, 0)


async def test_no_place_in_time() -> None:
    places = Places(1, 10, 1.0)
    places.try_take("a")
    with pytest.raises(Full):
        await places.take("b", 0.01)
    with pytest.raises(Full):
        await places.take("b", 0.0)
    assert places.waiting == 0


async def test_the_queue_is_bounded_and_shared() -> None:
    places = Places(1, 8, 0.75)
    places.try_take("x")
    loud = [asyncio.create_task(places.take("loud", 5.0)) for _ in range(8)]
    await asyncio.sleep(0)
    refused = [task for task in loud if task.done()]
    assert len(refused) == 2 and places.waiting == 6
    quiet = asyncio.create_task(places.take("quiet", 5.0))
    await asyncio.sleep(0)
    assert not quiet.done() and places.waiting == 7
    for task in (*loud, quiet):
        task.cancel()
    await asyncio.gather(*loud, quiet, return_exceptions=True)
    assert places.waiting == 0


async def test_who_leaves_while_waiting_takes_nothing() -> None:
    places = Places(1, 8, 1.0)
    places.try_take("a")
    leaving = asyncio.create_task(places.take("b", 5.0))
    staying = asyncio.create_task(places.take("c", 5.0))
    await asyncio.sleep(0)
    leaving.cancel()
    places.give_back("a")  # in the same moment
    await asyncio.gather(leaving, return_exceptions=True)
    await staying
    assert places.taken == 1


async def test_nothing_is_lost_in_a_storm() -> None:
    """Takers that come, wait, give up and leave at random: in the end every place is back."""
    places = Places(3, 6, 0.75)
    chance = random.Random(5)
    most = 0

    async def customer(tenant: str) -> None:
        nonlocal most
        try:
            await places.take(tenant, chance.uniform(0.0, 0.01))
        except Full:
            return
        most = max(most, places.taken)
        try:
            await asyncio.sleep(chance.uniform(0.0, 0.003))
        finally:
            places.give_back(tenant)

    tasks = []
    for _ in range(400):
        tasks.append(asyncio.create_task(customer(chance.choice("abc"))))
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        if chance.random() < 0.5:
            await asyncio.sleep(0.0005)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (places.taken, places.waiting, most) == (0, 0, 3)
