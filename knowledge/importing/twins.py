"""Leaving out of an import what is known already: entries that another one answers with the very same words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from knowledge.entries import Document, Entry
from knowledge.importing.content import Skipped
from knowledge.importing.duplicates import Duplicate, near_duplicates
from knowledge.text import Language, normalise


class Sifted(Struct, frozen=True):
    """`documents`: without the twins, `skipped`: the twins, `alike`: what was kept and deserves a look."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    alike: tuple[Duplicate, ...]


def without_twins(documents: Sequence[Document], known: Sequence[Entry]) -> Sifted:
    """`known`: entries of other documents that may be like these.

    An entry is left out if another, earlier or known one asks nearly the same and answers it with the same words,
    in each of its languages. What is only nearly the same may differ in the one number that matters, so it stays.
    """
    entries = [entry for document in documents for entry in document.entries]
    by_id = {entry.id: entry for entry in (*known, *entries)}
    pairs = near_duplicates(entries, known)
    same = [pair for pair in pairs if _answer_alike(by_id[pair.entry], by_id[pair.other], pair.language)]
    twins: dict[str, dict[Language, str]] = {}
    for pair in same:
        twins.setdefault(pair.entry, {})[pair.language] = pair.other
    left_out = {
        entry.id: next(iter(twins[entry.id].values()))
        for entry in entries
        if entry.id in twins and all(language in twins[entry.id] for language, _ in entry.sides())
    }
    return Sifted(
        tuple(
            msgspec.structs.replace(
                document, entries=tuple(entry for entry in document.entries if entry.id not in left_out)
            )
            for document in documents
        ),
        tuple(
            Skipped(f"{document.source}: {_title(entry)}", f"says the same as {left_out[entry.id]!r}; left out")
            for document in documents
            for entry in document.entries
            if entry.id in left_out
        ),
        tuple(pair for pair in pairs if pair.entry not in left_out),
    )


def _answer_alike(one: Entry, other: Entry, language: Language) -> bool:
    sides, others = dict(one.sides()), dict(other.sides())
    return normalise(sides[language].answer) == normalise(others[language].answer)


def _title(entry: Entry) -> str:
    return next(side.question for _, side in entry.sides())
