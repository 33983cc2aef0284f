"""`kefu replay`: one session rebuilt from the log, for the eyes of a person."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from actors.state import fold
from deployments.compilers import compilers
from deployments.definitions import Definitions
from deployments.prompts import Rebuilt, rebuilt
from deployments.reading import summary
from deployments.timestamps import timestamp
from events.codec import Event, decode, type_name
from events.embedded import EmbeddedPostgres
from events.postgres import PostgresStore
from events.postgres_definitions import PostgresDefinitions
from llm.routes import Routes
from schemas import events_pb2 as pb
from schemas.errors import InvalidDefinition, NotFound, UnknownSession
from schemas.settings import Settings


async def print_replay(
    settings: Settings,
    external_id: str,
    until_seq: int | None,
    until_ms: int | None,
    console: Console,
    *,
    prompts: bool = False,
) -> None:
    """Print events up to `until_seq` or `until_ms`, and the state folded from exactly these; with `prompts` also what
    every model was given, and how its window was filled.

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
        given = await _prompts(url, decoded) if prompts else []
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
    for prompt in given:
        _print_prompt(prompt, console)


async def _prompts(url: str, events: list[Event]) -> list[Rebuilt]:
    store = PostgresDefinitions(url, connections=1)
    definitions = Definitions(store, compilers())

    async def routes(tenant: str, version: int) -> Routes | None:
        try:
            found: Routes = await definitions.routes(tenant, version)
        except (NotFound, InvalidDefinition):
            return None
        return found

    try:
        await definitions.loaded()
        return [each async for each in rebuilt(events, routes)]
    finally:
        await definitions.close()
        await store.close()


def _print_prompt(rebuilt: Rebuilt, console: Console) -> None:
    seq, replied, prompt, same = rebuilt
    console.print()
    console.rule(
        f"prompt of seq {seq}: route {replied.route}@{replied.route_version}, {replied.provider} {replied.model}"
    )
    if prompt is None:
        console.print("cannot be rebuilt: the route is not there any more", style="red")
        return
    table = Table("section", "tokens", "kept", "left out", "", box=None, pad_edge=False)
    for each in prompt.sections:
        table.add_row(each.name, str(each.tokens), str(each.kept), str(each.dropped), "cut" if each.truncated else "")
    console.print(table)
    verdict = "as recorded" if same else "[red]not the recorded one[/]"
    console.print(f"{prompt.tokens} of {prompt.context_tokens} tokens; hash {prompt.prompt_hash.hex()}, {verdict}\n")
    for message in prompt.messages:
        console.print(message.role, style="bold")
        console.print(message.content or "–", markup=False)
        for call in message.tool_calls:
            console.print(f"call {call.name} {call.arguments}", markup=False)


def _what(event: Event) -> str:
    """The event in a line."""
    if isinstance(event, pb.BotReplied):
        cited = ", ".join(f"{c.id}@{c.revision}" for c in event.citations)
        return f"{event.text}" + (f"  ({event.confidence:.2f}; {cited})" if cited else "")
    if isinstance(event, pb.UserMessageReceived):
        return event.text
    if isinstance(event, pb.EscalationRequested):
        return event.reason
    if isinstance(event, pb.GuardrailTriggered):
        return f"{event.place}: {event.rule} ({event.action})"
    if isinstance(event, pb.KnowledgeConsulted):
        return f"{event.question}  (intent {event.intent or '–'}; {len(event.passages)} passages)"
    if isinstance(event, pb.FlowMoved):
        moves = ", ".join(f"{move.from_state}->{move.to_state} ({move.cause})" for move in event.moves)
        return f"{event.flow}@{event.version} {moves}" + ("; ended" if event.ended else f"; in {event.state}")
    if isinstance(event, pb.ModelReplied):
        calls = ", ".join(call.name for call in event.calls)
        outcome = calls or event.text or ", ".join(f"{a.provider}: {a.error}" for a in event.attempts)
        return f"{event.route}@{event.route_version} {event.provider}{' (shadow)' if event.shadow else ''}: {outcome}"
    if isinstance(event, pb.ReplyChecked):
        return f"{event.verdict}" + "".join(f"; {each.rule} {each.excerpt!r}" for each in event.findings)
    if isinstance(event, pb.ToolReturned):
        return f"{event.tool}: {event.outcome} {event.result}"
    if isinstance(event, pb.ToolClaimed | pb.ToolProposed):
        return f"{event.tool} {event.arguments}"
    return f"{event.tenant}/{event.external_id}"
