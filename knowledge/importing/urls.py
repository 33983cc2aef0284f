"""Web addresses as the crawler compares them: one spelling per page, one key per site, and the signs of a trap."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import idna

_DEFAULT_PORT = {"http": 80, "https": 443}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = "/:@!$&'()*+,;=~%"
_QUERY_SAFE = _PATH_SAFE + "?"
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[a-z0-9_.-]{1,253}")
# Say where a visitor came from, never what the page shows.
_TRACKING = re.compile(r"(utm_\w+|gclid|fbclid|msclkid)(=|$)", re.IGNORECASE)
_EDGES = "".join(map(chr, range(0x21)))
_INNER = str.maketrans("", "", "\t\r\n")

_LONGEST = 2_000
_SEGMENTS = 20


def normalise(href: str, base: str = "") -> str | None:
    """The one spelling of the http or https address that `href` means on the page `base`; None if it means none.

    Fragment, default port, the host's trailing dot, dot segments and tracking parameters are gone; the order of the
    other parameters is kept. A link with a password is none: passwords are never sent.
    """
    try:
        parts = urlsplit(urljoin(base, href.strip(_EDGES).translate(_INNER)))
        scheme, port = parts.scheme.lower(), parts.port
        host = _host(parts.hostname or "")
    except ValueError:
        return None
    if scheme not in _DEFAULT_PORT or host is None or "@" in parts.netloc:
        return None
    netloc = host if port in (None, _DEFAULT_PORT[scheme]) else f"{host}:{port}"
    path = _without_dots(_percent(parts.path, _PATH_SAFE)) or "/"
    query = "&".join(part for part in parts.query.split("&") if not _TRACKING.match(part))
    return urlunsplit((scheme, netloc, path, _percent(query, _QUERY_SAFE), ""))


def site_of(url: str) -> tuple[str, int | None]:
    """Equal for two normalised addresses of one site: with and without www, http and https, but one port."""
    parts = urlsplit(url)
    return (parts.hostname or "").removeprefix("www."), parts.port


def origin_of(url: str) -> str:
    """Scheme, host and port: what a robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def without_query(url: str) -> str:
    """The address of which another query gives another view."""
    return url.partition("?")[0]


def trap(url: str) -> str | None:
    """Why this address looks like one of endlessly many that a site makes up, or None."""
    if len(url) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    segments = [segment for segment in urlsplit(url).path.split("/") if segment]
    if len(segments) > _SEGMENTS:
        return f"more than {_SEGMENTS} path segments"
    for period in range(1, len(segments) // 2 + 1):
        # One segment twice is common (/2026/01/01); a longer run twice, or one three times, is a link gone relative.
        times = 3 if period == 1 else 2
        for at in range(len(segments) - period * times + 1):
            if segments[at : at + period] * times == segments[at : at + period * times]:
                return f"path repeats {'/'.join(segments[at : at + period])}"
    return None


def _host(name: str) -> str | None:
    name = name.rstrip(".")
    if ":" in name:
        return f"[{IPv6Address(name)}]"
    if not name.isascii():
        if len(name) > 253:  # IDNA's work grows with the square of the length
            return None
        name = idna.encode(name, uts46=True).decode("ascii").rstrip(".")  # IDNAError is a ValueError
    return name if _HOST.fullmatch(name) else None


def _percent(text: str, safe: str) -> str:
    """One spelling of percent-encoding: only what must be is encoded, in upper case, as UTF-8."""
    text = _STRAY_PERCENT.sub("%25", text)
    return quote(_ESCAPE.sub(_unescape, text), safe=safe, errors="replace")


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)
