"""Glosses Chinese words into English for models that read only English.

The hand-written glossary comes first: it knows what words mean to a customer ("单号" is a
tracking number). What it lacks is looked up in the dictionary.
"""

from __future__ import annotations

import re
from hashlib import sha256

from knowledge import dictionary
from knowledge.glossary import GLOSSARY
from knowledge.simplified import simplify

# Vectors of texts glossed by another glossary do not compare.
VERSION = sha256((GLOSSARY + dictionary.VERSION).encode()).hexdigest()[:8]

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
    """`text` with its Chinese words in English; words that are in neither book are left out.

    Text without Chinese, or of which no word is known, comes back as it is.
    """
    glossed = _CJK_RUN.sub(lambda run: f" {' '.join(_in_full(run.group()))} ", simplify(text))
    return " ".join(glossed.split()) if re.search(r"\w", glossed) else text


def glosses(run: str) -> list[str]:
    """The English of the words in a run of Chinese characters that the glossary knows, longest match first."""
    return [english for _, english in _matches(run) if english]


def _in_full(run: str) -> list[str]:
    found: list[str] = []
    for stretch, english in _matches(run):
        found += [english] if english else dictionary.english(stretch)
    return found


def _matches(run: str) -> list[tuple[str, str]]:
    """The run cut into (stretch, its English); "" for a stretch that the glossary does not know."""
    found: list[tuple[str, str]] = []
    at = unknown = 0
    while at < len(run):
        for length in range(min(_LONGEST, len(run) - at), 0, -1):
            english = _ENGLISH.get(run[at : at + length])
            if english is not None:
                if unknown < at:
                    found.append((run[unknown:at], ""))
                found.append((run[at : at + length], english))
                at = unknown = at + length
                break
        else:
            at += 1
    if unknown < at:
        found.append((run[unknown:at], ""))
    return found
