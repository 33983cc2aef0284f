"""Fills a model's context window by budget, and says what it left out. Pure.

What may be wanted most is placed first: the system prompt and the customer's
message always; then this turn's tool calls and their results, where the flow
stands, its slots, passages of knowledge, the summary and recent turns, the
newest first, each as far as there is room.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from prompting.system import system_prompt
from prompting.tokens import PER_MESSAGE, estimate, truncated
from prompting.wording import Wording, wording_of
from schemas.models import Message

__all__ = ["Passage", "Prompt", "Section", "build", "prompt_hash", "system_prompt"]

# Of passages, an id, a revision, a title and the text.
Passage = tuple[str, int, str, str]

# What a message that is too long for the window is cut to: something must be left to answer it from.
_MESSAGE_SHARE = 0.5
# Tool results are cut to this part of what is left: they are often long, and passages may be needed beside them.
_RESULTS_SHARE = 0.6
# Passages leave so much of what is then free to the summary and recent turns.
_PASSAGES_SHARE = 0.75
# However long the system prompt is.
_LEAST_MESSAGE = 64
# Less of a passage than this says nothing.
_LEAST_PASSAGE = 48
_LEAST_SUMMARY = 24

_TAG = re.compile(r"<(?=\s*/?\s*passage)", re.IGNORECASE)

_encode = msgspec.json.Encoder(order="sorted").encode


class Section(Struct, frozen=True):
    """`name`: `system`, `exchanges`, `flow`, `slots`, `passages`, `summary`, `recent` or `message`.

    `kept` and `dropped` count its parts (passages, turns, messages); `truncated`: one of those kept was cut short.
    """

    name: str
    tokens: int
    kept: int
    dropped: int = 0
    truncated: bool = False


class Prompt(Struct, frozen=True):
    """`prompt_hash`: the first 16 bytes of SHA-256 over the messages as canonical JSON (keys sorted, no spaces).

    `passages`: ids in the order of their numbers, from 1. `tokens` is an estimate; it exceeds `context_tokens` only
    if the system prompt leaves no room for the message, or tool calls none for their results.
    """

    messages: tuple[Message, ...]
    prompt_hash: bytes
    sections: tuple[Section, ...]
    passages: tuple[str, ...]
    tokens: int
    context_tokens: int


def build(
    *,
    system: str,
    language: str,
    text: str,
    context_tokens: int,
    flow_note: str = "",
    slots: Mapping[str, Any] | None = None,
    passages: Sequence[Passage] = (),
    summary: str = "",
    recent: Sequence[tuple[bool, str]] = (),
    exchanges: Sequence[Message] = (),
) -> Prompt:
    """`recent`: (from the customer, text), oldest first. `exchanges`: what model and tools said after the customer's
    message in this turn. `text`: the customer's message."""
    words = wording_of(language)
    filling = _Filling(words, context_tokens)
    system = filling.system(system)
    message = filling.message(text)
    said = filling.exchanges(exchanges)
    blocks = [filling.flow(flow_note), filling.slots(slots or {})]
    grounding, numbered = filling.passages(passages)
    blocks += [grounding, filling.summary(summary)]
    turns = filling.recent(recent)
    whole = "\n\n".join(block for block in (system, *blocks) if block)
    messages = (Message("system", whole), *turns, Message("user", message), *said)
    return Prompt(messages, prompt_hash(messages), tuple(filling.sections), numbered, filling.used, context_tokens)


def prompt_hash(messages: Sequence[Message]) -> bytes:
    return hashlib.sha256(_encode(messages)).digest()[:16]


class _Filling:
    """What is left of the window, and what went where."""

    def __init__(self, words: Wording, context_tokens: int) -> None:
        self.sections: list[Section] = []
        self.used = 0
        self._words = words
        self._window = context_tokens

    @property
    def _left(self) -> int:
        return max(0, self._window - self.used)

    def _take(self, name: str, tokens: int, kept: int, dropped: int = 0, truncated: bool = False) -> None:
        self.used += tokens
        if kept or dropped:
            self.sections.append(Section(name, tokens, kept, dropped, truncated))

    def system(self, text: str) -> str:
        self._take("system", estimate(text) + PER_MESSAGE, 1)
        return text

    def message(self, text: str) -> str:
        room = self._left - PER_MESSAGE
        if estimate(text) > room:
            room = max(_LEAST_MESSAGE, int(self._left * _MESSAGE_SHARE) - PER_MESSAGE)
        fitted = self._cut(text, room)
        self._take("message", estimate(fitted) + PER_MESSAGE, 1, truncated=fitted != text)
        return fitted

    def exchanges(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """All of them are kept, as providers refuse calls without results; long results are cut, the longest most."""
        if not messages:
            return ()
        overhead = sum(PER_MESSAGE + _calls(message) for message in messages)
        sizes = [estimate(message.content) for message in messages]
        each = _even_share(sizes, max(0, int((self._left - overhead) * _RESULTS_SHARE)))
        fitted = tuple(
            message if size <= each else msgspec.structs.replace(message, content=self._cut(message.content, each))
            for message, size in zip(messages, sizes, strict=True)
        )
        tokens = overhead + sum(estimate(message.content) for message in fitted)
        self._take("exchanges", tokens, len(fitted), truncated=fitted != tuple(messages))
        return fitted

    def flow(self, note: str) -> str:
        return self._block("flow", f"{self._words.flow}: {note}") if note else ""

    def slots(self, slots: Mapping[str, Any]) -> str:
        """One line each; those that find no room are left out, in the order given."""
        lines: list[str] = []
        tokens, dropped = estimate(self._words.slots) + 2, 0
        for name, value in slots.items():
            line = f"- {name}: {_shown(value)}"
            if tokens + estimate(line) + 1 > self._left:
                dropped += 1
                continue
            lines.append(line)
            tokens += estimate(line) + 1
        self._take("slots", tokens if lines else 0, len(lines), dropped)
        return "\n".join([f"{self._words.slots}:", *lines]) if lines else ""

    def passages(self, passages: Sequence[Passage]) -> tuple[str, tuple[str, ...]]:
        """As many as there is room for, the first given first; the last of them may be cut."""
        header, footer = self._words.passages, self._words.passages_end
        tokens = estimate(header) + estimate(footer) + 4
        room = int(self._left * _PASSAGES_SHARE)
        blocks: list[str] = []
        numbered: list[str] = []
        cut = False
        for id_, revision, title, text in passages:
            head = f'<passage number="{len(blocks) + 1}" id="{_quoted(id_)}" revision="{revision}">\n'
            whole = _inert(f"{title}\n{text}" if title else text)
            fixed = estimate(head) + estimate("\n</passage>") + 1
            size = estimate(whole)
            if tokens + fixed + size > room:
                left = room - tokens - fixed
                if cut or left < _LEAST_PASSAGE:
                    break
                whole, cut = self._cut(whole, left), True
                size = estimate(whole)
            blocks.append(f"{head}{whole}\n</passage>")
            numbered.append(id_)
            tokens += fixed + size
        if not blocks:
            self._take("passages", 0, 0, len(passages))
            return "", ()
        self._take("passages", tokens, len(blocks), len(passages) - len(blocks), cut)
        return "\n".join([header, *blocks, footer]), tuple(numbered)

    def summary(self, text: str) -> str:
        return self._block("summary", f"{self._words.summary}: {_inert(text)}", _LEAST_SUMMARY) if text else ""

    def recent(self, turns: Sequence[tuple[bool, str]]) -> tuple[Message, ...]:
        """The newest that fit, without gaps: a turn that finds no room ends it."""
        kept: list[Message] = []
        tokens = 0
        for from_customer, text in reversed(turns):
            size = estimate(text) + PER_MESSAGE
            if tokens + size > self._left:
                break
            kept.append(Message("user" if from_customer else "assistant", text))
            tokens += size
        self._take("recent", tokens, len(kept), len(turns) - len(kept))
        return tuple(reversed(kept))

    def _block(self, name: str, text: str, least: int = 8) -> str:
        room = self._left - 2
        if room < least and estimate(text) > room:
            self._take(name, 0, 0, 1)
            return ""
        fitted = self._cut(text, room)
        self._take(name, estimate(fitted) + 2, 1, truncated=fitted != text)
        return fitted

    def _cut(self, text: str, tokens: int) -> str:
        return truncated(text, tokens, self._words.cut)


def _calls(message: Message) -> int:
    return sum(estimate(call.name) + estimate(call.arguments) + estimate(call.id) + 8 for call in message.tool_calls)


def _even_share(sizes: Sequence[int], room: int) -> int:
    """The size to which the longest are cut so that all fit."""
    left, waiting = room, len(sizes)
    for size in sorted(sizes):
        share = left // waiting
        if size > share:
            return max(1, share)
        left, waiting = left - size, waiting - 1
    return max(sizes)


def _inert(text: str) -> str:
    """Text of others can neither end its own passage nor begin one."""
    return _TAG.sub("‹", text)


def _shown(value: Any) -> str:
    return _inert(" ".join(value.split()) if isinstance(value, str) else _encode(value).decode())


def _quoted(text: str) -> str:
    return text.replace('"', "'").replace("<", "‹").replace("\n", " ")
