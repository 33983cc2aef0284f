"""The link to a host must keep asking for replies, however its calls come back."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from kit.server import until
from ledger import Turn

from deployments.host_link import HostLink
from schemas.api import TurnOutcome, TurnRequest

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
