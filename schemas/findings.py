"""What a guardrail or a check of a model's reply found, as it is recorded and counted."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Place = Literal["input", "retrieval", "output"]
Action = Literal["flag", "refuse", "escalate"]


class Finding(Struct, frozen=True):
    """`rule`: a stable name such as `prompt_injection`; `excerpt`: the words it rests on, at most 80 characters,
    with personal data masked; `action`: what the tenant's guardrails say is to be done about it."""

    place: Place
    rule: str
    excerpt: str
    action: Action = "flag"
