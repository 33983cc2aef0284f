"""Links and images in a reply, as a browser, a Markdown viewer or an eager chat window would find them."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from msgspec import Struct


class Link(Struct, frozen=True):
    """`host`: lower case, without port and final dot; empty for a relative link. `shown`: host that the link's text
    names, if it names one. `tricky`: spelt to look like another address. `bare`: a name alone, without a scheme.
    """

    host: str
    address: str
    words: str
    start: int
    end: int
    image: bool = False
    shown: str = ""
    tricky: bool = False
    bare: bool = False


# Endings that are no file's: a bare name of one of them is turned into a link by many chat windows.
_ENDINGS = (
    "com|net|org|info|biz|io|co|ai|app|dev|shop|store|online|site|xyz|top|club|vip|cc|tv|me|us|uk|eu|de|fr|es|it|nl"
    "|pl|ru|ch|at|be|se|no|dk|fi|pt|cz|in|jp|kr|cn|hk|tw|sg|my|th|vn|ph|au|nz|ca|mx|br|ar|cl|za|tr|ae|sa|il|gov|edu"
    "|int|pro|tech|live|link|click|security|example|test"
)
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_URL = re.compile(
    r"(?<![a-z0-9+.-])(?:https?|ftps?|wss?):(?://|\\\\|/|\\){0,2}[^\s<>\"'`，。！？；、）】》」』\])}|]{1,2048}", re.I
)
_RELATIVE = re.compile(r"(?<![:\w/\\.])//(?=[\w-]{1,63}\.[a-z])[^\s<>\"'`，。！？；）】》\])]{1,2048}", re.I)
_BARE = re.compile(
    rf"(?<![\w@./:\\-])(?:www\.)?(?:{_LABEL}\.){{1,6}}(?:{_ENDINGS}|xn--[a-z0-9-]{{2,59}})(?![\w@-]"
    rf"|\.\w)(?::\d{{1,5}})?(?:[/?#][^\s<>\"'`，。！？；、）】》\])]{{0,2048}})?",
    re.I,
)
_WWW = re.compile(rf"(?<![\w@./:\\-])www\.(?:{_LABEL}\.){{1,6}}[a-z]{{2,24}}(?![\w@-])", re.I)
_MARKDOWN = re.compile(
    r"(!?)\[((?:[^\[\]\n]|\[[^\[\]\n]{0,100}\]){0,400})\]\(\s{0,4}<?([^\s)>]{1,2048})[^)\n]{0,200}\)?"
)
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]\n]{1,80}\]:\s{0,4}<?([^\s>]{1,2048})", re.M)
_IMAGE_TAG = re.compile(
    r"<\s{0,3}(?:img|image|picture|source|video|audio|input|track|embed|svg|use|feimage|bgsound)\b[^>]{0,2048}", re.I
)
_SOURCE = re.compile(r"(?:src|srcset|href|data|poster)\s{0,3}=\s{0,3}[\"']?\s{0,3}([^\s\"'>]{1,2048})", re.I)
_STYLE = re.compile(r"(?:url\s{0,2}\(|@import\s{1,3})\s{0,2}[\"']?\s{0,2}((?:https?:)?//[^\s\"')]{1,2048})", re.I)
_ANCHOR = re.compile(
    r"<\s{0,3}a\b[^>]{0,400}?href\s{0,3}=\s{0,3}[\"']?\s{0,3}([^\s\"'>]{1,2048})[^>]{0,400}>([^<]{0,200})", re.I
)
_HOST_IN = re.compile(rf"((?:{_LABEL}\.){{1,6}}(?:{_ENDINGS}|xn--[a-z0-9-]{{2,59}}))(?![\w-]|\.\w)", re.I)
# Endings that are words too: "done.It" is a missing blank, not Italy. Those of places are hosts in lower case.
_LIKE_WORDS = "it in at be me no to is so am by as pro live link click top"
_LIKE_PLACES = "de es us my example test security"
_PLACES = frozenset(_LIKE_PLACES.split())
_WORDS = _PLACES | frozenset(_LIKE_WORDS.split())
_AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}:)?[/\\]{0,4}([^/\\?#]*)", re.I)
_HINTS = re.compile(r"[a-z0-9]\.[^\W_]|:\s{0,3}[/\\]|//|\]\s?\(|\]:|<|url\(", re.I)


def links(text: str) -> Iterator[Link]:
    """All of them; the same address can come twice, once as written and once by the markup around it."""
    if not _HINTS.search(text):
        return
    spans: list[tuple[int, int]] = []
    for link in _marked_up(text):
        spans.append((link.start, link.end))
        yield link
    for match in (*_URL.finditer(text), *_RELATIVE.finditer(text)):
        if not _within(match, spans):
            yield _link(match.group().rstrip(".,;:!?…"), match)
    for match in (*_BARE.finditer(text), *_WWW.finditer(text)):
        if not _within(match, spans) and _is_name(match.group()):
            yield _link("//" + match.group().rstrip(".,;:!?…"), match, bare=True)


def _marked_up(text: str) -> Iterator[Link]:
    """What Markdown and HTML make a link or an image of."""
    if "[" in text:
        for match in _MARKDOWN.finditer(text):
            yield _link(match[3], match, image=bool(match[1]), shown=_shown(match[2]))
        for match in _REFERENCE.finditer(text):
            yield _link(match[1], match, image="![" in text)
    if "<" in text:
        for tag in _IMAGE_TAG.finditer(text):
            for source in _SOURCE.finditer(tag.group()):
                yield _link(source[1], tag, image=True)
        for match in _ANCHOR.finditer(text):
            yield _link(match[1], match, shown=_shown(match[2]))
    for match in _STYLE.finditer(text):
        yield _link(match[1], match, image=True)


def _within(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start <= match.start() < end for start, end in spans)


def _is_name(words: str) -> bool:
    """Whether a bare name means a host: neither a number with a full stop nor a sentence that lacks a blank."""
    host, slash, _ = words.partition("/")
    labels = host.lower().split(".")
    if not any(each.isalpha() for label in labels[:-1] for each in label):
        return False
    return (
        bool(slash) or len(labels) > 2 or labels[-1] not in _WORDS or (host == host.lower() and labels[-1] in _PLACES)
    )


def _link(address: str, match: re.Match[str], *, image: bool = False, shown: str = "", bare: bool = False) -> Link:
    host, tricky = host_of(html.unescape(address))
    return Link(host, address, match.group()[:200], match.start(), match.end(), image, shown, tricky, bare)


def host_of(address: str) -> tuple[str, bool]:
    """The host of an address, and whether the address is spelt to deceive: user information before the host,
    letters that look like others, numbers for a name."""
    plain = unicodedata.normalize("NFKC", address).replace("\\", "/").strip()
    if not re.match(r"(?:(?:https?|ftps?|wss?):|[a-z][a-z0-9+.-]{0,20}:/|//)", plain, re.I):
        return "", False
    found = _AUTHORITY.match(plain)
    authority = found[1] if found else ""
    user, at, place = authority.rpartition("@")
    host = place.rsplit(":", 1)[0] if re.search(r":\d*\Z", place) else place
    host = host.lower().rstrip(".").removeprefix("www.") or "?"
    numeric = re.fullmatch(r"(?:0x[0-9a-f]+|[0-9.]+|\[[0-9a-f:.]*\]?)", host) is not None
    return host, bool(at) or bool(user) or not host.isascii() or "xn--" in host or numeric or "%" in host


def _shown(text: str) -> str:
    found = _HOST_IN.search(text)
    return found[1].lower().removeprefix("www.") if found else ""


def hosts(text: str) -> frozenset[str]:
    """Every host that a text names, as `Link.host` has it."""
    return frozenset(each.host for each in links(text) if each.host)
