"""A slot from YAML."""

from __future__ import annotations

import re
from typing import cast, get_args

from documents.nodes import Node, Place
from flows import patterns
from flows.definition import Choice, Slot, SlotType
from flows.node_reading import Nodes
from flows.phrases import bare, plain

TYPES: tuple[str, ...] = get_args(SlotType)
_COMMON = ("type", "ask", "retry", "check", "error")
_OWN = {
    "pattern": ("pattern", "form"),
    "choice": ("choices",),
    "date": ("prefer",),
    "text": ("pattern", "form", "longest"),
}
_MOST_CHOICES = 50
_GROUP = re.compile(r"\{(\d+)\}")


def read_slot(nodes: Nodes, name: str, node: Node, at: Place) -> Slot:
    what = f"slot {name}"
    every = (*_COMMON, *dict.fromkeys(key for keys in _OWN.values() for key in keys))
    fields = nodes.fields(node, what, every, required=("type", "ask"))
    type = nodes.one_of(fields.get("type"), f"{what}'s type", TYPES, "text")
    for key, _ in fields.pairs():
        if key.text in every and key.text not in (*_COMMON, *_OWN.get(type, ())):
            nodes.problems.add(key.at, f"{what} is of type {type}, which has no {key.text!r}")
    if type in ("pattern", "choice") and fields.get(needed := _OWN[type][0]) is None:
        nodes.problems.add(at, f"{what} of type {type} needs {needed!r}")
    pattern = _pattern(nodes, what, fields.get("pattern"))
    form = _form(nodes, what, fields.get("form"), pattern)
    if fields.get("error") is not None and fields.get("check") is None:
        nodes.problems.add(at, f"{what} has an error text but no check")
    prefer = nodes.one_of(fields.get("prefer"), f"{what}'s prefer", ("nearest", "past", "future"), "nearest")
    return Slot(
        name=name,
        type=cast(SlotType, type),
        ask=nodes.texts(fields.get("ask"), f"{what}'s ask"),
        retry=nodes.texts(fields.get("retry"), f"{what}'s retry") or None,
        check=nodes.expression(fields.get("check"), f"{what}'s check"),
        error=nodes.texts(fields.get("error"), f"{what}'s error") or None,
        pattern=pattern,
        form=form,
        choices=_choices(nodes, what, fields.get("choices")),
        prefer=prefer,  # type: ignore[arg-type]
        longest=nodes.integer(fields.get("longest"), f"{what}'s longest", 200, 1, 1000),
        at=at,
    )


def _choices(nodes: Nodes, what: str, node: Node | None) -> tuple[Choice, ...]:
    found = tuple(
        _choice(value, nodes.phrases(names, f"{what}'s choice {value}"))
        for value, names, _ in nodes.named(node, f"{what}'s choices")
    )
    if node is not None and not 2 <= len(found) <= _MOST_CHOICES:
        nodes.problems.add(node.at, f"{what} needs 2 to {_MOST_CHOICES} choices")
    return found


def _choice(value: str, names: dict[str, tuple[str, ...]]) -> Choice:
    """Of each language's names the first is the label."""
    spoken = dict.fromkeys(bare(plain(name)) for each in names.values() for name in each)
    labels = {language: each[0] for language, each in names.items() if each}
    return Choice(value, labels, tuple(name for name in spoken if name))


def _pattern(nodes: Nodes, what: str, node: Node | None) -> str:
    """A regular expression that can be used, else ""."""
    if node is None or not (pattern := nodes.text(node, f"{what}'s pattern")):
        return ""
    if not (told := patterns.wrong(pattern)):
        return pattern
    nodes.problems.add(node.at, f"{what}'s pattern {told}")
    return ""


def _form(nodes: Nodes, what: str, node: Node | None, pattern: str) -> str:
    form = nodes.text(node, f"{what}'s form")
    if node is not None and form and pattern:
        groups = patterns.groups(pattern)
        if not (used := _GROUP.findall(form)) or any(int(number[:6]) > groups for number in used):
            nodes.problems.add(node.at, f"{what}'s form must use groups of the pattern, {{0}} to {{{groups}}}")
    return form
