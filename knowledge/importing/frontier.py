"""What a crawl still has to fetch, first come first served, and what it will never fetch."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from knowledge.importing.pages import Limits, Reason, SkippedPage
from knowledge.importing.urls import site_of, trap, without_query

# Never pages, by their name alone: a gallery would use up the requests otherwise.
_NEVER_PAGES = frozenset((
    ".7z", ".apk", ".avi", ".avif", ".bmp", ".bz2", ".css", ".dmg", ".eot", ".exe", ".flac", ".gif", ".gz", ".ico",
    ".iso", ".jpeg", ".jpg", ".js", ".json", ".mjs", ".mov", ".mp3", ".mp4", ".mpeg", ".msi", ".ogg", ".png", ".rar",
    ".svg", ".tar", ".tgz", ".tif", ".tiff", ".ttf", ".wav", ".webm", ".webp", ".wmv", ".woff", ".woff2", ".xz",
    ".zip",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """An address to fetch, and how the crawl came to it."""

    url: str
    depth: int
    found_on: str | None
    via: tuple[str, ...] = ()
    """Addresses that redirected here, first to last."""
    maybe_sitemap: bool = False
    sitemaps_above: int = 0


class Frontier:
    """Takes each address once and says, the first time, why it is not taken. `site` is a normalised address of it."""

    def __init__(self, site: str, limits: Limits) -> None:
        self._site = site_of(site)
        self._limits = limits
        self._queue: deque[Link] = deque()
        self._known: set[str] = set()
        self._other_hosts: set[str] = set()
        self._queries: Counter[str] = Counter()
        self._nofollow: dict[str, str] = {}
        self._full = False

    def __bool__(self) -> bool:
        return bool(self._queue)

    def pop(self) -> Link:
        return self._queue.popleft()

    def on_site(self, url: str) -> bool:
        return site_of(url) == self._site

    def forget_about(self, url: str) -> None:
        """Never fetch this one: its content is here under another address."""
        self._known.add(url)

    def hold(self, url: str, found_on: str) -> None:
        """A nofollow link: taken only if another page links to it plainly."""
        if len(self._nofollow) < self._limits.addresses and self.on_site(url):
            self._nofollow.setdefault(url, found_on)

    def offer(self, link: Link) -> SkippedPage | None:
        """Queues a link that is new and may be fetched; a new one that may not be comes back with its reason."""
        if link.url in self._known or self._full:
            return None
        if len(self._known) + len(self._other_hosts) >= self._limits.addresses:
            self._full = True
            return _skipped(link, Reason.LIMIT, f"more than {self._limits.addresses} addresses; no new ones are taken")
        if not self.on_site(link.url):
            host = urlsplit(link.url).netloc
            if host in self._other_hosts:
                return None
            self._other_hosts.add(host)
            return _skipped(link, Reason.OTHER_SITE, f"{host} is another site; its further addresses are not listed")
        self._known.add(link.url)
        if refused := self._refused(link):
            return _skipped(link, *refused)
        self._queue.append(link)
        return None

    def leftovers(self, why: str) -> Iterator[SkippedPage]:
        """Everything that was not fetched, at the end of the crawl."""
        while self._queue:
            yield _skipped(self._queue.popleft(), Reason.LIMIT, why)
        for url, found_on in self._nofollow.items():
            if url not in self._known:
                yield SkippedPage(url, Reason.NOFOLLOW, "every link to it is marked nofollow", found_on)

    def _refused(self, link: Link) -> tuple[Reason, str] | None:
        if why := trap(link.url):
            return Reason.TRAP, why
        path = without_query(link.url)
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in _NEVER_PAGES and not link.maybe_sitemap:
            return Reason.CONTENT_TYPE, f"{suffix} files are not pages"
        if link.depth > self._limits.depth:
            return Reason.TOO_DEEP, f"more than {self._limits.depth} links from the start"
        if path != link.url:
            if self._queries[path] >= self._limits.queries_per_path:
                return Reason.TRAP, f"more than {self._limits.queries_per_path} queries of {path}"
            self._queries[path] += 1
        return None


def _skipped(link: Link, reason: Reason, detail: str) -> SkippedPage:
    return SkippedPage(link.url, reason, detail, link.found_on)
