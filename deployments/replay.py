"""`kefu replay`: one session rebuilt from the log, for the eyes of a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from actors.state import fold
from deployments.reading import summary, timestamp
from events.codec import decode, type_name
from events.embedded import EmbeddedPostgres
from events.postgres import PostgresStore
from schemas.errors import UnknownSession
from schemas.settings import Settings


async def print_replay(
    settings: Settings, external_id: str, until_seq: int | None, until_ms: int | None, console: Console
) -> None:
    """Print events up to `until_seq` or `until_ms`, and the state folded from exactly these.

    Reads the database of a running Kefu, or starts the embedded one for the
    moment. Raises UnknownSession.
    """
    embedded = None if settings.database_url else EmbeddedPostgres(Path(settings.home_dir / "postgres"))
    running = embedded is None or embedded.pid() is not None
    url = embedded.start() if embedded else settings.database_url
    store = PostgresStore(url)
    try:
        session_id = await store.find(settings.tenant, external_id)
        events = [] if session_id is None else await store.read(session_id, limit=until_seq, until_ms=until_ms)
        if session_id is None or not events:
            raise UnknownSession(f"no event of session {external_id!r} in tenant {settings.tenant!r} up to there")
        decoded = [decode(session_id, stored) for stored in events]
    finally:
        await store.close()
        if embedded and not running:
            embedded.stop()

    table = Table("seq", "time (UTC)", "event", "what", box=None, pad_edge=False)
    for stored, event in zip(events, decoded, strict=True):
        table.add_row(str(stored.seq), timestamp(stored.recorded_at_ms), type_name(stored.event_type), _what(event))
    console.print(table)
    console.print()
    for name, value in summary(fold(decoded)).items():
        console.print(f"{name:12} {value}", markup=False, soft_wrap=True)


def _what(event: Any) -> str:
    if type(event).__name__ == "BotReplied":
        cited = ", ".join(f"{c.id}@{c.revision}" for c in event.citations)
        return f"{event.text}" + (f"  ({event.confidence:.2f}; {cited})" if cited else "")
    if type(event).__name__ == "UserMessageReceived":
        return str(event.text)
    if type(event).__name__ == "EscalationRequested":
        return str(event.reason)
    return f"{event.tenant}/{event.external_id}"
