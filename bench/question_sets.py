"""Knowledge with questions whose right entries are known: what calibration and the benches ask.

From this project: the demo shop, and the question sets in bench/data, all written for it. From
../shared/fixtures, where that is present: banking77, clinc150 and a Chinese help centre.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from msgspec import Struct, structs

from bench.calibrate_questions import OUT_OF_SCOPE_EN, OUT_OF_SCOPE_ZH
from knowledge.entries import Document, Entry, Side
from knowledge.importing.reading import read
from knowledge.seeding import demo
from knowledge.text import Language

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data"
FIXTURES = ROOT.parent / "shared" / "fixtures"


class Asked(Struct, frozen=True):
    """`want`: ids of the right entries or of the documents that hold the answer; empty when out of scope."""

    text: str
    want: frozenset[str]


class QuestionSet(Struct, frozen=True):
    """Questions and the knowledge they are asked of, in which none of them stands word for word."""

    name: str
    language: Language
    documents: tuple[Document, ...]
    asked: tuple[Asked, ...]


def _one(name: str, entries: list[Entry]) -> tuple[Document, ...]:
    return (Document(name, name, name, tuple(entries)),)


def faq(name: str, language: Language, stem: str) -> QuestionSet:
    """Entries without paraphrases, and customers' questions near and far from their wording."""
    entries: list[Entry] = []
    of_question: dict[str, str] = {}
    for row in _rows(DATA / f"{stem}_faq.csv"):
        entry = _in(Entry(f"{name}-{len(entries)}"), {language: Side(row["question"], row["answer"])})
        entries.append(entry)
        of_question[row["question"]] = entry.id
    asked = tuple(
        Asked(row["question"], frozenset() if row["expected"] == "none" else frozenset({of_question[row["expected"]]}))
        for row in _rows(DATA / f"{stem}_questions.csv")
    )
    return QuestionSet(name, language, _one(name, entries), asked)


def shop_titles(language: Language) -> QuestionSet:
    """The demo shop without its paraphrases, which are asked."""
    entries, asked = [], []
    for entry in demo().entries:
        side = dict(entry.sides())[language]
        entries.append(_in(Entry(entry.id, entry.topic), {language: structs.replace(side, paraphrases=())}))
        asked += [Asked(each, frozenset({entry.id})) for each in side.paraphrases]
    return QuestionSet(f"shop {language}, titles", language, _one("shop", entries), (*asked, *_far(language)))


def shop_held_out(language: Language, fold: int, folds: int = 6) -> QuestionSet:
    """The demo shop without every sixth paraphrase of each entry; those are asked."""
    entries, asked = [], []
    for entry in demo().entries:
        sides: dict[Language, Side] = {}
        for each, side in entry.sides():
            stay = tuple(text for at, text in enumerate(side.paraphrases) if at % folds != fold)
            sides[each] = structs.replace(side, paraphrases=stay)
        asked += [Asked(text, frozenset({entry.id})) for text in dict(entry.sides())[language].paraphrases[fold::folds]]
        entries.append(_in(entry, sides))
    return QuestionSet(f"shop {language}, held out {fold}", language, _one("shop", entries), (*asked, *_far(language)))


def shop_topic_removed(language: Language, group: int, groups: int = 5) -> QuestionSet:
    """The questions of some topics, asked of the shop without them: near, yet out of scope."""
    every = demo().entries
    outside = [entry for entry in every if crc32(entry.topic.encode()) % groups == group]
    inside = [entry for entry in every if entry not in outside]
    asked = [Asked(dict(entry.sides())[language].question, frozenset()) for entry in outside]
    return QuestionSet(f"shop {language}, topics removed {group}", language, _one("shop", inside), tuple(asked))


def help_centre() -> QuestionSet:
    """The Chinese help pages as they are imported; the right answer is any passage of the right page."""
    root = FIXTURES / "zh_help" / "docs"
    documents: list[Document] = []
    for path in sorted(root.rglob("*.md")):
        documents += read(str(path.relative_to(root)), path.read_bytes()).documents
    asked = tuple(
        Asked(row["question"], frozenset() if row["expected"] == "none" else frozenset(row["expected"].split("|")))
        for row in _rows(DATA / "zh_help_questions.csv")
    )
    return QuestionSet("help centre zh", "zh", tuple(documents), asked)


def banking(examples: int | None, seed: int = 0) -> QuestionSet:
    """One entry per intent with its questions as paraphrases: all but a fifth, or `examples` of them.

    The fifth is asked, the same whatever `examples` is.
    """
    entries, asked = [], []
    for name, own in _labelled(FIXTURES / "banking77" / "train.csv").items():
        shuffled = _shuffled(own, seed)
        held = max(1, len(own) // 5)
        asked += [Asked(text, frozenset({name})) for text in shuffled[:held]]
        entries.append(_intent(name, shuffled[held:][:examples]))
    label = "all" if examples is None else str(examples)
    return QuestionSet(f"banking77, {label} examples", "en", _one("bank", entries), tuple(asked))


def clinc(examples: int | None = None) -> QuestionSet:
    """150 intents in ten domains; the validation questions and those out of scope are asked."""
    data = json.loads((FIXTURES / "clinc150" / "data_train_val.json").read_text(encoding="utf-8"))
    own: dict[str, list[str]] = {}
    for text, name in data["train"]:
        own.setdefault(name, []).append(text)
    asked = [Asked(text, frozenset({name})) for text, name in data["val"]]
    asked += [Asked(text, frozenset()) for text, _ in data["oos_train"] + data["oos_val"]]
    entries = [_intent(name, _shuffled(texts, 0)[:examples]) for name, texts in own.items()]
    label = "all" if examples is None else str(examples)
    return QuestionSet(f"clinc150, {label} examples", "en", _one("clinc", entries), tuple(asked))


def _in(entry: Entry, sides: dict[Language, Side]) -> Entry:
    """The entry with these sides."""
    return structs.replace(entry, en=sides.get("en"), zh=sides.get("zh"))


def _intent(name: str, texts: list[str]) -> Entry:
    """As a labelled list of utterances is imported: the intent's name is its title and its answer."""
    title = name.replace("_", " ").capitalize()
    return Entry(name, name, en=Side(title, title, tuple(texts)))


def _labelled(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in _rows(path):
        found.setdefault(row["category"], []).append(row["text"])
    return found


def _shuffled(texts: list[str], seed: int) -> list[str]:
    return sorted(texts, key=lambda text: crc32(f"{seed}{text}".encode()))


def _far(language: Language) -> tuple[Asked, ...]:
    return tuple(Asked(text, frozenset()) for text in (OUT_OF_SCOPE_EN if language == "en" else OUT_OF_SCOPE_ZH))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
