"""Reads from an HTML page what a crawler needs: its links, its canonical address and what it asks of robots."""

from __future__ import annotations

import codecs
import re
import time
from dataclasses import dataclass
from typing import Any

from lxml import etree

from knowledge.importing.robots import directives
from knowledge.importing.urls import normalise

_LINKING = {"a": "href", "area": "href", "iframe": "src", "frame": "src"}
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
# Decoders that are no page's charset and whose work grows with the square of the length.
_NO_CHARSETS = frozenset({"idna", "punycode"})
_REFRESH = re.compile(r"[\s\d.]*[;,]?\s*url\s*=\s*[\"']?([^\"'>\s]+)", re.IGNORECASE)
_LINK_HEADER = re.compile(r"<([^<>]{1,2000})>([^<]*)")
_CANONICAL = re.compile(r";\s*rel\s*=\s*\"?canonical\b", re.IGNORECASE)

# libxml2 walks the stack of open elements at a stray end tag, so a page of a million open and stray tags would take
# hours. What was found within this time is taken.
_CPU_S = 2.0
_PIECE = 1024


@dataclass(frozen=True, slots=True)
class Links:
    """`follow` and `nofollow` are normalised addresses in the page's order, each once."""

    follow: tuple[str, ...] = ()
    nofollow: tuple[str, ...] = ()
    canonical: str | None = None
    asks: frozenset[str] = frozenset()
    """Of noindex and nofollow, what the page's meta tags ask."""
    cut: bool = False
    """Whether there were more links than `most`, or the page took too long to read."""


def read_links(body: bytes, charset: str | None, url: str, agent: str, most: int) -> Links:
    """Never raises, however broken the page. Takes CPU: call it in a thread. `most` bounds the distinct links."""
    page = _Page(agent, most)
    # A target keeps no tree: nesting of any depth is read, where a tree would stop at 256 levels.
    target: Any = page  # of the parser's events only those with a method here are sent
    parser = etree.HTMLParser(target=target, encoding="utf-8")
    text = _decoded(body, charset).replace("\0", "�").encode("utf-8", errors="replace")
    until = time.thread_time() + _CPU_S
    for at in range(0, len(text), _PIECE):
        if page.full or time.thread_time() > until:
            page.full = True
            break
        try:
            parser.feed(text[at : at + _PIECE])
        except etree.LxmlError:
            break
    base = (page.base and normalise(page.base, url)) or url
    follow = dict.fromkeys(link for href in page.follow if (link := normalise(href, base)))
    nofollow = dict.fromkeys(link for href in page.nofollow if (link := normalise(href, base)))
    return Links(
        follow=tuple(follow),
        nofollow=tuple(link for link in nofollow if link not in follow),
        canonical=normalise(page.canonical, base) if page.canonical else None,
        asks=directives(page.robots, agent),
        cut=page.full,
    )


def canonical_of(link_headers: tuple[str, ...], url: str) -> str | None:
    """The canonical address in a response's Link headers: a PDF cannot name it otherwise."""
    for header in link_headers:
        for target, parameters in _LINK_HEADER.findall(header):
            if _CANONICAL.search(parameters):
                return normalise(target, url)
    return None


class _Page:
    """Collects from the parser's events, hrefs as written: <base> may come after the first links."""

    def __init__(self, agent: str, most: int) -> None:
        self.follow: dict[str, None] = {}
        self.nofollow: dict[str, None] = {}
        self.base = ""
        self.canonical = ""
        self.robots: list[str] = []
        self.full = False
        self._names = {"robots", agent.lower()}
        self._most = most

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _LINKING:
            self._link(attributes.get(_LINKING[tag], ""), attributes.get("rel", ""))
        elif tag == "base":
            self.base = self.base or attributes.get("href", "")
        elif tag == "link" and "canonical" in attributes.get("rel", "").lower().split():
            self.canonical = self.canonical or attributes.get("href", "")
        elif tag == "meta":
            self._meta(attributes)

    def close(self) -> None:
        """Called by the parser at the end."""

    def _meta(self, attributes: dict[str, str]) -> None:
        content = attributes.get("content", "")
        if attributes.get("name", "").strip().lower() in self._names:
            self.robots.append(content)
        elif attributes.get("http-equiv", "").strip().lower() == "refresh" and (
            target := _REFRESH.match(content[:2_000])
        ):
            self._link(target[1], "")

    def _link(self, href: str, rel: str) -> None:
        if not href or href.startswith("#"):
            return
        if len(self.follow) + len(self.nofollow) >= self._most:
            self.full = True
            return
        (self.nofollow if "nofollow" in rel.lower().split() else self.follow)[href] = None


def _decoded(body: bytes, charset: str | None) -> str:
    declared = _META_CHARSET.search(body[:2048])
    for name in (charset, declared[1].decode("ascii", errors="replace") if declared else None):
        if name:
            try:
                if codecs.lookup(name).name not in _NO_CHARSETS:
                    return body.decode(name, errors="replace")
            except (LookupError, ValueError):  # an unknown name, or a codec of other things, such as "hex"
                continue
    return body.decode("utf-8-sig", errors="replace")
