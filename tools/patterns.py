"""Regular expressions of JSON Schemas: ECMA 262's common part, and never more than a moment of anybody's time.

They run on `regex`, which can be stopped, and are rewritten where ECMA 262 means something else: `$` is the very end,
`\\d` and `\\w` are ASCII.
"""

from __future__ import annotations

import re

import regex

MATCH_S = 0.05
"""One match takes no longer than this, in seconds of CPU."""

_LONGEST = 500
_DEEPEST = 20
# Atoms after all repeats are written out: what compiling takes time and memory for.
_WIDEST = 10_000
_GROUP = re.compile(r"\((?:\?(?::|=|!|<=|<!|<[A-Za-z_]\w{0,31}>))?")
_REPEAT = re.compile(r"\{(\d{1,5})(?:(,)(\d{1,5})?)?\}")
_ESCAPES = {"d": "0-9", "D": "^0-9", "w": "A-Za-z0-9_", "W": "^A-Za-z0-9_"}
# What `regex` would take for more than ECMA 262 does: recursion, anchors of its own, named lists.
_FOREIGN = frozenset("AGKLMNRXZghmagz")


def compiled(pattern: str) -> regex.Pattern[str]:
    """ValueError, with the reason, if it is broken, too large, or more than ECMA 262 knows."""
    if len(pattern) > _LONGEST:
        raise ValueError(f"is {len(pattern)} characters long; {_LONGEST} are allowed")
    text = _rewritten(pattern)
    try:
        return regex.compile(text)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise ValueError(f"is no regular expression ({error})") from None


def found(pattern: regex.Pattern[str], text: str) -> bool:
    """Whether it matches somewhere. TimeoutError if that takes longer than MATCH_S to say."""
    return pattern.search(text, timeout=MATCH_S) is not None


def _rewritten(pattern: str) -> str:
    out: list[str] = []
    sizes = [0]  # of the open groups, outermost first
    last = 0  # size of what a repeat would repeat
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            piece, at = _escape(pattern, at)
        elif char == "[":
            piece, at = _class(pattern, at)
        elif char == "(":
            group = _GROUP.match(pattern, at)
            if group is None or (pattern.startswith("(?", at) and group.end() == at + 1):
                raise ValueError(f"has a group at {at} that is not one of ECMA 262's")
            out.append(group[0])
            at = group.end()
            sizes.append(0)
            if len(sizes) > _DEEPEST:
                raise ValueError(f"has groups more than {_DEEPEST} deep")
            continue
        elif char == ")":
            if len(sizes) == 1:
                raise ValueError(f"closes a group at {at} that is not open")
            last = max(sizes.pop(), 1)
            sizes[-1] += last
            out.append(char)
            at += 1
            continue
        elif char == "{":
            repeat = _REPEAT.match(pattern, at)
            if repeat is None:
                raise ValueError(f"has a brace at {at} that is no repeat; write \\{{ for the character")
            most = int(repeat[3] or repeat[1])
            sizes[-1] += last * max(most - 1, 0)
            last *= max(most, 1)
            if sum(sizes) > _WIDEST:
                raise ValueError(f"repeats more than {_WIDEST} times in all")
            out.append(repeat[0])
            at = repeat.end()
            continue
        else:
            piece, at = (r"\Z" if char == "$" else char), at + 1
            if char in "*+?|":
                out.append(piece)
                continue
        out.append(piece)
        last = 1
        sizes[-1] += 1
    if len(sizes) > 1:
        raise ValueError("leaves a group open")
    return "".join(out)


def _escape(pattern: str, at: int) -> tuple[str, int]:
    follows = pattern[at + 1 : at + 2]
    if not follows:
        raise ValueError("ends in a backslash")
    if follows in _ESCAPES:
        return f"[{_ESCAPES[follows]}]", at + 2
    if follows in _FOREIGN:
        raise ValueError(f"has \\{follows} at {at}, which ECMA 262 does not know")
    if follows in "pP" and (whole := re.compile(r"\\[pP]\{[A-Za-z_=]{1,40}\}").match(pattern, at)):
        return whole[0], whole.end()
    return pattern[at : at + 2], at + 2


def _class(pattern: str, at: int) -> tuple[str, int]:
    """A class such as [^a-z\\d] as `regex` should see it, and where it ends."""
    out = ["["]
    here = at + 1
    if pattern.startswith("^", here):
        out.append("^")
        here += 1
    if pattern.startswith("]", here):
        raise ValueError(f"has an empty class at {at}")
    while here < len(pattern):
        char = pattern[here]
        if char == "]":
            return "".join([*out, "]"]), here + 1
        if char == "\\":
            follows = pattern[here + 1 : here + 2]
            if follows in ("d", "w"):
                out.append(_ESCAPES[follows])
                here += 2
                continue
            piece, here = _escape(pattern, here) if follows not in ("D", "W") else (f"\\{follows}", here + 2)
            out.append(piece)
            continue
        # `regex` takes [[:alpha:]] for a POSIX class, and warns of sets that may come.
        out.append(f"\\{char}" if char in "[&|~" else char)
        here += 1
    raise ValueError(f"leaves a class open at {at}")
