"""What a reply may rest on, with every fact in it by value."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

from guardrails import identifiers
from guardrails.dates import clock_times, dates
from guardrails.facts import Fact, Kind, Text, fact
from guardrails.numerals import ANY, FIGURES, any_values, key, values
from guardrails.quantities import amount_keys, durations, money, percentages


class Grounding(Struct, frozen=True):
    """`passages`: what knowledge found. `results`: tools' results, JSON text. `customer`: the customer's own words.
    `given`: what a tool was asked (arguments, slots), JSON or plain text.

    `customer` and `given` support numbers, dates, identifiers and the like, but no promise.
    """

    passages: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


class Ground(Struct, frozen=True):
    """A grounding, read. `supports`: keys by kind. `sentences`: whole sentences that may be repeated word for word.
    `passages`: sentences of passages; `results`: each result; both in lower case."""

    supports: dict[Kind, frozenset[str]]
    sentences: frozenset[str]
    passages: tuple[str, ...]
    results: tuple[str, ...]


_BREAK = re.compile(r"(?<=[.!?;])[\s\"')\]]+(?=\S)|(?<=。)|(?<=[!?;])(?=[\u3040-\u9fff])|\n+")
_ANY_NUMBER = re.compile(rf"(?<![A-Za-z0-9_.]){ANY}", re.I)
_BARE_NUMBER = re.compile(rf"(?<![A-Za-z0-9_.,]){FIGURES}(?![A-Za-z0-9_])")
# What numbers a list, a step or a source is no fact.
_MARKERS = re.compile(
    r"(?m)^[ \t>*-]{0,6}(?:\d{1,2}[.)、．:：]|[(（]\d{1,2}[)）])(?!\d)|\[\d{1,2}\]|\b(?:step|option|method|part"
    r"|section|point|question|no\.)\s?\d{1,2}\b(?!\s?[%$€£])"
    r"|第\s?\d{1,2}\s?[步点条项种个]|(?:步骤|方法|方案|选项|方式)\s?\d{1,2}|\b24\s?/\s?7\b|7\s?[*x×]\s?24(?:小时)?",
    re.I,
)


def normal(text: str) -> str:
    """Half width, and without the characters that cannot be encoded."""
    # A full-width comma ends a clause; as a plain one it would join the figures around it.
    apart = text.encode("utf-8", "replace").decode().replace("，", ", ").replace("、", ", ").replace("\u202f", "'")
    return unicodedata.normalize("NFKC", apart)


def sentences(text: str) -> list[str]:
    return [each for part in _BREAK.split(text) if (each := part.strip())]


def same(sentence: str) -> str:
    """One spelling of a sentence, to find it again."""
    return " ".join(sentence.casefold().split()).strip(" .。!！*-•")


def facts(text: str) -> Iterator[Fact]:
    """Every fact of a text that is already `normal`."""
    return _facts(_unmarked(text))


def _unmarked(text: str) -> Text:
    return Text(_MARKERS.sub(lambda match: "\x1f" * len(match.group()), text))


def _facts(taken: Text) -> Iterator[Fact]:
    """In an order that matters: a date is no number, a price no date."""
    yield from identifiers.emails(taken)
    yield from identifiers.addresses(taken)
    yield from identifiers.named(taken)
    yield from dates(taken)
    yield from clock_times(taken)
    yield from identifiers.phones(taken)
    yield from money(taken)
    yield from percentages(taken)
    yield from durations(taken)
    yield from identifiers.tokens(taken)
    for match in taken.take(_BARE_NUMBER):
        yield fact("number", match, {key(each) for each in values(match.group())})
        taken.drop(*match.span())


@lru_cache(64)
def read(grounding: Grounding) -> Ground:
    """Remembered: one grounding is asked about a reply, its repair, and the answer that is shown instead."""
    results = tuple(map(_flattened, grounding.results))
    supports: dict[Kind, set[str]] = {}
    for text in (*grounding.passages, *results, *grounding.customer, *map(_flattened, grounding.given)):
        for kind, keys in _supports_of(text).items():
            supports.setdefault(kind, set()).update(keys)
    whole = [sentence for text in grounding.passages for sentence in sentences(normal(text))]
    told = [sentence for text in grounding.results for sentence in _strings(normal(text))]
    return Ground(
        {kind: frozenset(keys) for kind, keys in supports.items()},
        frozenset(map(same, (*whole, *told))),
        tuple(each.lower() for each in whole),
        tuple(each.lower() for each in results),
    )


@lru_cache(512)
def _supports_of(text: str) -> dict[Kind, set[str]]:
    """Of one text, remembered: a conversation's texts come again with every turn."""
    supports: dict[Kind, set[str]] = {}
    for kind, keys in _supports(normal(text)):
        supports.setdefault(kind, set()).update(keys)
    return supports


def _supports(text: str) -> Iterator[tuple[Kind, frozenset[str]]]:
    taken = _unmarked(text)
    for each in _facts(taken):
        yield each.kind, amount_keys(each) if each.kind == "amount" else each.supports
        if each.kind in ("amount", "percentage"):
            # The unit may be left out where it is understood.
            yield "number", frozenset(said.partition("|")[0] for said in each.said)
        elif each.kind == "number":
            # A bare number of a table or a result may be an amount, in any currency.
            yield "amount", frozenset(f"{said}|" for said in each.said)
        elif each.kind == "date":
            # A date without its year may be given one that is known otherwise.
            yield "date", frozenset(f"any year:{said}" for said in each.said if said.startswith("*-"))
        elif each.kind == "link":
            yield "link", frozenset(identifiers.host_of_key(said) for said in each.said)
    yield "order_number", identifiers.every_token(text)
    yield "phone", frozenset(each for each in identifiers.every_token(text) if each.isdigit() and len(each) >= 7)
    # "three lamps" is a ground for "3 lamps".
    left = (value for match in _ANY_NUMBER.finditer(taken.rest) for value in any_values(match.group()))
    yield "number", frozenset(map(key, left))


# -- tools' results ----------------------------------------------------------------------------------------------
_MONEYED = re.compile(r"price|amount|total|fee|cost|balance|refund|paid|charge|credit|金额|价|费|余额", re.I)
_CENTS = re.compile(r"cents|minor|分\Z", re.I)
_UNIT = re.compile(r"((?:business|working)[_ ]?)?(day|hour|minute|week|month|year|second)s?\Z", re.I)
_PERCENT = re.compile(r"percent|pct", re.I)
_MOST_LEAVES = 20_000


def _loaded(text: str) -> Any:
    """Numbers stay as they were written."""
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def _flattened(text: str) -> str:
    """A line for each value, with the unit that its name or its neighbour gives it; text that is no JSON as it is."""
    text = normal(text)
    root = _loaded(text)
    return text if root is None else "\n".join(_lines(root))


def _lines(root: Any) -> Iterator[str]:
    waiting: list[tuple[str, Any, str]] = [("", root, "")]
    for _ in range(_MOST_LEAVES):
        if not waiting:
            return
        name, value, currency = waiting.pop()
        if isinstance(value, dict):
            own = next(
                (each for label, each in value.items() if "currency" in label.lower() and isinstance(each, str)),
                currency,
            )
            waiting += [(f"{name} {label}".strip()[-80:], each, own) for label, each in reversed(value.items())]
        elif isinstance(value, list):
            yield f"{name}: {len(value)}"
            waiting += [(name, each, currency) for each in reversed(value)]
        elif isinstance(value, str):
            yield from _line(name, value, currency)
        else:
            yield f"{name}: {json.dumps(value)}"


def _line(name: str, value: str, currency: str) -> Iterator[str]:
    if not re.fullmatch(FIGURES, value):
        yield f"{name}: {value}"
    elif _CENTS.search(name):
        yield f"{name}: {' , '.join(f'{key(each / 100)} {currency}' for each in values(value))}"
    elif currency and _MONEYED.search(name):
        yield f"{name}: {value} {currency}"
    elif unit := _UNIT.search(name):
        yield f"{name}: {value} {'business ' if unit[1] else ''}{unit[2]}s"
    elif _PERCENT.search(name):
        yield f"{name}: {value}%"
    else:
        yield f"{name}: {value}"


def _strings(text: str) -> Iterator[str]:
    root = _loaded(text)
    if root is None:
        yield from sentences(text)
        return
    for line in _lines(root):
        yield from sentences(line.partition(": ")[2])
