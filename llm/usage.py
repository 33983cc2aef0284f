"""What an attempt used and cost: as the provider counted it, or estimated."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from llm.routes import Price
from prompting.tokens import PER_MESSAGE, estimate
from schemas.models import Message, Usage
from schemas.tools import ToolCall, ToolSpec


class Spending(Struct, frozen=True):
    """One finished attempt. `error`: as in Attempt, `cancelled` if the customer left; empty if it went well.

    Times in microseconds since the gateway had the request; `first_token_us`: 0 if there was no token.
    """

    tenant: str
    provider: str
    model: str
    usage: Usage
    first_token_us: int
    took_us: int
    error: str = ""


def priced(usage: Usage, price: Price) -> Usage:
    cost = (usage.input_tokens * price.input + usage.output_tokens * price.output) / 1e6
    return msgspec.structs.replace(usage, cost=cost) if cost else usage


def estimated(messages: Sequence[Message], tools: Sequence[ToolSpec], text: str, calls: Sequence[ToolCall]) -> Usage:
    """Where the provider does not count, or broke off before it could."""
    asked = sum(
        PER_MESSAGE + estimate(message.content) + sum(estimate(call.arguments) for call in message.tool_calls)
        for message in messages
    )
    asked += sum(estimate(tool.description) + estimate(str(tool.parameters)) for tool in tools)
    said = estimate(text) + sum(estimate(call.name) + estimate(call.arguments) for call in calls)
    return Usage(asked, said, estimated=True)
