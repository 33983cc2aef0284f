"""Where text may be cut: after sentences, else after clauses, else between words."""

from __future__ import annotations

import re

# Bounded, so that a page of dots costs no quadratic time.
_END = re.compile(
    r"""[。！？；…]+[”’"'」』）)】》]{0,4}\s*"""  # a Chinese stop needs no space after it
    r"""|[.;!?]{1,8}["'”’)\]]{0,4}\s+"""  # a Latin one does
    r"""|[!?]{1,8}(?=[\u4e00-\u9fff])"""
    r"""|\n\s*"""
)
# "e.g. this" and "Dr. Who" go on after the stop, and so does "1. First".
_GOES_ON = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|Mr|Mrs|Ms|Dr|Prof|St|No|Nr|Fig|cf|inc|Inc|Ltd|Co)|\b[A-Z])\.\s+$"
)
_ORDINAL = re.compile(r"\s*\d{1,3}\.\s+")
_CLAUSE = re.compile(r"[，、,：:]\s*|\s+")


def split(text: str) -> list[str]:
    """Sentences with the white space after them; joined they are `text` again."""
    pieces: list[str] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if match.group().startswith(".") and (
            _GOES_ON.search(text, max(start, end - 12), end) or _ORDINAL.fullmatch(text, start, end)
        ):
            continue
        pieces.append(text[start:end])
        start = end
    if start < len(text):
        pieces.append(text[start:])
    return pieces


def within(text: str, limit: int) -> list[str]:
    """Sentences of at most `limit` characters; only a longer one is cut, after a clause or a word if it has any."""
    pieces: list[str] = []
    for sentence in split(text):
        rest = sentence
        while len(rest.rstrip()) > limit:
            cut = _cut(rest, limit)
            pieces.append(rest[:cut])
            rest = rest[cut:]
        if rest:
            pieces.append(rest)
    return pieces


def _cut(text: str, limit: int) -> int:
    cut = limit
    # Not in the first half: better a hard cut than crumbs.
    for match in _CLAUSE.finditer(text, limit // 2, limit):
        cut = match.end()
    return cut
