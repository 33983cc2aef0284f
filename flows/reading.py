"""A flow from YAML. All that is wrong with it is told at once, each with file, line and column."""

from __future__ import annotations

import re

from msgspec import structs

from documents.composing import compose
from documents.nodes import Entries, Items, Node, Scalar
from documents.problems import Problems
from flows.checking import check
from flows.definition import CallTool, Flow, Intent, Migration, Slot, State, Texts
from flows.expressions import Name
from flows.expressions import nodes as parts
from flows.node_reading import FLOW_ID, Nodes
from flows.phrases import CANCEL_PHRASES, gist, plain
from flows.reading_slots import read_slot
from flows.reading_states import read_state, read_transition
from flows.texts import Template

_KEYS = (
    "flow", "title", "languages", "utc_offset", "start", "intents", "slots", "states", "anywhere", "max_misses",
    "on_misses", "not_understood", "cancel", "migrate",
)  # fmt: skip
_MOST_TOLD = 20
_MOST_STATES, _MOST_SLOTS, _MOST_INTENTS, _MOST_EXAMPLES = 200, 32, 32, 200
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>0\d|1[0-4]):(?P<minutes>00|15|30|45)")

# Said where the author gives no words of their own; a flow in another language must.
_NOT_UNDERSTOOD = {"en": "Sorry, I did not get that.", "zh": "抱歉，我没太明白您的意思。"}
_CANCELLED = {
    "en": "All right, I have stopped here and nothing was changed. Is there anything else I can help with?",
    "zh": "好的，已经停下来了，没有做任何更改。还有什么可以帮您的吗？",
}


def read(text: str, *, source: str = "flow") -> Flow:
    """Raises InvalidDefinition with a line `source:line:column: message` for each thing that is wrong."""
    problems = Problems(source, _MOST_TOLD)
    root = compose(text, problems)
    problems.raise_any()
    flow = _read_flow(Nodes(problems), root)
    check(flow, problems)
    problems.raise_any()
    return flow


def _read_flow(nodes: Nodes, root: Node) -> Flow:
    if not isinstance(root, Entries):
        raise nodes.problems.stop(root.at, f"a flow must be a mapping of {', '.join(_KEYS)}")
    top = nodes.fields(root, "a flow", _KEYS, required=("flow", "start", "states"))
    nodes.languages = _languages(nodes, top.get("languages"))
    slots = {name: read_slot(nodes, name, node, at) for name, node, at in nodes.named(top.get("slots"), "slots")}
    states = {name: read_state(nodes, name, node, at) for name, node, at in nodes.named(top.get("states"), "states")}
    found = {name: _intent(nodes, name, node) for name, node, _ in nodes.named(top.get("intents"), "intents")}
    limits = {
        "states": (len(states), _MOST_STATES),
        "slots": (len(slots), _MOST_SLOTS),
        "intents": (len(found), _MOST_INTENTS),
    }
    for key, (count, most) in limits.items():
        if count > most and (node := top.get(key)):
            nodes.problems.add(node.at, f"{count} {key}, at most {most} are allowed")
    start = nodes.fields(top.get("start"), "start", ("state", "intents"), required=("state", "intents"))
    cancel = nodes.fields(top.get("cancel"), "cancel", ("phrases", "intents", "text"))
    return Flow(
        id=_id(nodes, top.get("flow")),
        languages=nodes.languages,
        start=nodes.name(start.get("state"), "start's state"),
        start_intents=_names(nodes, start.get("intents"), "start's intents"),
        states=states,
        slots=_with_consents(slots, states),
        intents=found,
        title=nodes.texts(top.get("title"), "title"),
        max_misses=nodes.integer(top.get("max_misses"), "max_misses", 2, 1, 10),
        misses_to=nodes.name(top.get("on_misses"), "on_misses"),
        not_understood=_or_default(nodes, top.get("not_understood"), "not_understood", _NOT_UNDERSTOOD, top),
        cancel_phrases=_cancel_phrases(nodes, cancel.get("phrases")),
        cancel_intents=_names(nodes, cancel.get("intents"), "cancel's intents"),
        cancel_text=_or_default(nodes, cancel.get("text"), "cancel's text", _CANCELLED, top),
        anywhere=tuple(
            transition
            for node in nodes.items(top.get("anywhere"), "anywhere")
            if (transition := read_transition(nodes, node, anywhere=True))
        ),
        migrations=_migrations(nodes, top.get("migrate")),
        utc_offset_ms=_offset(nodes, top.get("utc_offset")),
        places={key.text: node.at for key, node in top.pairs()},
    )


def _with_consents(slots: dict[str, Slot], states: dict[str, State]) -> dict[str, Slot]:
    """Marks the slots that calls go by as the customer's yes."""
    confirmed = [
        action.confirmed for state in states.values() for action in state.do
        if isinstance(action, CallTool) and action.confirmed is not None
    ]  # fmt: skip
    named = {
        node.path[0] for each in confirmed for node in parts(each.tree)
        if isinstance(node, Name) and node.root == "slots" and node.path
    }  # fmt: skip
    return {name: structs.replace(slot, consent=name in named) for name, slot in slots.items()}


def _id(nodes: Nodes, node: Node | None) -> str:
    text = nodes.text(node, "flow")
    if node and text and not FLOW_ID.fullmatch(text):
        nodes.problems.add(node.at, f"flow {text!r} is no id: lower-case letters, digits, '-' and '_'")
    return text


def _languages(nodes: Nodes, node: Node | None) -> tuple[str, ...]:
    found = tuple(nodes.text(item, "each language") for item in nodes.items(node, "languages"))
    if node and isinstance(node, Items) and not (found and all(_LANGUAGE.fullmatch(each) for each in found)):
        nodes.problems.add(node.at, "languages must be a list of codes such as en and zh")
    return tuple(dict.fromkeys(each for each in found if _LANGUAGE.fullmatch(each))) or ("en",)


def _offset(nodes: Nodes, node: Node | None) -> int:
    if node is None:
        return 0
    match = _OFFSET.fullmatch(nodes.text(node, "utc_offset"))
    if match is None:
        nodes.problems.add(node.at, 'utc_offset must be like "+08:00"')
        return 0
    minutes = int(match["hours"]) * 60 + int(match["minutes"])
    return (-minutes if match["sign"] == "-" else minutes) * 60_000


def _intent(nodes: Nodes, name: str, node: Node) -> Intent:
    examples = nodes.phrases(node, f"intent {name}")
    count = sum(map(len, examples.values()))
    if count > _MOST_EXAMPLES:
        nodes.problems.add(node.at, f"intent {name} has {count} examples, at most {_MOST_EXAMPLES} are allowed")
    return Intent(name, examples, node.at)


def _names(nodes: Nodes, node: Node | None, what: str) -> tuple[str, ...]:
    return tuple(nodes.name(item, what) for item in nodes.items(node, what))


def _or_default(nodes: Nodes, node: Node | None, what: str, default: dict[str, str], top: Entries) -> Texts:
    if node is not None:
        return nodes.texts(node, what)
    for language in nodes.languages:
        if language.split("-")[0] not in default:
            nodes.problems.add(top.at, f"{what} is needed: Kefu has no words of its own in {language!r}")
    return {each: Template((default[each.split("-")[0]],)) for each in nodes.languages if each.split("-")[0] in default}


def _cancel_phrases(nodes: Nodes, node: Node | None) -> frozenset[str]:
    own = set()
    for phrases in nodes.phrases(node, "cancel's phrases", complete=False).values():
        for phrase in phrases:
            if not (meant := gist(plain(phrase))) and node:
                nodes.problems.add(node.at, f"the phrase {phrase!r} is mere politeness; it would cancel at every word")
            own.add(meant)
    return CANCEL_PHRASES | own


def _migrations(nodes: Nodes, node: Node | None) -> tuple[Migration, ...]:
    if node is None:
        return ()
    rules = node.items if isinstance(node, Items) else (node,)
    return tuple(_migration(nodes, rule) for rule in rules)


def _migration(nodes: Nodes, node: Node) -> Migration:
    rule = nodes.fields(node, "migrate", ("from", "states"), required=("from",))
    renamed = rule.get("states")
    if renamed is not None and not isinstance(renamed, Entries):
        nodes.problems.add(renamed.at, "migrate's states must be a mapping from old names to new ones")
    pairs = renamed.pairs() if isinstance(renamed, Entries) else ()
    states = {key.text: nodes.name(value, f"the state that {key.text} becomes") for key, value in pairs}
    versions = rule.get("from")
    if isinstance(versions, Scalar) and versions.text == "*":
        return Migration(None, states, node.at)
    listed = versions.items if isinstance(versions, Items) else [versions] if versions else []
    found = frozenset(nodes.integer(item, 'migrate\'s from (or "*")', 0, 1, 999_999_999) for item in listed)
    if not found:
        nodes.problems.add(node.at, 'migrate\'s from must be "*" or a list of versions')
    return Migration(found, states, node.at)
