"""What is said to OpenAI-compatible servers and read from them: events, quirks, tool calls, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.openai_wire import Reader, refusal, request_body
from llm.presets import PRESETS
from llm.provider import ProviderCall, ProviderFailed, Text, ToolDelta
from llm.retry_after import retry_after_s
from llm.routes import ProviderTerms, Sampling
from llm.sse import Events
from llm.toolcalls import ToolCalls
from schemas.models import Message, Usage
from schemas.tools import ToolCall, ToolSpec

# --- Events ----------------------------------------------------------------------------------------------

STREAM = (
    b'data: {"a":1}\n\n: keep-alive\n\ndata:two\r\n\r\nevent: x\nid: 3\ndata: three\ndata: lines\n\ndata: [DONE]\n\n'
)
EVENTS = [b'{"a":1}', b"two", b"three\nlines", b"[DONE]"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_events_in_any_pieces(size: int) -> None:
    events = Events(1_000)
    found = [event for at in range(0, len(STREAM), size) for event in events.feed(STREAM[at : at + size])]
    assert found == EVENTS


def test_a_last_event_without_its_empty_line() -> None:
    events = Events(1_000)
    assert events.feed(b"data: [DONE]") == []
    assert events.finish() == [b"[DONE]"]


@pytest.mark.parametrize("chunks", [[b"data: " + b"x" * 50] * 30, [b"data: " + b"x" * 50 + b"\n"] * 30])
def test_an_event_without_end(chunks: list[bytes]) -> None:
    events = Events(1_000)
    with pytest.raises(ProviderFailed) as caught:
        for chunk in chunks:
            events.feed(chunk)
    assert caught.value.error == "too_large"


# --- Replies ---------------------------------------------------------------------------------------------


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return json.dumps({"id": "1", "model": "m-1", "choices": choices, **more}).encode()


def heard(reader: Reader, *data: bytes) -> str:
    return "".join(piece.text for each in data for piece in reader.chunk(each)[1] if isinstance(piece, Text))


def test_a_reply() -> None:
    reader = Reader()
    said = heard(
        reader,
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "你"}),
        chunk({"content": "好"}),
        chunk({}, "stop"),
        b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}',
    )
    assert said == "你好"
    assert (reader.model, reader.finish_reason, reader.usage) == ("m-1", "stop", Usage(3, 2))


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("function_call", "tool_calls"),
        ("sensitive", "content_filter"),
        ("STOP", "stop"),
        ("something_new", "stop"),
    ],
)
def test_finish_reasons(theirs: str, ours: str) -> None:
    reader = Reader()
    reader.chunk(chunk({}, theirs))
    assert reader.finish_reason == ours


@pytest.mark.parametrize("reason", ["network_error", "insufficient_system_resource"])
def test_finish_reasons_that_are_failures(reason: str) -> None:
    with pytest.raises(ProviderFailed) as caught:
        Reader().chunk(chunk({}, reason))
    assert caught.value.error == "broken_off" and caught.value.retryable


def test_usage_of_moonshot_and_usage_of_nothing() -> None:
    reader = Reader()
    reader.chunk(b'{"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":6}}]}')
    assert reader.usage == Usage(5, 6)
    reader = Reader()
    reader.chunk(b'{"choices":[],"usage":{}}')
    assert reader.usage is None


def test_content_in_parts_and_refusals() -> None:
    assert heard(Reader(), chunk({"content": [{"type": "text", "text": "a"}, {"type": "image"}, "?"]})) == "a"
    assert heard(Reader(), chunk({"refusal": "I cannot help."})) == "I cannot help."


def test_thoughts_are_a_sign_of_life_and_no_text() -> None:
    reader = Reader()
    assert heard(reader, chunk({"content": None, "reasoning_content": "hm"})) == ""
    assert reader.thought


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("whole", "said"),
    [
        ("<think>secret < </thin plan</think>\n\nHello <think>", "Hello <think>"),
        ("\n<think>a</think>b", "b"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("<th", "<th"),
        ("<think>never ends", ""),
        ("no thoughts </think>", "no thoughts </think>"),
    ],
)
def test_thoughts_within_the_text_are_left_out(whole: str, said: str, size: int) -> None:
    reader = Reader()
    pieces = [chunk({"content": whole[at : at + size]}) for at in range(0, len(whole), size)]
    assert heard(reader, *pieces, chunk({}, "stop")) == said


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"x"', b'{"choices": 3}', b'{"choices": [{"delta": {"tool_calls": "x"}}]}', b"\xff\xfe"]
)
def test_what_is_no_chunk(data: bytes) -> None:
    with pytest.raises(ProviderFailed) as caught:
        Reader().chunk(data)
    assert caught.value.error == "malformed"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ({"message": "slow down", "code": "429"}, "http_429"),
        ({"message": "x", "type": "rate_limit_error"}, "http_429"),
        ({"message": "x", "code": 500}, "broken_off"),
        ("text", "broken_off"),
    ],
)
def test_errors_in_the_stream(error: Any, word: str) -> None:
    with pytest.raises(ProviderFailed) as caught:
        Reader().chunk(json.dumps({"error": error}).encode())
    assert caught.value.error == word


# --- Tool calls ------------------------------------------------------------------------------------------


def put_together(*deltas: dict[str, Any]) -> tuple[ToolCall, ...]:
    calls = ToolCalls(lambda: "made-up")
    reader = Reader()
    for delta in deltas:
        for piece in reader.chunk(chunk({"tool_calls": [delta]}))[1]:
            assert isinstance(piece, ToolDelta)
            calls.add(piece)
    return calls.done()


def test_tool_calls_of_openai() -> None:
    assert put_together(
        {"index": 0, "id": "a", "type": "function", "function": {"name": "find", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x"'}},
        {"index": 1, "id": "b", "function": {"name": "refund", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": ":1}"}},
    ) == (ToolCall("a", "find", '{"x":1}'), ToolCall("b", "refund", "{}"))


@pytest.mark.parametrize(
    "deltas",
    [
        # No index.
        [{"id": "a", "function": {"name": "find", "arguments": '{"x"'}}, {"function": {"arguments": ":1}"}}],
        # Name and id in every piece.
        [
            {"index": 0, "id": "a", "function": {"name": "find", "arguments": '{"x"'}},
            {"index": 0, "id": "a", "function": {"name": "find", "arguments": ":1}"}},
        ],
        # Empty texts instead of nothing, and null.
        [
            {"index": 0, "id": "a", "function": {"name": "find", "arguments": None}},
            {"index": 0, "id": "", "function": {"name": "", "arguments": '{"x":1}'}},
        ],
        # Arguments as an object.
        [{"index": 0, "id": "a", "function": {"name": "find", "arguments": {"x": 1}}}],
    ],
)
def test_one_call_in_other_habits(deltas: list[dict[str, Any]]) -> None:
    assert put_together(*deltas) == (ToolCall("a", "find", '{"x":1}'),)


@pytest.mark.parametrize(
    "deltas",
    [
        # Index 0 for all.
        [
            {"index": 0, "id": "a", "function": {"name": "find", "arguments": "{}"}},
            {"index": 0, "id": "b", "function": {"name": "find", "arguments": "{}"}},
        ],
        # No index.
        [
            {"id": "a", "function": {"name": "find", "arguments": "{}"}},
            {"id": "b", "function": {"name": "find", "arguments": "{}"}},
        ],
    ],
)
def test_two_calls_in_other_habits(deltas: list[dict[str, Any]]) -> None:
    assert put_together(*deltas) == (ToolCall("a", "find", "{}"), ToolCall("b", "find", "{}"))


def test_calls_without_ids_get_some() -> None:
    assert put_together(
        {"function": {"name": "find", "arguments": "{}"}}, {"function": {"name": "find", "arguments": '{"y":2}'}}
    ) == (ToolCall("made-up", "find", "{}"), ToolCall("made-up", "find", '{"y":2}'))


def test_arguments_that_are_no_json_are_kept_as_they_are() -> None:
    assert (
        put_together({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{oops"}})[0].arguments == "{oops"
    )


def test_pieces_without_a_name_are_no_call() -> None:
    assert put_together({"index": 0, "function": {"arguments": "{}"}}) == ()


def test_thousands_of_calls_are_cut() -> None:
    assert len(put_together(*({"index": n, "function": {"name": "f"}} for n in range(500)))) == 64


# --- Requests --------------------------------------------------------------------------------------------


def asked(preset: str, **more: Any) -> Any:
    terms = ProviderTerms(
        name="p", kind="openai", model="m", preset=PRESETS[preset], sampling=Sampling(extra={"top_p": 0.5})
    )
    call = ProviderCall(
        (
            Message("user", "Hi"),
            Message("assistant", "", (ToolCall("a", "find", "{}"),)),
            Message("tool", "found", tool_call_id="a"),
        ),
        (ToolSpec("find", "Finds.", {"type": "object"}),),
        max_tokens=7,
        **more,
    )
    return json.loads(request_body(terms, call))


def test_a_request() -> None:
    assert asked("deepseek", temperature=0.0) == {
        "model": "m",
        "top_p": 0.5,
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "a", "type": "function", "function": {"name": "find", "arguments": "{}"}}],
            },
            {"role": "tool", "content": "found", "tool_call_id": "a"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 7,
        "temperature": 0.0,
        "tools": [
            {
                "type": "function",
                "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object"}},
            }
        ],
    }


def test_providers_spell_things_differently() -> None:
    schema = {"type": "object"}
    assert asked("openai")["max_completion_tokens"] == 7
    assert asked("openai", json_schema=schema)["response_format"]["json_schema"]["schema"] == schema
    assert asked("qwen", json_schema=schema)["response_format"] == {"type": "json_object"}


# --- Refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "retryable", "healthy"),
    [(400, False, True), (401, False, False), (404, False, False), (408, True, False), (422, False, True),
     (429, True, False), (500, True, False), (503, True, False), (302, False, False)],
)  # fmt: skip
def test_refusals(status: int, retryable: bool, healthy: bool) -> None:
    failure = refusal(status, b'{"error": {"message": "because"}}', 3.0)
    assert (failure.error, failure.retryable, failure.healthy, failure.after_s) == (
        f"http_{status}", retryable, healthy, 3.0
    )  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"error": ["x"]}', b"\xff"])
def test_refusals_without_a_reason(body: bytes) -> None:
    assert refusal(500, body, None).error == "http_500"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 15 Jan 2026 10:00:30 GMT", "date": "Thu, 15 Jan 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Thu, 15 Jan 2026 10:00:30 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e99"}, 3_600.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds
