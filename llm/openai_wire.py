"""What is said to OpenAI-compatible servers, and what they say back, with the quirks of those that are in use."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from llm.provider import ProviderCall, ProviderFailed, Text, ToolDelta
from llm.routes import ProviderTerms
from llm.thoughts import Thoughts
from schemas.models import Message, Usage

encode = msgspec.json.Encoder().encode

# --- The request -----------------------------------------------------------------------------------------


def request_body(terms: ProviderTerms, call: ProviderCall) -> bytes:
    """A streaming chat completion."""
    preset = terms.preset
    body: dict[str, Any] = {
        **terms.sampling.extra,
        "model": terms.model,
        "messages": [wire_message(message) for message in call.messages],
        "stream": True,
    }
    if preset.usage:
        body["stream_options"] = {"include_usage": True}
    if call.max_tokens is not None:
        body[preset.max_tokens_field] = call.max_tokens
    if call.temperature is not None:
        body["temperature"] = call.temperature
    if call.tools and terms.supports_tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in call.tools
        ]
    if call.json_schema is not None and preset.json == "schema":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": call.json_schema},
        }
    elif call.json_schema is not None and preset.json == "object":
        body["response_format"] = {"type": "json_object"}
    return encode(body)


def wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["content"] = message.content or None
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        wire["tool_call_id"] = message.tool_call_id
    return wire


# --- The reply -------------------------------------------------------------------------------------------
# Fields in which providers differ are Any, and looked at by hand.


class _Function(Struct):
    name: str | None = None
    arguments: Any = None


class _Call(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(Struct):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Counted(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Choice(Struct):
    index: int | None = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    usage: _Counted | None = None


class Chunk(Struct):
    """A chunk of a stream, or a whole completion (which has `message` for `delta`)."""

    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Counted | None = None
    error: Any = UNSET

    @property
    def whole(self) -> bool:
        return bool(self.choices) and self.choices is not None and self.choices[0].message is not None

    @property
    def usage_alone(self) -> bool:
        """The last chunk of a stream that was asked to count, which callers that did not ask need not see."""
        return not self.choices and self.usage is not None


class Refusal(Struct):
    error: Any = None
    message: Any = None
    detail: Any = None


_decode_chunk = msgspec.json.Decoder(Chunk).decode
_decode_refusal = msgspec.json.Decoder(Refusal).decode

_STOPS = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "repetition_truncation": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
# Zhipu and DeepSeek say in this way that they broke off.
_BROKEN = {"network_error", "insufficient_system_resource", "model_context_window_exceeded", "error"}


class Reader:
    """Makes pieces of the provider interface out of chunks, and keeps what belongs to the end."""

    def __init__(self) -> None:
        self.model = ""
        self.finish_reason = ""
        self.usage: Usage | None = None
        self.thought = False  # the latest chunk brought thoughts, which are progress but no part of the reply
        self._thoughts = Thoughts()

    def chunk(self, data: bytes) -> tuple[Chunk, list[Text | ToolDelta]]:
        """Raises ProviderFailed: `malformed`, or what the provider says in a chunk that is an error."""
        try:
            chunk = _decode_chunk(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderFailed("malformed", f"a chunk that cannot be read: {error}", retryable=True) from None
        return chunk, self._pieces(chunk)

    def _pieces(self, chunk: Chunk) -> list[Text | ToolDelta]:
        if chunk.error is not UNSET and chunk.error:
            raise error_in_stream(chunk.error)
        if chunk.model and not self.model:
            self.model = chunk.model
        if chunk.usage is not None:
            self._count(chunk.usage)
        self.thought = False
        if not chunk.choices:
            return []
        choice = chunk.choices[0]
        if choice.usage is not None:  # Moonshot
            self._count(choice.usage)
        found: list[Text | ToolDelta] = []
        delta = choice.delta or choice.message
        if delta is not None:
            text = _text(delta.content) or delta.refusal or ""
            if text and (text := self._thoughts.said(text)):
                found.append(Text(text))
            if delta.reasoning_content or delta.reasoning or self._thoughts.thinking:
                self.thought = True
            if delta.tool_calls:
                found += map(_tool_delta, delta.tool_calls)
        if choice.finish_reason:
            self._finish(choice.finish_reason)
            if rest := self._thoughts.rest():
                found.append(Text(rest))
        return found

    def _count(self, counted: _Counted) -> None:
        if counted.prompt_tokens is not None or counted.completion_tokens is not None:
            self.usage = Usage(max(0, counted.prompt_tokens or 0), max(0, counted.completion_tokens or 0))

    def _finish(self, reason: str) -> None:
        if reason in _BROKEN:
            raise ProviderFailed("broken_off", f"the provider broke off: {reason}", retryable=True)
        self.finish_reason = _STOPS.get(reason.lower(), "stop")


def _text(content: Any) -> str:
    """Text, or a list of parts of which some are text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return ""


def _tool_delta(call: _Call) -> ToolDelta:
    name = call.function.name if call.function else None
    arguments = call.function.arguments if call.function else None
    if arguments is not None and not isinstance(arguments, str):
        arguments = encode(arguments).decode()
    return ToolDelta(-1 if call.index is None else call.index, call.id or "", name or "", arguments or "")


# --- Errors ----------------------------------------------------------------------------------------------


def error_in_stream(error: Any) -> ProviderFailed:
    """What is said in the middle of a stream with status 200."""
    code = str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""
    busy = code == "429" or "rate" in code or "overload" in code or "busy" in code
    what = "http_429" if busy else "broken_off"
    return ProviderFailed(what, f"the provider broke off: {_brief(error)}", retryable=True)


def refusal(status: int, body: bytes, after_s: float | None) -> ProviderFailed:
    """A status other than 200. `body`: its beginning."""
    try:
        said = _decode_refusal(body)
        message = _brief(said.error or said.message or said.detail or "")
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = ""  # a page of HTML, say
    # What the request is to blame for says nothing about the provider's health.
    healthy = status in (400, 413, 422)
    retryable = status in (408, 409, 425, 429) or status >= 500
    detail = f"HTTP {status}" + (f": {message}" if message and status not in (401, 403) else "")
    return ProviderFailed(f"http_{status}", detail, retryable=retryable, after_s=after_s, healthy=healthy)


def _brief(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message or "no reason given").split())[:300]


__all__ = ["UNSET", "Chunk", "Reader", "UnsetType", "encode", "error_in_stream", "refusal", "request_body"]
