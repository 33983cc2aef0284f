"""How well wishes are told from questions and from each other: `python -m bench.intents [--json FILE]`.

Three sets. The demo shop: the examples of flows/shipped against bench/data/shop_intents.jsonl, hand-written utterances
of which none is an example, with all questions of the demo shop's knowledge as what must start no flow: as learnt
("known"), and each as if it had been left out ("new", in tenths). banking77 and clinc150 (../shared/fixtures): ten
examples an intent, no knowledge; what starts although it is of none are clinc's out-of-scope questions.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench import question_sets
from bench.machine import describe
from bench.memo import Memo
from bench.question_sets import DATA, FIXTURES, ROOT, QuestionSet
from bench.sentence_vectors import cache
from flows.definition import Flow, intents
from flows.reading import read
from knowledge.embedder import Embedder, Encoder
from knowledge.entries import Document
from knowledge.examples import Example
from knowledge.intent_wording import without_codes
from knowledge.intents import START, Intents
from knowledge.live import LiveKnowledge
from knowledge.seeding import demo

_EXAMPLES = 10
_PARTS = 10
_TIMED = 300
console = Console(width=130, highlight=False)


class Utterance(Struct, frozen=True):
    """`intent`: id of the flow it is to start; empty if it is to start none."""

    language: str
    intent: str
    text: str


class Figures(Struct, frozen=True):
    """Of one set. `right`: share of wishes that got their intent, at START; `likeliest`: that got it at any
    probability; `started`: share of what wishes for nothing that got an intent all the same, by kind; `auroc`: of the
    probability, wishes against the others."""

    name: str
    intents: int
    examples: int
    right: dict[str, float]
    likeliest: float
    started: dict[str, float]
    auroc: float | None
    build_s: float
    one_us: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--missed", action="store_true", help="print what was not recognised as it should be")
    arguments = parser.parse_args()
    console.print(f"[bold]Intents bench[/]  {describe()}\n")
    memo = Memo(Embedder(cache_dir=cache(), threads=2), cache())
    found = [shop(memo, arguments.missed)]
    if FIXTURES.exists():
        found += [labelled(question_sets.banking(_EXAMPLES), memo), labelled(question_sets.clinc(_EXAMPLES), memo)]
    else:
        console.print(f"skipped: banking77 and clinc150 ({FIXTURES} is not there)")
    memo.save()
    _print(found)
    if arguments.json:
        figures = {"machine": describe(), "sets": msgspec.to_builtins(found)}
        arguments.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False))


def shop_flows() -> list[Flow]:
    """Those that come with Kefu."""
    return [read(path.read_text(encoding="utf-8"), source=path.name) for path in _flow_files()]


def _flow_files() -> list[Path]:
    return sorted((ROOT / "flows" / "shipped").glob("*.yaml"))


def shop_utterances() -> list[Utterance]:
    """What customers of the demo shop say, in both languages."""
    lines = (DATA / "shop_intents.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Utterance) for line in lines]


class Starting:
    """Which flow an utterance starts."""

    def __init__(self, flows: Sequence[Flow], encoder: Encoder, questions: Sequence[Example]) -> None:
        examples: dict[str, list[str]] = {}
        for flow in flows:
            for name, own in intents(flow).items():
                examples.setdefault(name, []).extend(own)
        self._flow_of = {name: flow.id for flow in flows for name in flow.start_intents}
        self._encoder = encoder
        self.intents = Intents(examples, encoder, questions)
        self.examples = sum(map(len, examples.values()))

    def __call__(self, texts: Sequence[str], start: float = START) -> list[tuple[str, float]]:
        found = _recognised(self.intents, texts, self._encoder, start)
        return [(self._flow_of.get(name, ""), chance) for name, chance in found]


def shop(encoder: Encoder, missed: bool = False) -> Figures:
    live = LiveKnowledge(encoder)
    live.apply(1, (), {"demo": demo()})
    questions = live.questions()
    live.close()
    starting, said = Starting(shop_flows(), encoder, questions), shop_utterances()
    wishes, others = [each for each in said if each.intent], [each for each in said if not each.intent]
    got = starting([each.text for each in wishes])
    likeliest = starting([each.text for each in wishes], 0.0)
    stray = starting([each.text for each in others])
    if missed:
        for each, (flow, chance) in zip([*wishes, *others], [*got, *stray], strict=True):
            if flow != each.intent:
                console.print(
                    f"  {each.text}: {flow or 'none'} ({chance:.2f}), not {each.intent or 'none'}", markup=False
                )
    right = [flow == each.intent for each, (flow, _) in zip(wishes, got, strict=True)]
    known = starting([each.text for each in questions])
    build_s, one_us = _times(lambda: Starting(shop_flows(), encoder, questions).intents, said[0].text, encoder)
    return Figures(
        "demo shop",
        len(starting.intents.names),
        starting.examples,
        {
            "all": _share(right),
            **{
                language: _share([fine for fine, each in zip(right, wishes, strict=True) if each.language == language])
                for language in ("en", "zh")
            },
        },
        _share([flow == each.intent for each, (flow, _) in zip(wishes, likeliest, strict=True)]),
        {
            "known questions": _share([bool(flow) for flow, _ in known]),
            "new questions": _share([bool(flow) for flow in _new(questions, encoder)]),
            "hand-written": _share([bool(flow) for flow, _ in stray]),
        },
        _auroc([chance for _, chance in likeliest], [chance for _, chance in starting([e.text for e in others], 0.0)]),
        build_s,
        one_us,
    )


def _new(questions: Sequence[Example], encoder: Encoder) -> list[str]:
    """The flow that each question starts where its tenth of them was not learnt from."""
    flows, found = shop_flows(), []
    for part in range(_PARTS):
        starting = Starting(flows, encoder, [each for at, each in enumerate(questions) if at % _PARTS != part])
        found += [flow for flow, _ in starting([each.text for each in questions[part::_PARTS]])]
    return found


def labelled(questions: QuestionSet, encoder: Encoder) -> Figures:
    """A set whose entries are intents, with their paraphrases as examples."""
    examples = _examples(questions.documents)
    encoder.encode([text for own in examples.values() for text in own])
    recognise = Intents(examples, encoder)
    texts = [each.text for each in questions.asked]
    wants = [next(iter(each.want), "") for each in questions.asked]
    found = _recognised(recognise, texts, encoder, START)
    any_chance = _recognised(recognise, texts, encoder, 0.0)
    wishes, others = [at for at, want in enumerate(wants) if want], [at for at, want in enumerate(wants) if not want]
    build_s, one_us = _times(lambda: Intents(examples, encoder), texts[0], encoder)
    return Figures(
        questions.name,
        len(examples),
        sum(map(len, examples.values())),
        {"all": _share([found[at][0] == wants[at] for at in wishes])},
        _share([any_chance[at][0] == wants[at] for at in wishes]),
        {"out of scope": _share([bool(found[at][0]) for at in others])} if others else {},
        _auroc([any_chance[at][1] for at in wishes], [any_chance[at][1] for at in others]) if others else None,
        build_s,
        one_us,
    )


def _examples(documents: Sequence[Document]) -> Mapping[str, Sequence[str]]:
    return {
        entry.id: entry.en.paraphrases for document in documents for entry in document.entries if entry.en is not None
    }


def _recognised(recognise: Intents, texts: Sequence[str], encoder: Encoder, start: float) -> list[tuple[str, float]]:
    return recognise.recognise(texts, encoder.encode([without_codes(each) for each in texts]), start)


def _times(build: Any, text: str, encoder: Encoder) -> tuple[float, float]:
    """Seconds to build it where all texts are embedded, microseconds to recognise one utterance that is."""
    began = time.perf_counter()
    recognise: Intents = build()
    built = time.perf_counter()
    vectors = encoder.encode([without_codes(text)])
    recognise.recognise([text], vectors)
    start = time.perf_counter()
    for _ in range(_TIMED):
        recognise.recognise([text], vectors)
    return built - began, 1e6 * (time.perf_counter() - start) / _TIMED


def _share(flags: Sequence[bool]) -> float:
    return float(np.mean(flags)) if flags else float("nan")


def _auroc(wishes: Sequence[float], others: Sequence[float]) -> float:
    """The chance that a wish scores above one that is none; ties count half."""
    high, low = np.array(wishes), np.sort(np.array(others))
    below = np.searchsorted(low, high, side="left") + np.searchsorted(low, high, side="right")
    return float(below.mean() / (2 * len(low)))


def _print(found: list[Figures]) -> None:
    table = Table(
        "set", "intents", "examples", "likeliest is right", f"right, from {START}", "started although none", "AUROC",
        "build", "one", title="Intents from examples",
    )  # fmt: skip
    for each in found:
        table.add_row(
            each.name,
            f"{each.intents}",
            f"{each.examples:,}",
            f"{each.likeliest:.1%}",
            "\n".join(f"{name}: {share:.1%}" for name, share in each.right.items()),
            "\n".join(f"{name}: {share:.1%}" for name, share in each.started.items()) or "-",
            "-" if each.auroc is None else f"{each.auroc:.3f}",
            f"{each.build_s:.2f} s",
            f"{each.one_us:.0f} us",
        )
    console.print(table)


if __name__ == "__main__":
    main()
