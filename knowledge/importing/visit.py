"""One visit of a crawl: asks robots.txt, waits its turn, fetches, and reads what came."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from fetching.errors import FetchFailed, FetchRefused
from fetching.guard import Fetched, GuardedClient
from knowledge.importing.frontier import Link
from knowledge.importing.links import Links, canonical_of, read_links
from knowledge.importing.pages import PAGE_TYPES, Limits, Reason
from knowledge.importing.robots import Robots, directives
from knowledge.importing.sitemaps import Sitemap, read_sitemap

_WITH_LINKS = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Redirect:
    target: str


@dataclass(frozen=True, slots=True)
class Document:
    """A page as it came. `links.asks` and `links.canonical` take the response's headers in."""

    fetched: Fetched
    links: Links
    digest: bytes


class Pace:
    """Lets requests start one after the other, `delay_s` apart."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self._next = 0.0

    async def turn(self) -> None:
        """Waits until the caller may start."""
        now = asyncio.get_running_loop().time()
        start = max(now, self._next)
        self._next = start + self.delay_s
        if start > now:
            await asyncio.sleep(start - now)


class Visitor:
    """Visits for one crawl; visits may overlap."""

    def __init__(self, client: GuardedClient, limits: Limits, agent: str) -> None:
        self._client = client
        self._limits = limits
        self._agent = agent
        self._robots = Robots(client)
        self._pace = Pace(limits.delay_s)

    async def visit(self, link: Link) -> Document | Sitemap | Redirect | tuple[Reason, str]:
        """What is there, or the reason and its detail why nothing is taken."""
        rules = await self._robots.rules(link.url)
        if against := rules.against(link.url, self._agent):
            return against
        asked_s = min(rules.crawl_delay_s(self._agent), self._limits.crawl_delay_max_s)
        self._pace.delay_s = max(self._pace.delay_s, asked_s)
        await self._pace.turn()
        try:
            types = None if link.maybe_sitemap else PAGE_TYPES
            fetched = await self._client.get(link.url, follow=False, types=types)
        except FetchRefused as error:
            return Reason.REFUSED, error.detail
        except FetchFailed as error:
            return Reason.FAILED, error.detail
        if fetched.redirect is not None:
            return Redirect(fetched.redirect)
        if fetched.status != 200:
            return Reason.STATUS, f"status {fetched.status}"
        if link.maybe_sitemap and (sitemap := await self._sitemap(fetched)):
            return sitemap
        if fetched.content_type not in PAGE_TYPES:
            return Reason.CONTENT_TYPE, f"content type {fetched.content_type[:100] or 'not given'}"
        return await self._document(fetched)

    async def _sitemap(self, fetched: Fetched) -> Sitemap | None:
        return await asyncio.to_thread(read_sitemap, fetched.body, fetched.url, self._limits.addresses)

    async def _document(self, fetched: Fetched) -> Document:
        links = Links()
        if fetched.content_type in _WITH_LINKS:
            links = await asyncio.to_thread(
                read_links, fetched.body, fetched.charset, fetched.url, self._agent, self._limits.links_per_page
            )
        asks = links.asks | directives(fetched.headers.get("x-robots-tag", ()), self._agent)
        canonical = canonical_of(fetched.headers.get("link", ()), fetched.url) or links.canonical
        return Document(
            fetched,
            Links(links.follow, links.nofollow, canonical, asks, links.cut),
            hashlib.sha256(fetched.body).digest(),
        )
