"""Chinese words and what they mean in English, from CC-CEDICT as lindera carries it (120,000 words)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# Part of the name of vectors: other glosses make other vectors.
VERSION = "cedict-lindera2.2"

# Senses that name the word instead of translating it.
_NOT_A_SENSE = re.compile(
    r"variant of|surname |\bCL:|abbr\. for|^see |old |archaic|classical|\(onom|particle|used (?:in|as)|also written"
)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_LEADING = re.compile(r"^(?:to|a|an|the) ")
_PLACEHOLDER = re.compile(r" (?:sth|sb|something|somebody)\b")
_LONGEST_SENSE = 5  # words; longer ones explain
_GLOSS = 7  # the place of the English in lindera's details
# Particles and pronouns: their English would only blur the sentence.
_NO_GLOSS = frozenset("的了吗呢啊吧呀哦嘛么就都也还很个把被给让是在")


def english(run: str) -> list[str]:
    """The first English sense of each word in a run of simplified Chinese; words without one are left out."""
    return [sense for word in _tokenizer().tokenize(run) if (sense := _sense(word.surface, word.details))]


def _sense(word: str, details: list[str]) -> str:
    if word in _NO_GLOSS or len(details) <= _GLOSS:
        return ""
    return _first_sense(details[_GLOSS])


@lru_cache(maxsize=50_000)
def _first_sense(entry: str) -> str:
    for sense in entry.split("/"):
        if not sense or _NOT_A_SENSE.search(sense):
            continue
        bare = _PLACEHOLDER.sub("", _LEADING.sub("", _ASIDE.sub("", sense).strip()))
        bare = bare.split(";")[0].split(",")[0].strip()
        if bare and len(bare.split()) <= _LONGEST_SENSE:
            return bare
    return ""


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from lindera import TokenizerBuilder

    builder = TokenizerBuilder()
    builder.set_dictionary("embedded://cc-cedict")
    return builder.build()
