"""The parts of a snapshot as arrays, and back: entries, words, examples, what was learnt."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from knowledge.entries import Confirmed, Kind
from knowledge.examples import Example
from knowledge.flat import Arrays, packed
from knowledge.head import Head
from knowledge.learnt import Learnt
from knowledge.live import Moment
from knowledge.postings import Bools, Postings
from knowledge.ranking import Calibration
from knowledge.scope import Label
from knowledge.tables import Floats, Row
from knowledge.text import LANGUAGES


class _Row(Struct, frozen=True, array_like=True):
    """A Row without its passage ids; `home`: where in the list of what entries of one document share."""

    id: str
    kind: Kind
    home: int
    packed: bytes
    asked: int
    titles: tuple[str, ...]
    paraphrases: tuple[str, ...]


_Home = tuple[str, str, int]  # item, source, number of the label


class Entries(Struct, frozen=True):
    """What the file of entries holds."""

    rows: dict[int, Row]
    labels: tuple[Label, ...]
    confirmations: dict[str, Confirmed]
    background: Floats


def entries_of(moment: Moment) -> Arrays:
    labels = {label: at for at, label in enumerate(moment.held.labels)}
    homes: dict[_Home, int] = {}
    rows = []
    for row in moment.held.rows.values():
        home = homes.setdefault((row.item, row.source, labels[row.label]), len(homes))
        rows.append(_Row(row.id, row.kind, home, row.packed, row.asked, row.titles, row.paraphrases))
    every = list(moment.held.rows.values())
    return {
        "numbers": np.fromiter(moment.held.rows, dtype=np.int64, count=len(rows)),
        "rows": packed(rows),
        "homes": packed(list(homes)),
        "labels": packed(moment.held.labels),
        "confirmations": packed(moment.confirmations),
        "background": moment.background,
        "passages": np.array([len(row.ids) for row in every], dtype=np.int64),
        "ids": _flat([row.ids for row in every]),
        "fixed": np.array([len(row.fixed) for row in every], dtype=np.int64),
        "fixed ids": _flat([row.fixed for row in every]),
    }


def entries_from(arrays: Arrays) -> Entries:
    labels = _unpacked(arrays["labels"], tuple[Label, ...])
    homes = _unpacked(arrays["homes"], list[_Home])
    ids, fixed = _cut(arrays["ids"], arrays["passages"]), _cut(arrays["fixed ids"], arrays["fixed"])
    rows: dict[int, Row] = {}
    for number, row, own, own_fixed in zip(
        arrays["numbers"].tolist(), _unpacked(arrays["rows"], list[_Row]), ids, fixed, strict=True
    ):
        item, source, label = homes[row.home]
        rows[number] = Row(
            row.id, row.kind, item, labels[label], source, row.packed, row.asked, own, own_fixed, row.titles,
            row.paraphrases,
        )  # fmt: skip
    confirmations = _unpacked(arrays["confirmations"], dict[str, Confirmed])
    return Entries(rows, labels, confirmations, arrays["background"])


def words_of(parts: list[tuple[Postings, Bools]]) -> Arrays:
    return {
        f"{at} {name}": array
        for at, (postings, alive) in enumerate(parts)
        for name, array in (*((field, getattr(postings, field)) for field in _POSTINGS), ("alive", alive))
    }


_POSTINGS = ("numbers", "lengths", "codes", "starts", "rows", "counts")  # as Postings takes them


def words_from(arrays: Arrays) -> list[tuple[Postings, Bools]]:
    return [
        (Postings(*(arrays[f"{at} {field}"] for field in _POSTINGS)), arrays[f"{at} alive"])
        for at in range(len(arrays) // (len(_POSTINGS) + 1))
    ]


def examples_of(examples: list[Example]) -> Arrays:
    vectors = [example.vector for example in examples]
    return {
        "numbers": np.array([example.number for example in examples], dtype=np.int64),
        "places": np.array([example.place for example in examples], dtype=np.int32),
        "languages": np.array([LANGUAGES.index(example.language) for example in examples], dtype=np.uint8),
        "titles": np.array([example.title for example in examples], dtype=np.bool_),
        "texts": packed([example.text for example in examples]),
        "vectors": np.stack(vectors) if vectors else np.zeros((0, 0), dtype=np.float16),
    }


def examples_from(arrays: Arrays, rows: dict[int, Row]) -> list[Example]:
    return [
        # A copy: what changes later must not keep all others in memory.
        Example(rows[number].id, number, place, text, LANGUAGES[language], title, vector.copy())
        for number, place, language, title, text, vector in zip(
            arrays["numbers"].tolist(),
            arrays["places"].tolist(),
            arrays["languages"].tolist(),
            arrays["titles"].tolist(),
            _unpacked(arrays["texts"], list[str]),
            arrays["vectors"],
            strict=True,
        )
    ]


def learnt_of(learnt: Learnt) -> Arrays:
    head = learnt.head
    # In the order that they have in memory: another one would sum up otherwise, in the last digit.
    by_column = head.weights.flags.f_contiguous
    return {
        "entries": packed(head.entries),
        "examples": head.examples,
        "weights by column" if by_column else "weights": head.weights.T if by_column else head.weights,
        "odds": np.array([head.odds]),
        "calibration": packed(learnt.calibration),
    }


def learnt_from(arrays: Arrays) -> Learnt:
    entries = _unpacked(arrays["entries"], tuple[str, ...])
    weights = arrays["weights by column"].T if "weights by column" in arrays else arrays["weights"]
    head = Head(entries, arrays["examples"], weights, float(arrays["odds"][0]))
    return Learnt(head, _unpacked(arrays["calibration"], Calibration))


def _flat(arrays: list[Any]) -> Any:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)


def _cut(flat: Any, counts: Any) -> list[Any]:
    """Pieces of a flat array, of so many elements each."""
    ends = np.cumsum(counts).tolist()
    return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []


def _unpacked(array: Any, kind: Any) -> Any:
    return msgspec.msgpack.decode(array.data, type=kind)
