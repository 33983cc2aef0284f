"""What must not leave in a reply: the system prompt, remote images, strange links, scripts, others' personal data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from guardrails import decoding, markup
from guardrails.folding import fold
from guardrails.leaks import leak
from guardrails.links import Link, hosts, links
from guardrails.personal import Personal, personal_data
from guardrails.phrases import holds
from guardrails.policy import Guardrails
from schemas.findings import Finding


class OutputContext(Struct, frozen=True):
    """What a reply may rest on.

    `system`: the system prompt; `canary`: a mark in it that nothing else holds. `grounding`: passages and results of
    tools. `conversation`: what customer and replies have said. `link_hosts`: hosts allowed beside the tenant's.
    """

    system: str = ""
    canary: str = ""
    grounding: tuple[str, ...] = ()
    conversation: tuple[str, ...] = ()
    link_hosts: tuple[str, ...] = ()


class Located(Struct, frozen=True):
    """A finding and where in the text it begins."""

    finding: Finding
    start: int


def inspect_output(text: str, context: OutputContext, rules: Guardrails) -> tuple[Finding, ...]:
    """Each rule and excerpt once, in order of appearance. Total."""
    found = sorted(located(text, context, rules), key=lambda each: each.start)
    return tuple(dict.fromkeys(each.finding for each in found))


def located_words(text: str, context: OutputContext, rules: Guardrails) -> Iterator[Located]:
    """Only what plain words can give away: the system prompt and forbidden phrases."""
    yield from _located(_of_words(text, context, rules), rules)


def located(text: str, context: OutputContext, rules: Guardrails) -> Iterator[Located]:
    yield from _located(_signs(text, context, rules), rules)


def _located(signs: Iterator[tuple[str, str, int]], rules: Guardrails) -> Iterator[Located]:
    for rule, words, start in signs:
        finding = rules.finding("output", rule, words)
        if finding is not None:
            yield Located(finding, start)


def _of_words(text: str, context: OutputContext, rules: Guardrails) -> Iterator[tuple[str, str, int]]:
    if (found := leak(text, context.system, context.grounding, context.canary)) is not None:
        yield "system_prompt_leak", found.words, found.start
    if rules.forbidden:
        for phrase in holds(text, rules.phrases()):
            yield "forbidden_phrase", phrase, max(text.lower().find(phrase.lower()), 0)


def _signs(text: str, context: OutputContext, rules: Guardrails) -> Iterator[tuple[str, str, int]]:
    yield from _of_words(text, context, rules)
    if context.system or context.canary:
        for reading in decoding.readings(text, fold(text).text):
            if (found := leak(reading.text, context.system, context.grounding, context.canary)) is not None:
                yield "system_prompt_leak", f"{reading.how}: {found.words}", 0
    for link in links(text):
        if (rule := _rule_of(link, context, rules)) is not None:
            yield rule, link.words, link.start
    for payload in markup.payloads(text, code=False):
        active = payload.rule == "markup_payload" or not payload.words.lower().startswith(
            ("![", "<img", "<a", "<video", "<audio")
        )
        if active and not any(payload.words in each for each in context.grounding):
            yield "markup_payload", payload.words, payload.at
    for each in personal_data(text):
        if not _is_known(each, context):
            yield f"personal_data_{each.kind}", each.masked, each.start


def _rule_of(link: Link, context: OutputContext, rules: Guardrails) -> str | None:
    if not link.host:
        # A relative image or link stays on the page's own host.
        return None
    allowed = _is_under(link.host, (*rules.link_hosts, *context.link_hosts))
    if link.image:
        shown_before = any(link.address in text for text in context.grounding)
        return None if allowed or shown_before else "remote_image"
    if link.shown and link.shown != link.host and not _is_under(link.host, (link.shown,)):
        return "deceptive_link"
    grounded = allowed or link.host in _hosts(context.grounding)
    if link.tricky and not grounded:
        return "deceptive_link"
    if grounded or (link.bare and link.host in _hosts(context.conversation)):
        return None
    return "unknown_link"


def _is_under(host: str, allowed: tuple[str, ...]) -> bool:
    return any(host == each or host.endswith("." + each) for each in allowed)


@lru_cache(256)
def _hosts(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(host for text in texts for host in hosts(text))


@lru_cache(256)
def _values(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(each.value for text in texts for each in personal_data(text))


@lru_cache(256)
def _squeezed(texts: tuple[str, ...]) -> str:
    """Letters and digits alone: a number is known however it was spaced, or inside a longer one."""
    return "\n".join("".join(each for each in text.lower() if each.isalnum()) for text in texts)


def _is_known(found: Personal, context: OutputContext) -> bool:
    if found.value in _values(context.grounding) or found.value in _values(context.conversation):
        return True
    squeezed = "".join(each for each in found.value.lower() if each.isalnum())
    return squeezed in _squeezed(context.grounding) or squeezed in _squeezed(context.conversation)
