"""Provider `openai`: any server that speaks OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import aiohttp
from msgspec import Struct

from llm.http import chunks, content_type
from llm.openai_client import OpenAIClient
from llm.openai_wire import Chunk, Reader, request_body
from llm.provider import End, ProviderCall, ProviderChunk, ProviderFailed, Text, Thought, ToolDelta
from llm.routes import ProviderTerms
from llm.secrets import Secrets
from llm.sse import Events

# A token of four bytes comes in a chunk of some three hundred; thoughts come on top.
_WIRE_FACTOR = 64
_DONE = b"[DONE]"


class Piece(Struct, frozen=True):
    """What one event of a stream brought: `data` as it came, and what it means."""

    data: bytes
    chunk: Chunk
    pieces: list[Text | ToolDelta]
    thought: bool


class OpenAIProvider:
    def __init__(self, terms: ProviderTerms, secrets: Secrets) -> None:
        self.name = terms.name
        self.model = terms.model
        self._terms = terms
        self._client = OpenAIClient(terms, secrets)

    async def open(self) -> None:
        """Import what is needed before a call's time is measured."""
        await self._client.open()

    async def stream(self, call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        reader = Reader()
        async with aclosing(self.events(request_body(self._terms, call), reader)) as events:
            async for piece in events:
                if piece is None:
                    yield End(reader.finish_reason, reader.usage, reader.model)
                    continue
                for each in piece.pieces:
                    yield each
                if piece.thought:
                    yield THOUGHT

    async def events(self, body: bytes, reader: Reader) -> AsyncGenerator[Piece | None, None]:
        """The events of a streamed reply, then None; what comes after that is only read so that the connection can
        be used again. Raises ProviderFailed.

        A stream is whole if it ended with [DONE], or after a finish reason as some servers leave it.
        """
        response = await self._client.post(body, stream=True)
        try:
            kind = content_type(response)
            if kind == "application/json":  # they do not stream, or this is an error with status 200
                yield self._piece(await self._body(response), reader)
                if reader.finish_reason:
                    yield None
                    return
                raise ProviderFailed("malformed", "a JSON body that is no completion", retryable=True)
            if kind != "text/event-stream":
                raise ProviderFailed("content_type", f"{kind or 'no content type'} where an event stream was asked for")
            events = Events(self._terms.max_reply_bytes + 65_536)
            left = self._terms.max_reply_bytes * _WIRE_FACTOR
            done = False
            async for data in chunks(response):
                left -= len(data)
                if left < 0:
                    raise ProviderFailed("too_large", "a stream without end")
                if done:
                    continue
                for event in events.feed(data):
                    if event.startswith(_DONE):
                        done = True
                        break
                    yield self._piece(event, reader)
                if done:
                    reader.finish_reason = reader.finish_reason or "stop"
                    yield None
            if not done:
                for event in events.finish():
                    if event.startswith(_DONE):
                        reader.finish_reason = reader.finish_reason or "stop"
                    else:
                        yield self._piece(event, reader)
                if not reader.finish_reason:
                    raise ProviderFailed("reset", "the stream ended in the middle of the reply", retryable=True)
                yield None
        finally:
            response.close()

    async def whole(self, body: bytes, reader: Reader) -> tuple[bytes, list[Text | ToolDelta]]:
        """A reply that is not streamed, as it came and what it says. Raises ProviderFailed."""
        response = await self._client.post(body, stream=False)
        try:
            if (kind := content_type(response)) != "application/json":
                raise ProviderFailed("content_type", f"{kind or 'no content type'} where JSON was asked for")
            data = await self._body(response)
        finally:
            response.close()
        _, pieces = self._read(data, reader)
        if not reader.finish_reason:
            raise ProviderFailed("malformed", "a JSON body that is no completion", retryable=True)
        return data, pieces

    async def close(self) -> None:
        await self._client.close()

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        most = self._terms.max_reply_bytes * 2 + 65_536  # JSON escapes, logprobs, thoughts
        data = bytearray()
        async for chunk in chunks(response):
            data += chunk
            if len(data) > most:
                raise ProviderFailed("too_large", f"a reply of more than {most} bytes")
        return bytes(data)

    def _piece(self, event: bytes, reader: Reader) -> Piece:
        chunk, pieces = self._read(event, reader)
        return Piece(event, chunk, pieces, reader.thought)

    def _read(self, data: bytes, reader: Reader) -> tuple[Chunk, list[Text | ToolDelta]]:
        try:
            return reader.chunk(data)
        except ProviderFailed:
            return Reader().chunk(self._client.hidden(data))


THOUGHT = Thought()
