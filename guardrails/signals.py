"""What a signal is: one independent sign that text addresses the model and not the service."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

Aim = Literal["injection", "extraction"]


class Signal(Struct, frozen=True):
    """`group`: signals of one group are one piece of evidence, of which the strongest counts. `weight`: probability
    that text which has it alone is an attack. `stems`: the pattern can only match where one of them occurs.
    """

    group: str
    weight: float
    stems: tuple[str, ...]
    pattern: re.Pattern[str]
    aim: Aim = "injection"


_GAP = re.compile(r"<(\d)>")


def signal(group: str, weight: float, stems: str, pattern: str, aim: Aim = "injection") -> Signal:
    """`stems`: apart by blanks, with `_` for a blank inside. `pattern`: verbose, of folded text; `<4>` is a gap of up
    to four words within a sentence."""
    found = tuple(stem.replace("_", " ") for stem in stems.split())
    # Bounded everywhere, and no two ways to match the same words: time stays linear on any input.
    spelt = _GAP.sub(r"[^\\w.!?]{1,3}(?:[\\w']{1,20}[^\\w.!?]{1,3}){0,\1}", pattern)
    return Signal(group, weight, found, re.compile(spelt, re.X), aim)
