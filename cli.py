"""`kefu`: start everything, talk to it, look at what was said."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
import uuid
from datetime import datetime
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

import cli_eval
import cli_flows
import cli_kb
import cli_routes
from schemas.errors import HostUnavailable, KefuError
from schemas.settings import Settings

app = typer.Typer(
    help="Kefu (客服): self-hosted AI customer service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_kb.app, name="kb")
app.add_typer(cli_flows.app, name="flows")
app.add_typer(cli_routes.app, name="routes")
app.command("eval")(cli_eval.evaluate)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def main() -> None:
    try:
        app()
    except KefuError as error:
        errors.print(f"[bold red]{error.title}[/]: {error.detail}", markup=True)
        raise SystemExit(1) from None


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 8000,
    dashboard: Annotated[bool, typer.Option(help="The Ray dashboard; costs memory.")] = True,
    dashboard_port: Annotated[int, typer.Option(help="Its port, on 127.0.0.1.")] = 8265,
) -> None:
    """Start everything on this machine and serve until Ctrl-C."""
    from deployments.local import Local

    local = Local(Settings.from_env(), host=host, port=port, dashboard_port=dashboard_port if dashboard else None)
    started = time.monotonic()
    _interrupt_on_sigterm()
    try:
        with console.status("Starting") as status:

            def say(step: str) -> None:
                console.print(f"[green]✓[/] {time.monotonic() - started:5.1f} s  {step}")
                status.update(step)

            local.start(_build, say)
        _print_ready(host, port, dashboard_port if dashboard else None, time.monotonic() - started)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave orphans
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with console.status("Stopping"):
            local.stop()
        console.print("Stopped. Conversations are kept; `kefu up` finds them again.")


def _build(settings: Settings) -> Any:
    from serve_app import build

    return build(settings)


def _interrupt_on_sigterm() -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)


def _print_ready(host: str, port: int, dashboard_port: int | None, seconds: float) -> None:
    url = f"http://{host}:{port}"
    console.print(f"\n[bold green]Kefu is ready[/] after {seconds:.1f} s\n")
    console.print(f"  Chat page      {url}/")
    console.print(f"  Metrics        {url}/metrics")
    if dashboard_port is not None:
        console.print(f"  Ray dashboard  http://127.0.0.1:{dashboard_port}")
    console.print("\nAsk it something:\n")
    body = '{"session_id": "abc123", "text": "How do I get a refund?"}'
    console.print(
        f"  curl {url}/v1/chat -H 'Content-Type: application/json' -H 'X-Idempotency-Key: 1' \\\n    -d '{body}'\n",
        markup=False,
        soft_wrap=True,
    )
    if host not in ("127.0.0.1", "localhost", "::1"):
        console.print("[yellow]Whoever reaches this port can talk to Kefu: put your own gateway in front of it.[/]")
    console.print("Ctrl-C stops everything.")


@app.command()
def chat(
    url: Annotated[str, typer.Option(help="Where Kefu serves.")] = "http://127.0.0.1:8000",
    session: Annotated[str, typer.Option(help="Go on with this session.")] = "",
) -> None:
    """Talk to Kefu in the terminal. An empty line or Ctrl-D ends it."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    try:
        with connect(url.replace("http", "ws", 1) + "/v1/chat/ws", proxy=None) as socket:
            _talk(socket, session or None)
    except (OSError, WebSocketException) as error:
        raise HostUnavailable(f"{url} does not answer ({error}); is `kefu up` running there?") from None


def _talk(socket: Any, session: str | None) -> None:
    socket.send(json.dumps({"type": "hello", "session_id": session, "after": 0}))
    while (frame := json.loads(socket.recv()))["type"] == "event":
        _print_past(frame)
    console.print(f"[dim]session {frame['session_id']}; an empty line ends it[/]")
    while text := _ask():
        socket.send(json.dumps({"type": "message", "key": uuid.uuid4().hex, "text": text}))
        while (frame := json.loads(socket.recv()))["type"] in ("typing", "delta"):
            if frame["type"] == "typing":
                console.print("[dim]...[/]")
        _print_reply(frame["reply"]) if "reply" in frame else console.print(
            frame["problem"]["detail"], style="red", markup=False
        )


def _ask() -> str:
    try:
        return console.input("[bold cyan]you[/]  ").strip()
    except (EOFError, KeyboardInterrupt):
        return ""


def _print_past(frame: dict[str, Any]) -> None:
    if frame["event"] == "UserMessageReceived":
        console.print(f"you  {frame['data']['text']}", markup=False)
    elif frame["event"] == "BotReplied":
        _print_reply(frame["data"]["reply"])


def _print_reply(reply: dict[str, Any]) -> None:
    console.print("[bold green]kefu[/] ", end="")
    console.print(reply["text"], markup=False)
    for number, option in enumerate(reply["options"], 1):
        console.print(f"     {number}. {option['title']}", markup=False)
    for citation in reply["citations"]:
        console.print(
            f"     from: {citation['title']} ({citation['id']}@{citation['revision']})",
            style="dim",
            markup=False,
        )


@app.command()
def replay(
    session: Annotated[str, typer.Argument(help="The session's id.")],
    at: Annotated[
        str, typer.Option(help="Only up to this seq, or this time (ISO 8601; local if it names no zone).")
    ] = "",
    prompt: Annotated[
        bool, typer.Option(help="Also what models were given, and how their windows were filled.")
    ] = False,
) -> None:
    """Rebuild a session from the log: its conversation, and its state with the state's hash."""
    from deployments.replay import print_replay

    until_seq, until_ms = _parse_at(at)
    asyncio.run(print_replay(Settings.from_env(), session, until_seq, until_ms, console, prompts=prompt))


@app.command()
def down() -> None:
    """Stop the embedded database that `serve run` or a killed `kefu up` left running."""
    from events.embedded import EmbeddedPostgres

    EmbeddedPostgres(Settings.from_env().home_dir / "postgres").stop()


def _parse_at(at: str) -> tuple[int | None, int | None]:
    if not at:
        return None, None
    if at.isdigit():
        return int(at), None
    try:
        return None, int(datetime.fromisoformat(at).timestamp() * 1000)
    except ValueError:
        errors.print(f"--at {at!r} is neither a seq (7) nor a time (2026-05-03T15:00:00+08:00)", markup=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
