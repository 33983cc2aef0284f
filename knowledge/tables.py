"""Where a tenant's entries are held: by number, by passage vector, by word, by what they are asked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge import evidence
from knowledge.embedder import Encoder
from knowledge.entries import Entry
from knowledge.examples import Examples
from knowledge.lexical import LexicalIndex
from knowledge.passages import Passage, Role, bare, passages, words
from knowledge.scope import Label
from knowledge.vectors.index import VectorIndex

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


class Tables:
    """Written by one thread; read by any number meanwhile, who must expect to see half of an insert."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        english, multilingual = encoder.parts
        self.english = VectorIndex(english)
        self.multilingual = VectorIndex(multilingual) if multilingual else None
        self.lexical = LexicalIndex()
        self.rows: dict[int, Row] = {}
        self.newest: dict[str, int] = {}  # number of each entry id
        self.items: dict[str, tuple[int, ...]] = {}
        self.titles: dict[str, tuple[int, ...]] = {}
        self.paraphrases: dict[str, tuple[int, ...]] = {}
        self.labels: dict[Label, int] = {}
        self.label_of = np.zeros(1024, dtype=np.int32)
        self.examples = Examples()

    def insert(self, first: int, new: Sequence[New]) -> None:
        """Holds entries under the numbers from `first` on. Embeds their passages in one call."""
        if not new:
            return
        found = [passages(each.entry, each.confirmed)[: evidence.MOST_PASSAGES] for each in new]
        vectors = self._encoder.encode([each.text for own in found for each in own])
        ids = [evidence.passage_ids(number, own) for number, own in enumerate(found, first)]
        ends = np.cumsum([len(own) for own in found])[:-1]
        pieces = np.split(vectors, ends)
        for number, (each, own, own_ids, own_vectors) in enumerate(zip(new, found, ids, pieces, strict=True), first):
            self._hold(number, _row(each, own, own_ids))
            self.examples.add(number, each.entry, own, own_vectors)
        chinese = np.array([each.language == "zh" for own in found for each in own])
        self._add_vectors(np.concatenate(ids), vectors, chinese)
        self.lexical.add([(number, words(each.entry)) for number, each in enumerate(new, first)])

    def _hold(self, number: int, row: Row) -> None:
        if number >= len(self.label_of):
            self.label_of = np.concatenate([self.label_of, np.zeros(len(self.label_of), dtype=np.int32)])
        self.label_of[number] = self.labels.setdefault(row.label, len(self.labels))
        self.rows[number] = row
        self.newest[row.id] = number
        self.items[row.item] = (*self.items.get(row.item, ()), number)
        for table, keys in ((self.titles, row.titles), (self.paraphrases, row.paraphrases)):
            for key in keys:
                table[key] = (*table.get(key, ()), number)

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
        rows = [self.rows.pop(number) for number in numbers]
        ids = np.concatenate([row.ids for row in rows])
        self.english.remove(ids)
        if self.multilingual is not None:
            self.multilingual.remove(ids)
        self.lexical.remove(np.array(numbers, dtype=np.int64))
        for number, row in zip(numbers, rows, strict=True):
            _drop(self.items, row.item, number)
            for table, keys in ((self.titles, row.titles), (self.paraphrases, row.paraphrases)):
                for key in keys:
                    _drop(table, key, number)
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
    titles = {bare(each.text) for each in asked if each.title}
    return Row(
        id=new.entry.id,
        item=new.item,
        label=new.label,
        source=new.source,
        packed=_pack(new.entry),
        asked=len(asked),
        ids=ids,
        fixed=ids[np.array(fixed)],
        titles=tuple(titles),
        paraphrases=tuple({bare(each.text) for each in asked} - titles),
    )


def _drop(table: dict[str, tuple[int, ...]], key: str, number: int) -> None:
    left = tuple(each for each in table[key] if each != number)
    if left:
        table[key] = left
    else:
        del table[key]
