"""Reading sessions from the log, without troubling their hosts: what was acknowledged is what is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
from google.protobuf.json_format import MessageToDict

from actors.reply import answer_of, render
from actors.snapshot import state_hash
from actors.state import State, fold
from deployments.timestamps import timestamp
from events.codec import decode, type_name
from events.store import EventStore, StoredEvent
from llm.telemetry import reply_attributes
from schemas.api import encode_json
from schemas.errors import UnknownSession
from schemas.events_pb2 import BotReplied, ModelReplied
from schemas.models import Attempt, Completion, Usage

PAGE = 500  # events


class EventJson(NamedTuple):
    """An event as the API shows it. `json` is an object."""

    seq: int
    json: str


class Reader:
    """Sessions of one tenant."""

    def __init__(self, tenant: str, store: EventStore) -> None:
        self._tenant = tenant
        self._store = store

    async def session(self, external_id: str) -> dict[str, Any]:
        """State and conversation. Raises UnknownSession."""
        session_id = await self._find(external_id)
        events = [decode(session_id, stored) for stored in await self._store.read(session_id)]
        if not events:
            raise _unknown(external_id)
        return {**summary(fold(events)), "messages": [message for e in events if (message := _message(e))]}

    async def events(self, external_id: str, after: int, limit: int) -> list[EventJson]:
        """Up to `limit` events after seq `after`. Raises UnknownSession."""
        session_id = await self._find(external_id)
        return [self._json(session_id, external_id, e) for e in await self._store.read(
            session_id, after=after, limit=limit)]  # fmt: skip

    async def missed(self, external_id: str, after: int) -> AsyncIterator[EventJson]:
        """Every event after seq `after`; none for a session that has not begun."""
        session_id = await self._store.find(self._tenant, external_id)
        while session_id is not None:
            page = await self._store.read(session_id, after=after, limit=PAGE)
            for stored in page:
                yield self._json(session_id, external_id, stored)
            if len(page) < PAGE:
                return
            after = page[-1].seq

    async def ping(self) -> None:
        """Raises StoreUnavailable if the log cannot be read."""
        await self._store.find(self._tenant, "")

    async def _find(self, external_id: str) -> int:
        session_id = await self._store.find(self._tenant, external_id)
        if session_id is None:
            raise _unknown(external_id)
        return session_id

    def _json(self, session_id: int, external_id: str, stored: StoredEvent) -> EventJson:
        event = decode(session_id, stored)
        data: dict[str, Any] = MessageToDict(event, preserving_proto_field_name=True)
        if isinstance(event, ModelReplied):
            data["attributes"] = telemetry(event)
        if isinstance(event, BotReplied):
            data["reply"] = msgspec.Raw(render(external_id, event.turn, stored.seq, answer_of(event)))
        body = {
            "seq": stored.seq,
            "event": type_name(stored.event_type),
            "recorded_at": timestamp(stored.recorded_at_ms),
            "data": data,
        }
        return EventJson(stored.seq, encode_json(body).decode())


def _unknown(external_id: str) -> UnknownSession:
    return UnknownSession(f"no session {external_id!r}; start one with POST /v1/chat")


def _message(event: Any) -> dict[str, Any] | None:
    if isinstance(event, BotReplied):
        return {"from": "bot", "text": event.text, "at": timestamp(event.at_ms)}
    if event.DESCRIPTOR.name == "UserMessageReceived":
        return {"from": "customer", "text": event.text, "at": timestamp(event.at_ms)}
    return None


def summary(state: State) -> dict[str, Any]:
    """A session's state as the API and the CLI show it."""
    return {
        "session_id": state.external_id,
        "tenant": state.tenant,
        "status": "escalated" if state.escalated else "open",
        "flow": state.flow and {"id": state.flow.flow, "version": state.flow.version, "state": state.flow.state},
        "version": state.version,
        "turns": state.turns,
        "started_at": timestamp(state.started_at_ms),
        "last_at": timestamp(state.last_at_ms),
        "state_hash": state_hash(state).hex(),
    }


def telemetry(event: ModelReplied) -> dict[str, Any]:
    """What is recorded of a model's reply under the names of OpenTelemetry's conventions."""
    attempts = tuple(Attempt(a.provider, a.model, a.error, a.took_us) for a in event.attempts)
    usage = Usage(event.input_tokens, event.output_tokens, event.cost, event.usage_estimated)
    return dict(
        reply_attributes(
            Completion(
                event.text, (), event.finish_reason, event.provider, event.model, usage, event.first_token_us,
                event.took_us, attempts,
            )
        )
    )  # fmt: skip
