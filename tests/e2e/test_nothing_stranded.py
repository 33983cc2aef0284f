"""Whoever ends its work in the same step of the loop in which new work comes must not leave it lying."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from kit.server import until
from ledger import TENANT, Turn

from actors.host import HOLD_S
from actors.placement import pooled_name, ranked
from actors.runtime import Runtime
from deployments.host_link import STALL_S, HostLink
from deployments.host_router import HostRouter
from events.batching import Batcher
from schemas.api import TurnOutcome, TurnRequest
from schemas.settings import Settings

pytestmark = pytest.mark.chaos


class SlowHost:
    """Holds every call until `release`, which answers all of them in one step of the loop, without a reply.

    The replies come with the first call after that.
    """

    def __init__(self) -> None:
        self._held: list[asyncio.Future[bytes]] = []
        self._turns: list[TurnRequest] = []
        self._released = False

    @property
    def exchange(self) -> SlowHost:
        return self

    @property
    def calls(self) -> int:
        return len(self._held)

    def remote(self, client_id: str, payload: bytes) -> asyncio.Future[bytes]:
        self._turns += msgspec.msgpack.decode(payload, type=list[TurnRequest])
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self._released:
            outcomes, self._turns = [TurnOutcome(turn.ref, 200, b"{}") for turn in self._turns], []
            future.set_result(msgspec.msgpack.encode(outcomes))
        else:
            self._held.append(future)
        return future

    def release(self) -> None:
        self._released = True
        for future in self._held:
            future.set_result(msgspec.msgpack.encode([]))


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_calls_that_come_back_empty_at_once_strand_no_turn(turns: int) -> None:
    """As when a slow model answers two customers who wrote in the same millisecond."""
    host = SlowHost()
    link = HostLink("slow", "here", find=lambda _: host)
    sent = []
    for number in range(turns):
        sent.append(link.send(Turn("s", f"k-{number}", "hello").request()))
        await until(lambda: host.calls == len(sent), "the call is under way")
    host.release()
    async with asyncio.timeout(2.0):
        assert [(await future).status for future in sent] == [200] * turns


@pytest.mark.parametrize("width", [1, 2])
async def test_an_item_that_comes_as_all_batches_end_is_run(width: int) -> None:
    """As when an answer comes while both connections report their commits."""
    loop = asyncio.get_running_loop()
    gates: list[asyncio.Future[None]] = []

    async def run(items: list[str]) -> list[str]:
        if items != ["late"]:
            gates.append(loop.create_future())
            await gates[-1]
        return items

    batcher: Batcher[str, str] = Batcher(run, max_items=1, width=width)
    early = [batcher.submit(f"early {number}") for number in range(width)]
    await until(lambda: len(gates) == width, "all batches are under way")
    for gate in gates:
        gate.set_result(None)  # the batches end in the next step of the loop

    async def submit() -> str:
        return await batcher.submit("late")

    late = loop.create_task(submit())  # so does this begin
    async with asyncio.timeout(2.0):
        assert await late == "late"
        assert await asyncio.gather(*early) == [f"early {number}" for number in range(width)]


async def test_a_turn_gets_past_two_silent_hosts() -> None:
    """Each costs the link's patience once; the router must not go to and fro between them."""
    names = [pooled_name(index) for index in range(3)]
    hosts = {name: SlowHost() for name in names}
    hosts[ranked(TENANT, "s", names)[-1]].release()
    router = HostRouter(Settings(), _build_nothing, find=hosts.__getitem__)
    router.hosts = names
    async with asyncio.timeout(3 * (HOLD_S + STALL_S)):
        outcome = await router.turn(TENANT, "s", "k", "hello")
    assert outcome.status == 200


def _build_nothing(settings: Settings, name: str) -> Runtime:
    raise NotImplementedError
