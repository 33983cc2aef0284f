"""Which headers of a caller's own may be sent. Pure."""

from __future__ import annotations

import re

# What frames the message or names the host is the transport's to say: a second opinion is request smuggling.
RESERVED = frozenset({
    "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, token
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?")
_MOST = 8_000


def broken_header(name: str, value: str) -> str | None:
    """Why it must not be sent, without quoting the value, which may be a secret; None where it may."""
    if not _NAME.fullmatch(name):
        return "is no header name"
    if name.lower() in RESERVED:
        return "is not for a caller to set"
    if len(value) > _MOST:
        return f"has a value over {_MOST} characters"
    if not _VALUE.fullmatch(value):
        return "has a value that is not plain ASCII, or has spaces around it or a line break in it"
    return None
