"""`kefu routes`: which model answers when, looked at and switched in a running Kefu."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    import httpx

app = typer.Typer(help="Which model answers when: show, check, switch, history.", no_args_is_help=True)
console = Console(highlight=False)

Url = Annotated[str, typer.Option(help="Where Kefu serves.")]
File = Annotated[Path, typer.Argument(help="Routes in YAML; - for standard input.")]
_URL = "http://127.0.0.1:8000"
_PATH = "/v1/models/routes"
_BY = "kefu routes"


@app.command()
def show(
    version: Annotated[int | None, typer.Option(min=1, help="This version; the newest if not given.")] = None,
    url: Url = _URL,
) -> None:
    """Write the routes as they were written, fit to be edited and set again."""
    found = _call(url, "GET", "", {} if version is None else {"version": version}).text
    sys.stdout.write(found if found.endswith("\n") else f"{found}\n")


@app.command("set")
def set_(
    file: File,
    if_version: Annotated[int | None, typer.Option(min=0, help="Only if this is the newest version.")] = None,
    url: Url = _URL,
) -> None:
    """Switch to these routes. Replies that are being written end on the model that began them."""
    done = _put(url, file, {}, if_version)
    _print_warnings(done)
    if done["changed"]:
        console.print(f"Version {done['version']} is in force everywhere within {done['in_force_within_s']} s.")
    else:
        console.print(f"Nothing to change: version {done['version']} says the same.")


@app.command()
def check(file: File, url: Url = _URL) -> None:
    """Say what is wrong with these routes, and change nothing."""
    done = _put(url, file, {"dry_run": "true"}, None)
    _print_warnings(done)
    what = f"they differ from version {done['version']}" if done["changed"] else f"as in version {done['version']}"
    console.print(f"The routes can be used; {what}.")


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most lines.")] = 30,
    before: Annotated[int | None, typer.Option(min=1, help="Only versions below this one.")] = None,
    url: Url = _URL,
) -> None:
    """Show who set them and when, the newest first."""
    query: dict[str, str | int] = {"limit": limit}
    if before is not None:
        query["before"] = before
    table = Table("version", Column("time (UTC)", no_wrap=True), "by", "bytes", box=None, pad_edge=False)
    for each in _call(url, "GET", "/history", query).json()["versions"]:
        at = each["recorded_at"][:19].replace("T", " ")
        table.add_row(str(each["version"]), at, each["by"], "removed" if each["removed"] else str(each["bytes"]))
    console.print(table)


def _put(url: str, file: Path, query: dict[str, str | int], if_version: int | None) -> dict[str, Any]:
    from schemas.errors import InvalidRequest

    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}") from None
    headers = {"Content-Type": "application/yaml"} | ({} if if_version is None else {"If-Match": f'"{if_version}"'})
    done: dict[str, Any] = _call(url, "PUT", "", query, body, headers).json()
    return done


def _print_warnings(done: dict[str, Any]) -> None:
    for warning in done["warnings"]:
        console.print("Warning:", warning, style="yellow", markup=False)


def _call(
    url: str,
    method: str,
    path: str,
    query: dict[str, str | int],
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """See cli_kb_client.call."""
    from cli_kb_client import call

    return call(url, method, f"{_PATH}{path}", by=_BY, query=query, body=body, headers=headers)
