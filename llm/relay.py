"""Passes an OpenAI chat completion on to a provider of a route, and its bytes back, counted and watched.

Only `model` and what belongs to streaming are replaced in the request; chunks of the reply go back as they came.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeGuard

from msgspec import Struct

from llm.call import Call, Try
from llm.core import Core
from llm.openai_wire import Reader, encode
from llm.provider import End, Provider, ProviderChunk, ProviderFailed, Raw, Text, ToolDelta
from llm.pump import Pump, bytes_of
from llm.relay_others import call_of, chunks_of, messages_of, whole_of
from llm.routes import ProviderTerms
from llm.usage import estimated
from schemas.errors import InvalidRequest
from schemas.models import Completion, Usage

if TYPE_CHECKING:
    from llm.openai_provider import OpenAIProvider


class RelayChunk(Struct, frozen=True):
    """`data`: of a streamed reply one or more whole events, at last `data: [DONE]`; else the JSON body, in one piece.

    `completion`: with the last piece, what it came to; its text is the reply's, its tool calls are not put together.
    """

    data: bytes
    provider: str
    model: str
    completion: Completion | None = None


async def relay(
    core: Core, tenant: str, route: str, version: int, body: dict[str, Any], deadline_ms: int
) -> AsyncGenerator[RelayChunk, None]:
    """Raises ModelUnavailable, and InvalidRequest if a provider says that the request is at fault. Once a piece has
    been given no other provider is tried."""
    streamed = body.get("stream") is True
    _check(body)
    call = await core.begin(tenant, route, version, deadline_ms)
    while (attempt := await call.next()) is not None:
        pump: Pump | None = None
        terms = attempt.terms
        held: list[bytes] = []
        said: list[str] = []
        begun = False
        end: End | None = None
        try:
            pump = attempt.start(_asked(attempt, body, streamed, core), streamed=streamed)
            core.keep(pump)
            while end is None:
                for item in await pump.take():
                    if isinstance(item, Raw):
                        held.append(item.data)
                        said.append(item.text)
                        begun = begun or item.alive
                    elif isinstance(item, End):
                        end = item
                if pump.failure is not None and not begun:
                    raise pump.failure
                # Nothing is committed to a provider that has only said it is there.
                if begun and held and end is None:
                    data = b"".join(held)
                    held.clear()
                    yield RelayChunk(data, terms.name, terms.model)
        except ProviderFailed as failure:
            call.failed(attempt, failure)
            core.account(call, attempt, _partly(attempt, body, said), failure.error)
            if begun:
                raise call.unavailable("".join(said)) from failure
            continue
        except BaseException:  # the caller left; or what it wants cannot be asked
            attempt.dropped()
            if attempt.started:
                core.account(call, attempt, _partly(attempt, body, said), "cancelled")
            raise
        finally:
            if pump is not None:
                pump.stop()
        attempt.succeeded()
        text = "".join(said)
        usage = core.account(call, attempt, end.usage or estimated(messages_of(body), (), text, ()))
        if streamed:
            held.append(b"data: [DONE]\n\n")
        yield RelayChunk(b"".join(held), terms.name, terms.model, _completion(call, attempt, text, end, usage))
        return
    last = call.last
    if last is not None and last.healthy and last.error.startswith("http_4"):
        raise InvalidRequest(f"the model's provider refused the request: {last.detail}")
    raise call.unavailable()


def _check(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise InvalidRequest("messages: must be a list of at least one message")
    if body.get("n") not in (None, 1):
        raise InvalidRequest("n: only one choice is given; leave it out or ask for 1")


def _asked(attempt: Try, body: dict[str, Any], streamed: bool, core: Core) -> AsyncIterator[ProviderChunk | Raw]:
    """The reply to come. Raises InvalidRequest if a number in the body is more than any provider can be told."""
    try:
        return _source(attempt, body, streamed, core)
    except (OverflowError, ValueError) as error:
        raise InvalidRequest(f"the body has a value that cannot be passed on: {error}") from error


def _source(attempt: Try, body: dict[str, Any], streamed: bool, core: Core) -> AsyncIterator[ProviderChunk | Raw]:
    provider, terms = attempt.provider, attempt.terms
    if _speaks_openai(provider):
        asked = _body(body, terms, streamed)
        return _events(provider, asked, core, _counts(body)) if streamed else _whole(provider, asked)
    chunks = provider.stream(call_of(body, terms, attempt.left_s))
    labels = core.labels(terms.model)
    if streamed:
        return chunks_of(chunks, labels, counts=_counts(body))
    return whole_of(chunks, labels, messages_of(body), core.new_id)


def _speaks_openai(provider: Provider) -> TypeGuard[OpenAIProvider]:
    # Not by its class, which a gateway that has none need not import.
    return hasattr(provider, "events")


def _counts(body: dict[str, Any]) -> bool:
    """Whether the caller asked for usage at the end of the stream."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _body(body: dict[str, Any], terms: ProviderTerms, streamed: bool) -> bytes:
    asked = {**terms.sampling.extra, **body, "model": terms.model, "stream": streamed}
    asked.pop("stream_options", None)
    if streamed and terms.preset.usage:
        asked["stream_options"] = {"include_usage": True}
    most = asked.pop("max_tokens", None)
    most = asked.pop("max_completion_tokens", None) or most or terms.sampling.max_tokens
    if most is not None:
        asked[terms.preset.max_tokens_field] = most
    if terms.sampling.temperature is not None:
        asked.setdefault("temperature", terms.sampling.temperature)
    return encode(asked)


async def _events(
    provider: OpenAIProvider, body: bytes, core: Core, counts: bool
) -> AsyncIterator[ProviderChunk | Raw]:
    reader = Reader()
    async with aclosing(provider.events(body, reader)) as events:
        async for piece in events:
            if piece is None:
                yield End(reader.finish_reason, reader.usage, reader.model)
            elif piece.chunk.whole:  # of a server that does not stream
                said = _one_by_one([*piece.pieces, End(reader.finish_reason, reader.usage, reader.model)])
                async for chunk in chunks_of(said, core.labels(provider.model), counts=counts):
                    yield chunk
            elif counts or not piece.chunk.usage_alone:
                text, size = _measured(piece.pieces)
                # A client that knows no more than the standard must be able to read it.
                data = b"data: " + piece.data.replace(b"\n", b"\ndata: ") + b"\n\n"
                yield Raw(data, text, size, bool(piece.pieces) or piece.thought)


async def _one_by_one(chunks: list[ProviderChunk]) -> AsyncIterator[ProviderChunk]:
    for chunk in chunks:
        yield chunk


async def _whole(provider: OpenAIProvider, body: bytes) -> AsyncIterator[ProviderChunk | Raw]:
    reader = Reader()
    data, pieces = await provider.whole(body, reader)
    yield Raw(data, *_measured(pieces))
    yield End(reader.finish_reason, reader.usage, reader.model)


def _measured(pieces: list[Text | ToolDelta]) -> tuple[str, int]:
    text = "".join(piece.text for piece in pieces if isinstance(piece, Text))
    return text, bytes_of(text) + sum(bytes_of(piece.arguments) for piece in pieces if isinstance(piece, ToolDelta))


def _partly(attempt: Try, body: dict[str, Any], said: list[str]) -> Usage:
    if not attempt.first_token_us:
        return Usage(estimated=True)
    return estimated(messages_of(body), (), "".join(said), ())


def _completion(call: Call, attempt: Try, text: str, end: End, usage: Usage) -> Completion:
    return Completion(
        text=text,
        tool_calls=(),
        finish_reason=end.finish_reason,
        provider=attempt.terms.name,
        model=end.model or attempt.terms.model,
        usage=usage,
        first_token_us=attempt.first_token_us,
        took_us=call.took_us,
        attempts=tuple(call.attempts),
    )
