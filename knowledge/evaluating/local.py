"""Asking a knowledge in this process, through the same functions as the live chat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import Struct, structs

from knowledge.answers import CONSIDERED, compose
from knowledge.embedder import Encoder
from knowledge.entries import Document
from knowledge.evaluating.channels import Channels, reordered
from knowledge.evaluating.expected import Inventory, Known
from knowledge.evaluating.outcomes import Got, Seen
from knowledge.found import Found, Hit
from knowledge.importing import files
from knowledge.importing.content import Skipped, Unreadable
from knowledge.importing.reading import read
from knowledge.importing.twins import without_twins
from knowledge.live import LiveKnowledge
from knowledge.scope import EVERYTHING, Scope
from knowledge.smalltalk import smalltalk
from schemas.answers import Question

Floats = npt.NDArray[np.float32]

_TENANT = "evaluation"


def read_documents(paths: Sequence[Path]) -> tuple[list[Document], list[Skipped]]:
    """The documents of files and folders as an import has them, and what was left out.

    A file in a folder is named from that folder on, so that ids are the same wherever the folder lies.
    Raises Unreadable.
    """
    documents: dict[str, Document] = {}
    skipped: list[Skipped] = []
    for root in paths:
        for path in files.find([root]):
            name = path.relative_to(root).as_posix() if root.is_dir() else path.name
            try:
                reading = read(name, files.load(path))
            except Unreadable as error:
                if not root.is_dir():
                    raise
                skipped.append(Skipped(name, error.detail))
                continue
            for document in reading.documents:
                if document.id in documents:
                    raise Unreadable(f"{path}: there are two documents {document.id!r}; name the folder above them")
                documents[document.id] = document
            skipped += reading.skipped
    if not documents:
        told = f" ({skipped[0].reason})" if skipped else ""
        raise Unreadable(f"{', '.join(map(str, paths))}: holds no documents{told}; give files with text in them")
    _check_ids(documents)
    sifted = without_twins([*documents.values()], ())
    return [document for document in sifted.documents if document.entries], [*skipped, *sifted.skipped]


def _check_ids(documents: dict[str, Document]) -> None:
    owners: dict[str, str] = {}
    for document in documents.values():
        for entry in document.entries:
            if entry.id in owners:
                raise Unreadable(
                    f"{document.source}: entry id {entry.id!r} is taken by {owners[entry.id]}; choose another"
                )
            owners[entry.id] = document.source


def inventory(documents: Sequence[Document]) -> Inventory:
    return Inventory(
        Known(entry.id, tuple(side.question for _, side in entry.sides()), document.id, document.source, document.title)
        for document in documents
        for entry in document.entries
    )


class Once:
    """An encoder that embeds no text twice, for knowledge that is built more than once."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.parts = encoder.name, encoder.parts
        self._encoder = encoder
        self._known: dict[str, Floats] = {}

    def encode(self, texts: list[str]) -> Floats:
        """As the encoder's."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(-1, sum(self.parts))


class LocalKnowledge:
    """Asks a LiveKnowledge over `documents`. With `trained` False nothing is learnt from their questions."""

    def __init__(
        self,
        name: str,
        documents: Sequence[Document],
        encoder: Encoder,
        *,
        known: Encoder | None = None,
        trained: bool = True,
        scope: Scope = EVERYTHING,
    ) -> None:
        """`encoder`: of the questions; `known`: of the documents, if another."""
        self.name = name
        self._encoder, self._scope = encoder, scope
        self._live = LiveKnowledge(known or encoder)
        self._live.apply(1, (), {document.id: document for document in documents})
        if trained:
            self._live.train()

    def search(self, texts: Sequence[str], k: int) -> list[LocalReply]:
        """A reply for each text, as Asker says."""
        found = self._live.search(texts, self._encoder.encode([*texts]), max(k, CONSIDERED), self._scope)
        return [_reply(text, each) for text, each in zip(texts, found, strict=True)]

    def close(self) -> None:
        self._live.close()


class LocalReply(Struct, frozen=True):
    """`got`: what the customer would be told."""

    found: Found
    got: Got

    def through(self, channels: Channels) -> Got:
        """As Reply says. Of "lexical" and "dense" only the order, as they have no calibrated confidence."""
        if channels == "all" or channels == "no-head":
            return self.got
        order, scores = reordered([hit.evidence for hit in self.found.hits], channels)
        hits = _seen([self.found.hits[at] for at in order.tolist()])
        return Got(None, float(scores[0]) if len(scores) else 0.0, False, hits, version=self.found.version)


def _reply(text: str, found: Found) -> LocalReply:
    question = Question(_TENANT, text)
    considered = structs.replace(found, hits=found.hits[:CONSIDERED])
    answer = smalltalk(question) or compose(question, considered)
    options = tuple(option.id for option in answer.options)
    got = Got(answer.kind, found.confidence.first, True, _seen(found.hits), options, found.version)
    return LocalReply(found, got)


def _seen(hits: Sequence[Hit]) -> tuple[Seen, ...]:
    return tuple(Seen(hit.id, hit.document, hit.source, hit.title) for hit in hits)
