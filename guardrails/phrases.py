"""Whether set phrases occur, however they are spaced, capitalised or typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from guardrails.policy import Guardrails

_BLANK = re.compile(r"\s+")


def plain(text: str) -> str:
    """Full width as half width, one case, single blanks, straight quotation marks."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    return _BLANK.sub(" ", folded).strip()


@lru_cache(1_024)
def _pattern(phrase: str) -> re.Pattern[str] | None:
    wanted = plain(phrase)
    if not wanted:
        return None
    # A word must not be found inside another; Chinese has no such edges.
    left = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", wanted) else ""
    right = r"(?![a-z0-9])" if re.search(r"[a-z0-9]\Z", wanted) else ""
    return re.compile(left + re.escape(wanted) + right)


def holds(text: str, phrases: Iterable[str]) -> tuple[str, ...]:
    """Those of `phrases` that occur in `text`."""
    folded = plain(text)
    return tuple(phrase for phrase in phrases if (found := _pattern(phrase)) is not None and found.search(folded))


def forbidden(text: str, rules: Guardrails) -> tuple[str, ...]:
    return holds(text, rules.phrases())
