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
from guardrails.signals_en import ENGLISH_ORDERS
from guardrails.signals_en_extraction import ENGLISH_EXTRACTION
from guardrails.signals_en_style import ENGLISH_STYLE
from guardrails.signals_other import OTHERS
from guardrails.signals_zh import CHINESE
from guardrails.tokens import SPECIAL

CERTAIN, SUSPECTED = 0.75, 0.5

_AIMS: tuple[Aim, ...] = ("injection", "extraction")
# Characters of a document that are weighed together; windows overlap by half.
_WINDOW = 800

_SIGNALS: tuple[Signal, ...] = (*SPECIAL, *ENGLISH_ORDERS, *ENGLISH_STYLE, *ENGLISH_EXTRACTION, *CHINESE, *OTHERS)


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
# With less doubt than this, more signs change nothing.
_NO_DOUBT = 0.04
# Below this length nothing is said of style, so signals alone must reach a suspicion.
_LONG = 160
# Decoded once more than this, a text is noise.
_MOST_READINGS, _MOST_READ = 8, 4_000
# Words that steer somebody's answers: one or two are said to any service, dozens only to a model.
_STEERING = re.compile(
    r"\b(?:you (?:will|must|should|shall|can|cannot|are|may|have|do|don't|never|always)|your (?:response|answer"
    r"|repl|role|task|goal|output|character|personality|job|prompt)\w*"
    r"|always|never|(?:do not|don't|must not) \w+|respond|reply|answer|i will|prompts?|character|user|output"
    r"|instructions?|persona)\b"
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
    if plain.get("injection", 0.0) < 1 - _NO_DOUBT:
        _judge_disguised(text, folded, plain, best, style=True)
    return _worth_telling(text, best)


def suspicions_of_document(text: str) -> tuple[Suspicion, ...]:
    """Of what a document says. Documents steer their readers, too, and are long: the style says nothing, and only
    signs that stand close together are weighed together."""
    folded = fold(text)
    best: dict[Aim, Suspicion] = {}
    plain: dict[Aim, float] = {}
    for window in _parts(folded, whole=False):
        for aim, sure in _judge(window, 0.0, "", best, {}, style=False).items():
            plain[aim] = max(sure, plain.get(aim, 0.0))
    _judge_disguised(text, folded, plain, best, style=False)
    return _worth_telling(text, best)


def _parts(folded: Folded, *, whole: bool) -> Iterator[Folded]:
    if whole or len(folded.text) <= _WINDOW:
        yield folded
        return
    for start in range(0, len(folded.text) - _WINDOW // 2, _WINDOW // 2):
        yield Folded(folded.text[start : start + _WINDOW], folded.disguised)


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
        for part in _parts(fold(reading.text), whole=style):
            _judge(part, 0.4, reading.how, best, plain, style=style)


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
    doubt = 1.0
    for each in sorted(candidates.values(), key=_heavy_first):
        if each.group not in found and (match := each.pattern.search(folded)):
            found[each.group] = (each.weight, match.group(), each.aim)
            doubt *= 1 - each.weight
            if doubt < _NO_DOUBT and _speaks_to_model(found):
                break
    if not found:
        return {}
    speaks_to_model = _speaks_to_model(found)
    if style and len(folded) > _LONG:
        found["steering"] = (_steering(folded) * (1 if speaks_to_model else 0.4), "", "injection")
    injection = _weigh(each for each in found.values() if each[2] == "injection")
    extraction = _weigh(found.values())
    weighed: dict[Aim, tuple[float, str]] = {}
    if any(each[2] == "injection" for each in found.values()):
        weighed["injection"] = injection if speaks_to_model else (min(injection[0], _MOST_OF_ANGER), injection[1])
    if "extract" in found:
        weighed["extraction"] = (
            extraction if found["extract"][0] >= _CLEAR else (found["extract"][0], found["extract"][1])
        )
    return weighed


# What a customer who is furious, or tells a story, can come to without having a model in mind.
_MOST_OF_ANGER = 0.7
_CLEAR = 0.55
_OF_MODELS_ALONE = frozenset(
    {"override", "override_code", "new_orders", "unbound", "jailbreak", "tokens", "addressed", "character", "concat"}
    | {"attackers_question", "markers"}
)
_OF_MODELS_TOGETHER = frozenset(
    {"role", "persona", "machine", "unfiltered", "refusal", "character", "jailbreak", "unbound", "override", "extract"}
)


def _speaks_to_model(found: dict[str, tuple[float, str, Aim]]) -> bool:
    """One sign that nobody else would be told, or two that could each be chance. Orders, threats and strong words
    are none: people say them to people."""
    if any(weight >= _CLEAR and group in _OF_MODELS_ALONE for group, (weight, _, _) in found.items()):
        return True
    return len(found.keys() & _OF_MODELS_TOGETHER) >= 2 or ("role" in found and len(found) >= 4)


def _stems(folded: str) -> Iterator[str]:
    """Those that occur: hundreds are ruled out by one intersection, which keeps ordinary questions cheap."""
    grams = {folded[at : at + 4] for at in range(len(folded) - 3)}
    starts = grams & _STARTS.keys() if len(grams) < len(_STARTS) else _STARTS.keys() & grams
    for start in starts:
        for stem in _STARTS[start]:
            if stem in folded:
                yield stem
    for stem in _SHORT:
        if stem in folded:
            yield stem
    if not folded.isascii():
        letters = set(folded)
        for stem in _OTHER:
            if stem[0] in letters and stem in folded:
                yield stem


def _heavy_first(each: Signal) -> float:
    return -each.weight


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
