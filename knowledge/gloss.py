"""Glosses Chinese words into English for models that read only English."""

from __future__ import annotations

import re
from hashlib import sha256

from knowledge.glossary import GLOSSARY
from knowledge.simplified import simplify

# Vectors of texts glossed by another glossary do not compare.
VERSION = sha256(GLOSSARY.encode()).hexdigest()[:8]

_CJK_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for line in GLOSSARY.strip().splitlines():
        english, _, words = line.partition(": ")
        for word in words.split():
            table.setdefault(word, english)
    return table


_ENGLISH = _table()
_LONGEST = max(map(len, _ENGLISH))


def gloss(text: str) -> str:
    """`text` with its Chinese words in English; what the glossary lacks is left out.

    Text without Chinese, or of which no word is known, comes back as it is.
    """
    glossed = _CJK_RUN.sub(lambda run: f" {' '.join(glosses(run.group()))} ", simplify(text))
    return " ".join(glossed.split()) if re.search(r"\w", glossed) else text


def glosses(run: str) -> list[str]:
    """The English of each known word in a run of Chinese characters, longest match first."""
    found: list[str] = []
    at = 0
    while at < len(run):
        for length in range(min(_LONGEST, len(run) - at), 0, -1):
            english = _ENGLISH.get(run[at : at + length])
            if english is not None:
                found.append(english)
                break
        at += length
    return found
