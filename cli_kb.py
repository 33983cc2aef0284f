"""`kefu kb`: what a running Kefu knows, and changes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from cli_kb_client import Client, Query

app = typer.Typer(help="What Kefu knows: import, list, search, history, roll back.", no_args_is_help=True)
console = Console(highlight=False)

Url = Annotated[str, typer.Option(help="Where Kefu serves.")]
Version = Annotated[int | None, typer.Option(min=0, help="As of this knowledge version.")]
At = Annotated[str, typer.Option(help="As of this time (ISO 8601; UTC if it names no zone).")]
_URL = "http://127.0.0.1:8000"


@app.command("import")
def import_(
    sources: Annotated[list[str], typer.Argument(help="Files, folders, and web sites or sitemaps by their URL.")],
    collection: Annotated[str, typer.Option(help="Collection to put them in.")] = "default",
    tag: Annotated[list[str] | None, typer.Option(help="Tag to give them; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    pages: Annotated[int, typer.Option(min=1, max=5000, help="Most pages of a web site.")] = 100,
    depth: Annotated[int, typer.Option(min=0, max=50, help="Most links from its start.")] = 5,
    url: Url = _URL,
) -> None:
    """Import documents. A document of the same name is revised; what has not changed is left alone."""
    from cli_kb_import import Options, import_all, print_report

    options = Options(collection, tuple(tag or ()), dry_run, pages, depth)
    rows = import_all(_client(url), sources, options, console)
    print_report(rows, console)
    if not rows:
        console.print("No documents there.", style="yellow")
    if not rows or any(row.failed for row in rows):
        raise typer.Exit(1)


@app.command("list")
def list_(version: Version = None, at: At = "", url: Url = _URL) -> None:
    """List the documents."""
    table = Table(_whole("id"), "title", "entries", "collection", "tags", "since version", box=None, pad_edge=False)
    client, query, after = _client(url), _moment(version, at), ""
    while True:
        page = client.get("/documents", {**query, "after": after})
        for each in page["documents"]:
            numbers = str(each["entries"]), each["collection"], ", ".join(each["tags"]), str(each["version"])
            table.add_row(each["id"], each["title"], *numbers)
        if page["next_after"] is None:
            break
        after = page["next_after"]
    console.print(table)
    console.print(f"{table.row_count} documents in version {page['version']}", style="dim")


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="A customer's question.")],
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="Most hits.")] = 5,
    version: Version = None,
    at: At = "",
    url: Url = _URL,
) -> None:
    """Ask as a customer would, and see what was found and why."""
    (found,) = _client(url).get("/search", {"q": text, "k": k, **_moment(version, at)})["results"]
    console.print(f"[bold]{found['kind']}[/] ({found['confidence']:.2f}, version {found['version']})")
    console.print(found["text"], markup=False)
    table = Table("score", _whole("entry"), "title", "evidence", box=None, pad_edge=False)
    for hit in found["hits"]:
        evidence = ", ".join(f"{name} {value:.2f}" for name, value in hit["evidence"].items() if value)
        table.add_row(f"{hit['score']:.1f}", f"{hit['id']}@{hit['revision']}", hit["title"], evidence)
    console.print()
    console.print(table)


@app.command()
def remove(document: Annotated[str, typer.Argument(help="Its id, as listed.")], url: Url = _URL) -> None:
    """Remove a document. Answers that cited it can still be looked up, and it can be brought back."""
    from cli_kb_client import in_path

    _print_change(_client(url).delete(f"/documents/{in_path(document)}"))


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most lines.")] = 30,
    before: Annotated[int | None, typer.Option(min=1, help="Only versions below this one.")] = None,
    url: Url = _URL,
) -> None:
    """Show what was changed, by whom and when, the newest first."""
    query: dict[str, str | int] = {"limit": limit}
    if before is not None:
        query["before"] = before
    columns = Column("time (UTC)", no_wrap=True), "by", Column("what", no_wrap=True), _whole("of"), "title"
    table = Table("version", *columns, box=None, pad_edge=False)
    for each in _client(url).get("/history", query)["events"]:
        at = each["recorded_at"][:19].replace("T", " ")
        of = "" if each["kind"] == "AnswerConfirmed" else each["item"]
        if each["to_version"] is not None:
            of = f"to version {each['to_version']}"
        table.add_row(str(each["version"]), at, each["by"], each["kind"], of, each["title"])
    console.print(table)


@app.command()
def rollback(
    version: Annotated[int, typer.Argument(min=0, help="What was known then is known again.")], url: Url = _URL
) -> None:
    """Go back to an earlier version, as a new one: nothing is lost, and it can be undone the same way."""
    _print_change(_client(url).post("/rollback", {"to_version": version}))


@app.command()
def export(
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if not given.")] = None,
    version: Version = None,
    at: At = "",
    url: Url = _URL,
) -> None:
    """Write every entry as a line of JSON, fit to be imported again."""
    lines = _client(url).lines("GET", "/export", _moment(version, at))
    if output is None:
        sys.stdout.writelines(_ended(lines))
        return
    with output.open("w", encoding="utf-8") as file:
        file.writelines(_ended(lines))


@app.command()
def confirm(
    entry: Annotated[str, typer.Argument(help="The entry's id.")],
    question: Annotated[str, typer.Argument(help="A customer's question that it answers.")],
    url: Url = _URL,
) -> None:
    """Say that an entry answers a question: it is learnt as one more way to ask."""
    _print_change(_client(url).post("/confirmations", {"entry_id": entry, "question": question}))


def _client(url: str) -> Client:
    from cli_kb_client import Client

    return Client(url)


def _moment(version: int | None, at: str) -> Query:
    query: dict[str, str | int] = {} if version is None else {"version": version}
    return query | ({"at": at} if at else {})


def _ended(lines: Iterator[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def _whole(name: str) -> Column:
    """A column of what is copied from the screen, so nothing of it may be cut off."""
    return Column(name, overflow="fold")


def _print_change(change: dict[str, Any]) -> None:
    console.print(f"The knowledge is at version {change['version']}.")
