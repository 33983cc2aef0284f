"""A provider that does not speak OpenAI's protocol, relayed as if it did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from msgspec import Struct

from llm.openai_wire import encode
from llm.provider import End, ProviderCall, ProviderChunk, Raw, Text, ToolDelta
from llm.pump import bytes_of
from llm.routes import ProviderTerms
from llm.toolcalls import ToolCalls
from llm.usage import estimated
from schemas.models import Message, Role, Usage
from schemas.tools import ToolCall

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class Labels(Struct, frozen=True):
    """What every chunk of a reply repeats. `created`: seconds since 1970."""

    id: str
    created: int
    model: str


def messages_of(body: Mapping[str, Any]) -> tuple[Message, ...]:
    """What of a request's messages is text; images and the like are left out."""
    found = []
    for each in body["messages"]:
        calls = tuple(_call(call) for call in _list(each.get("tool_calls")) if isinstance(call, dict))
        role = _ROLES.get(str(each.get("role")), "user")
        found.append(Message(role, _text(each.get("content")), calls, str(each.get("tool_call_id") or "")))
    return tuple(found)


def call_of(body: Mapping[str, Any], terms: ProviderTerms, timeout_s: float) -> ProviderCall:
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    warmth = body.get("temperature")
    return ProviderCall(
        messages=messages_of(body),
        max_tokens=most if isinstance(most, int) else terms.sampling.max_tokens,
        temperature=float(warmth) if isinstance(warmth, int | float) else terms.sampling.temperature,
        timeout_s=timeout_s,
    )


async def chunks_of(
    chunks: AsyncIterator[ProviderChunk], labels: Labels, *, counts: bool
) -> AsyncIterator[ProviderChunk | Raw]:
    """As a stream; `counts`: with usage at its end."""
    role = {"role": "assistant"}
    async for chunk in chunks:
        if isinstance(chunk, Text):
            yield Raw(_event(labels, {**role, "content": chunk.text}), chunk.text, bytes_of(chunk.text))
            role = {}
        elif isinstance(chunk, ToolDelta):
            call = {"index": max(0, chunk.index), "function": {"name": chunk.name, "arguments": chunk.arguments}}
            if chunk.id:
                call |= {"id": chunk.id, "type": "function"}
            yield Raw(_event(labels, {**role, "tool_calls": [call]}), size=bytes_of(chunk.arguments))
            role = {}
        elif isinstance(chunk, End):
            yield Raw(_event(labels, {}, chunk.finish_reason), alive=False)
            if counts and chunk.usage is not None:
                yield Raw(_event(labels, None, usage=chunk.usage), alive=False)
            yield chunk
        else:
            yield chunk


async def whole_of(
    chunks: AsyncIterator[ProviderChunk], labels: Labels, messages: tuple[Message, ...], new_id: Callable[[], str]
) -> AsyncIterator[ProviderChunk | Raw]:
    """As one JSON body."""
    texts: list[str] = []
    calls = ToolCalls(new_id)
    async for chunk in chunks:
        if isinstance(chunk, Text):
            texts.append(chunk.text)
        elif isinstance(chunk, ToolDelta):
            calls.add(chunk)
        elif isinstance(chunk, End):
            text, called = "".join(texts), calls.done()
            message: dict[str, Any] = {"role": "assistant", "content": text}
            if called:
                message["tool_calls"] = [
                    {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                    for call in called
                ]
            usage = chunk.usage or estimated(messages, (), text, called)
            body = {
                "id": labels.id,
                "object": "chat.completion",
                "created": labels.created,
                "model": labels.model,
                "choices": [{"index": 0, "message": message, "finish_reason": chunk.finish_reason}],
                "usage": _usage(usage),
            }
            yield Raw(encode(body), text, bytes_of(text) + calls.size)
            yield End(chunk.finish_reason, usage, chunk.model)


def _event(
    labels: Labels, delta: dict[str, Any] | None, finish: str | None = None, usage: Usage | None = None
) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    chunk: dict[str, Any] = {
        "id": labels.id,
        "object": "chat.completion.chunk",
        "created": labels.created,
        "model": labels.model,
        "choices": choices,
    }
    if usage is not None:
        chunk["usage"] = _usage(usage)
    return b"data: " + encode(chunk) + b"\n\n"


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _call(call: dict[str, Any]) -> ToolCall:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    return ToolCall(str(call.get("id") or ""), str(function.get("name") or ""), str(function.get("arguments") or ""))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in _list(content) if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
