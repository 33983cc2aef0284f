"""One question, what was said to it, and whether that was right."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from knowledge.evaluating.expected import Wanted
from knowledge.evaluating.question_file import Asked

KEPT = 5  # hits of a question that are kept with its outcome


class Seen(Struct, frozen=True):
    """A hit, as far as an evaluation looks at it."""

    id: str
    document: str
    source: str
    title: str


class Got(Struct, frozen=True):
    """What one system says to one question. `hits`: best first.

    `kind`: what the customer would be given (schemas.answers.Kind), None where only the order is of interest.
    `sure`: a probability that the first hit is right if `calibrated`, else any number that grows with it.
    """

    kind: str | None
    sure: float
    calibrated: bool
    hits: tuple[Seen, ...]
    options: tuple[str, ...] = ()
    version: int = 0


class Outcome(Struct, frozen=True):
    """`rank`: of the first right hit, from 1, distinct documents counted where documents are expected; 0: none.

    `right`: the first hit is right or, for a question out of scope, no answer is given. `option`: of a question
    asked back, one of its options is right.
    """

    where: str
    question: str
    expected: tuple[str, ...]
    kind: str | None
    sure: float
    calibrated: bool
    rank: int
    right: bool
    option: bool
    hits: tuple[Seen, ...]
    version: int

    @property
    def in_scope(self) -> bool:
        return bool(self.expected)


def outcome(asked: Asked, wanted: Wanted, got: Got) -> Outcome:
    rank = rank_of(wanted, got.hits)
    right = rank == 1 if asked.expected else got.kind != "answer"
    owners = {hit.id: hit.document for hit in got.hits}
    option = any(wanted.holds(each, owners.get(each, "")) for each in got.options)
    return Outcome(
        asked.where,
        asked.text,
        asked.expected,
        got.kind,
        got.sure,
        got.calibrated,
        rank,
        right,
        option,
        got.hits[:KEPT],
        got.version,
    )


def rank_of(wanted: Wanted, hits: Sequence[Seen]) -> int:
    """The rank of the first right hit, from 1; 0 if there is none."""
    for at, hit in enumerate(hits, start=1):
        if wanted.holds(hit.id, hit.document):
            return len({each.document for each in hits[:at]}) if wanted.by_document else at
    return 0
