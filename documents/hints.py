"""What somebody likely meant who wrote a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Collection

_LONGEST = 60  # characters; what is longer is no slip, and comparing it takes long


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The known name that this one is likely a slip of, to be put after a message; else ""."""
    close = difflib.get_close_matches(word[:_LONGEST], known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def known_are(word: str, known: Collection[str]) -> str:
    """As did_you_mean; where no name is near, all that there are."""
    return did_you_mean(word, known) or f"; there are {', '.join(known)}"
