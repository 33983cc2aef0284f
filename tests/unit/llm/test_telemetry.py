"""Names of OpenTelemetry's conventions for what is recorded."""

from __future__ import annotations

from llm.reading import read
from llm.telemetry import attempt_attributes, reply_attributes
from schemas.models import Attempt, Completion, Usage


def test_a_reply() -> None:
    attempts = (Attempt("up", "gpt-x", "http_500", 1_000), Attempt("cloud", "deepseek-chat", "", 2_000))
    completion = Completion(
        "Hi", (), "stop", "cloud", "deepseek-chat-0324", Usage(7, 2, 0.5), 250_000, 1_500_000, attempts
    )
    terms = read(
        "providers: {cloud: {preset: deepseek, model: deepseek-chat}}\n"
        "routes: {a: {mode: model, chain: [cloud]}}\ndefault: a\n"
    ).providers["cloud"]
    assert reply_attributes(completion, terms) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "deepseek",
        "gen_ai.request.model": "deepseek-chat",
        "gen_ai.response.model": "deepseek-chat-0324",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.client.operation.duration": 1.5,
        "gen_ai.server.time_to_first_token": 0.25,
        "kefu.gen_ai.cost": 0.5,
        "kefu.gen_ai.usage.estimated": 0,
        "kefu.gen_ai.attempts": 2,
    }
    assert attempt_attributes(attempts[0])["error.type"] == "http_500"
    assert "error.type" not in attempt_attributes(attempts[1])
