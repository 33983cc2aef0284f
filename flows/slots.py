"""The value of a slot in what a customer says.

A slot that was asked for takes what fits. One that was not takes only what can hardly mean anything else: so a
customer who says everything at once is not asked again, and nobody is held to a word said in passing.
"""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

import regex

from flows.dates import find_date
from flows.definition import Choice, Flow, Slot, SlotType
from flows.numbers import find_amount, find_number, find_phone
from flows.patterns import search
from flows.phrases import LONGEST, bare, consent, is_question, plain, yes_or_no

# Whatever else an utterance is, a value of these in it is meant as one.
PLAIN_TYPES: frozenset[SlotType] = frozenset({"pattern", "email", "phone"})
# Never taken from an utterance that was not an answer to the slot's question.
_ASKED_ONLY: frozenset[SlotType] = frozenset({"number", "yes_no"})
# Two slots of such a type cannot be told apart without asking.
_LIKE_ONE_ANOTHER: frozenset[SlotType] = frozenset({"amount", "date", "email", "phone"})

_EMAIL = regex.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+"
    r"[A-Za-z]{2,24}(?![A-Za-z0-9-])",
)
_LONGEST_EMAIL = 254
_EMAIL_TIMEOUT_S = 0.02
_NOT = regex.compile(
    r"(?:\b(?:not|isn't|wasn't|no|never|without|aren't|weren't)(?: (?:really|at all|a|an|the|it|because))?\s+"
    r"|[没不非未无]是?)$"
)
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1,
    "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "最后一": -1,
}  # fmt: skip
_NUMBERED = regex.compile(
    r"(?:the |option |number |no |#)*(?P<n>\d{1,2}|first|second|third|fourth|fifth|last)(?:st|nd|rd|th)?"
    r"(?: (?:one|option))?"
    r"|(?:选项?|选择)?第?(?P<n>\d{1,2}|[一二三四五六七八九]|最后一)(?:个|项|种|号)?"
)


class Heard(NamedTuple):
    """An utterance made ready once for all slots. `said`: as it was; `text` in NFKC, `plain` in lower case too;
    `asks`: it is a question; `today`: see `day_of`."""

    said: str
    text: str
    plain: str
    asks: bool
    today: int


def hear(said: str, today: int) -> Heard:
    kept = said if said.isascii() else said.encode("utf-8", "replace").decode()
    text = " ".join(unicodedata.normalize("NFKC", kept[: LONGEST * 2]).split())[:LONGEST]
    lowered = plain(text)
    return Heard(kept, text, lowered, is_question(lowered), today)


def findable(flow: Flow, slot: Slot, awaited: str) -> bool:
    """Whether the slot may be filled by an utterance that answers the question for `awaited` (or none)."""
    if slot.name == awaited:
        return True
    if slot.type in _ASKED_ONLY or (slot.type == "text" and not slot.pattern):
        return False
    alike = slot.type in _LIKE_ONE_ANOTHER and sum(each.type == slot.type for each in flow.slots.values()) > 1
    return not alike


def find(slot: Slot, heard: Heard, asked: bool) -> Any:
    """The slot's value in the utterance as JSON, or None. Never raises."""
    match slot.type:
        case "pattern":
            return _by_pattern(slot, heard.text)
        case "choice":
            return _choice(slot.choices, heard.plain, asked)
        case "number":
            return find_number(heard.plain)
        case "amount":
            return find_amount(heard.plain, asked)
        case "date":
            return find_date(heard.plain, heard.today, slot.prefer)
        case "email":
            return _email(heard.text)
        case "phone":
            return find_phone(heard.plain, asked)
        case "yes_no":
            understood = consent(heard.plain) if slot.consent else yes_or_no(heard.plain)
            return {"1": True, "2": False}.get(heard.plain, understood)
        case "text":
            found = _by_pattern(slot, heard.text) if slot.pattern else None
            found = found or (heard.text if asked else "")
            return found[: slot.longest].strip() or None


def _by_pattern(slot: Slot, text: str) -> str | None:
    groups = search(slot.pattern, text)
    if groups is None:
        return None
    if slot.form:
        return formed(slot.form, groups) or None
    return next((group for group in groups[1:] if group), groups[0]).strip() or None


def formed(form: str, groups: list[str]) -> str:
    """ "KF-{1}" with the first group put in."""
    for number, group in enumerate(groups):
        form = form.replace(f"{{{number}}}", group)
    return form


def _email(text: str) -> str | None:
    try:
        match = _EMAIL.search(text, timeout=_EMAIL_TIMEOUT_S)
    except TimeoutError:
        return None
    if match is None or len(match[0]) > _LONGEST_EMAIL:
        return None
    local, _, domain = match[0].rpartition("@")
    return f"{local}@{domain.lower()}"


def _choice(choices: tuple[Choice, ...], text: str, asked: bool) -> str | None:
    """The one choice that is named and not denied; asked, also its number among those offered."""
    words = bare(text)
    if asked and (match := _NUMBERED.fullmatch(words)):
        number = _ORDINALS.get(match["n"]) or (int(match["n"]) if match["n"].isdecimal() else 0)
        if 1 <= number <= len(choices):
            return choices[number - 1].value
        return choices[-1].value if number == -1 else None
    found = [
        (at, at + len(name), choice.value)
        for choice in choices
        for name in choice.spoken
        if (at := _named(name, words)) >= 0
    ]
    # "not damaged" is not "damaged"; "wrong item" within "wrong item colour" is only the longer of the two.
    meant = {
        value
        for start, end, value in found
        if not any((a <= start and end <= b) and b - a > end - start for a, b, _ in found)
        and not _NOT.search(words[:start])
    }
    return meant.pop() if len(meant) == 1 else None


def _named(name: str, words: str) -> int:
    """Where it is said in full words (Chinese has no spaces to go by), or -1."""
    at = words.find(name)
    while at >= 0:
        end = at + len(name)
        begins = at == 0 or not (_latin(words[at - 1]) and _latin(name[0]))
        if begins and (end == len(words) or not (_latin(words[end]) and _latin(name[-1]))):
            return at
        at = words.find(name, at + 1)
    return -1


def _latin(sign: str) -> bool:
    return sign.isalnum() and not "\u3400" <= sign <= "\u9fff"
