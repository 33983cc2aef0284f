"""`kefu kb import`: files, folders and web sites into a running Kefu, each with its progress and a report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli_kb_client import Client, Query
from schemas.errors import InvalidRequest, KefuError

_PIECE = 64 * 1024
_LISTED = 30  # of one kind of remark


class Options(Struct, frozen=True):
    """How everything of one command is imported."""

    collection: str
    tags: tuple[str, ...]
    dry_run: bool
    pages: int
    depth: int


class Row(Struct, frozen=True):
    """What became of a file or a page. `report`: as the API has it; `failed`: why there is none."""

    name: str
    report: dict[str, Any] = {}
    failed: str = ""

    @property
    def documents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report.get("documents", [])
        return found


def import_all(client: Client, sources: Sequence[str], options: Options, console: Console) -> list[Row]:
    """Files and folders first, in order, then sites. What fails is told in its row and does not stop the others."""
    sites = [source for source in sources if source.startswith(("http://", "https://"))]
    if sites and options.dry_run:
        raise InvalidRequest(f"{sites[0]}: a web site cannot be tried with --dry-run; save a page of it and try that")
    rows: list[Row] = []
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[state]}", markup=False),
        TimeElapsedColumn(), console=console,
    ) as progress:  # fmt: skip
        for name, path in _named([Path(source) for source in sources if source not in sites]):
            rows.append(_file(client, name, path, options, progress))
        for site in sites:
            rows += _site(client, site, options, progress)
    return rows


def _named(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Files under the names their documents are known by: below the folder that was given, so that it may move."""
    from knowledge.importing import files

    taken: dict[str, Path] = {}
    for root in paths:
        for path in files.find([root]):
            name = path.relative_to(root).as_posix() if root.is_dir() else path.name
            if (other := taken.setdefault(name, path)) != path:
                raise InvalidRequest(
                    f"{other} and {path} would both be document {name!r}; import the folder above them"
                )
    yield from taken.items()


def _file(client: Client, name: str, path: Path, options: Options, progress: Progress) -> Row:
    from knowledge.importing import files

    task = progress.add_task(name, state="sending", total=1)
    try:
        data = files.load(path)
        pieces = [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
        progress.update(task, total=max(len(pieces), 1))

        def sent() -> Iterator[None]:
            for number in range(1, len(pieces) + 1):
                progress.update(task, completed=number)
                if number == len(pieces):  # reading and embedding it takes as long as it takes
                    progress.update(task, state="reading", total=None)
                yield

        row = Row(name, client.send(_query(name, options), pieces, sent()))
        state = ", ".join(document["outcome"] for document in row.documents) or "nothing new"
    except KefuError as error:
        row, state = Row(name, failed=error.detail), "failed"
    progress.update(task, total=1, completed=1, state=state)
    return row


def _query(name: str, options: Options) -> Query:
    query = {"name": name, "collection": options.collection, "tags": ",".join(options.tags)}
    return query | ({"dry_run": "1"} if options.dry_run else {})


def _site(client: Client, url: str, options: Options, progress: Progress) -> Iterator[Row]:
    """Pages as they come; addresses that are no pages are counted only."""
    limits = {"pages": options.pages, "depth": options.depth}
    body = {"url": url, "collection": options.collection, "tags": options.tags, **limits}
    task = progress.add_task(url, state="fetching", total=None)
    pages = left_out = 0
    try:
        for line in client.lines("POST", "/crawl", body=body):
            told = json.loads(line)
            if "summary" in told:
                continue
            if "url" not in told:  # the crawl itself ended with a problem
                yield Row(url, failed=told["detail"])
            elif told["outcome"] == "skipped":
                left_out += 1
                if told["url"] == url and not pages:
                    yield Row(url, failed=told["detail"])
            elif told["outcome"] == "failed":
                yield Row(told["url"], failed=told["detail"])
            else:
                pages += 1
                yield Row(told["url"], {**told, "documents": [{"new": 0, "revised": 0, "removed": 0, **told}]})
            progress.update(task, state=f"{pages} pages, {left_out} addresses left out")
    except KefuError as error:
        yield Row(url, failed=error.detail)
    progress.update(task, total=1, completed=1)


def print_report(rows: Sequence[Row], console: Console) -> None:
    """A line a file, then every remark."""
    table = Table("file", "outcome", "entries", "new", "revised", "removed", "skipped", box=None, pad_edge=False)
    for row in rows:
        parts = str(len(row.report.get("skipped", [])) or "")
        for each in row.documents or [{"outcome": "failed" if row.failed else "nothing new"}]:
            numbers = [str(each.get(name) or "") for name in ("entries", "new", "revised", "removed")]
            table.add_row(row.name, each["outcome"], *numbers, parts)
    console.print(table)
    failed = [row.failed for row in rows if row.failed]
    skipped = [f"{each['where']}: {each['reason']}" for row in rows for each in row.report.get("skipped", [])]
    notes = [f"{each['where']}: {each['reason']}" for row in rows for each in row.report.get("notes", [])]
    alike = [_alike(each) for row in rows for each in row.report.get("duplicates", [])]
    for heading, remarks, style in (
        ("Failed", failed, "red"),
        ("Left out", skipped, "yellow"),
        ("To look at", [*notes, *alike], "dim"),
    ):
        _print_remarks(heading, remarks, style, console)


def _print_remarks(heading: str, remarks: Sequence[str], style: str, console: Console) -> None:
    if not remarks:
        return
    console.print(f"\n{heading}", style=f"bold {style}")
    for remark in remarks[:_LISTED]:
        console.print(f"  {remark}", style=style, markup=False, soft_wrap=True)
    if len(remarks) > _LISTED:
        console.print(f"  and {len(remarks) - _LISTED} more", style=style)


def _alike(pair: dict[str, Any]) -> str:
    if pair["kind"] == "conflict":
        return f"{pair['entry']} answers nearly the same question as {pair['other']}, otherwise: which one holds?"
    return f"{pair['entry']} is nearly the same as {pair['other']} ({pair['similarity']:.0%})"
