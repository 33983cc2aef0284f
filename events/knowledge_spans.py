"""In which knowledge versions a revision of an entry could be seen."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import NamedTuple


class Span(NamedTuple):
    """The versions `start <= v < until`; no `until`: to this day."""

    start: int
    until: int | None


class Holding(NamedTuple):
    """For a span of versions, a document had the content of event `version`, which holds a revision of the entry."""

    revision: int
    version: int
    span: Span


class Found(NamedTuple):
    """A revision, the first event that holds it, and the versions in which it could be seen, as `merged` has them."""

    revision: int
    version: int
    visible: tuple[Span, ...]


def find(holdings: Iterable[Holding], revision: int | None) -> Found | None:
    """This revision; None: the one that is visible now, or was last (of several, the highest)."""
    candidates = [one for one in holdings if revision is None or one.revision == revision]
    if not candidates:
        return None
    chosen = max(candidates, key=lambda one: (_end(one.span), one.revision)).revision
    alike = [one for one in candidates if one.revision == chosen]
    return Found(chosen, min(one.version for one in alike), merged(one.span for one in alike))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same versions in as few spans as can be, in order."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if result and span.start <= _end(result[-1]):
            result[-1] = Span(result[-1].start, max(result[-1], span, key=_end).until)
        else:
            result.append(span)
    return tuple(result)


def _end(span: Span) -> float:
    return inf if span.until is None else span.until
