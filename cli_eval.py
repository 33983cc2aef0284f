"""`kefu eval`: questions whose answers are known, asked of a knowledge, and how it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from schemas.errors import InvalidRequest
from schemas.settings import Settings

if TYPE_CHECKING:
    from knowledge.embedder import Encoder
    from knowledge.entries import Document
    from knowledge.evaluating.asking import Asker
    from knowledge.evaluating.configuration import Configuration
    from knowledge.evaluating.expected import Inventory
    from knowledge.evaluating.question_file import Asked
    from knowledge.evaluating.report import System
    from knowledge.evaluating.server import Server

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

_SKIPPED = 5  # parts that were left out, listed
_CONFIGURATION = "channels=all|lexical|dense|no-head, collection=..., knowledge=PATH, version=N (of a running Kefu)"


def evaluate(
    questions: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or JSONL with the columns question and expected.")],
    knowledge: Annotated[
        list[Path] | None, typer.Option(help="Files and folders to ask, instead of the running Kefu.")
    ] = None,
    url: Annotated[str, typer.Option(help="Where Kefu serves.")] = "http://127.0.0.1:8000",
    config: Annotated[str, typer.Option(help=f"key=value,... of {_CONFIGURATION}.")] = "",
    compare: Annotated[list[str] | None, typer.Option(help="Another such configuration, beside the first.")] = None,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write all figures and every question here.")] = None,
    misses: Annotated[int, typer.Option(min=0, help="Worst misses to list.")] = 20,
    k: Annotated[int, typer.Option("-k", min=1, max=20, help="Of hit@k.")] = 5,
) -> None:
    """Ask questions whose answers are known, and count: hits, coverage, calibration, latency, worst misses.

    `expected` is the right entry's id, question or title, or the right document's path, file name or title;
    several with "|" between; "none" or nothing for what must not be answered.
    """
    import msgspec

    from knowledge.evaluating import question_file
    from knowledge.evaluating.configuration import parse
    from knowledge.evaluating.report import print_report, report

    configurations = [parse(each) for each in (config, *(compare or ()))]
    asked = question_file.read(questions)
    systems = _systems(asked, configurations, knowledge or [], url, k)
    found = report(questions.name, k, systems)
    print_report(found, console, misses)
    if to_json is not None:
        to_json.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def _systems(
    asked: Sequence[Asked], configurations: Sequence[Configuration], knowledge: Sequence[Path], url: str, k: int
) -> list[System]:
    """The figures of each configuration. Those that differ only in what is made of one search share it."""
    from knowledge.evaluating.evaluation import evaluate, speed
    from knowledge.evaluating.expected import resolve
    from knowledge.evaluating.report import System
    from knowledge.evaluating.summary import summarise

    sources = _Sources(knowledge, url)
    wanted = resolve(asked, [sources.inventory(each) for each in configurations])
    found: dict[int, System] = {}
    for group in _sharing(configurations, sources):
        with errors.status(f"Asking {len(asked):,} questions of {sources.name(configurations[group[0]])}"):
            asker = sources.asker(configurations[group[0]])
            outcomes, per_s = evaluate(
                asker, asked, [(configurations[place].channels, wanted[place]) for place in group]
            )
            timed = speed(asker, asked, per_s)
            asker.close()
        for place, own in zip(group, outcomes, strict=True):
            found[place] = System(
                configurations[place].text,
                asker.name,
                summarise(own, k),
                timed if place == group[0] else None,
                tuple(own),
            )
    return [found[place] for place in range(len(configurations))]


def _sharing(configurations: Sequence[Configuration], sources: _Sources) -> Iterator[list[int]]:
    """Places of the configurations that one search serves."""
    groups: dict[object, list[int]] = {}
    for place, each in enumerate(configurations):
        groups.setdefault(sources.key(each), []).append(place)
    yield from groups.values()


class _Sources:
    """What is asked: knowledge read from files, each once, or the running Kefu."""

    def __init__(self, knowledge: Sequence[Path], url: str) -> None:
        self._knowledge, self._url = tuple(knowledge), url
        self._documents: dict[tuple[Path, ...], list[Document]] = {}
        self._encoders: tuple[Encoder, Encoder] | None = None

    def key(self, each: Configuration) -> object:
        """The same for configurations that one search serves."""
        return self._paths(each), each.collection, each.version, each.channels == "no-head"

    def name(self, each: Configuration) -> str:
        return ", ".join(map(str, self._paths(each))) or self._url

    def inventory(self, each: Configuration) -> Inventory:
        """What its expected values can name."""
        from knowledge.evaluating import local

        paths = self._paths(each)
        return local.inventory(self._read(paths)) if paths else self._server(each).inventory()

    def asker(self, each: Configuration) -> Asker:
        """Ready to be asked."""
        from knowledge.evaluating.local import LocalKnowledge
        from knowledge.scope import EVERYTHING, Scope

        paths = self._paths(each)
        if not paths:
            return self._server(each)
        if each.version is not None:
            raise InvalidRequest(f"{each.text!r}: files have no versions; leave out --knowledge to ask a running Kefu")
        encoder, known = self._embedders()
        scope = Scope(collections=frozenset({each.collection})) if each.collection else EVERYTHING
        trained = each.channels != "no-head"
        return LocalKnowledge(self.name(each), self._read(paths), encoder, known=known, trained=trained, scope=scope)

    def _server(self, each: Configuration) -> Server:
        from cli_kb_client import Client
        from knowledge.evaluating.server import UNTRAINED, Server

        if each.channels == "no-head":
            raise InvalidRequest(UNTRAINED)
        return Server(self._url, Client(self._url), version=each.version, collection=each.collection)

    def _paths(self, each: Configuration) -> tuple[Path, ...]:
        return (each.knowledge,) if each.knowledge else self._knowledge

    def _read(self, paths: tuple[Path, ...]) -> list[Document]:
        from knowledge.evaluating.local import read_documents

        if paths not in self._documents:
            documents, skipped = read_documents(paths)
            entries = sum(len(document.entries) for document in documents)
            console.print(
                f"{', '.join(map(str, paths))}: {len(documents):,} documents, {entries:,} entries", markup=False
            )
            for each in skipped[:_SKIPPED]:
                errors.print(f"  left out: {each.where}: {each.reason}", style="yellow", markup=False)
            if len(skipped) > _SKIPPED:
                errors.print(f"  left out: {len(skipped) - _SKIPPED} more parts", style="yellow")
            self._documents[paths] = documents
        return self._documents[paths]

    def _embedders(self) -> tuple[Encoder, Encoder]:
        """Of questions, and of documents, which are embedded once however often they are asked."""
        from knowledge.embedder import Embedder
        from knowledge.evaluating.local import Once

        if self._encoders is None:
            settings = Settings.from_env()
            encoder = Embedder(settings.embedding_model or None, cache_dir=settings.home_dir / "models")
            self._encoders = encoder, Once(encoder)
        return self._encoders
