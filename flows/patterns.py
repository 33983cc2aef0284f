"""Regular expressions of authors: a part of the `regex` package's language that can stall nobody.

Compiling takes time and memory exponential in the depth of nested repetitions, and fuzzy matching does not look at its
timeout; so groups nest at most DEEPEST levels, and only plain constructs are allowed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import regex

LONGEST = 400
DEEPEST = 6
_TIMEOUT_S = 0.02  # of a search; it is given up then, and has found nothing

# What slow patterns are slow on: long runs that match almost to the end.
_PROBES = tuple(run * 200 + end for run in ("a", "1", "1a", "a ", "-") for end in ("!", "\u4e00"))
_PROBE_TIMEOUT_S = 0.1

_PROPERTY = re.compile(r"\\[pP]\{\^?\w+\}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^\]])*\]")
_GROUP = re.compile(r"\((?:\?(?::|=|!|<=|<!|>|<\w+>|P<\w+>|P=\w+(?=\))))?(?!\?)|\)")
_BRACE = re.compile(r"\{\d{1,4}(?:,\d{0,4})?\}|\{,\d{1,4}\}")


def wrong(pattern: str) -> str:
    """What keeps it from being used; empty if nothing does."""
    if len(pattern) > LONGEST:
        return f"has {len(pattern)} characters, at most {LONGEST} are allowed"
    if told := _not_plain(pattern):
        return told
    try:
        expression = _compiled(pattern)
    except (regex.error, RecursionError, OverflowError, ValueError, IndexError, KeyError) as error:
        return f"is no regular expression: {error}"
    try:
        if expression.search(""):
            return "matches nothing at all (the empty text), so it would be found everywhere"
        for probe in _PROBES:
            expression.search(probe, timeout=_PROBE_TIMEOUT_S)
    except TimeoutError:
        return "takes too long on some texts: a repetition within a repetition, such as (a+)+; use (?>...) or a++"
    return ""


def search(pattern: str, text: str) -> list[str] | None:
    """What the whole and each group of the first match took, "" for a group that took no part. None without one."""
    try:
        match = _compiled(pattern).search(text, timeout=_TIMEOUT_S)
    except TimeoutError:
        return None
    return [match[0], *(group or "" for group in match.groups())] if match else None


def groups(pattern: str) -> int:
    return int(_compiled(pattern).groups)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """`\\b`, `\\w` and `\\d` mean ASCII, so that a number right after Chinese begins a word."""
    return regex.compile(pattern, regex.IGNORECASE | regex.ASCII | regex.V0)


def _not_plain(pattern: str) -> str:
    bare = _PROPERTY.sub("p", pattern)
    if re.search(r"(?<!\\)(?:\\\\)*\\[LGK]", bare):
        return "must not use \\L, \\G or \\K"
    bare = _CLASS.sub("c", _ESCAPE.sub("e", bare))
    depth = 0
    for match in re.finditer(r"\(|\)", bare):
        group = _GROUP.match(bare, match.start())
        if group is None:
            return "may use of (?...) only (?: (?= (?! (?<= (?<! (?> (?<name>; no flags, comments, recursion"
        depth += 1 if match[0] == "(" else -1
        if depth > DEEPEST:
            return f"nests groups deeper than {DEEPEST}"
    if "{" in _BRACE.sub("", bare):
        return "must write a brace that is meant literally as \\{; fuzzy matching is not allowed"
    return ""
