"""How certain it is that text gives orders to the model: independent signals, weighed together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from math import prod

from msgspec import Struct

from guardrails import decoding
from guardrails.folding import Folded, fold
from guardrails.signals import Aim, Signal
from guardrails.signals_en import ENGLISH
from guardrails.signals_other import OTHERS
from guardrails.signals_zh import CHINESE
from guardrails.tokens import SPECIAL

CERTAIN, SUSPECTED = 0.75, 0.5

_AIMS: tuple[Aim, ...] = ("injection", "extraction")
# Characters of a document that are weighed together; windows overlap by half.
_WINDOW = 800

_SIGNALS: tuple[Signal, ...] = (*SPECIAL, *ENGLISH, *CHINESE, *OTHERS)


def _index() -> tuple[dict[str, tuple[str, ...]], tuple[str, ...], tuple[str, ...], dict[str, tuple[Signal, ...]]]:
    """ASCII stems by their first four characters; shorter ones; those of other scripts; signals by stem."""
    signals: dict[str, list[Signal]] = {}
    for each in _SIGNALS:
        for stem in each.stems:
            signals.setdefault(stem, []).append(each)
    starts: dict[str, list[str]] = {}
    for stem in signals:
        if stem.isascii() and len(stem) >= 4:
            starts.setdefault(stem[:4], []).append(stem)
    short = tuple(stem for stem in signals if stem.isascii() and len(stem) < 4)
    other = tuple(stem for stem in signals if not stem.isascii())
    return (
        {start: tuple(stems) for start, stems in starts.items()},
        short,
        other,
        {stem: tuple(each) for stem, each in signals.items()},
    )


_STARTS, _SHORT, _OTHER, _BY_STEM = _index()
# Below this length nothing is said of style, so signals alone must reach a suspicion.
_LONG = 160
# Decoded once more than this, a text is noise.
_MOST_READINGS, _MOST_READ = 8, 8_000
# Words that steer somebody's answers: one or two are said to any service, dozens only to a model.
_STEERING = re.compile(
    r"\b(?:you (?:will|must|should|shall|can|cannot|are|may|have|do|don't|never|always)|your (?:response|answer|repl|role|task|goal|output|character|personality|job|prompt)\w*"
    r"|always|never|(?:do not|don't|must not) \w+|respond|reply|answer|i will|prompts?|character|user|output|instructions?|persona)\b"
    r"|你(?:要|必须|将|可以|不能|应该|需要|会|的(?:回答|任务|角色|目标))|必须|不要|始终|绝不|请(?:用|以|按)|回答|用户"
)


class Suspicion(Struct, frozen=True):
    """`certainty`: probability that the text is an attack. `words`: what says so. `aim`: steer or read the model."""

    aim: Aim
    certainty: float
    words: str


def suspicions(text: str) -> tuple[Suspicion, ...]:
    """Of what a customer says: at most one of each aim; empty for text without any sign."""
    folded = fold(text)
    best: dict[Aim, Suspicion] = {}
    plain = _judge(folded, 0.0, "", best, {})
    _judge_disguised(text, folded, plain, best, style=True)
    return _worth_telling(text, best)


def suspicions_of_document(text: str) -> tuple[Suspicion, ...]:
    """Of what a document says. Documents steer their readers, too, and are long: the style says nothing, and only
    signs that stand close together are weighed together."""
    folded = fold(text)
    best: dict[Aim, Suspicion] = {}
    plain: dict[Aim, float] = {}
    for start in range(0, max(len(folded.text), 1), _WINDOW // 2):
        window = Folded(folded.text[start : start + _WINDOW], folded.disguised)
        for aim, sure in _judge(window, 0.0, "", best, {}, style=False).items():
            plain[aim] = max(sure, plain.get(aim, 0.0))
    _judge_disguised(text, folded, plain, best, style=False)
    return _worth_telling(text, best)


def _judge_disguised(
    text: str, folded: Folded, plain: dict[Aim, float], best: dict[Aim, Suspicion], *, style: bool
) -> None:
    if folded.hidden:
        # Nobody types characters that cannot be seen.
        _keep(best, Suspicion("injection", 0.9, f"unseen characters: {folded.hidden}"))
        _judge(fold(folded.hidden), 0.5, "unseen characters", best, plain, style=style)
    read = 0
    for reading in islice(decoding.readings(text, folded.text), _MOST_READINGS):
        read += len(reading.text)
        if read > _MOST_READ:
            break
        _judge(fold(reading.text), 0.4, reading.how, best, plain, style=style)


def _worth_telling(text: str, best: dict[Aim, Suspicion]) -> tuple[Suspicion, ...]:
    found = (best[aim] for aim in _AIMS if aim in best)
    return tuple(_as_written(text, each) for each in found if each.certainty >= SUSPECTED)


def _as_written(text: str, found: Suspicion) -> Suspicion:
    """With the words as the customer wrote them, where they stand so in the text."""
    at = text.lower().find(found.words) if found.words else -1
    return found if at < 0 else Suspicion(found.aim, found.certainty, text[at : at + len(found.words)])


def certainty(folded: str, *, style: bool = True) -> dict[Aim, tuple[float, str]]:
    """By aim: probability, and the words of the heaviest signal."""
    heaviest: dict[str, float] = {}
    candidates: dict[int, Signal] = {}
    for stem in _stems(folded):
        for each in _BY_STEM[stem]:
            candidates[id(each)] = each
            if each.weight > heaviest.get(each.group, 0.0):
                heaviest[each.group] = each.weight
    if not heaviest or (
        not (style and len(folded) > _LONG) and 1 - prod(1 - weight for weight in heaviest.values()) < SUSPECTED
    ):
        return {}
    found: dict[str, tuple[float, str, Aim]] = {}
    for each in sorted(candidates.values(), key=lambda each: -each.weight):
        if each.group not in found and (match := each.pattern.search(folded)):
            found[each.group] = (each.weight, match.group(), each.aim)
    if not found:
        return {}
    if style and len(folded) > _LONG:
        found["steering"] = (_steering(folded), "", "injection")
    return {
        aim: weighed
        for aim in _AIMS
        if (weighed := _weigh(each for each in found.values() if aim in ("extraction", each[2])))[0] > 0
        and any(each[2] == aim for each in found.values())
    }


def _stems(folded: str) -> Iterator[str]:
    """Those that occur: hundreds are ruled out by one intersection, which keeps ordinary questions cheap."""
    grams = {folded[at : at + 4] for at in range(len(folded) - 3)}
    for start in grams & _STARTS.keys() if len(grams) < len(_STARTS) else _STARTS.keys() & grams:
        for stem in _STARTS[start]:
            if stem in folded:
                yield stem
    for stem in _SHORT:
        if stem in folded:
            yield stem
    if not folded.isascii():
        for stem in _OTHER:
            if stem in folded:
                yield stem


def _steering(folded: str) -> float:
    """0 to 0.75 by how many steering words there are, and by how much of the text they make up."""
    count = len(_STEERING.findall(folded))
    per_100 = count * 600 / (len(folded) + 600)
    return 0.0 if count < 4 else min(0.75, 0.08 * per_100)


def _weigh(found: Iterable[tuple[float, str, Aim]]) -> tuple[float, str]:
    doubt, heaviest, words = 1.0, 0.0, ""
    for weight, excerpt, _ in found:
        doubt *= 1 - weight
        if weight > heaviest and excerpt:
            heaviest, words = weight, excerpt
    return 1 - doubt, words


def _judge(
    folded: Folded,
    head_start: float,
    how: str,
    best: dict[Aim, Suspicion],
    plain: dict[Aim, float],
    *,
    style: bool = True,
) -> dict[Aim, float]:
    """`head_start`: what a disguise adds to a suspicion which its content has raised, and which the text as it
    stands (`plain`) has not. Returns certainties by content alone."""
    found = certainty(folded.text, style=style)
    for aim, (sure, words) in found.items():
        if head_start and (sure < SUSPECTED or sure <= plain.get(aim, 0.0) + 0.05):
            continue
        doubt = (1 - sure) * (1 - head_start) * (0.6 ** min(folded.disguised, 3) if sure >= 0.3 else 1)
        _keep(best, Suspicion(aim, 1 - doubt, f"{how}: {words}" if how else words))
    return {aim: sure for aim, (sure, _) in found.items()}


def _keep(best: dict[Aim, Suspicion], found: Suspicion) -> None:
    if found.aim not in best or best[found.aim].certainty < found.certainty:
        best[found.aim] = found
