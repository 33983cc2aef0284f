"""Passages that speak to a model instead of to a reader, before a model reads them."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails import markup
from guardrails.injection import suspicions_of_document
from guardrails.inputs import rule_of
from guardrails.phrases import forbidden
from guardrails.policy import Guardrails
from schemas.findings import Finding


def inspect_passages(
    passages: Sequence[tuple[str, str]], rules: Guardrails
) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """`passages`: id and text of each. Returns the indices of those that may go into a prompt, and what was found;
    an excerpt begins with the passage's id. To refuse or to escalate here is to leave the passage out.
    """
    kept: list[int] = []
    findings: list[Finding] = []
    for index, (passage, text) in enumerate(passages):
        found = found_in(passage, text, rules)
        findings += found
        if all(each.action == "flag" for each in found):
            kept.append(index)
    return tuple(kept), tuple(findings)


def found_in(source: str, text: str, rules: Guardrails) -> list[Finding]:
    """What one text says to a model; each excerpt begins with its source."""
    signs: list[tuple[str, str]] = [(rule_of(each), each.words) for each in suspicions_of_document(text)]
    signs += [(each.rule, each.words) for each in markup.payloads(text, code=False)]
    if rules.forbidden:
        signs += [("forbidden_phrase", phrase) for phrase in forbidden(text, rules)]
    found = (rules.finding("retrieval", rule, f"{source[:40]}: {words}") for rule, words in signs)
    return [each for each in found if each is not None]
