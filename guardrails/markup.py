"""Text that a browser or an interpreter would run: scripts, event handlers, URLs that are code, SQL and shell."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

Rule = Literal["markup_payload", "markup_suspected", "code_payload"]


class Payload(Struct, frozen=True):
    rule: Rule
    words: str
    at: int = 0


# Blanks and control characters inside a scheme are ignored by browsers.
_B = r"[\s\x00-\x20]{0,3}"
_JAVASCRIPT = _B.join("javascript") + _B + ":"
_ACTIVE = re.compile(
    rf"""
    <{_B}script\b(?![^>]{{0,300}}\bsrc\s{{0,3}}=\s{{0,3}}["']?https://[^>]{{0,300}}>\s{{0,9}}</script)[^>]{{0,80}}
    | \b(?:{_JAVASCRIPT}|vbscript\s{{0,3}}:)[^\s]{{1,60}}
    | \bdata\s{{0,3}}:\s{{0,3}}(?:text/(?:html|javascript)|image/svg\+xml|application/(?:javascript
        |xhtml\+xml))[^\s]{{0,60}}
    | <[a-z!/\[][^<>]{{0,300}}?[\s"'/\\](?:x0?c|x?[0-9a-f]{{2}})?\bon[a-z]{{3,20}}\s{{0,3}}=[^<>]{{1,80}}
    | ["'`][\s>/]{{0,5}}on(?:error|load|click|mouse\w{{2,6}}|focus|toggle
        |pointer\w{{2,8}})\s{{0,3}}=\s{{0,3}}["'`]?[^\s]{{1,60}}
    | \bexpression\s{{0,3}}\(\s{{0,3}}(?:javascript|alert|eval)
    | (?:^|[\s;"'.(>`])(?:alert|prompt|confirm|eval)\s{{0,2}}[(`]\s{{0,2}}(?:\d{{0,4}}\s{{0,2}}[)`]
        |["'][^"']{{0,40}}["']\s{{0,2}}\)|document\b|string\.fromcharcode|atob\b)
    | \bdocument\s?\.\s?(?:cookie|write|location)\b | \bnew(?:\s|%20)function\s?[(`]
    """,
    re.I | re.X,
)
_PASSIVE = re.compile(
    r"<\s{0,2}/?(?:script|iframe|object|embed|form|base|meta|link|svg|style|applet|frameset|math|template|img"
    r"|video|audio|a\s{1,3}href)\b[^<>]{0,80}"
    r"|!\[[^\]\n]{0,80}\]\s?\(\s?(?:https?:)?//[^\s)]{1,200}",
    re.I,
)
_CODE = re.compile(
    r"""
    ["']\s{0,3}(?:or|and)\s{1,3}["'\d\w(]{1,12}\s{0,2}=\s{0,2}["'\d\w]{1,12} | \bunion\s{1,3}(?:all\s{1,3})?select\b
    | \b(?:drop|truncate|alter)\s{1,3}(?:table|database)\b(?=\s{1,3}[\w"`]{1,40}) | ;\s{0,3}(?:drop
        |delete\s{1,3}from|insert\s{1,3}into|update\s{1,3}\w{1,40}\s{1,3}set|shutdown|exec)\b
    | ["']\s{0,3};\s{0,3}\w{3,20}[^\n]{0,60}-- | ["'\s;)](?:--|\#|/\*)\s{0,2}$ | \bexec\s{0,2}\(\s{0,2}["']
        |\bxp_cmdshell\b
    | \bselect\b[^\n;]{1,80}(?:\bfrom\b[^\n;]{1,40}(?:--|;|\bwhere\b)|@@version|\bcase\s{1,3}when\b)
        | \bselect\s{1,3}case\s{1,3}when\b
    | \b(?:sleep|benchmark|waitfor\s{1,3}delay|pg_sleep)\s{0,2}\(?\s{0,2}['"\d]{1,6}\s{0,2}[),]
        | \b(?:insert\s{1,3}into)\b[^\n]{1,60}\bvalues\s{0,2}\(
    | \brm\s{1,3}-[rf]{1,3}\s{1,3}[/~*] | \b(?:curl|wget)\b[^\n]{1,120}\|\s{0,3}(?:ba|z)?sh\b | \$\{\s?jndi:
        | \{\{[^{}\n]{0,40}(?:__|config|self\.|\d\s?\*\s?\d)[^{}\n]{0,40}\}\}
    """,
    re.I | re.X,
)
_ACTIVE_HINTS = ("javascript:", "vbscript:", "data:", "alert", "prompt(", "confirm(", "eval", "expression(", "document")
_ACTIVE_HINTS_TOO = ("newfunction", "onerror", "onload", "onclick", "onmouse", "onfocus", "ontoggle", "onpointer")
_CODE_HINTS = (
    "select",
    "drop",
    "insert",
    "update",
    "delete",
    "exec",
    "shutdown",
    "--",
    " or ",
    " and ",
    "sleep",
    "rm -",
    "curl",
    "wget",
    "jndi",
    "{{",
    "union",
    "/*",
    "alter",
    "truncate",
    "waitfor",
    "xp_cmd",
)


def payloads(text: str, *, code: bool = True) -> Iterator[Payload]:
    """The first of each rule, as the text stands and as entities or percent signs hide it."""
    lower = text.lower()
    if "&" in text or "%" in text or "\\" in text:
        yield from _markup(text, lower) or _markup(plain := _undisguised(text), plain.lower())
    else:
        yield from _markup(text, lower)
    if code and any(hint in lower for hint in _CODE_HINTS) and (found := _CODE.search(text)):
        yield Payload("code_payload", found.group(), found.start())


def _markup(text: str, lower: str) -> list[Payload]:
    if "<" in text or _is_hinted(lower):
        found = _ACTIVE.search(text)
        if found is not None:
            return [Payload("markup_payload", found.group(), found.start())]
    if ("<" in text or "![" in text) and (passive := _PASSIVE.search(text)):
        return [Payload("markup_suspected", passive.group(), passive.start())]
    return []


def _is_hinted(lower: str) -> bool:
    """Browsers read a scheme whatever blanks are in it."""
    squeezed = "".join(lower.split())
    return any(hint in squeezed for hint in _ACTIVE_HINTS) or any(hint in squeezed for hint in _ACTIVE_HINTS_TOO)


_BACKSLASHED = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\", re.I)


def _undisguised(text: str) -> str:
    return _BACKSLASHED.sub("", html.unescape(html.unescape(unquote(text))))
