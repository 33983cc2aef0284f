"""What a crawl yields, and the limits it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fetching.guard import Fetched

PAGE_TYPES = frozenset({
    "text/html",
    "application/xhtml+xml",
    "application/pdf",
    "text/plain",
    "text/markdown",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
})  # fmt: skip
"""Content types that become documents."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a crawl goes. Whatever a site does, it ends after `requests` requests."""

    pages: int = 500
    """Pages yielded."""
    depth: int = 5
    """Links from the start; what a sitemap lists is at depth 1."""
    requests: int = 2_000
    """Addresses fetched, whatever came of them; robots.txt files are not counted."""
    addresses: int = 20_000
    """Addresses remembered, fetched or not."""
    links_per_page: int = 5_000
    queries_per_path: int = 50
    """Different queries taken of one path: a calendar has one for every month there ever was."""
    at_once: int = 4
    """Requests at one time."""
    delay_s: float = 0.2
    """Between the starts of two requests."""
    crawl_delay_max_s: float = 10.0
    """A longer Crawl-delay of robots.txt counts as this."""


class Reason(StrEnum):
    """Why an address is no page. A stable contract: shown and counted by these names."""

    ROBOTS = "robots"
    NOINDEX = "noindex"
    NOFOLLOW = "nofollow"
    OTHER_SITE = "other_site"
    TOO_DEEP = "too_deep"
    TRAP = "trap"
    REFUSED = "refused"
    FAILED = "failed"
    STATUS = "status"
    REDIRECT = "redirect"
    LOOP = "loop"
    CONTENT_TYPE = "content_type"
    DUPLICATE = "duplicate"
    EMPTY = "empty"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be read into a document."""

    url: str
    """The document's id: the canonical address if the page names one on this site, else where it was found."""
    fetched: Fetched
    depth: int
    found_on: str | None
    """The page or sitemap that linked here first; None for the start."""


@dataclass(frozen=True, slots=True)
class SkippedPage:
    """An address that was seen and not taken. Of another site only the first address of each host is reported."""

    url: str
    reason: Reason
    detail: str
    """For people: what exactly, in one sentence."""
    found_on: str | None
