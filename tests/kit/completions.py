"""What a scripted model says, and how an OpenAI-compatible provider puts it on the wire: whole or in tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

# How providers that all call themselves compatible differ, where clients have stumbled over it.
Dialect = Literal[
    "openai",  # tool calls in fragments by index, usage in a last chunk without choices, if it was asked for
    "azure",  # as openai, after a chunk without choices that tells of the content filter
    "deepseek",  # thinks aloud in reasoning_content; usage in the chunk with the finish reason, asked for or not
    "qwen",  # repeats id and name as empty strings in the later fragments of a tool call; content is null
    "vllm",  # repeats the id in every fragment; "usage": null in every chunk
    "ollama",  # a tool call comes whole, each with index 0; the finish reason is `stop` all the same; no usage
]


@dataclass(frozen=True)
class Tool:
    """A tool call the model asks for. `arguments` is sent as it is, JSON or not."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


@dataclass(frozen=True)
class Reply:
    """A completion, and what goes wrong with it.

    `chunks`: how the text is cut when streamed (words, if empty). Seconds: `first_s` until the first token, `gap_s`
    between two. `usage`: prompt and completion tokens (counted in words, if None). `broken`: what happens after
    `after` tokens, 0: before a head is sent. A reply that is not streamed breaks in the middle of its body.
    `piece`: sent in pieces of so many bytes, `piece_s` apart, the head included.
    """

    text: str = "Hello from upstream."
    chunks: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    reasoning: str = ""
    finish_reason: str = ""
    dialect: Dialect = "openai"
    usage: tuple[int, int] | None = None
    first_s: float = 0.0
    gap_s: float = 0.0
    broken: Literal["", "hang", "reset", "close", "end"] = ""
    after: int = 0
    done: bool = True  # `data: [DONE]` at the end
    piece: int = 0
    piece_s: float = 0.0


@dataclass(frozen=True)
class Plain:
    """Any answer, as it is; to a streamed request too."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


Behaviour = Reply | Plain


def refusing(status: int, headers: dict[str, str] | None = None, message: str = "refused by the script") -> Plain:
    """An error as OpenAI words it: 429 with Retry-After, 500, 401 and so on."""
    body = json.dumps({"error": {"message": message, "type": "scripted", "param": None, "code": None}})
    return Plain(body.encode(), status, headers=tuple((headers or {}).items()))


def hanging(after: int = 0) -> Reply:
    """Says nothing (more) until the client leaves, or 30 s."""
    return Reply(broken="hang", after=after)


def dripping(seconds: float = 1.0) -> Reply:
    """One byte a second: every read succeeds, and the reply never comes."""
    return Reply(piece=1, piece_s=seconds)


def html() -> Plain:
    """What a captive portal or a wrong address answers."""
    return Plain(b"<!doctype html><title>Sign in</title><p>Welcome", content_type="text/html; charset=utf-8")


def malformed(*, whole: bool = False) -> Plain:
    """An event stream whose second event is not JSON; `whole`: nothing of it is."""
    good = _event(_chunk("broken", {"role": "assistant", "content": "So far"}))
    bad = b'data: {"id": "x", "choices": [{"index": 0, "delta": {"cont\n\ndata: %PDF-1.7\n\ndata: [DONE]\n\n'
    return Plain(bad if whole else good + bad, content_type="text/event-stream")


def huge(size: int = 10 * 2**20) -> Reply:
    """Ten megabytes of text, in tokens of 16 KB when streamed."""
    piece = "x" * 16_384
    return Reply(text=piece * (size // len(piece)), chunks=(piece,) * (size // len(piece)))


def huge_line(size: int = 10 * 2**20) -> Plain:
    """An event stream of one line that does not end for ten megabytes."""
    return Plain(b'data: {"id": "' + b"x" * size, content_type="text/event-stream")


_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def plain_bytes(plain: Plain) -> bytes:
    head = f"HTTP/1.1 {plain.status} X\r\ncontent-type: {plain.content_type}\r\ncontent-length: {len(plain.body)}\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in plain.headers) + "\r\n").encode() + plain.body


@lru_cache(256)
def body_bytes(reply: Reply, model: str) -> tuple[bytes, ...]:
    """Head, then the two halves of the body, so that it can break between them."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.tools:
        message["tool_calls"] = [_call(tool) for tool in reply.tools]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": model}
    body = _json(whole | {"choices": [choice], "usage": _usage(reply)})
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return head, body[: len(body) // 2], body[len(body) // 2 :]


@lru_cache(256)
def stream_bytes(reply: Reply, model: str, told: bool) -> tuple[bytes, ...]:
    """Head, then what is sent with each token; the last one brings all that ends the stream."""
    deltas = _deltas(reply) or [{"content": ""}]
    usage_last = reply.dialect == "deepseek"
    events = [[_chunk(model, delta, dialect=reply.dialect)] for delta in deltas]
    events[0].insert(0, _chunk(model, {"role": "assistant", "content": ""}, dialect=reply.dialect))
    if reply.dialect == "azure":
        events[0].insert(0, _chunk(model) | {"prompt_filter_results": [{"prompt_index": 0}]})
    last = _chunk(model, {}, _finish(reply), dialect=reply.dialect)
    events[-1].append(last | ({"usage": _usage(reply)} if usage_last else {}))
    if told and not usage_last and reply.dialect != "ollama":
        events[-1].append(_chunk(model) | {"usage": _usage(reply)})
    beats = [b"".join(map(_event, each)) for each in events]
    beats[-1] += b"data: [DONE]\n\n" if reply.done else b""
    chunked = [b"%x\r\n%b\r\n" % (len(beat), beat) for beat in beats]
    chunked[-1] += b"0\r\n\r\n"
    return _HEAD, *chunked


def _deltas(reply: Reply) -> list[dict[str, Any]]:
    thought = [{"content": None, "reasoning_content": word} for word in _words(reply.reasoning)]
    said = [{"content": chunk} for chunk in reply.chunks or _words(reply.text)]
    return thought + said + [delta for at, tool in enumerate(reply.tools) for delta in _tool_deltas(reply, at, tool)]


def _tool_deltas(reply: Reply, at: int, tool: Tool) -> list[dict[str, Any]]:
    """A tool call in the fragments of the dialect."""
    if reply.dialect == "ollama":
        return [{"role": "assistant", "content": "", "tool_calls": [{"index": 0, **_call(tool)}]}]
    first = {"index": at, **_call(tool)}
    first["function"] = {"name": tool.name, "arguments": ""}
    later: dict[str, Any] = {"index": at}
    function: dict[str, Any] = {}
    if reply.dialect == "qwen":
        later, function = {"index": at, "id": "", "type": "function"}, {"name": ""}
    if reply.dialect == "vllm":
        later = {"index": at, "id": tool.id, "type": "function"}
    size = max(1, len(tool.arguments) // 4)
    pieces = [tool.arguments[at : at + size] for at in range(0, len(tool.arguments), size)]
    calls = [first] + [later | {"function": function | {"arguments": piece}} for piece in pieces]
    content = {"content": None} if reply.dialect in ("openai", "qwen") else {}
    return [content | {"tool_calls": [call]} for call in calls]


def _call(tool: Tool) -> dict[str, Any]:
    return {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}


def _finish(reply: Reply) -> str:
    called = reply.tools and reply.dialect != "ollama"
    return reply.finish_reason or ("tool_calls" if called else "stop")


def _usage(reply: Reply) -> dict[str, int]:
    prompt, completion = reply.usage or (20, len(reply.chunks or _words(reply.text)))
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _chunk(
    model: str, delta: dict[str, Any] | None = None, finish: str | None = None, *, dialect: Dialect = "openai"
) -> dict[str, Any]:
    """One chunk; without choices if there is no delta."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model}
    return chunk | {"choices": choices} | ({"usage": None} if dialect == "vllm" else {})


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % _json(chunk)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _words(text: str) -> tuple[str, ...]:
    """The text in words with the space before them."""
    words = text.split(" ")
    return tuple(word if at == 0 else f" {word}" for at, word in enumerate(words)) if text else ()
