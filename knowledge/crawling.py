"""A web site to documents: each page is imported as it comes, and told."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from msgspec import Struct

from fetching.guard import Fetched, GuardedClient
from knowledge.importing.crawl import Limits, Page
from knowledge.importing.crawl import crawl as walk
from knowledge.intake import Given, Report
from schemas.errors import KefuError

_BOM = codecs.BOM_UTF8


class Site(Struct, frozen=True):
    """A site to import. `url`: of a page or a sitemap; `pages`, `depth`: see Limits."""

    tenant: str
    url: str
    pages: int
    depth: int
    collection: str = "default"
    tags: tuple[str, ...] = ()
    by: str = ""


async def crawl(
    site: Site, allow: tuple[str, ...], take: Callable[[Given, bytes], Awaitable[Report]]
) -> AsyncIterator[dict[str, Any]]:
    """A line for each page and each address that is none, then a summary: how many had which outcome.

    `allow`: see GuardedClient. A page that cannot be imported is told and passed over.
    """
    outcomes: Counter[str] = Counter()
    version = 0
    async with GuardedClient(allow=allow) as client:
        async for found in walk(site.url, client, Limits(pages=site.pages, depth=site.depth)):
            if not isinstance(found, Page):
                line: dict[str, Any] = {"url": found.url, "outcome": "skipped", "reason": found.reason}
                line["detail"] = found.detail
            else:
                given = Given(site.tenant, found.url, site.collection, site.tags, site.by)
                line = await _imported(given, found.fetched, take)
                version = line.get("version", version)
            outcomes[line["outcome"]] += 1
            yield line
    yield {"summary": True, "url": site.url, "version": version, **outcomes}


async def _imported(
    given: Given, fetched: Fetched, take: Callable[[Given, bytes], Awaitable[Report]]
) -> dict[str, Any]:
    try:
        report = await take(given, _as_told(fetched))
    except KefuError as error:
        return {"url": given.name, "outcome": "failed", "reason": error.code, "detail": error.detail}
    written = report.documents[0] if report.documents else None
    return {
        "url": given.name,
        "outcome": written.outcome if written else "known",  # all of it stands on other pages, word for word
        "entries": written.entries if written else 0,
        "version": report.version,
        "skipped": report.skipped,
        "notes": report.notes,
        "duplicates": report.duplicates,
    }


def _as_told(fetched: Fetched) -> bytes:
    """The body; of a text whose header tells its charset, in UTF-8 with the mark that says so."""
    if fetched.charset is None or not fetched.content_type.startswith(("text/", "application/xhtml")):
        return fetched.body
    try:
        return _BOM + fetched.body.removeprefix(_BOM).decode(fetched.charset).encode()
    except (LookupError, UnicodeError):
        return fetched.body  # it says so wrongly; the content will tell
