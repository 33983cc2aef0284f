"""Turns whose words are sent as a model writes them, and what happens when the client goes away meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Protocol

from starlette.types import Receive

from deployments.host_router import HostRouter
from schemas.api import TurnOutcome, encode_json, problem
from schemas.errors import KefuError


class Front(Protocol):
    """Sends a streamed turn in one protocol's form."""

    async def more(self, text: str) -> None:
        """More of what a model writes; not final."""

    async def end(self, outcome: TurnOutcome) -> None:
        """The reply as it was recorded, or the problem; whatever was shown before, this counts."""


class Shown:
    """One turn of one session, shown as it is written."""

    def __init__(self, router: HostRouter, tenant: str, session: str, key: str) -> None:
        self._router = router
        self._tenant = tenant
        self._session = session
        self._key = key

    async def run(self, text: str, receive: Receive, front: Front, *, priority: str = "") -> TurnOutcome | None:
        """The outcome; None if the client left first: its turn is told so, and ends without it.

        Raises what HostRouter.turn raises, as long as nothing was shown; after that it is the end that is shown.
        """
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        shown = False

        def show(piece: str) -> None:
            nonlocal shown
            shown = True
            pieces.put_nowait(piece)

        turn = asyncio.ensure_future(
            self._router.turn(self._tenant, self._session, self._key, text, priority=priority, show=show)
        )
        turn.add_done_callback(lambda _: pieces.put_nowait(None))
        if not await while_there(_show(pieces, front), receive):
            self._router.tell(self._tenant, self._session, "leave", self._key)
            with contextlib.suppress(KefuError):
                await turn
            return None
        try:
            outcome = await turn
        except KefuError as error:
            if not shown:
                raise
            outcome = TurnOutcome(0, error.status, encode_json(problem(error)), error.retry_after_s)
        await front.end(outcome)
        return outcome


async def _show(pieces: asyncio.Queue[str | None], front: Front) -> None:
    while (piece := await pieces.get()) is not None:
        await front.more(piece)


async def while_there(work: Coroutine[None, None, None], receive: Receive) -> bool:
    """Whether the work was done before the client went away; if not, it is cancelled. Raises what the work raises."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not working.done():
            working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
        return True
    return False


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
