"""Asking a running Kefu through its knowledge API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from knowledge.entries import Side
from knowledge.evaluating.channels import Channels, reordered
from knowledge.evaluating.expected import Inventory, Known
from knowledge.evaluating.outcomes import Got, Seen
from knowledge.ranking import EVIDENCE
from schemas.errors import InvalidRequest

UNTRAINED = "a running Kefu has learnt what it could; give --knowledge to compare it with one that has not"

_MOST_HITS = 50  # that the API gives


class Client(Protocol):
    """The API below /v1/knowledge. Errors of the server and of the network are KefuErrors."""

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]: ...

    def lines(self, method: str, path: str, query: Mapping[str, str | int] | None = None) -> Iterator[str]: ...


class _Option(Struct):
    id: str


class _Hit(Struct):
    id: str
    document: str
    source: str
    title: str
    evidence: dict[str, float]


class _Result(Struct):
    """`first`: probability that the first hit is right; the answer's `confidence` may be of three hits."""

    kind: str
    confidence: float
    version: int
    hits: tuple[_Hit, ...]
    options: tuple[_Option, ...] = ()
    first: float | None = None


class _Results(Struct):
    results: list[_Result]


class _Exported(Struct):
    """A line of the export."""

    id: str
    document: str
    source: str
    document_title: str
    en: Side | None = None
    zh: Side | None = None


class Server:
    """An Asker. `version` None: what is known now."""

    def __init__(self, name: str, client: Client, *, version: int | None = None, collection: str = "") -> None:
        self.name = name if version is None else f"{name} at version {version}"
        self._client, self._version, self._collection = client, version, collection

    def search(self, texts: Sequence[str], k: int) -> list[ServerReply]:
        """A reply for each text, as Asker says."""
        body: dict[str, Any] = {"questions": [*texts], "k": min(k, _MOST_HITS)}
        if self._version is not None:
            body["version"] = self._version
        if self._collection:
            body["collections"] = [self._collection]
        found = msgspec.convert(self._client.post("/search", body), _Results)
        return [ServerReply(each) for each in found.results]

    def inventory(self) -> Inventory:
        """Everything that it knows, or knew in that version."""
        query = {} if self._version is None else {"version": self._version}
        decode = msgspec.json.Decoder(_Exported).decode
        return Inventory(_known(decode(line)) for line in self._client.lines("GET", "/export", query) if line.strip())

    def close(self) -> None:
        """Nothing to end."""


class ServerReply:
    """One result of the API."""

    def __init__(self, found: _Result) -> None:
        self._found = found

    def through(self, channels: Channels) -> Got:
        """As Reply says. Raises InvalidRequest for "no-head"."""
        found = self._found
        hits = tuple(Seen(hit.id, hit.document, hit.source, hit.title) for hit in found.hits)
        if channels == "all":
            sure = found.confidence if found.first is None else found.first
            return Got(found.kind, sure, True, hits, tuple(option.id for option in found.options), found.version)
        if channels == "no-head":
            raise InvalidRequest(UNTRAINED)
        order, scores = reordered([[hit.evidence.get(name, 0.0) for name in EVIDENCE] for hit in found.hits], channels)
        sure = float(scores[0]) if len(scores) else 0.0
        return Got(None, sure, False, tuple(hits[at] for at in order.tolist()), version=found.version)


def _known(each: _Exported) -> Known:
    questions = tuple(side.question for side in (each.en, each.zh) if side is not None)
    return Known(each.id, questions, each.document, each.source, each.document_title)
