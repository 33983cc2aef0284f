"""A flow as a Mermaid state diagram."""

from __future__ import annotations

from collections.abc import Iterator

from flows.definition import (
    Action,
    AnswerAction,
    Ask,
    CallTool,
    Close,
    Escalate,
    Flow,
    Reply,
    State,
    Texts,
    Transition,
)
from flows.expressions import Expression

_LONGEST = 60  # characters of a label
# Written as Mermaid's own entities; letters, digits, and all that is not ASCII cannot end a label.
_HARMLESS = frozenset(" _.,'/+-*!()")
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"))


def mermaid(flow: Flow) -> str:
    """stateDiagram-v2: a box per state with its actions, an arrow per transition with trigger and condition."""
    lines = ["stateDiagram-v2", f"    [*] --> {_id(flow.start)} : {_label(', '.join(flow.start_intents))}"]
    for state in flow.states.values():
        lines.append(f'    state "{_label(state.name)}" as {_id(state.name)}')
        lines.extend(f"    {_id(state.name)} : {_label(_action(action, flow))}" for action in state.do)
        lines.extend(_ways(state))
    if flow.anywhere or flow.misses_to:
        lines.append('    state "anywhere" as anywhere')
    lines.extend(f"    anywhere --> {_id(each.to)} : {_label(_trigger(each))}" for each in flow.anywhere)
    if flow.misses_to:
        lines.append(f"    anywhere --> {_id(flow.misses_to)} : {flow.max_misses} useless answers")
    return "\n".join(lines) + "\n"


def _ways(state: State) -> Iterator[str]:
    for each in state.next:
        yield f"    {_id(state.name)} --> {_id(each.to)} : {_label(_trigger(each))}"
    if state.ends:
        end = "a person" if isinstance(state.do[-1], Escalate) else "closed"
        yield f"    {_id(state.name)} --> [*] : {end}"


def _id(name: str) -> str:
    """Never one of Mermaid's words ("end", "note", "state")."""
    return f"s_{name}"


def _trigger(transition: Transition) -> str:
    words = f"{transition.on} {transition.name}".strip()
    if transition.on == "timeout":
        size, unit = next((size, unit) for size, unit in _UNITS if transition.after_ms % size == 0)
        words = f"after {transition.after_ms // size}{unit}"
    return f"{words} if {transition.guard.source}" if transition.guard else words


def _action(action: Action, flow: Flow) -> str:
    match action:
        case Reply():
            return f"“{_written(action.text)}”"
        case Ask():
            return f"ask {action.slot}"
        case AnswerAction():
            return f"answer “{_written(action.question)}”" if action.question else "answer the utterance"
        case CallTool():
            return f"call {action.tool} as {action.save}"
        case Escalate():
            return f"escalate, {action.reason}"
        case Close():
            return f"close “{_written(action.text)}”" if action.text else "close"


def _written(texts: Texts) -> str:
    template = next(iter(texts.values()), None)
    parts = template.parts if template else ()
    return "".join(f"{{{part.source}}}" if isinstance(part, Expression) else part for part in parts)


def _label(text: str) -> str:
    """One line that Mermaid reads as text, whatever is in it."""
    line = " ".join(text.split())
    line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
    return "".join(_escaped(sign) for sign in line) or "-"


def _escaped(sign: str) -> str:
    if sign.isascii() and not (sign.isalnum() or sign in _HARMLESS):
        return f"#{ord(sign)};"
    return sign
