"""Marks that only a model's prompt format has: customers do not write turns of a conversation themselves."""

from __future__ import annotations

from guardrails.signals import Signal, signal

SPECIAL: tuple[Signal, ...] = (
    signal(
        "tokens",
        0.9,
        "<| [/ <</ <<sys <s> <start_of <end_of |> ]</ <system [inst <sys",
        r"(?<!\}\})(?<!\}\}\n)(?:<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|eot_id"
        r"|start_header_id|end_header_id|endofprompt|fim_\w+)\|?>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>"
        r"|</?\|?(?:system|sys)(?:[_-]?(?:prompt|message|instructions?))?\|?>)(?![^\n{]{0,16}\n?\{\{)",
    ),
    signal(
        "tokens",
        0.85,
        "### [system <system (system {system \"role\" 'role' ====",
        r"\#{2,}\s?(?:system|new)?\s?(?:instructions?|prompt|system(?:\ message)?|developer|response)\s?:"
        r"|[\[({]\s?system\s?(?:message|prompt|note|override|update|instruction)?s?\s?[\])}:#]"
        r"|[\"']role[\"']\s?:\s?[\"'](?:system|developer|assistant)[\"']",
    ),
    signal(
        "tokens",
        0.6,
        "system assistant: end_of begin_ system: human: termination termin",
        r"(?:^|\n)\s?[*_#>-]{0,3}\s?(?:system|assistant|developer)\s?[*_]{0,2}\s?[::](?=\s*\S)|\b(?:end"
        r"|begin(?:ning)?|start)\ of\ (?:the\ )?(?:system\ |user\ |your\ )?(?:prompts?|instructions?|context"
        r"|conversation|input)\b|\bsystem\W{1,3}(?:i-?nstructions?|announ\w*-?\w*|notice|alert)\W{1,3}(?:begins?"
        r"|starts?|follows?)|\buser\ (?:message\ )?(?:termina\w+|left\ the\ chat|input\ ends?)\b",
    ),
)
