"""Whether a reply gives away the system prompt: long runs of its very words, or the mark that only it holds."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from guardrails.folding import fold

_TOKEN = re.compile(r"[a-z0-9']+|[^\W\d_a-z]")
# What the prompt puts between quotation marks it wants said.
_QUOTED = re.compile(r"\"[^\"\n]{1,300}\"|“[^”\n]{1,300}”|「[^」\n]{1,300}」|《[^》\n]{1,80}》")
# A shingle is this many tokens; a run of so many that follow each other is a leak.
_SHINGLE, _RUN = 5, 12
# A shorter run is a leak where the reply says that it tells its instructions.
_TOLD_RUN = 6
_SHARE = 0.3
# Characters of an unfinished text's end that are looked at; a run of _RUN words is hardly longer.
_TAIL = 200
_TELLING = re.compile(
    r"\b(?:my|the) (?:system |initial |hidden )?(?:instructions?|prompt|guidelines"
    r"|directives?)\b[^.\n]{0,20}\b(?:are|is|say|says|were|was|as follows)\b|\bsystem prompt\b"
    r"|\bi(?: was|'ve been| have been| am)? (?:instructed|told|programmed|configured) to\b"
    r"|我的(?:系统)?(?:指令|提示词|设定)|系统提示词?[是为:]|我被(?:要求|设定|指示)"
)


class Leak(Struct, frozen=True):
    words: str
    start: int


def tokens(text: str) -> tuple[list[str], list[int]]:
    """Words of letters and single characters of other scripts, with where each begins in the folded text."""
    found = [(match.group(), match.start()) for match in _TOKEN.finditer(text)]
    return [token for token, _ in found], [start for _, start in found]


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    words, _ = tokens(fold(text).text)
    return frozenset(tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))


@lru_cache(64)
def secret_shingles(system: str, known: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Those of the system prompt that nothing public shares."""
    own = shingles(_QUOTED.sub(" | ", system))
    for text in known:
        own -= shingles(text)
    return own


def leak(text: str, system: str, known: tuple[str, ...], canary: str = "") -> Leak | None:
    """`known`: texts the customer may read; what they share with the prompt is no secret."""
    folded = fold(text).text
    if canary and _squeezed(canary) in _squeezed(folded):
        return Leak("the mark of the system prompt", 0)
    if not system:
        return None
    secret = secret_shingles(system, known)
    if not secret:
        return None
    words, starts = tokens(folded)
    longest, run, seen, end = 0, 0, set[tuple[str, ...]](), 0
    for at in range(len(words) - _SHINGLE + 1):
        shingle = tuple(words[at : at + _SHINGLE])
        run = (run + 1 if run else _SHINGLE) if shingle in secret else 0
        if run:
            seen.add(shingle)
        if run > longest:
            longest, end = run, at + _SHINGLE
    enough = _TOLD_RUN if _TELLING.search(folded) else _RUN
    if longest >= enough or (len(seen) >= _RUN and len(seen) >= _SHARE * len(secret)):
        begin = max(end - longest, 0)
        return Leak(" ".join(words[begin : begin + 12]), starts[begin])
    return None


def held_from(text: str, system: str, known: tuple[str, ...], canary: str = "") -> int:
    """Where a run that may yet become a leak begins at the text's end; the text's length if there is none."""
    tail_from = max(len(text) - _TAIL, 0)
    held = _canary_from(text, canary) if canary else len(text)
    if not system:
        return held
    secret = secret_shingles(system, known)
    if not secret:
        return held
    words, starts = tokens(text[tail_from:].lower())
    # The last word may be half of one.
    for count in (len(words), len(words) - 1):
        at = count - _SHINGLE
        while at >= 0 and tuple(words[at : at + _SHINGLE]) in secret:
            at -= 1
        if 0 <= at + 1 <= count - _SHINGLE:
            return min(held, tail_from + starts[at + 1])
    return held


def _canary_from(text: str, canary: str) -> int:
    """Where the longest end of `text` begins that begins the canary, blanks and signs aside."""
    wanted = _squeezed(canary)
    tail_from = max(len(text) - 4 * len(wanted) - 8, 0)
    for match in re.finditer(r"[^\W_]", text[tail_from:].lower()):
        rest = _squeezed(text[tail_from + match.start() :])
        if len(rest) >= 2 and wanted.startswith(rest):
            return tail_from + match.start()
    return len(text)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
