"""Walks a web site breadth first, as its owner allows, and never for ever."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from urllib.parse import urlsplit

from fetching.guard import MAX_REDIRECTS, GuardedClient
from knowledge.importing.frontier import Frontier, Link
from knowledge.importing.pages import PAGE_TYPES, Limits, Page, Reason, SkippedPage
from knowledge.importing.sitemaps import Sitemap
from knowledge.importing.urls import normalise
from knowledge.importing.visit import Document, Redirect, Visitor

__all__ = ["PAGE_TYPES", "Limits", "Page", "Reason", "SkippedPage", "crawl"]

_DEFAULTS = Limits()
_NESTED_SITEMAPS = 3

_Visit = Document | Sitemap | Redirect | tuple[Reason, str]


async def crawl(
    start: str, client: GuardedClient, limits: Limits = _DEFAULTS, agent: str = "KefuBot"
) -> AsyncGenerator[Page | SkippedPage, None]:
    """Every page of the site that `start`, a page or a sitemap, belongs to, and every address that is none, with why.

    The site is the host of `start` with and without `www.`, over http and https, on one port. `agent` is the name
    that robots.txt and robots tags know the crawler by. Nothing that a site does raises. The order of what is yielded
    is that of the links, whatever the speed of the answers. Closing the generator ends all requests.
    """
    first = normalise(start)
    if first is None:
        yield SkippedPage(start, Reason.REFUSED, "not an http or https address without a password", None)
        return
    walk = _Walk(Frontier(first, limits))
    frontier = walk.frontier
    if skipped := frontier.offer(Link(first, 0, None, maybe_sitemap=True)):
        yield skipped
    visitor = Visitor(client, limits, agent)
    # Visits overlap, but are taken in the order they were started: what is breadth first stays so.
    under_way: deque[tuple[Link, asyncio.Task[_Visit]]] = deque()
    requests = 0
    try:
        while True:
            while (
                frontier
                and len(under_way) < limits.at_once
                and requests < limits.requests
                and walk.pages + len(under_way) < limits.pages
            ):
                link = frontier.pop()
                under_way.append((link, asyncio.create_task(visitor.visit(link))))
                requests += 1
            if not under_way:
                break
            link, task = under_way[0]
            visit = await task
            under_way.popleft()
            for found in walk.take(link, visit):
                yield found
    finally:
        for _, task in under_way:
            task.cancel()
        await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)
    reached = f"{limits.pages} pages" if walk.pages >= limits.pages else f"{limits.requests} requests"
    for skipped in frontier.leftovers(f"the limit of {reached} was reached"):
        yield skipped


class _Walk:
    """Turns visits, in order, into what the crawl yields, and feeds the frontier."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self.pages = 0
        self._by_digest: dict[bytes, str] = {}
        self._ids: set[str] = set()

    def take(self, link: Link, visit: _Visit) -> Iterator[Page | SkippedPage]:
        match visit:
            case Redirect():
                yield from self._redirect(link, visit.target)
            case Sitemap():
                yield from self._sitemap(link, visit)
            case Document():
                yield from self._document(link, visit)
            case reason, detail:
                yield SkippedPage(link.url, reason, detail, link.found_on)

    def _redirect(self, link: Link, location: str) -> Iterator[SkippedPage]:
        target = normalise(location)
        passed = (*link.via, link.url)
        if target is None:
            yield SkippedPage(link.url, Reason.REFUSED, "redirects to no web address", link.found_on)
        elif target in passed:
            yield SkippedPage(link.url, Reason.LOOP, f"redirects back to {target}", link.found_on)
        elif len(passed) > MAX_REDIRECTS:
            yield SkippedPage(link.url, Reason.LOOP, f"is redirect number {len(passed)}", link.found_on)
        else:
            yield SkippedPage(link.url, Reason.REDIRECT, f"redirects to {target}", link.found_on)
            yield from self._offer(Link(target, link.depth, link.url, passed, link.maybe_sitemap, link.sitemaps_above))

    def _sitemap(self, link: Link, sitemap: Sitemap) -> Iterator[SkippedPage]:
        if not sitemap.urls:
            yield SkippedPage(link.url, Reason.EMPTY, "a sitemap without addresses", link.found_on)
        elif sitemap.index and link.sitemaps_above >= _NESTED_SITEMAPS:
            yield SkippedPage(link.url, Reason.TRAP, f"more than {_NESTED_SITEMAPS} sitemaps deep", link.found_on)
        elif sitemap.index:
            for url in sitemap.urls:
                yield from self._offer(
                    Link(url, link.depth, link.url, maybe_sitemap=True, sitemaps_above=link.sitemaps_above + 1)
                )
        else:
            for url in sitemap.urls:
                yield from self._offer(Link(url, link.depth + 1, link.url))
        if sitemap.cut:
            yield SkippedPage(
                link.url, Reason.LIMIT, f"only its first {len(sitemap.urls)} addresses count", link.found_on
            )

    def _document(self, link: Link, document: Document) -> Iterator[Page | SkippedPage]:
        links = document.links
        own = self._id(link.url, links.canonical)
        same = self._by_digest.get(document.digest)
        if "noindex" in links.asks:
            yield SkippedPage(link.url, Reason.NOINDEX, "the page asks not to be indexed", link.found_on)
        elif same is not None:
            yield SkippedPage(link.url, Reason.DUPLICATE, f"same content as {same}", link.found_on)
            return  # the same links, or, if relative, ones made up by a site that answers everything alike
        elif own in self._ids:
            yield SkippedPage(link.url, Reason.DUPLICATE, f"another version of {own}", link.found_on)
        else:
            self.pages += 1
            self._ids.add(own)
            self._by_digest[document.digest] = own
            self.frontier.forget_about(own)
            yield Page(own, document.fetched, link.depth, link.found_on)
        if "nofollow" in links.asks:
            for url in (*links.follow, *links.nofollow):
                self.frontier.hold(url, link.url)
            return
        for url in links.nofollow:
            self.frontier.hold(url, link.url)
        for url in links.follow:
            yield from self._offer(Link(url, link.depth + 1, link.url))
        if links.cut:
            yield SkippedPage(link.url, Reason.LIMIT, "has too many links; the rest were not read", link.found_on)

    def _id(self, url: str, canonical: str | None) -> str:
        if canonical is None or not self.frontier.on_site(canonical):
            return url
        # A front page named by every other page is a common mistake, and would make the whole site one document.
        if urlsplit(canonical).path == "/" and urlsplit(url).path not in ("/", "/index.html", "/index.php"):
            return url
        return canonical

    def _offer(self, link: Link) -> Iterator[SkippedPage]:
        if skipped := self.frontier.offer(link):
            yield skipped
