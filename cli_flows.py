"""`kefu flows`: dialogue flows, drawn, checked and put into a running Kefu."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import InvalidDefinition, InvalidRequest

if TYPE_CHECKING:
    import httpx

    from flows.definition import Flow

app = typer.Typer(help="Dialogue flows: show, check, push, list.", no_args_is_help=True)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Url = Annotated[str, typer.Option(help="Where Kefu serves.")]
_URL = "http://127.0.0.1:8000"
_BY = "kefu flows"


@app.command()
def show(
    flow: Annotated[str, typer.Argument(help="A YAML file, or the id of a flow of a running Kefu.")],
    url: Url = _URL,
    version: Annotated[
        int | None, typer.Option(min=1, help="Of a running Kefu's flow; the newest if not given.")
    ] = None,
) -> None:
    """Draw a flow: a Mermaid state diagram on standard output."""
    from flows.mermaid import mermaid
    from flows.reading import read

    path = Path(flow)
    if path.is_file():
        found = _read(path)
    elif path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise InvalidRequest(f"there is no file {flow}")
    else:
        query = {} if version is None else {"version": version}
        found = read(_ask(url, "GET", f"/v1/flows/{quote(flow, safe='')}", query=query).text, source=flow)
    sys.stdout.write(mermaid(found))


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="YAML files.")]) -> None:
    """Say what is wrong with flows, each with its line; the exit code is 1 if anything is."""
    failed = False
    for path in files:
        try:
            flow = _read(path)
        except (InvalidDefinition, InvalidRequest) as error:
            failed = True
            errors.print(error.detail, markup=False, soft_wrap=True)
            continue
        counts = f"{len(flow.states)} states, {len(flow.slots)} slots, {len(flow.intents)} intents"
        console.print(f"{path}: flow {flow.id} is right ({counts})", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def push(
    files: Annotated[list[Path], typer.Argument(help="YAML files.")],
    url: Url = _URL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Let Kefu check them, and change nothing.")] = False,
) -> None:
    """Put flows into a running Kefu. All are checked here first; none is sent if one of them is wrong."""
    flows = [(path, _read(path)) for path in files]
    for path, flow in flows:
        response = _ask(
            url,
            "PUT",
            f"/v1/flows/{quote(flow.id, safe='')}",
            query={"dry_run": "true"} if dry_run else {},
            body=path.read_bytes(),
        )
        told = response.json()
        for warning in told.get("warnings", ()):
            errors.print(f"{path}: {warning}", style="yellow", markup=False, soft_wrap=True)
        console.print(_pushed(flow, told, dry_run), markup=False, soft_wrap=True)


@app.command("list")
def list_(url: Url = _URL) -> None:
    """List the flows of a running Kefu."""
    table = Table("id", "version", "time (UTC)", "by", box=None, pad_edge=False)
    for each in _ask(url, "GET", "/v1/flows").json()["flows"]:
        at = str(each.get("recorded_at", ""))[:19].replace("T", " ")
        table.add_row(each["id"], str(each["version"]), at, each.get("by", ""))
    console.print(table)


def _pushed(flow: Flow, told: dict[str, Any], dry_run: bool) -> str:
    if dry_run:
        return f"flow {flow.id}: would be {'changed' if told.get('changed', True) else 'as it is'}"
    return f"flow {flow.id} is at version {told['version']}{'' if told.get('changed', True) else ', as before'}"


def _read(path: Path) -> Flow:
    """Raises InvalidDefinition, or InvalidRequest for a file that is no text."""
    from flows.reading import read

    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidDefinition(f"{path}:{line}:1: this is not UTF-8; save it as UTF-8") from None
    return read(text, source=str(path))


def _ask(
    url: str, method: str, path: str, *, query: dict[str, str] | dict[str, int] | None = None, body: bytes | None = None
) -> httpx.Response:
    """See cli_kb_client.call."""
    from cli_kb_client import call

    headers = {"Accept": "application/yaml, application/json;q=0.9"}
    if body is not None:
        headers["Content-Type"] = "application/yaml"
    return call(url, method, path, by=_BY, query=query, body=body, headers=headers)
