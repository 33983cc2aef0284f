"""Names for what is recorded of a model's reply: OpenTelemetry's semantic conventions for generative AI."""

from __future__ import annotations

from llm.routes import ProviderTerms
from schemas.models import Attempt, Completion

Attributes = dict[str, str | int | float | tuple[str, ...]]


def reply_attributes(completion: Completion, terms: ProviderTerms | None = None) -> Attributes:
    """Of a reply. `terms`: of its provider, as the conventions' name of the provider is not in the reply itself.

    `gen_ai.server.time_to_first_token` is in seconds. `kefu.*` is what the conventions have no name for.
    """
    answered = completion.attempts[-1] if completion.attempts else None
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": system_of(terms) if terms else completion.provider,
        "gen_ai.request.model": answered.model if answered else completion.model,
        "gen_ai.response.model": completion.model,
        "gen_ai.response.finish_reasons": (completion.finish_reason,),
        "gen_ai.usage.input_tokens": completion.usage.input_tokens,
        "gen_ai.usage.output_tokens": completion.usage.output_tokens,
        "gen_ai.client.operation.duration": completion.took_us / 1e6,
        "kefu.gen_ai.cost": completion.usage.cost,
        "kefu.gen_ai.usage.estimated": int(completion.usage.estimated),
        "kefu.gen_ai.attempts": len(completion.attempts),
    }
    if completion.first_token_us:
        attributes["gen_ai.server.time_to_first_token"] = completion.first_token_us / 1e6
    return attributes


def attempt_attributes(attempt: Attempt, terms: ProviderTerms | None = None) -> Attributes:
    """Of one provider that was tried; `error.type` only if it failed."""
    attributes: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": system_of(terms) if terms else attempt.provider,
        "gen_ai.request.model": attempt.model,
        "gen_ai.client.operation.duration": attempt.took_us / 1e6,
    }
    if attempt.error:
        attributes["error.type"] = attempt.error
    return attributes


def system_of(terms: ProviderTerms) -> str:
    """`gen_ai.provider.name`."""
    return terms.preset.system if terms.kind == "openai" else terms.kind
