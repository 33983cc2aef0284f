"""Fits and judges the weights in knowledge/index.py and knowledge/confidence.py.

    python -m bench.calibrate [--cache FOLDER] [--judge]

Questions the index has not seen: each paraphrase is asked of an index built without
it. Out of scope: questions of other domains, and questions whose topic was taken out
of the knowledge (the hard kind). Knowledge: the demo shop, and banking77 with one
entry per intent where ../shared/fixtures is present. Fitted on one half of the
entries, judged on the other; `--judge` only prints how the coefficients in the files do.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench.calibrate_questions import OUT_OF_SCOPE_EN, OUT_OF_SCOPE_ZH
from knowledge import answers, confidence, index
from knowledge.embedder import Embedder
from knowledge.entries import Entry, Side, load
from knowledge.index import Hit, HybridIndex, Weights
from knowledge.text import Language
from schemas.answers import Question

Array = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT.parent / "shared" / "fixtures"
FOLDS = 6
LANGUAGES: tuple[Language, ...] = ("en", "zh")
# Of clinc150, only what no shop or bank answers.
FAR_DOMAINS = ("kitchen_and_dining", "auto_and_commute", "travel", "utility", "work")


class Asked(msgspec.Struct):
    """One question with what the index found. `want`: the right entry, None when out of scope."""

    data: str
    language: Language
    text: str
    want: str | None
    hits: list[Hit]

    @property
    def rank(self) -> int:
        return next((at for at, hit in enumerate(self.hits) if hit.entry.id == self.want), 99)

    @property
    def fitting(self) -> bool:
        """On the half that is fitted, by entry, so that no entry is on both sides."""
        return crc32((self.want or self.text).encode()) % 2 == 0


class Memo:
    """An encoder that embeds no text twice: the folds share nearly all."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dim, self._embedder = embedder.name, embedder.dim, embedder
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        new = [each for each in dict.fromkeys(texts) if each not in self._known]
        self._known.update(zip(new, self._embedder.encode(new), strict=True))
        return np.array([self._known[each] for each in texts], dtype=np.float32)


def ask(data: str, entries: Sequence[Entry], asked: list[tuple[Language, str, str | None]], memo: Memo) -> list[Asked]:
    texts = [text for _, text, _ in asked]
    found = HybridIndex.build(entries, memo).search(texts, memo.encode(texts), 10)
    return [Asked(data, *question, hits) for question, hits in zip(asked, found, strict=True)]


def held_out(data: str, entries: list[Entry], memo: Memo) -> list[Asked]:
    """Every paraphrase once, asked of an index in which each entry lacks every sixth of its own."""
    found: list[Asked] = []
    for fold in range(FOLDS):
        asked: list[tuple[Language, str, str | None]] = []
        kept: list[Entry] = []
        for entry in entries:
            sides: dict[str, Side] = {}
            for language, side in entry.sides():
                stay = tuple(each for at, each in enumerate(side.paraphrases) if at % FOLDS != fold)
                sides[language] = msgspec.structs.replace(side, paraphrases=stay)
                asked += [(language, each, entry.id) for each in side.paraphrases[fold::FOLDS]]
            kept.append(msgspec.structs.replace(entry, **sides))
        found += ask(data, kept, asked, memo)
    return found


def topic_removed(data: str, entries: list[Entry], groups: int, memo: Memo) -> list[Asked]:
    """The questions of each group of topics, asked of an index without them: near, yet out of scope."""
    found: list[Asked] = []
    for group in range(groups):
        inside = [entry for entry in entries if crc32(entry.topic.encode()) % groups != group]
        outside = [entry for entry in entries if crc32(entry.topic.encode()) % groups == group]
        asked: list[tuple[Language, str, str | None]] = [
            (language, side.question, None) for entry in outside for language, side in entry.sides()
        ]
        found += ask(data, inside, asked, memo) if asked and inside else []
    return found


def banking(paraphrases: int, asked: int) -> tuple[list[Entry], list[tuple[Language, str, str | None]]]:
    """One entry per intent, without a useful answer, and questions that are not in it."""
    intents: dict[str, list[str]] = {}
    with (FIXTURES / "banking77" / "train.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            intents.setdefault(row["category"], []).append(row["text"])
    entries = [
        Entry(name, name, en=Side(own[0], name.replace("_", " "), tuple(own[1 : paraphrases + 1])))
        for name, own in intents.items()
    ]
    rest: list[tuple[Language, str, str | None]] = [
        ("en", text, name) for name, own in intents.items() for text in own[-asked:]
    ]
    return entries, rest


def far_questions() -> list[tuple[Language, str, str | None]]:
    far: list[tuple[Language, str, str | None]] = [("en", text, None) for text in OUT_OF_SCOPE_EN]
    far += [("zh", text, None) for text in OUT_OF_SCOPE_ZH]
    clinc = FIXTURES / "clinc150"
    if clinc.exists():
        data = json.loads((clinc / "data_train_val.json").read_text())
        domains = json.loads((clinc / "domains.json").read_text())
        names = {name for domain in FAR_DOMAINS for name in domains[domain]}
        far += [("en", text, None) for text, _ in data["oos_train"] + data["oos_val"]]
        far += [("en", text, None) for text, name in data["val"][::4] if name in names]
    return far


def fit_ranking(asked: list[Asked]) -> Weights:
    """Softmax over the candidates; non-negative, so that more evidence never counts against."""
    usable = [each for each in asked if each.want and each.rank < 99 and len(each.hits) == 10]
    names = Weights.__struct_fields__
    x = np.array([[[getattr(hit, name) for name in names] for hit in each.hits] for each in usable])
    right = np.array([each.rank for each in usable])
    rows = np.arange(len(usable))

    def loss(w: Array) -> tuple[float, Array]:
        scores = x @ w
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        slope = ((p[:, :, None] * x).sum(axis=1) - x[rows, right]).mean(axis=0)
        return -float(np.log(p[rows, right]).mean()) + 1e-4 * float(w @ w), slope + 2e-4 * w

    return Weights(*minimize(loss, np.ones(len(names)), jac=True, bounds=[(0, 40)] * len(names)).x.round(1).tolist())


def fit_logistic(x: Array, y: Array, weight: Array) -> tuple[float, ...]:
    def loss(w: Array) -> tuple[float, Array]:
        z = x @ w
        p = 1 / (1 + np.exp(-z))
        value = float((weight * (np.logaddexp(0, z) - y * z)).mean()) + 1e-4 * float(w[1:] @ w[1:])
        slope = x.T @ (weight * (p - y)) / len(y) + 2e-4 * np.r_[0.0, w[1:]]
        return value, slope

    return tuple(minimize(loss, np.zeros(x.shape[1]), jac=True).x.round(2).tolist())


def rescore(asked: list[Asked]) -> None:
    """Orders the hits by the weights now in force, without searching again."""
    for each in asked:
        w = index.WEIGHTS[each.language]
        each.hits = sorted(
            (
                msgspec.structs.replace(
                    hit,
                    score=w.nearest * hit.nearest + w.mean * hit.mean + w.coverage * hit.coverage + w.bm25 * hit.bm25,
                )
                for hit in each.hits
            ),
            key=lambda hit: -hit.score,
        )


def fit(asked: list[Asked]) -> None:
    for language in LANGUAGES:
        half = [each for each in asked if each.language == language and each.fitting]
        index.WEIGHTS[language] = fit_ranking(half)
        print(f'    "{language}": {index.WEIGHTS[language]},')
    rescore(asked)
    for name, table, depth in (
        ("_FIRST", confidence._FIRST, 1),
        ("_AMONG_THREE", confidence._AMONG_THREE, 3),
    ):
        print(name)
        for language in LANGUAGES:
            half = [each for each in asked if each.language == language and each.fitting]
            x = np.array([confidence.features(_considered(each)) for each in half])
            y = np.array([each.rank < depth for each in half], dtype=np.float64)
            table[language] = fit_logistic(x, y, mixture(half))
            print(f'    "{language}": {table[language]},')


def mixture(asked: list[Asked]) -> Array:
    """Weights of mean 1: three questions in four are in scope, and every data set counts the same."""
    kinds = [(each.data, each.want is None) for each in asked]
    sets = {scope: len({data for data, outside in kinds if outside is scope}) for scope in (False, True)}
    counts = Counter(kinds)
    weight = np.array([(0.25 if kind[1] else 0.75) / sets[kind[1]] / counts[kind] for kind in kinds])
    return np.asarray(weight / weight.mean(), dtype=np.float64)


def judge(asked: list[Asked]) -> None:
    print(
        f"\n{'data':22} {'lang':4} {'n':>5} {'top-1':>6} {'top-3':>6} | {'answer':>6} {'right':>6} "
        f"{'clarify':>7} {'holds it':>8} {'unknown':>7}"
    )
    fresh = [each for each in asked if not each.fitting]
    for data in dict.fromkeys(each.data for each in fresh):
        for language in LANGUAGES:
            if rows := [each for each in fresh if (each.data, each.language) == (data, language)]:
                print(outcome(data, language, rows))
    print("\nall of it, three in four in scope; from each confidence up: share answered / share of those right")
    for language in LANGUAGES:
        print(coverage_curve(language, [each for each in fresh if each.language == language]))


def outcome(data: str, language: str, rows: list[Asked]) -> str:
    replies = [answers.compose(Question("bench", each.text), _considered(each), 1) for each in rows]
    kind = np.array([reply.kind for reply in replies])
    options = [{option.id for option in reply.options} for reply in replies]
    held = np.array([each.want in offered for each, offered in zip(rows, options, strict=True)])
    right = np.array([each.rank == 0 for each in rows])
    three = np.array([each.rank < 3 for each in rows])

    def share(mask: npt.NDArray[np.bool_], of: str) -> str:
        return f"{mask[kind == of].mean():.3f}" if (kind == of).any() else "-"

    return (
        f"{data:22} {language:4} {len(rows):5} {right.mean():6.3f} {three.mean():6.3f} | "
        f"{(kind == 'answer').mean():6.3f} {share(right, 'answer'):>6} {(kind == 'clarify').mean():7.3f} "
        f"{share(held, 'clarify'):>8} {(kind == 'unknown').mean():7.3f}"
    )


def coverage_curve(language: str, rows: list[Asked]) -> str:
    weight = mixture(rows)
    right = np.array([each.rank == 0 for each in rows])
    sure = np.array([confidence.estimate(_considered(each)).first for each in rows])
    points = []
    for least in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        given = weight * (sure >= least)
        points.append(f"{least:.1f}: {given.sum() / weight.sum():.2f}/{(given * right).sum() / given.sum():.2f}")
    return f"{language}  ECE {calibration_error(sure, right, weight):.3f}   " + "  ".join(points)


def calibration_error(sure: Array, right: npt.NDArray[np.bool_], weight: Array, bins: int = 10) -> float:
    """Expected calibration error: |mean confidence - share right| per tenth, weighted by size."""
    cell = np.minimum((sure * bins).astype(int), bins - 1)
    gap = weight * (sure - right)
    return sum(abs(float(gap[cell == at].sum())) for at in range(bins)) / float(weight.sum())


def _considered(asked: Asked) -> list[Hit]:
    return asked.hits[: answers.CONSIDERED]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=None, help="folder for the ONNX file")
    parser.add_argument("--judge", action="store_true", help="keep the coefficients of the files")
    arguments = parser.parse_args()
    print(f"machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}")

    memo = Memo(Embedder(cache_dir=arguments.cache))
    shop = load(ROOT / "knowledge" / "demo_shop.jsonl")
    far = far_questions()
    asked = held_out("shop, held out", shop, memo)
    asked += topic_removed("shop, topic removed", shop, 5, memo)
    asked += ask("shop, other domains", shop, far, memo)
    if (FIXTURES / "banking77").exists():
        entries, rest = banking(paraphrases=7, asked=15)
        asked += ask("bank, unseen", entries, rest, memo)
        asked += topic_removed("bank, topic removed", entries, 5, memo)
        asked += ask("bank, other domains", entries, [each for each in far if each[0] == "en"], memo)
    else:
        print(
            f"skipped: banking77 and clinc150 ({FIXTURES} is not there); do not keep coefficients fitted without them"
        )
    if not arguments.judge:
        fit(asked)
    judge(asked)


if __name__ == "__main__":
    main()
