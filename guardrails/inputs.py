"""What a customer's message holds that a tenant may want flagged, refused or given to a person."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from guardrails import markup
from guardrails.injection import CERTAIN, Suspicion, suspicions
from guardrails.personal import personal_data
from guardrails.phrases import forbidden
from guardrails.policy import Guardrails
from schemas.findings import Finding

# Questions repeat; long messages do not, and would only fill the memory.
_REMEMBERED, _REMEMBERED_LENGTH = 4_096, 512
_MOST_OF_A_KIND = 5


def inspect_input(text: str, rules: Guardrails) -> tuple[Finding, ...]:
    """Total, and fast enough for every turn: tens of microseconds for a question, milliseconds for 4,000 characters."""
    signs = _remembered(text) if len(text) <= _REMEMBERED_LENGTH else _signs(text)
    if not signs and not rules.forbidden:
        return ()
    found = [rules.finding("input", rule, words) for rule, words in signs]
    if rules.forbidden:
        found += [rules.finding("input", "forbidden_phrase", phrase) for phrase in forbidden(text, rules)]
    return tuple(each for each in found if each is not None)


@lru_cache(_REMEMBERED)
def _remembered(text: str) -> tuple[tuple[str, str], ...]:
    return _signs(text)


def _signs(text: str) -> tuple[tuple[str, str], ...]:
    """Rule and words of everything found, whatever is to be done about it."""
    return (
        *((rule_of(each), each.words) for each in suspicions(text)),
        *((each.rule, each.words) for each in markup.payloads(text)),
        *_personal(text),
    )


def rule_of(found: Suspicion) -> str:
    """The rule under which a suspicion is recorded."""
    name = "prompt_injection" if found.aim == "injection" else "prompt_extraction"
    return name if found.certainty >= CERTAIN else f"{name}_suspected"


def _personal(text: str) -> Iterator[tuple[str, str]]:
    counts: dict[str, int] = {}
    for each in personal_data(text):
        counts[each.kind] = counts.get(each.kind, 0) + 1
        if counts[each.kind] <= _MOST_OF_A_KIND:
            yield f"personal_data_{each.kind}", each.masked
