"""A crawl takes the whole of one site, as its owner allows, says why it takes no more, and always ends."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from kit.website import Names, Reply, Website, html, links, redirect

from fetching.guard import GuardedClient
from knowledge.importing.crawl import Limits, Page, Reason, SkippedPage, crawl

QUICK = Limits(delay_s=0)
GZIPPED = (("content-encoding", "gzip"),)


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website() as website:
        yield website


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    names.give("127.0.0.1", "127.0.0.1")
    names.install(monkeypatch)
    return names


class Found:
    """What a crawl yielded, with the site's address taken off."""

    def __init__(self, site: Website, found: list[Page | SkippedPage]) -> None:
        self._origin = site.url("")
        self.whole = [one for one in found if isinstance(one, Page)]
        self.skipped = [one for one in found if isinstance(one, SkippedPage)]

    @property
    def pages(self) -> list[str]:
        return [page.url.removeprefix(self._origin) for page in self.whole]

    @property
    def reasons(self) -> dict[str, Reason]:
        assert len(self.skipped) == len({one.url for one in self.skipped}), "an address is reported twice"
        return {one.url.removeprefix(self._origin): one.reason for one in self.skipped}

    def detail(self, path: str) -> str:
        (one,) = (one for one in self.skipped if one.url.removeprefix(self._origin) == path)
        return one.detail


async def crawled(site: Website, start: str = "/", limits: Limits = QUICK, **options: object) -> Found:
    url = start if "://" in start else site.url(start)
    async with GuardedClient(**{"allow": ("127.0.0.1",), **options}) as client:  # type: ignore[arg-type]
        return Found(site, [one async for one in crawl(url, client, limits)])


# The walk


async def test_breadth_first_each_page_once(site: Website) -> None:
    site.routes = {
        "/": links("/a", "b", "#top", "/a#part", "mailto:a@b.c", "javascript:void(0)", "tel:1", "data:text/html,x"),
        "/a": links("/a1", "/", "/b"),
        "/b": links("/b1", "/a", text="b"),
        "/a1": html("a1"),
        "/b1": html("b1"),
    }
    found = await crawled(site)
    assert found.pages == ["/", "/a", "/b", "/a1", "/b1"]
    assert found.reasons == {}
    assert [page.depth for page in found.whole] == [0, 1, 1, 2, 2]
    assert found.whole[3].found_on == site.url("/a")
    assert found.whole[0].found_on is None
    assert found.whole[4].fetched.body == site.routes["/b1"].body  # type: ignore[union-attr]
    assert sorted(site.asked) == sorted(["/robots.txt", *found.pages])


async def test_the_order_is_that_of_the_links_whatever_the_speed(site: Website) -> None:
    others = asyncio.Event()

    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await others.wait()
        writer.write(links("/from-slow", text="slow").raw())
        await writer.drain()

    async def last(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        others.set()
        writer.write(links("/from-last", text="last").raw())
        await writer.drain()

    site.routes = {
        "/": links("/slow", "/2", "/3", "/last"),
        "/slow": slow,
        "/2": html("2"),
        "/3": html("3"),
        "/last": last,
    }
    site.else_ = lambda path: html(path)
    found = await crawled(site)
    assert found.pages == ["/", "/slow", "/2", "/3", "/last", "/from-slow", "/from-last"]


async def test_chinese_addresses(site: Website) -> None:
    path, quoted = (
        "/帮助/退货 政策?问=答",
        "/%E5%B8%AE%E5%8A%A9/%E9%80%80%E8%B4%A7%20%E6%94%BF%E7%AD%96?%E9%97%AE=%E7%AD%94",
    )
    gbk = f'<meta charset="gbk"><a href="{path}">退货</a>'.encode("gbk")
    site.routes = {"/": Reply(gbk, "text/html"), quoted: html("退货"), "/r": redirect("/" + "帮助")}
    found = await crawled(site)
    assert found.pages == ["/", quoted]
    assert (await crawled(site, path)).pages == [quoted]


async def test_base_href_and_broken_html(site: Website) -> None:
    site.routes = {
        "/": Reply(b"<base href=/docs/><a href=one><table><a href='two'<div></span><a href=\"three><p><a href=four"),
        "/docs/deep": html("x"),
    }
    site.else_ = lambda path: html("<div>" * 50_000 + f"<a href=/docs/deep>{path}")
    found = await crawled(site)
    assert found.pages[:2] == ["/", "/docs/one"]
    assert "/docs/deep" in found.pages


async def test_tracking_parameters_and_spellings_of_one_address(site: Website) -> None:
    site.routes = {
        "/": links(
            "/p?b=2&a=1", "/p?b=2&a=1&utm_source=x", "/p?utm_medium=y&b=2&a=1", "/%70?b=2&a=1#x", "/q/../p?b=2&a=1"
        ),
        "/p?b=2&a=1": html("p"),
    }
    assert (await crawled(site)).pages == ["/", "/p?b=2&a=1"]


@pytest.mark.parametrize("start", ["ftp://example.com/", "example.com", "", "http://u:p@example.com/", "http://["])
async def test_a_start_that_is_no_address(site: Website, start: str) -> None:
    async with GuardedClient() as client:
        (one,) = [one async for one in crawl(start, client, QUICK)]
    assert isinstance(one, SkippedPage)
    assert one.reason is Reason.REFUSED


# Borders


async def test_other_sites_are_counted_once_per_host(site: Website, names: Names) -> None:
    names.give("shop.example", "127.0.0.1")
    names.give("www.shop.example", "127.0.0.1")
    www, other_port = site.url("/w", "www.shop.example"), "http://shop.example:9999/"
    site.routes = {
        "/": links(
            "http://o.example/1", "http://o.example/2", other_port, www, "https://help.shop.example/", "//o.example/3"
        ),
        "/w": links("http://o.example/4", text="w"),
    }
    found = await crawled(site, site.url("/", "shop.example"))
    assert found.pages == [site.url("/", "shop.example"), www]
    assert found.reasons == {
        "http://o.example/1": Reason.OTHER_SITE,
        other_port: Reason.OTHER_SITE,
        "https://help.shop.example/": Reason.OTHER_SITE,
    }
    assert set(names.asked) == {"shop.example", "www.shop.example"}


async def test_a_site_of_internal_addresses_is_refused(site: Website, names: Names) -> None:
    names.give("inside.example", "10.0.0.1")
    found = await crawled(site, "http://inside.example/")
    assert found.pages == []
    assert found.reasons == {"http://inside.example/": Reason.REFUSED}
    assert "10.0.0.1" in found.detail("http://inside.example/")


async def test_a_site_that_turns_inward_is_refused(site: Website, names: Names) -> None:
    """The name answers with the allowed address for robots.txt and the start, then with the metadata service."""
    names.give("turn.example", "127.0.0.1", "127.0.0.1", "169.254.169.254")
    site.routes = {"/": links("/latest/meta-data/")}
    found = await crawled(site, site.url("/", "turn.example"))
    assert found.pages == [site.url("/", "turn.example")]
    assert list(found.reasons.values()) == [Reason.REFUSED]


async def test_redirects(site: Website) -> None:
    site.routes = {
        "/": links("/old", "/meta", "/x", "/self", "/out", "/r0"),
        "/old": redirect("/new", 301),
        "/new": html("new"),
        "/x": redirect("/y"),
        "/y": redirect("/x"),
        "/self": redirect("/self?utm_source=me"),
        "/out": redirect("http://169.254.169.254/latest/"),
    }
    site.routes |= {f"/r{n}": redirect(f"/r{n + 1}") for n in range(9)}
    found = await crawled(site)
    assert found.pages == ["/", "/new"]
    assert found.reasons == {
        "/old": Reason.REDIRECT, "/meta": Reason.STATUS, "/x": Reason.REDIRECT, "/y": Reason.LOOP, "/self": Reason.LOOP,
        "/out": Reason.REDIRECT, "http://169.254.169.254/latest/": Reason.OTHER_SITE,
        **{f"/r{n}": Reason.REDIRECT for n in range(5)}, "/r5": Reason.LOOP,
    }  # fmt: skip
    assert found.detail("/meta") == "status 404"
    assert "/r6" not in site.asked


async def test_meta_refresh_is_a_link(site: Website) -> None:
    site.routes = {"/": html("", head='<meta http-equiv="Refresh" content="0; URL=\'/moved\'">'), "/moved": html("x")}
    assert (await crawled(site)).pages == ["/", "/moved"]


# What the owner asks


async def test_robots_txt(site: Website) -> None:
    site.routes = {
        "/robots.txt": Reply(
            b"User-agent: *\nDisallow: /\n\nUser-agent: KefuBot\nDisallow: /private/\nDisallow: /*.pdf$\n"
            b"Disallow: /search?*q=\nAllow: /private/open\n",
            "text/plain",
        ),
        "/": links("/private/x", "/private/open", "/a.pdf", "/a.pdf?v=1", "/search?a=1&q=2", "/search?a=1"),
    }
    site.else_ = lambda path: html(path)
    found = await crawled(site)
    assert found.pages == ["/", "/private/open", "/a.pdf?v=1", "/search?a=1"]
    assert found.reasons == dict.fromkeys(["/private/x", "/a.pdf", "/search?a=1&q=2"], Reason.ROBOTS)
    assert sorted(site.pages) == sorted(found.pages)  # several are fetched at once


@pytest.mark.parametrize(
    ("status", "reasons"), [(404, []), (403, []), (500, ["robots"]), (503, ["robots"]), (429, ["robots"])]
)
async def test_robots_txt_that_is_not_there(site: Website, status: int, reasons: list[str]) -> None:
    site.routes = {"/robots.txt": Reply(b"User-agent: *\nDisallow: /", status=status), "/": html("x")}
    found = await crawled(site)
    assert list(found.reasons.values()) == reasons
    assert site.pages == [] if reasons else ["/"]


async def test_robots_txt_that_cannot_be_read_closes_the_site(site: Website) -> None:
    site.routes = {"/robots.txt": redirect("/robots.txt"), "/": html("x")}
    assert (await crawled(site)).reasons == {"/": Reason.FAILED}
    site.routes["/robots.txt"] = redirect("http://169.254.169.254/")
    assert (await crawled(site)).reasons == {"/": Reason.REFUSED}
    assert site.pages == []


async def test_robots_tags_and_nofollow(site: Website) -> None:
    meta = '<meta name="{}" content="{}">'
    site.routes = {
        "/": html('<a href=/hidden>1</a><a href=/end>2</a><a rel="me nofollow" href=/never>3</a>'
                  "<a rel=nofollow href=/later>4</a><a href=/head>5</a><a href=/others>6</a><a href=/pdf>7</a>"),
        "/hidden": html("<a href=/later>x</a>", head=meta.format("Robots", "NOINDEX")),
        "/end": html("<a href=/beyond>x</a>", head=meta.format("kefubot", "nofollow")),
        "/head": html("<a href=/beyond>x</a>", headers=(("x-robots-tag", "kefubot: none"),)),
        "/others": html("others", head=meta.format("googlebot", "noindex"),
                        headers=(("x-robots-tag", "otherbot: noindex, nofollow"), ("x-robots-tag", "max-snippet: 5"))),
        "/pdf": Reply(b"%PDF-", "application/pdf", headers=(("x-robots-tag", "noindex"),)),
        "/later": html("later"),
    }  # fmt: skip
    found = await crawled(site)
    assert found.pages == ["/", "/end", "/others", "/later"]
    assert found.reasons == {
        "/hidden": Reason.NOINDEX, "/head": Reason.NOINDEX, "/pdf": Reason.NOINDEX,
        "/never": Reason.NOFOLLOW, "/beyond": Reason.NOFOLLOW,
    }  # fmt: skip


async def test_canonical_addresses_are_the_ids(site: Website) -> None:
    canonical = '<link rel="canonical" href="{}">'
    site.routes = {
        "/": links("/p?sort=1", "/p?sort=2", "/elsewhere", "/wrong", "/doc.pdf?x=1"),
        "/p?sort=1": html("one <a href=/p>p</a>", head=canonical.format("/p")),
        "/p?sort=2": html("two", head=canonical.format("/p#x")),
        "/elsewhere": html("three", head=canonical.format("https://other.example/")),
        "/wrong": html("four", head=canonical.format("/")),
        "/doc.pdf?x=1": Reply(b"%PDF-", "application/pdf", headers=(("link", '</doc.pdf>; rel="canonical"'),)),
    }
    found = await crawled(site)
    assert found.pages == ["/", "/p", "/elsewhere", "/wrong", "/doc.pdf"]
    assert found.whole[1].fetched.url == site.url("/p?sort=1")
    assert found.reasons == {"/p?sort=2": Reason.DUPLICATE}
    assert "/p" not in site.asked


async def test_crawl_delay_holds_requests_apart_and_is_capped(site: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("knowledge.importing.visit.asyncio.sleep", sleep)
    site.routes = {"/robots.txt": Reply(b"User-agent: *\nCrawl-delay: 3600"), "/": links("/a", "/b")}
    site.else_ = lambda path: html(path)
    await crawled(site)
    first, second = slept  # a little less than asked: some of the time passes by itself
    assert 5 < first <= 10 < second <= 20
    slept.clear()
    del site.routes["/robots.txt"]
    await crawled(site, limits=replace(QUICK, delay_s=100))
    first, second = slept
    assert 50 < first <= 100 < second <= 200
    slept.clear()
    await crawled(site)
    assert slept == []


async def test_no_more_than_four_requests_at_once(site: Website) -> None:
    four = asyncio.Event()
    different = iter(range(99))

    async def together(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if site.at_once == 4:
            four.set()
        await four.wait()
        writer.write(html(str(next(different))).raw())
        await writer.drain()

    site.routes = {"/": links(*(f"/{n}" for n in range(12)))}
    site.else_ = lambda _: together
    found = await crawled(site)
    assert len(found.pages) == 13
    assert site.most_at_once == 4


# Traps


async def test_a_calendar_without_end(site: Website) -> None:
    def month(path: str) -> Reply:
        number = int(path.rpartition("=")[2])
        return links(*(f"/calendar?month={number + step}" for step in range(1, 30)), text=path)

    site.routes = {"/": links("/calendar?month=1")}
    site.else_ = month
    found = await crawled(site, limits=replace(QUICK, depth=99))
    assert len(found.pages) == 51
    assert Counter(found.reasons.values()).keys() == {Reason.TRAP}


async def test_relative_links_that_grow(site: Website) -> None:
    site.else_ = lambda path: links("a/b/", "x/", text=path)
    found = await crawled(site, limits=replace(QUICK, depth=99, pages=10_000))
    assert Reason.TRAP in found.reasons.values()
    assert "/a/b/a/b/" in found.reasons
    assert "/x/x/x/" in found.reasons
    assert max(page.count("/") for page in found.pages) <= 21
    assert len(found.pages) < 2_000


async def test_a_site_that_answers_everything_alike(site: Website) -> None:
    site.else_ = lambda _: links("next/", "/other")
    found = await crawled(site)
    assert found.pages == ["/"]
    assert found.reasons == {"/next/": Reason.DUPLICATE, "/other": Reason.DUPLICATE}


async def test_depth(site: Website) -> None:
    site.else_ = lambda path: links(f"/n{int(path[2:] or 0) + 1}", text=path)
    found = await crawled(site, "/n0", replace(QUICK, depth=2))
    assert found.pages == ["/n0", "/n1", "/n2"]
    assert found.reasons == {"/n3": Reason.TOO_DEEP}


async def test_the_limit_on_pages(site: Website) -> None:
    site.routes = {"/": links(*(f"/{n}" for n in range(10)))}
    site.else_ = lambda path: html(path)
    found = await crawled(site, limits=replace(QUICK, pages=5))
    assert len(found.pages) == 5
    assert found.reasons == {f"/{n}": Reason.LIMIT for n in range(4, 10)}
    assert len(site.pages) == 5
    assert "5 pages" in found.detail("/9")


async def test_the_limit_on_requests_ends_a_site_without_pages(site: Website) -> None:
    counter = iter(range(10**6))
    meta = '<meta name="robots" content="noindex">'
    site.else_ = lambda _: html("".join(f"<a href=/{next(counter)}>x</a>" for _ in range(20)), head=meta)
    found = await crawled(site, limits=replace(QUICK, requests=30, addresses=200, links_per_page=15))
    assert found.pages == []
    assert len(site.pages) == 30
    assert "more than 200 addresses" in " ".join(one.detail for one in found.skipped)
    assert "too many links" in " ".join(one.detail for one in found.skipped)
    assert "30 requests" in " ".join(one.detail for one in found.skipped)


# What comes


async def test_content_types(site: Website) -> None:
    docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    types = {
        "/html": "text/html", "/xhtml": "application/xhtml+xml", "/pdf": "application/pdf", "/md": "text/markdown",
        "/txt": "TEXT/PLAIN; charset=gbk", "/docx": docx, "/zip": "application/zip", "/json": "application/json",
        "/none": "", "/xml": "application/xml",
    }  # fmt: skip
    site.routes = {"/": links(*types, "/photo.JPG", "/style.css?v=2")}
    site.routes |= {path: Reply(path.encode(), content_type) for path, content_type in types.items()}
    found = await crawled(site)
    assert found.pages == ["/", "/html", "/xhtml", "/pdf", "/md", "/txt", "/docx"]
    taken = ["/zip", "/json", "/none", "/xml", "/photo.JPG", "/style.css?v=2"]
    assert found.reasons == dict.fromkeys(taken, Reason.CONTENT_TYPE)
    assert "/photo.JPG" not in site.asked
    assert "not given" in found.detail("/none")


async def test_what_fails_is_reported_and_the_rest_taken(site: Website) -> None:
    async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    site.routes = {
        "/": links("/slow", "/bomb", "/huge", "/gone", "/fine", "/500"),
        "/slow": silence,
        "/bomb": Reply(gzip.compress(b"\0" * 30_000_000), headers=GZIPPED),
        "/huge": Reply(b"x" * 200_000),
        "/gone": Reply(status=410),
        "/fine": Reply(gzip.compress(b"<p>fine"), headers=GZIPPED),
        "/500": Reply(status=500),
    }
    found = await crawled(site, deadline_s=3, max_bytes=100_000)
    assert found.pages == ["/", "/fine"]
    assert found.reasons == {
        "/slow": Reason.FAILED, "/bomb": Reason.FAILED, "/huge": Reason.FAILED,
        "/gone": Reason.STATUS, "/500": Reason.STATUS,
    }  # fmt: skip
    assert "took longer" in found.detail("/slow")
    assert "larger than" in found.detail("/bomb")


# Sitemaps


def urlset(*urls: str) -> bytes:
    entries = "".join(f"<url><loc> {url} </loc><lastmod>2026-01-01</lastmod></url>" for url in urls)
    return (
        f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'.encode()
    )


def index(*urls: str) -> bytes:
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>'.encode()


async def test_a_sitemap_index_with_every_kind_of_sitemap(site: Website) -> None:
    text = f"\ufeff{site.url('/t1')}\r\n{site.url('/t2')}\n".encode()
    site.routes = {
        "/sitemap.xml": Reply(
            index(*map(site.url, ("/plain.xml", "/packed.xml.gz", "/list.txt", "/sitemap.xml", "/missing.xml"))),
            "text/html",
        ),
        "/plain.xml": Reply(urlset(site.url("/p1"), site.url("/p2"), "https://other.example/"), "application/xml"),
        "/packed.xml.gz": Reply(gzip.compress(urlset(site.url("/g1"))), "application/x-gzip"),
        "/list.txt": Reply(text, "text/plain"),
        "/p1": links("/p1/more", text="p1"),
    }
    for path in ("/p2", "/g1", "/t1", "/t2", "/p1/more"):
        site.routes[path] = html(path)
    found = await crawled(site, "/sitemap.xml")
    assert found.pages == ["/p1", "/p2", "/g1", "/t1", "/t2", "/p1/more"]
    assert found.reasons == {"https://other.example/": Reason.OTHER_SITE, "/missing.xml": Reason.STATUS}
    listed = await crawled(site, "/sitemap.xml", replace(QUICK, depth=1))
    assert listed.pages == found.pages[:-1]
    assert listed.reasons["/p1/more"] is Reason.TOO_DEEP


async def test_sitemaps_nested_without_end(site: Website) -> None:
    site.else_ = lambda path: Reply(index(site.url(f"{path}x")), "application/xml")
    found = await crawled(site, "/s")
    assert found.reasons == {"/sxxx": Reason.TRAP}


async def test_sitemaps_empty_broken_and_too_long(site: Website) -> None:
    site.routes = {
        "/empty": Reply(urlset(), "application/xml"),
        "/cut": Reply(urlset(site.url("/a"), site.url("/b"))[:-60], "application/xml"),
        "/a": html("a"),
        "/b": html("b"),
        "/gz": Reply(gzip.compress(urlset("/a"))[:-9], "application/gzip"),
        "/feed": Reply(b"<rss><channel/></rss>", "application/rss+xml"),
    }
    assert (await crawled(site, "/empty")).reasons == {"/empty": Reason.EMPTY}
    assert (await crawled(site, "/cut")).pages[0] == "/a"
    assert (await crawled(site, "/gz")).reasons == {"/gz": Reason.CONTENT_TYPE}
    assert (await crawled(site, "/feed")).reasons == {"/feed": Reason.CONTENT_TYPE}


# Ending early


async def held(site: Website) -> asyncio.Event:
    """Every page but the start stays unanswered; the event tells that all connections to them were closed."""
    closed = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        if site.at_once == 1:
            closed.set()

    site.routes = {"/": links("/1", "/2", "/3", "/4", "/5")}
    site.else_ = lambda _: hold
    return closed


async def until_asked(site: Website, count: int) -> None:
    while len(site.pages) < count:
        await asyncio.sleep(0.01)


async def test_closing_the_generator_ends_every_request(site: Website) -> None:
    closed = await held(site)
    before = asyncio.all_tasks()
    async with GuardedClient(allow=("127.0.0.1",)) as client:
        async with aclosing(crawl(site.url(), client, QUICK)) as found:
            assert isinstance(await anext(found), Page)
            waiting = asyncio.ensure_future(anext(found))
            await until_asked(site, 5)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await closed.wait()
        assert not [task for task in asyncio.all_tasks() - before if "visit" in repr(task.get_coro())]


async def test_closing_between_two_pages(site: Website) -> None:
    site.else_ = lambda path: links(*(f"/{n}" for n in range(8)), text=path)
    async with GuardedClient(allow=("127.0.0.1",)) as client:
        async with aclosing(crawl(site.url(), client, QUICK)) as found:
            await anext(found)
            await anext(found)
        assert not [task for task in asyncio.all_tasks() if "visit" in repr(task.get_coro())]


async def test_cancelling_the_consumer_ends_every_request(site: Website) -> None:
    closed = await held(site)

    async def consume(client: GuardedClient) -> None:
        async with aclosing(crawl(site.url(), client, QUICK)) as found:
            async for _ in found:
                pass

    async with GuardedClient(allow=("127.0.0.1",)) as client:
        task = asyncio.create_task(consume(client))
        await until_asked(site, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await closed.wait()
