"""Entries from their parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from knowledge.entries import Entry, Kind, Side
from knowledge.text import Language, language, normalise

_CODE = re.compile(r"```.*?```", re.S)
_ARROW = " › "
# Characters of one heading in a path; some pages set whole paragraphs as headings.
_LONGEST_HEADING = 120


def entry_of(
    own: str,
    question: str,
    answer: str,
    paraphrases: Iterable[str] = (),
    *,
    topic: str,
    spoken: Language | None = None,
    kind: Kind = "faq",
) -> Entry:
    """One language's entry; that of the text unless `spoken` says it. Paraphrases are kept once each."""
    different = {normalise(each): each for each in paraphrases}
    different.pop(normalise(question), None)
    side = Side(question, answer, tuple(different.values()))
    # Commands are Latin whatever language explains them.
    spoken = spoken or language(f"{question} {_CODE.sub(' ', answer)}")
    return Entry(own, topic, en=side if spoken == "en" else None, zh=side if spoken == "zh" else None, kind=kind)


def joined_path(names: Sequence[str]) -> str:
    """'Title › Section › Subsection', without empty and repeated names."""
    kept: list[str] = []
    for name in names:
        short = " ".join(name.split())
        short = short if len(short) <= _LONGEST_HEADING else short[: _LONGEST_HEADING - 1] + "…"
        if short and short not in kept[-1:]:
            kept.append(short)
    return _ARROW.join(kept)
