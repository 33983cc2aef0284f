"""How good answers are on every question set, beside BM25 alone and a plain classifier, in the same run."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from bench import question_sets as sets
from bench.memo import Memo
from bench.plain_classifier import PlainClassifier
from bench.question_sets import FIXTURES, QuestionSet
from knowledge.evaluating.asking import Asker
from knowledge.evaluating.channels import Channels
from knowledge.evaluating.evaluation import evaluate
from knowledge.evaluating.expected import Wanted
from knowledge.evaluating.local import LocalKnowledge
from knowledge.evaluating.question_file import Asked
from knowledge.evaluating.summary import Summary, label, summarise

_SPLITS = 5


class Figure(Struct, frozen=True):
    """Mean and standard deviation over the splits of a set; `spread` None where there is one split."""

    mean: float
    spread: float | None

    def __str__(self) -> str:
        spread = "" if self.spread is None else f"±{self.spread:.3f}"
        return f"{self.mean:.3f}{spread:6}"


class Row(Struct, frozen=True):
    """One system on one set. `asked`: questions of a split. Figures are None where a set or system has none."""

    set: str
    system: str
    asked: int
    hit_1: Figure | None
    hit_5: Figure | None
    coverage_95: Figure | None
    auroc: Figure | None
    right_of_answered: Figure | None = None
    out_of_scope_answered: Figure | None = None
    calibration_error: Figure | None = None


class _Group(Struct, frozen=True):
    """Splits of one set. `labelled`: a plain classifier can be trained on the entries' questions."""

    name: str
    splits: tuple[Callable[[], QuestionSet], ...]
    labelled: bool = False


def rows(memo: Memo, plain: Memo) -> Iterator[Row]:
    """Kefu, BM25 alone and, where it can be trained, the plain classifier, set by set."""
    for group in _groups():
        began = time.perf_counter()
        kefu: list[Summary] = []
        lexical: list[Summary] = []
        baseline: list[Summary] = []
        for split in group.splits:
            questions = split()
            for into, found in zip((kefu, lexical), _asked_of_kefu(questions, memo), strict=True):
                into.append(found)
            if group.labelled:
                baseline += _summaries(questions, PlainClassifier(questions.documents, plain), ("all",))
        memo.save()
        plain.save()
        yield _row(group.name, "Kefu", kefu)
        yield _row(group.name, "BM25 alone", lexical)
        if baseline:
            yield _row(group.name, PlainClassifier.name, baseline)
        shown = ", ".join(f"{_row('', '', each).hit_1}" for each in (kefu, lexical, baseline) if each)
        sys.stderr.write(f"{group.name}: hit@1 {shown}; {time.perf_counter() - began:.0f} s\n")


def _groups() -> Iterator[_Group]:
    if FIXTURES.exists():
        for examples, name in ((None, "all"), (10, "10 per intent")):
            splits = tuple(_banking(examples, seed) for seed in range(_SPLITS))
            yield _Group(f"banking77, {name}", splits, labelled=True)
        yield _Group("clinc150", (sets.clinc,), labelled=True)
        yield _Group("Chinese help centre, by page", (sets.help_centre,))
    else:
        print(f"skipped: banking77, clinc150 and the Chinese help centre ({FIXTURES} is not there)")
    yield _Group("Chinese bank FAQ", (lambda: sets.faq("bank zh", "zh", "zh_bank"),))
    yield _Group("English FAQ", (lambda: sets.faq("mixed en", "en", "en"),))
    yield _Group("demo shop en, held out", tuple(_shop_en(fold) for fold in range(_SPLITS)))
    yield _Group("demo shop zh, held out", tuple(_shop_zh(fold) for fold in range(_SPLITS)))


def _banking(examples: int | None, seed: int) -> Callable[[], QuestionSet]:
    return lambda: sets.banking(examples, seed)


def _shop_en(fold: int) -> Callable[[], QuestionSet]:
    return lambda: sets.shop_held_out("en", fold)


def _shop_zh(fold: int) -> Callable[[], QuestionSet]:
    return lambda: sets.shop_held_out("zh", fold)


def _asked_of_kefu(questions: QuestionSet, memo: Memo) -> list[Summary]:
    """With all channels, and by BM25 alone."""
    return _summaries(questions, LocalKnowledge(questions.name, questions.documents, memo), ("all", "lexical"))


def _summaries(questions: QuestionSet, asker: Asker, channels: Sequence[Channels]) -> list[Summary]:
    asked = [Asked(questions.name, each.text, tuple(sorted(each.want))) for each in questions.asked]
    documents = {document.id for document in questions.documents}
    wanted = [Wanted(each.want - documents, each.want & documents) for each in questions.asked]
    found, _ = evaluate(asker, asked, [(each, wanted) for each in channels])
    asker.close()
    return [summarise(each, 5) for each in found]


def _row(name: str, system: str, found: Sequence[Summary]) -> Row:
    return Row(
        name,
        system,
        found[0].questions,
        _figure([each.hit_1 for each in found]),
        _figure([each.hit_k for each in found]),
        _figure([each.coverage.get(label(0.95)) for each in found]),
        _figure([each.auroc for each in found]),
        _figure([each.right_of_answered for each in found]),
        _figure([each.out_of_scope_answered for each in found]),
        _figure([each.calibration_error for each in found]),
    )


def _figure(values: Sequence[float | None]) -> Figure | None:
    known = [each for each in values if each is not None]
    if not known:
        return None
    return Figure(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)
