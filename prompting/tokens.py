"""How many tokens a text is, near enough to fill a context window, without any model's own tokeniser."""

from __future__ import annotations

import math
from string import digits, punctuation

_DIGITS = digits.encode()
_MARKS = (punctuation + "\n\t").encode()
_OTHERS_ASCII = bytes(set(range(128)) - set(_DIGITS) - set(_MARKS))

# What a chat template puts around each message: role, separators.
PER_MESSAGE = 4


def estimate(text: str) -> int:
    """Tokens, rather too many than too few: 0 only for an empty text.

    English words come to some 4 characters a token, digits to 2.5 and marks to 1.5; a Chinese character has three
    bytes of UTF-8 and comes to some 0.8 tokens, a Cyrillic letter two and 0.5.
    """
    if not text:
        return 0
    raw = text.encode("utf-8", "replace")
    size = len(raw)
    numerals = size - len(raw.translate(None, _DIGITS))
    marks = size - len(raw.translate(None, _MARKS))
    letters = size - len(raw.translate(None, _OTHERS_ASCII))
    beyond = size - numerals - marks - letters
    return math.ceil(letters / 4 + numerals / 2.5 + marks / 1.5 + beyond / 3.75)


def truncated(text: str, tokens: int, mark: str) -> str:
    """The text if it has at most so many tokens, else its beginning with `mark` after it, within as many.

    Empty if not even the mark has room.
    """
    if estimate(text) <= tokens:
        return text
    room = tokens - estimate(mark)
    if room < 0:
        return ""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(text[:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + mark
