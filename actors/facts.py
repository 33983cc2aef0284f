"""What came of an effect, as events."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from actors.modelling import triggered
from actors.rules import TurnRules
from actors.session import answer_part
from actors.steps import Ask, Consult
from events.codec import Event
from guardrails.results import inspect_result
from guardrails.retrieval import inspect_passages
from schemas.answers import Answer
from schemas.events_pb2 import (
    GroundingPassage,
    KnowledgeConsulted,
    ModelAttempt,
    ModelReplied,
    RequestedCall,
    ToolClaimed,
    ToolReturned,
)
from schemas.findings import Finding
from schemas.models import Attempt, Completion
from schemas.tools import ToolOutcome


def consulted(key: str, step: Consult, answer: Answer, rules: TurnRules, at_ms: int) -> tuple[Event, ...]:
    """What knowledge said. Passages that speak to a model instead of to a customer are left out."""
    passages = answer.passages
    findings: tuple[Finding, ...] = ()
    if passages:
        kept, findings = inspect_passages([(p.id, f"{p.title}\n{p.text}") for p in passages], rules.guardrails)
        passages = tuple(passages[index] for index in kept)
    event = KnowledgeConsulted(
        key=key,
        question=step.question,
        intent=answer.intent,
        intent_confidence=answer.intent_confidence,
        answer=answer_part(answer),
        passages=[GroundingPassage(id=p.id, revision=p.revision, title=p.title, text=p.text) for p in passages],
        for_flow=step.for_flow,
        at_ms=at_ms,
    )
    return (*(triggered(key, finding, at_ms) for finding in findings), event)


def completed(key: str, ask: Ask, done: Completion, at_ms: int) -> ModelReplied:
    """A model's whole reply."""
    event = _asked(key, ask, at_ms, done.attempts)
    event.provider, event.model, event.text = done.provider, done.model, done.text
    event.calls.extend(RequestedCall(id=c.id, name=c.name, arguments=c.arguments) for c in done.tool_calls)
    event.finish_reason = done.finish_reason
    event.input_tokens, event.output_tokens = done.usage.input_tokens, done.usage.output_tokens
    event.cost = done.usage.cost
    event.first_token_us, event.took_us = done.first_token_us, done.took_us
    event.usage_estimated = done.usage.estimated
    return event


def unanswered(
    key: str, ask: Ask, attempts: Sequence[Attempt], partial: str, at_ms: int, *, cancelled: bool = False
) -> ModelReplied:
    """No model answered, or nobody waited for its answer any more."""
    event = _asked(key, ask, at_ms, attempts)
    event.text = partial
    if cancelled:
        event.finish_reason = "cancelled"
    return event


def _asked(key: str, ask: Ask, at_ms: int, attempts: Sequence[Attempt]) -> ModelReplied:
    return ModelReplied(
        key=key,
        route=ask.choice.route,
        route_version=ask.choice.version,
        rule=ask.choice.rule,
        attempts=[ModelAttempt(provider=a.provider, model=a.model, error=a.error, took_us=a.took_us) for a in attempts],
        prompt_hash=ask.prompt_hash,
        repair=ask.repair,
        tools_version=ask.tools_version,
        at_ms=at_ms,
    )


def returned(
    claim: ToolClaimed, outcome: ToolOutcome, at_ms: int, rules: TurnRules, *, reconciled: bool = False
) -> tuple[Event, ...]:
    """What came of a claimed call, and what a guardrail found in its result, which models then get without it."""
    shown, findings = inspect_result(claim.tool, outcome.result, rules.guardrails)
    event = ToolReturned(
        key=claim.key,
        call_id=claim.call_id,
        tool=claim.tool,
        outcome=outcome.outcome,
        result=outcome.result,
        status=outcome.status,
        took_us=outcome.took_us,
        reconciled=reconciled,
        at_ms=at_ms,
        shown="" if not findings and _same(shown, outcome.result) else shown,
    )
    return (*(triggered(claim.key, finding, at_ms) for finding in findings), event)


def _same(shown: str, result: str) -> bool:
    """Nothing was taken out; JSON may have been written anew."""
    try:
        return shown == result or bool(msgspec.json.decode(shown) == msgspec.json.decode(result))
    except (msgspec.DecodeError, RecursionError):
        return False
