"""Hybrid mode: the model writes, rules check. What a reply states must come from what it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import referencing

from guardrails import identifiers
from guardrails.facts import Fact, Kind
from guardrails.grounding import Ground, Grounding, facts, normal, read, same, sentences
from guardrails.phrases import holds
from guardrails.policy import shorten
from guardrails.promises import is_grounded, promises
from schemas.findings import Finding
from schemas.models import HybridRules

__all__ = ["Grounding", "check_reply"]

_MOST_FINDINGS = 20


def check_reply(text: str, grounding: Grounding, rules: HybridRules, language: str) -> tuple[Finding, ...]:
    """Empty if the reply keeps to `grounding` and `rules`. Total.

    Findings are of rules `ungrounded_amount`, `_percentage`, `_duration`, `_date`, `_time`, `_number`,
    `_order_number`, `_phone`, `_email`, `_link`, `_promise`, `missing_phrase`, `forbidden_phrase` and `schema`.
    """
    found: dict[Finding, None] = {}
    prose = text
    if rules.json_schema is not None:
        document, mistakes = _document(text, rules.json_schema)
        found.update(dict.fromkeys(_refused("schema", each) for each in mistakes))
        prose = "\n".join(_strings(document)) if document is not None else text
    ground = read(grounding)
    for rule, words in _ungrounded(normal(prose), ground, rules):
        found[_refused(rule, words)] = None
    for phrase in _missing(prose, rules, language):
        found[_refused("missing_phrase", phrase)] = None
    for phrase in holds(prose, (each for phrases in rules.forbidden.values() for each in phrases)):
        found[_refused("forbidden_phrase", phrase)] = None
    return tuple(found)[:_MOST_FINDINGS]


def _refused(rule: str, words: str) -> Finding:
    return Finding("output", rule, shorten(words), "refuse")


def _ungrounded(text: str, ground: Ground, rules: HybridRules) -> Iterator[tuple[str, str]]:
    # What is repeated word for word says nothing new.
    own = [sentence for sentence in sentences(text) if same(sentence) not in ground.sentences]
    for each in facts("\n".join(own)):
        if not _is_supported(each, ground, rules):
            yield f"ungrounded_{each.kind}", each.words
    for sentence in own:
        for promise in promises(sentence.lower().replace("’", "'")):
            if not is_grounded(promise, ground.passages, ground.results):
                yield "ungrounded_promise", sentence


def _is_supported(each: Fact, ground: Ground, rules: HybridRules) -> bool:
    supports = ground.supports.get(each.kind, frozenset())
    if not each.said.isdisjoint(supports):
        return True
    if each.kind == "link":
        hosts = {identifiers.host_of_key(said) for said in each.said}
        return any(host == allowed or host.endswith("." + allowed) for host in hosts for allowed in rules.link_hosts)
    if each.kind == "date":
        return any(_is_of_known_year(said, supports) for said in each.said)
    others: tuple[Kind, ...] = _ALSO.get(each.kind, ())
    return any(not each.said.isdisjoint(ground.supports.get(kind, frozenset())) for kind in others)


def _is_of_known_year(said: str, supports: frozenset[str]) -> bool:
    """May 19, 2024, where somebody said "May 19", and 2024 is a year that is spoken of."""
    year, _, day = said.partition("-")
    return year.isdigit() and f"any year:*-{day}" in supports and f"{year}-*-*" in supports


# A number may be said of what is a telephone number or an identifier in the grounding.
_ALSO: dict[Kind, tuple[Kind, ...]] = {"phone": ("order_number",), "order_number": ("phone",)}


def _missing(text: str, rules: HybridRules, language: str) -> Iterator[str]:
    wanted = rules.required.get(language, rules.required.get(language.partition("-")[0], rules.required.get("*", ())))
    held = set(holds(text, wanted))
    yield from (phrase for phrase in wanted if phrase not in held)


def _document(text: str, schema: dict[str, Any]) -> tuple[Any, list[str]]:
    """The reply as JSON, and what breaks the schema."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, [f"is not JSON: {error}"]
    try:
        # An empty registry: a schema never fetches another.
        validator = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
        mistakes = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
    except Exception as error:
        # A schema that is none raises whatever its fault leads to, and a reply must not pass because of that.
        return document, [f"the schema cannot be used: {type(error).__name__}: {error}"]
    return document, mistakes[:_MOST_FINDINGS]


def _strings(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += reversed(value.values())
        elif isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, str):
            yield value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield json.dumps(value)
