"""What a flow refers to is there: states, slots, intents, results, choices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from documents.hints import did_you_mean
from documents.nodes import Place
from documents.problems import Problems
from flows.definition import (
    NOWHERE,
    AnswerAction,
    Ask,
    CallTool,
    Close,
    Escalate,
    Flow,
    Reply,
    Slot,
    State,
    Transition,
    saved_names,
)
from flows.expressions import (
    FUNCTIONS,
    KEYWORDS,
    ROOTS,
    Binary,
    Called,
    Expression,
    Listed,
    Literal,
    Name,
    nodes,
)
from flows.shape import check_shape
from flows.texts import expressions

_AMOUNT_FIELDS = ("number", "currency")


def check(flow: Flow, problems: Problems) -> None:
    """Adds what is wrong. The shape is only looked at when all else is right: it would only say the same again."""
    _Checker(flow, problems).references()
    if not len(problems):
        check_shape(flow, problems)


class _Checker:
    def __init__(self, flow: Flow, problems: Problems) -> None:
        self._flow = flow
        self._problems = problems
        self._saved = saved_names(flow)

    def references(self) -> None:
        flow = self._flow
        self._state(flow.start, flow.places.get("start", NOWHERE), "start")
        self._state(flow.misses_to, flow.places.get("on_misses", NOWHERE), "on_misses")
        for key, intents in (("start", flow.start_intents), ("cancel", flow.cancel_intents)):
            for intent in intents:
                self._intent(intent, flow.places.get(key, NOWHERE))
        for rule in flow.migrations:
            for new in rule.states.values():
                self._state(new, rule.at, "migrate")
        for slot in flow.slots.values():
            self._slot_itself(slot)
        for state in flow.states.values():
            self._actions(state)
            self._transitions(state.next)
        self._transitions(flow.anywhere)
        for texts in (flow.title, flow.not_understood, flow.cancel_text):
            self._expressions(expressions(texts))
        self._unused_intents()
        self._shared_examples()

    # --- Names -----------------------------------------------------------------------------------------

    def _known(self, name: str, known: Iterable[str], at: Place, what: str) -> None:
        if name and name not in (listed := list(known)):
            self._problems.add(at, f"{what} {name!r}{did_you_mean(name, listed)}")

    def _state(self, name: str, at: Place, where: str) -> None:
        self._known(name, self._flow.states, at, f"{where}: there is no state")

    def _slot(self, name: str, at: Place) -> None:
        self._known(name, self._flow.slots, at, "there is no slot")

    def _intent(self, name: str, at: Place) -> None:
        self._known(name, self._flow.intents, at, "there is no intent")

    def _slot_itself(self, slot: Slot) -> None:
        if slot.check:
            self._expressions([slot.check], in_check=True)
        for texts in (slot.ask, slot.retry, slot.error):
            self._expressions(expressions(texts or {}), in_check=texts is slot.error)

    # --- States ----------------------------------------------------------------------------------------

    def _actions(self, state: State) -> None:
        needed = False  # an answer or a call came before
        outcomes = any(each.on in ("ok", "failed") for each in state.next)
        for position, action in enumerate(state.do):
            match action:
                case Reply() | Close():
                    self._expressions(expressions(action.text or {}))
                case Ask():
                    self._slot(action.slot, action.at)
                    self._expressions(expressions(action.text or {}))
                    if needed and outcomes:
                        self._problems.add(
                            action.at,
                            "a question after a call or an answer loses its ok and failed; ask in a state of its own",
                        )
                case AnswerAction():
                    self._expressions(expressions((action.question or {}, action.otherwise or {})))
                case CallTool():
                    self._expressions(expressions(action.arguments))
                    self._expressions([action.confirmed] if action.confirmed else [])
                    self._save(action)
                case Escalate():
                    pass
            needed = needed or isinstance(action, CallTool | AnswerAction)
            if isinstance(action, Escalate | Close) and position + 1 < len(state.do):
                self._problems.add(state.do[position + 1].at, "never done: the flow ends with the action before it")

    def _save(self, action: CallTool) -> None:
        if action.save in self._flow.slots or action.save in ROOTS | KEYWORDS | set(FUNCTIONS):
            self._problems.add(action.at, f"save cannot be {action.save!r}, which means something else in expressions")

    def _transitions(self, transitions: tuple[Transition, ...]) -> None:
        for each in transitions:
            self._state(each.to, each.at, "to")
            if each.on in ("slot", "changed"):
                self._slot(each.name, each.at)
            elif each.on == "intent":
                self._intent(each.name, each.at)
            if each.guard:
                self._expressions([each.guard])
                if not any(isinstance(node, Name) for node in nodes(each.guard.tree)):
                    self._problems.add(each.at, f"the condition {each.guard.source!r} is always the same")

    def _unused_intents(self) -> None:
        flow = self._flow
        used = {*flow.start_intents, *flow.cancel_intents}
        for transition in (*flow.anywhere, *(each for state in flow.states.values() for each in state.next)):
            used |= {transition.name} if transition.on == "intent" else set()
            if transition.guard:
                used |= {str(text.value) for text in nodes(transition.guard.tree) if isinstance(text, Literal)}
        for name, intent in flow.intents.items():
            if name not in used:
                self._problems.add(intent.at, f"intent {name!r} is used nowhere")

    def _shared_examples(self) -> None:
        first: dict[str, str] = {}
        for name, intent in self._flow.intents.items():
            for example in (text for texts in intent.examples.values() for text in texts):
                owner = first.setdefault(example.casefold(), name)
                if owner != name:
                    self._problems.add(intent.at, f"{example!r} is an example of {owner!r} and of {name!r}")

    # --- Expressions -----------------------------------------------------------------------------------

    def _expressions(self, found: Iterable[Expression], in_check: bool = False) -> None:
        for expression in found:
            for node in nodes(expression.tree):
                match node:
                    case Name():
                        self._name(node, expression, in_check)
                    case Called(function="label"):
                        self._label(node, expression)
                    case Binary(operator=("==" | "!=" | "in" | "not in")):
                        self._compared(node, expression)

    def _name(self, name: Name, expression: Expression, in_check: bool) -> None:
        at = _place(expression, name.offset)
        match name.root:
            case "slots":
                if not name.path:
                    self._problems.add(at, "write slots.<name>")
                else:
                    self._known(name.path[0], [*self._flow.slots, *self._saved], at, "there is no slot")
                    self._path(name, at)
            case "intent" | "language" | "today":
                if name.path:
                    self._problems.add(at, f"{name.root} is a text and has no parts")
            case "value":
                if not in_check:
                    self._problems.add(at, "value is only known in a slot's check")
            case saved if saved not in self._saved:
                known = [*self._saved, *ROOTS]
                hint = did_you_mean(saved, known)
                if not hint and saved in self._flow.slots:
                    hint = f"; write slots.{saved}"
                if not hint and self._saved:
                    hint = f"; results are saved as {', '.join(sorted(self._saved))}"
                self._problems.add(at, f"there is no {saved!r}{hint}")

    def _path(self, name: Name, at: Place) -> None:
        slot = self._flow.slots.get(name.path[0])
        if (
            slot
            and len(name.path) > 1
            and not (slot.type == "amount" and name.path[1:] in {(f,) for f in _AMOUNT_FIELDS})
        ):
            hint = f"; an amount has {' and '.join(_AMOUNT_FIELDS)}" if slot.type == "amount" else ""
            self._problems.add(at, f"slot {slot.name!r} has no {'.'.join(name.path[1:])!r}{hint}")

    def _label(self, called: Called, expression: Expression) -> None:
        match called.arguments[0]:
            case Name(root="slots", path=(only,)) if only in self._flow.slots:
                if self._flow.slots[only].type == "choice":
                    return
            case Name(root="slots", path=(_,)):
                return  # told already
        self._problems.add(
            _place(expression, called.offset), "label() takes a choice slot, such as label(slots.reason)"
        )

    def _compared(self, node: Binary, expression: Expression) -> None:
        """A choice or an intent is compared with one that there is."""
        for name, other in ((node.left, node.right), (node.right, node.left)):
            if not isinstance(name, Name):
                continue
            for text in _literals(other):
                at = _place(expression, name.offset)
                slot = self._flow.slots.get(name.path[0]) if name.root == "slots" and len(name.path) == 1 else None
                if name == Name("intent", (), name.offset):
                    self._known(text, self._flow.intents, at, "there is no intent")
                elif slot and slot.type == "choice":
                    values = [choice.value for choice in slot.choices]
                    self._known(text, values, at, f"slot {slot.name!r} has no choice")


def _literals(node: object) -> Iterator[str]:
    match node:
        case Literal(value=str(text)):
            yield text
        case Listed():
            for item in node.items:
                yield from _literals(item)


def _place(expression: Expression, offset: int) -> Place:
    return Place(expression.line, expression.column + offset)
