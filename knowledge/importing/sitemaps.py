"""Reads sitemaps: XML, index, gzipped, or a plain list of addresses. Recognised by what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from lxml import etree

from fetching.inflate import gunzip
from knowledge.importing.urls import normalise

_GZIP_MAGIC = b"\x1f\x8b"
# The protocol's own limit for one file, unpacked.
_UNPACKED_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sitemap:
    """`urls` are normalised addresses in the file's order, each once."""

    urls: tuple[str, ...]
    index: bool
    """Whether the addresses are of further sitemaps."""
    cut: bool
    """Whether there were more addresses than asked for."""


def read_sitemap(body: bytes, url: str, most: int) -> Sitemap | None:
    """The sitemap in `body`, of at most `most` addresses; None if it is none. Takes CPU: call it in a thread."""
    if body.startswith(_GZIP_MAGIC):
        try:
            body = gunzip(body, _UNPACKED_BYTES)
        except ValueError:
            return None
    # A file's type is what its first bytes say: servers send sitemaps as anything, HTML included.
    start = body[:1_000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return _xml(body, url, most)
    return _list(body, most) if start.startswith((b"http://", b"https://")) else None


def _xml(body: bytes, url: str, most: int) -> Sitemap | None:
    kind = ""
    urls: dict[str, None] = {}
    cut = False
    events = etree.iterparse(
        BytesIO(body),
        events=("start", "end"),
        recover=True,
        resolve_entities=False,  # neither files nor a billion laughs
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for event, element in events:
            name = etree.QName(element).localname
            if not kind:
                if name not in ("urlset", "sitemapindex"):
                    return None
                kind = name
            if event == "start":
                continue
            if name == "loc" and (link := normalise(element.text or "", url)):
                # The same word in another namespace is an image's or a video's address.
                parent = element.getparent()
                if parent is not None and etree.QName(parent).localname in ("url", "sitemap"):
                    cut = cut or (link not in urls and len(urls) >= most)
                    if not cut:
                        urls[link] = None
            if name in ("url", "sitemap"):
                element.clear()
                while (before := element.getprevious()) is not None:
                    before.getparent().remove(before)
    except etree.LxmlError:
        pass  # what was read until then holds
    return Sitemap(tuple(urls), kind == "sitemapindex", cut) if kind else None


def _list(body: bytes, most: int) -> Sitemap | None:
    lines = body.decode("utf-8-sig", errors="replace").split()
    if not lines or not all(line.lower().startswith(("http://", "https://")) for line in lines):
        return None
    urls = dict.fromkeys(link for line in lines if (link := normalise(line)))
    return Sitemap(tuple(urls)[:most], index=False, cut=len(urls) > most)
