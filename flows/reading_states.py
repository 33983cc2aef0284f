"""A state from YAML: its actions and its transitions."""

from __future__ import annotations

import re
from typing import Any, cast

from documents.hints import did_you_mean, known_are
from documents.nodes import Entries, Node, Place, Scalar
from flows.definition import (
    Action,
    AnswerAction,
    Ask,
    CallTool,
    Close,
    Escalate,
    Reply,
    State,
    Transition,
    Trigger,
)
from flows.node_reading import Nodes

_ACTIONS = {
    "reply": (),
    "ask": ("text", "again"),
    "answer": ("otherwise",),
    "call": ("with", "save", "confirmed"),
    "escalate": (),
    "close": (),
}
_TRIGGER = re.compile(r"(?P<on>[a-z]+)(?:\s+(?P<name>[a-z][a-z0-9_]*|after\s+\d+\s*[a-z]+))?")
_TRIGGERS = {
    "always": False, "ok": False, "failed": False, "slot": True, "intent": True, "changed": True, "timeout": True,
}  # fmt: skip
_FROM_THE_CUSTOMER = ("intent", "changed")
_DURATION = re.compile(r"after\s+(?P<count>\d{1,6})\s*(?P<unit>s|m|h|d)")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_MS = 30 * _UNIT_MS["d"]


def read_state(nodes: Nodes, name: str, node: Node, at: Place) -> State:
    fields = nodes.fields(node, f"state {name}", ("do", "next"))
    actions = (read_action(nodes, each) for each in nodes.items(fields.get("do"), f"state {name}'s do"))
    transitions = (read_transition(nodes, each) for each in nodes.items(fields.get("next"), f"state {name}'s next"))
    return State(name, tuple(filter(None, actions)), tuple(filter(None, transitions)), at)


def read_action(nodes: Nodes, node: Node) -> Action | None:
    """`- close` alone is a word; all others are mappings with one of the actions' names as a key."""
    if isinstance(node, Scalar) and node.text == "close":
        return Close(at=node.at)
    if not isinstance(node, Entries):
        nodes.problems.add(node.at, f"an action must be one of {', '.join(_ACTIONS)}, such as '- ask: order_number'")
        return None
    kinds = [key for key, _ in node.pairs() if key.text in _ACTIONS]
    if len(kinds) != 1:
        if kinds:
            nodes.problems.add(node.at, f"one action at a time: begin a new '- ' before {kinds[1].text!r}")
        elif first := next(iter(node.keys.values()), None):
            nodes.problems.add(first.at, f"no action {first.text!r}{known_are(first.text, _ACTIONS)}")
        return None
    kind = kinds[0].text
    return _action(nodes, kind, nodes.fields(node, kind, (kind, *_ACTIONS[kind])))


def _action(nodes: Nodes, kind: str, fields: Entries) -> Action:
    main, at = fields.get(kind), fields.at
    match kind:
        case "reply":
            return Reply(nodes.texts(main, "reply"), at)
        case "ask":
            text = nodes.texts(fields.get("text"), "ask's text") or None
            return Ask(nodes.name(main, "ask"), text, nodes.flag(fields.get("again"), "again"), at)
        case "answer":
            said = isinstance(main, Scalar) and main.text == "utterance"
            question = None if said else nodes.texts(main, 'answer (or "utterance")')
            return AnswerAction(question, nodes.texts(fields.get("otherwise"), "otherwise") or None, at)
        case "call":
            save = nodes.name(fields.get("save"), "save") if fields.get("save") else "result"
            confirmed = nodes.expression(fields.get("confirmed"), "confirmed")
            return CallTool(nodes.text(main, "call"), _arguments(nodes, fields.get("with")), save, confirmed, at)
        case "escalate":
            return Escalate(nodes.text(main, "escalate (a reason for the person who takes over)"), at)
        case _:
            empty = isinstance(main, Scalar) and main.text in ("", "null", "~")
            return Close(None if empty else nodes.texts(main, "close"), at)


def _arguments(nodes: Nodes, node: Node | None) -> dict[str, Any]:
    if node is None:
        return {}
    if not isinstance(node, Entries):
        nodes.problems.add(node.at, "with must be a mapping from the tool's arguments to values")
        return {}
    return cast(dict[str, Any], nodes.json(node, "with"))


def read_transition(nodes: Nodes, node: Node, anywhere: bool = False) -> Transition | None:
    fields = nodes.fields(node, "a transition", ("on", "if", "to"), required=("on", "to"))
    on = fields.get("on")
    to = nodes.name(fields.get("to"), "to")
    guard = nodes.expression(fields.get("if"), "if")
    text = nodes.text(on, "on")
    if on is None or not text or not to:
        return None
    match = _TRIGGER.fullmatch(text.strip())
    kind = match["on"] if match else text.split()[0]
    if match is None or kind not in _TRIGGERS or (match["name"] is not None) != _TRIGGERS[kind]:
        nodes.problems.add(on.at, f"on cannot be {text!r}{_trigger_hint(kind)}")
        return None
    if anywhere and kind not in _FROM_THE_CUSTOMER:
        nodes.problems.add(on.at, "anywhere is for what customers do: on: intent <name>, on: changed <slot>")
        return None
    after_ms = _duration(nodes, match["name"], on) if kind == "timeout" else 0
    name = match["name"] or ""
    return Transition(cast(Trigger, kind), to, "" if kind == "timeout" else name, after_ms, guard, fields.at)


def _trigger_hint(kind: str) -> str:
    forms = "always, ok, failed, slot <name>, intent <name>, changed <slot>, timeout after 30m"
    return (did_you_mean(kind, _TRIGGERS) if kind not in _TRIGGERS else "") or f"; write one of: {forms}"


def _duration(nodes: Nodes, text: str, on: Node) -> int:
    match = _DURATION.fullmatch(text)
    after = int(match["count"]) * _UNIT_MS[match["unit"]] if match else 0
    if not 0 < after <= _LONGEST_MS:
        nodes.problems.add(on.at, "a timeout is like 'timeout after 30m', of s, m, h or d, at most 30d")
    return after
