"""The crawler's readers take whatever a site sends: addresses, HTML, sitemaps, robots tags."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.importing.links import Links, canonical_of, read_links
from knowledge.importing.robots import directives
from knowledge.importing.sitemaps import read_sitemap
from knowledge.importing.urls import normalise, site_of, trap

PAGE = "http://x.example/dir/page"


def read(body: str | bytes, charset: str | None = None, most: int = 1_000) -> Links:
    return read_links(body if isinstance(body, bytes) else body.encode(), charset, PAGE, "KefuBot", most)


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("HTTP://X.Example:80/A?b#c", "http://x.example/A?b"),
        ("https://x.example:443", "https://x.example/"),
        ("https://x.example:80/", "https://x.example:80/"),
        ("http://x.example./", "http://x.example/"),
        ("//y.example/a", "http://y.example/a"),
        ("../up", "http://x.example/up"),
        ("http://x.example/a/../../b/./c/..", "http://x.example/b/"),
        ("/a/%2e%2e/b", "http://x.example/b"),
        ("?q", "http://x.example/dir/page?q"),
        ("/%7euser/%e4%b8%ad", "http://x.example/~user/%E4%B8%AD"),
        ("/中?文=字", "http://x.example/%E4%B8%AD?%E6%96%87=%E5%AD%97"),
        ("http://例子.中国/", "http://xn--fsqu00a.xn--fiqs8s/"),
        ("http://例子。中国/", "http://xn--fsqu00a.xn--fiqs8s/"),
        ("/100%", "http://x.example/100%25"),
        ("/a b\tc\n", "http://x.example/a%20bc"),
        ("/a%2Fb", "http://x.example/a%2Fb"),
        ("/?utm_source=a&z=1&UTM_x=&a=2&gclid=3", "http://x.example/?z=1&a=2"),
        ("/?utm_source=a", "http://x.example/"),
        ("/?outm_x=1&utmost=2", "http://x.example/?outm_x=1&utmost=2"),
        ("http://[2606:4700::0:1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("mailto:a@b.c", None),
        ("javascript:alert(1)", None),
        ("http://u:p@x.example/", None),
        ("http://@x.example/", None),
        ("http://x.example:99999/", None),
        ("http://x.example:port/", None),
        ("http://[::1", None),
        ("http://a b/", None),
        ("http://" + "中" * 5_000 + "/", None),
    ],
)
def test_normalise(href: str, address: str | None) -> None:
    assert normalise(href, PAGE) == address


@given(st.text(), st.sampled_from(["", "http://x.example/", "https://x.example:8443/a/b?c"]))
def test_normalising_never_fails_and_twice_is_once(href: str, base: str) -> None:
    for written in (href, f"http://x.example/{href}", f"http://{href}/"):
        address = normalise(written, base)
        if address is not None:
            assert address.isascii()
            assert normalise(address) == address


def test_one_site() -> None:
    home = site_of("http://shop.example/")
    for same in ("https://www.shop.example/a", "https://shop.example/", "http://www.shop.example/"):
        assert site_of(same) == home
    for other in ("http://shop.example:8080/", "http://help.shop.example/", "http://shop.example.evil.example/"):
        assert site_of(other) != home


@pytest.mark.parametrize(
    ("path", "is_trap"),
    [
        ("/a/b/a/b/", True), ("/x/a/b/c/a/b/c", True), ("/a/a/a", True), ("/" + "h" * 2_000, True),
        ("/" + "/".join(map(str, range(21))), True), ("/2026/01/01/", False), ("/a/a/", False), ("/", False),
        ("/a/b/c/a/d/b", False), ("/?" + "q" * 1_000, False),
    ],
)  # fmt: skip
def test_traps(path: str, is_trap: bool) -> None:
    assert bool(trap("http://x.example" + path)) is is_trap


def test_links_of_a_page() -> None:
    found = read(
        "<link rel='alternate Canonical' href=/real><a href=a>1</a><a href=a>2</a><a>3</a><a href>4</a>"
        "<a href='#x'>5</a>"
        "<map><area href=/area></map><iframe src=/frame></iframe><a rel='NoFollow' href=/no><!-- <a href=/comment> -->"
        "<script>'<a href=/script>'</script><a href='/both' rel=nofollow></a><a href=/both></a>"
        "<a href='/q?a=1&amp;b=2'>"
        "<META NAME=robots CONTENT='NoIndex , follow'>"
    )
    origin = "http://x.example"
    paths = ("/dir/a", "/area", "/frame", "/both", "/q?a=1&b=2")
    assert found.follow == tuple(origin + path for path in paths)
    assert found.nofollow == (f"{origin}/no",)
    assert (found.canonical, found.asks, found.cut) == (f"{origin}/real", frozenset({"noindex"}), False)


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ("<a href=/中>".encode("gbk"), "gbk"),
        ("<meta charset=gb2312><a href=/中>".encode("gbk"), None),
        ("<meta http-equiv=Content-Type content='text/html; charset=GB18030'><a href=/中>".encode("gb18030"), None),
        ("<a href=/中>".encode(), None),
        ("<a href=/中>".encode(), "no-such-charset"),
        ("<a href=/中>".encode(), "hex"),
        ("<a href=/中>".encode(), "punycode"),
        ("\ufeff<a href=/中>".encode(), None),
        ("<meta charset=latin-1><a href=/中>".encode(), "utf-8"),
        ("<a href=/中>".encode("utf-16"), "utf-16"),
    ],
)
def test_charsets(body: bytes, charset: str | None) -> None:
    assert read(body, charset).follow == ("http://x.example/%E4%B8%AD",)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"   ", b"\0", b"<", b"<a", b"<a href", b"<a href=", b"\xff\xfe", bytes(range(256)) * 100, b"<!--",
        b"<![CDATA[",
        b"<?xml version='1.0' encoding='x'?><html>", b"<a href='http://['>", b"<base href='javascript:1'><a href=''>",
        b"<!DOCTYPE html [<!ENTITY a '&a;&a;'>]>&a;",
    ],
)  # fmt: skip
def test_pages_with_nothing_to_read(body: bytes) -> None:
    assert read(body).follow == ()


@given(st.binary(max_size=500), st.sampled_from([None, "utf-8", "gbk", "utf-16", "utf-7"]))
def test_no_bytes_are_an_error(body: bytes, charset: str | None) -> None:
    read(b"<a href=/x>" + body, charset)
    read_sitemap(body, PAGE, 10)
    read_sitemap(b"<urlset><url><loc>" + body, PAGE, 10)


def test_nesting_of_any_depth_is_read() -> None:
    found = read("<div>" * 100_000 + "<a href=/deep></a>" + "</div>" * 100_000 + "<a href=/after></a>")
    assert found.follow == ("http://x.example/deep", "http://x.example/after")


def test_a_page_made_to_take_hours_is_left_after_seconds() -> None:
    """Hundreds of thousands of open elements, and as many stray end tags that look at each of them."""
    started = time.thread_time()
    found = read("<a href=/first></a>" + "<ul><li>" * 200_000 + "</b>" * 200_000 + "<a href=/never></a>")
    assert time.thread_time() - started < 10
    assert found.follow == ("http://x.example/first",)
    assert found.cut


def test_links_over_the_most_are_cut() -> None:
    found = read("".join(f"<a href=/{n}>" for n in range(100)), most=10)
    assert (len(found.follow), found.cut) == (10, True)


def test_canonical_in_headers() -> None:
    headers = ('<https://y.example/style>; rel=preload, </real>; title="x"; rel="canonical"', "<" * 50_000)
    assert canonical_of(headers, PAGE) == "http://x.example/real"
    assert canonical_of(("</a>; rel=next",), PAGE) is None


@pytest.mark.parametrize(
    ("tags", "asks"),
    [
        (["noindex"], {"noindex"}),
        (["NONE"], {"noindex", "nofollow"}),
        (["index, follow, max-snippet: 5"], set()),
        (["otherbot: noindex"], set()),
        (["otherbot: noindex, KefuBot: nofollow"], {"nofollow"}),
        (["kefubot: noindex, nofollow"], {"noindex", "nofollow"}),
        (["unavailable_after: 25 Jun 2026 15:00:00 PST", "noindex"], {"noindex"}),
        (["", ",", ":"], set()),
    ],
)
def test_directives(tags: list[str], asks: set[str]) -> None:
    assert directives(tags, "KefuBot") == asks


def test_a_sitemap_with_images_and_a_limit() -> None:
    body = (
        b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:i='http://www.google.com/schemas/sitemap-image/1.1'>"
        b"<url><loc>http://x.example/1?a=1&amp;b=2</loc><i:image><i:loc>http://x.example/i.png</i:loc></i:image></url>"
        b"<url><loc><![CDATA[http://x.example/2]]></loc></url><url><loc>http://x.example/2</loc></url>"
        b"<url><loc>nonsense:</loc></url><url/><url><loc>http://x.example/3</loc></url></urlset>"
    )
    sitemap = read_sitemap(body, PAGE, 10)
    assert sitemap is not None
    assert sitemap.urls == ("http://x.example/1?a=1&b=2", "http://x.example/2", "http://x.example/3")
    assert (sitemap.index, sitemap.cut) == (False, False)
    fewer = read_sitemap(body, PAGE, 2)
    assert fewer is not None
    assert (len(fewer.urls), fewer.cut) == (2, True)


def test_sitemaps_read_no_files_and_do_not_laugh() -> None:
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    for doctype in (
        f"<!DOCTYPE urlset [<!ENTITY l0 'ha'>{laughs}]>",
        "<!DOCTYPE urlset [<!ENTITY l9 SYSTEM 'file:///etc/passwd'>]>",
    ):
        body = f"{doctype}<urlset><url><loc>http://x.example/&l9;</loc></url><url><loc>http://x.example/b</loc></url></urlset>"
        sitemap = read_sitemap(body.encode(), PAGE, 10)
        assert sitemap is not None
        assert all(len(url) < 50 and "root" not in url for url in sitemap.urls)


def test_what_is_no_sitemap() -> None:
    for body in (
        b"",
        b"<html></html>",
        b"%PDF-1.7",
        b"https://x.example/ is our site",
        b"\x1f\x8bnonsense",
        b"<urlset",
    ):
        assert read_sitemap(body, PAGE, 10) is None or read_sitemap(body, PAGE, 10).urls == ()  # type: ignore[union-attr]
