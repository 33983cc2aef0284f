"""Where a tenant's entries are held: by number, by passage vector, by word, by what they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge import evidence
from knowledge.embedder import Encoder
from knowledge.entries import Entry, Kind
from knowledge.examples import Example, Examples
from knowledge.learnt import Learnt
from knowledge.lexical import LexicalIndex
from knowledge.passages import Passage, Role, bare, passages, words
from knowledge.postings import Postings
from knowledge.scope import Label
from knowledge.text import Language
from knowledge.vectors import VectorIndex

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Entry).decode


class New(Struct, frozen=True):
    """An entry to be held. `item`: the document it is in; `confirmed`: customers' questions it is known to answer."""

    item: str
    label: Label
    source: str
    entry: Entry
    confirmed: tuple[str, ...] = ()


class Row(Struct, frozen=True):
    """An entry by its number.

    `packed`: in MessagePack, a third of its size as objects. `asked`: how many questions it has.
    `ids`: of all its passages; `fixed`: of those whose evidence is always looked at (titles,
    bodies, sentences). `titles`, `paraphrases`: bare, to tell a question that is its own.
    """

    id: str
    kind: Kind
    item: str
    label: Label
    source: str
    packed: bytes
    asked: int
    ids: Ints
    fixed: Ints
    titles: tuple[str, ...]
    paraphrases: tuple[str, ...]

    @property
    def entry(self) -> Entry:
        return _unpack(self.packed)


class Held(Struct, frozen=True):
    """All that Tables hold at one moment, but for the vectors. Nothing in it is changed any more.

    `labels`: by number; `unlearnt`: examples have changed since `learnt` was learnt.
    """

    rows: dict[int, Row]
    labels: tuple[Label, ...]
    words: list[tuple[Postings, Bools]]
    examples: list[Example]
    unlearnt: bool
    learnt: dict[Language, Learnt]


class Tables:
    """Written by one thread; read by any number meanwhile, who must expect to see half of an insert."""

    def __init__(self, encoder: Encoder, english: VectorIndex, multilingual: VectorIndex | None) -> None:
        """`english`, `multilingual`: empty, for the two parts of the encoder's vectors."""
        self.encoder = encoder
        self.english, self.multilingual = english, multilingual
        self.lexical = LexicalIndex()
        self.rows: dict[int, Row] = {}
        self.newest: dict[str, int] = {}  # number of each entry id
        self.items: dict[str, tuple[int, ...]] = {}
        self.titles: dict[str, tuple[int, ...]] = {}
        self.paraphrases: dict[str, tuple[int, ...]] = {}
        self.labels: dict[Label, int] = {}
        self.label_of = np.zeros(1024, dtype=np.int32)
        self.examples = Examples()
        self.learnt: dict[Language, Learnt] = {}
        self.faqs = 0  # entries that are no passages of documents
        self.top = 0  # numbers from here on are not used yet, not even by an insert in progress

    @classmethod
    def of(
        cls, held: Held, limit: int, encoder: Encoder, english: VectorIndex, multilingual: VectorIndex | None
    ) -> Tables:
        """Those that held this. `limit`: the first number that was not used yet; the indexes hold the vectors."""
        tables = cls(encoder, english, multilingual)
        tables.labels = {label: at for at, label in enumerate(held.labels)}
        tables.label_of = np.zeros(max(limit, len(tables.label_of)), dtype=np.int32)
        numbers = np.fromiter(held.rows, dtype=np.int64, count=len(held.rows))
        tables.label_of[numbers] = [tables.labels[row.label] for row in held.rows.values()]
        tables.hold(held.rows)
        tables.lexical = LexicalIndex.of(held.words)
        tables.examples = Examples.of(held.examples, held.unlearnt)
        tables.learnt = held.learnt
        tables.top = limit
        return tables

    def held(self) -> Held:
        """To be called between two writes; takes milliseconds for a hundred thousand entries."""
        examples, unlearnt = self.examples.held()
        return Held(dict(self.rows), tuple(self.labels), self.lexical.parts(), examples, unlearnt, self.learnt)

    def insert(self, first: int, new: Sequence[New]) -> None:
        """Holds entries under the numbers from `first` on. Embeds their passages in one call."""
        if not new:
            return
        found = [passages(each.entry, each.confirmed)[: evidence.MOST_PASSAGES] for each in new]
        vectors = self.encoder.encode([each.text for own in found for each in own])
        ids = [evidence.passage_ids(number, own) for number, own in enumerate(found, first)]
        self.top = first + len(new)
        self._label(first, [each.label for each in new])
        chinese = np.array([each.language == "zh" for own in found for each in own], dtype=np.bool_)
        self._add_vectors(np.concatenate(ids), vectors, chinese)
        self.lexical.add([(number, words(each.entry, each.confirmed)) for number, each in enumerate(new, first)])
        # Last, as searches look entries up here by what was there before: until then these numbers mean nothing.
        rows = [_row(each, own, own_ids) for each, own, own_ids in zip(new, found, ids, strict=True)]
        self.hold(dict(enumerate(rows, first)))
        ends = np.cumsum([len(own) for own in found])[:-1]
        for number, (each, own, own_vectors) in enumerate(zip(new, found, np.split(vectors, ends), strict=True), first):
            self.examples.add(number, each.entry, own, own_vectors)

    def _label(self, first: int, labels: Sequence[Label]) -> None:
        while first + len(labels) > len(self.label_of):
            self.label_of = np.concatenate([self.label_of, np.zeros(len(self.label_of), dtype=np.int32)])
        own = [self.labels.setdefault(label, len(self.labels)) for label in labels]
        self.label_of[first : first + len(labels)] = own

    def hold(self, rows: dict[int, Row]) -> None:
        """Entries by number whose passages and words are indexed."""
        self.rows |= rows
        self.faqs += sum(row.kind == "faq" for row in rows.values())
        _join(self.items, ((row.item, number) for number, row in rows.items()))
        _join(self.titles, ((key, number) for number, row in rows.items() for key in row.titles))
        _join(self.paraphrases, ((key, number) for number, row in rows.items() for key in row.paraphrases))
        self.newest |= {row.id: number for number, row in rows.items()}

    def _add_vectors(self, ids: Ints, vectors: Floats, chinese: Bools) -> None:
        """The multilingual index holds what MiniLM cannot read: for English it would add a fifth of a point."""
        split = self.english.dim
        self.english.add(ids, vectors[:, :split])
        if self.multilingual is not None:
            self.multilingual.add(ids[chinese], vectors[chinese, split:])

    def retire(self, numbers: Sequence[int]) -> None:
        """Lets go of entries."""
        if not numbers:
            return
        rows = {number: self.rows.pop(number) for number in numbers}
        ids = np.concatenate([row.ids for row in rows.values()])
        self.english.remove(ids)
        if self.multilingual is not None:
            self.multilingual.remove(ids)
        self.lexical.remove(np.array(numbers, dtype=np.int64))
        self.faqs -= sum(row.kind == "faq" for row in rows.values())
        _part(self.items, ((row.item, number) for number, row in rows.items()))
        _part(self.titles, ((key, number) for number, row in rows.items() for key in row.titles))
        _part(self.paraphrases, ((key, number) for number, row in rows.items() for key in row.paraphrases))
        for number, row in rows.items():
            if self.newest.get(row.id) == number:
                del self.newest[row.id]
            self.examples.remove(number)

    def close(self) -> None:
        self.english.close()
        if self.multilingual is not None:
            self.multilingual.close()


def _row(new: New, found: Sequence[Passage], ids: Ints) -> Row:
    asked = [each for each in found if each.role == Role.ASKED]
    fixed = [each.title or each.role != Role.ASKED for each in found]
    # What has no letter and no digit ("???") asks for nothing: no question is that one, word for word.
    titles = {bare(each.text) for each in asked if each.title} - {""}
    return Row(
        id=new.entry.id,
        kind=new.entry.kind,
        item=new.item,
        label=new.label,
        source=new.source,
        packed=_pack(new.entry),
        asked=len(asked),
        ids=ids,
        fixed=ids[np.array(fixed, dtype=np.bool_)],
        titles=tuple(sorted(titles)),
        paraphrases=tuple(sorted({bare(each.text) for each in asked} - titles - {""})),
    )


def _join(table: dict[str, tuple[int, ...]], pairs: Iterable[tuple[str, int]]) -> None:
    """Adds numbers to keys, in one step for each key: a document may hold a hundred thousand entries."""
    more: dict[str, list[int]] = {}
    for key, number in pairs:
        more.setdefault(key, []).append(number)
    for key, numbers in more.items():
        table[key] = (*table.get(key, ()), *numbers)


def _part(table: dict[str, tuple[int, ...]], pairs: Iterable[tuple[str, int]]) -> None:
    """Takes numbers from their keys, and keys that have none left from the table."""
    less: dict[str, set[int]] = {}
    for key, number in pairs:
        less.setdefault(key, set()).add(number)
    for key, numbers in less.items():
        if left := tuple(each for each in table[key] if each not in numbers):
            table[key] = left
        else:
            del table[key]
