"""What a site asks of robots: robots.txt for addresses, meta tags and X-Robots-Tag for pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from protego import Protego

from fetching.errors import FetchFailed, FetchRefused
from fetching.guard import GuardedClient
from knowledge.importing.pages import Reason
from knowledge.importing.urls import origin_of

# RFC 9309 asks for at least this much; what comes after is not a rule anybody wrote by hand.
_READ_BYTES = 500 * 1024
# Directives of X-Robots-Tag with a value after a colon, which is otherwise the mark of another robot's name.
_WITH_VALUE = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


@dataclass(frozen=True, slots=True)
class Rules:
    """One origin's robots.txt, or what stands for it where there is none to read."""

    parsed: Protego
    closed: tuple[Reason, str] | None = None
    """Why nothing at all may be fetched."""

    def against(self, url: str, agent: str) -> tuple[Reason, str] | None:
        if self.closed is not None:
            return self.closed
        return None if self.parsed.can_fetch(url, agent) else (Reason.ROBOTS, "robots.txt disallows it")

    def crawl_delay_s(self, agent: str) -> float:
        """Seconds between two requests; 0 where none is asked for."""
        return self.parsed.crawl_delay(agent) or 0.0


class Robots:
    """Reads each origin's robots.txt once, as RFC 9309 has it: absent allows everything, out of order nothing."""

    def __init__(self, client: GuardedClient) -> None:
        self._client = client
        self._rules: dict[str, Rules] = {}
        self._one_reader = asyncio.Lock()

    async def rules(self, url: str) -> Rules:
        """The rules for `url`. Never raises: an unreadable robots.txt closes the origin."""
        origin = origin_of(url)
        async with self._one_reader:
            if origin not in self._rules:
                self._rules[origin] = await self._read(f"{origin}/robots.txt")
            return self._rules[origin]

    async def _read(self, url: str) -> Rules:
        nothing = Protego.parse("")
        try:
            fetched = await self._client.get(url)
        except FetchRefused as error:
            return Rules(nothing, (Reason.REFUSED, error.detail))
        except FetchFailed as error:
            return Rules(nothing, (Reason.FAILED, f"robots.txt cannot be read, so nothing is fetched: {error.detail}"))
        if fetched.status >= 500 or fetched.status == 429:
            return Rules(nothing, (Reason.ROBOTS, f"robots.txt answers with status {fetched.status}"))
        if fetched.status != 200:
            return Rules(nothing)
        return Rules(Protego.parse(fetched.body[:_READ_BYTES].decode("utf-8-sig", errors="replace")))


def directives(tags: Iterable[str], agent: str) -> frozenset[str]:
    """What X-Robots-Tag values (or a meta tag's content) ask of `agent`: of noindex and nofollow, those that hold.

    A value may address one robot, as in `otherbot: noindex, nofollow`.
    """
    asked: set[str] = set()
    for tag in tags:
        addressed = True
        for part in tag.lower().split(","):
            name, colon, rest = (piece.strip() for piece in part.partition(":"))
            if colon and name not in _WITH_VALUE:
                addressed = name == agent.lower()
                name = rest
            if addressed:
                asked |= {"noindex", "nofollow"} if name == "none" else {name}
    return frozenset(asked & {"noindex", "nofollow"})
