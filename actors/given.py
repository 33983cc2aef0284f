"""Models' replies to questions that open a conversation, kept for the next customer who asks the same.

The key is the whole prompt (its hash), so a change of knowledge, of the route or of a flow's place in it makes a
new one by itself. A question in mid-conversation is nobody else's, and is never kept.
"""

from __future__ import annotations

from msgspec import structs

from actors.state import State
from actors.steps import Ask
from schemas.models import Attempt, Completion, Usage

KEPT = 5_000  # replies
CACHE = "cache"  # the attempt of a reply that cost nothing

_Key = tuple[str, str, int, bytes, int]


class GivenReplies:
    """Of one host."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._replies: dict[_Key, Completion] = {}

    def find(self, state: State, ask: Ask) -> Completion | None:
        """What was given to the very same prompt."""
        if not _opens(state, ask):
            return None
        return self._replies.get(_key(state, ask))

    def keep(self, state: State, ask: Ask, given: Completion) -> None:
        """The reply passed its checks and was given. One that called tools is not kept: they know of one customer."""
        if not _opens(state, ask) or given.tool_calls or given.finish_reason != "stop":
            return
        if len(self._replies) >= self._kept:
            del self._replies[next(iter(self._replies))]  # the oldest
        attempts = (Attempt(CACHE, given.model),)
        self._replies[_key(state, ask)] = structs.replace(
            given, usage=Usage(), first_token_us=0, took_us=0, attempts=attempts
        )


def _opens(state: State, ask: Ask) -> bool:
    """The customer's first message, and nothing of the customer's own in the prompt but that."""
    return len(state.recent) == 1 and state.flow is None and not ask.repair and ask.messages[-1].role == "user"


def _key(state: State, ask: Ask) -> _Key:
    return state.tenant, ask.choice.route, ask.choice.version, ask.prompt_hash, ask.tools_version
