"""What a flow is, as read from YAML and checked. It has no version: the store that keeps it gives one.

Every part that an author can get wrong knows its place in the file, so that whatever is found wrong later can be told
with a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from documents.nodes import Place
from flows.expressions import Expression
from flows.texts import Template

SlotType = Literal["pattern", "choice", "number", "amount", "date", "email", "phone", "yes_no", "text"]
Trigger = Literal["always", "slot", "ok", "failed", "intent", "changed", "timeout"]

# Tried without waiting for the customer, as soon as the state's actions are done.
AUTOMATIC: tuple[Trigger, ...] = ("always", "slot", "ok", "failed")


NOWHERE = Place(1, 1)

Texts = dict[str, Template]  # by language


class Choice(Struct, frozen=True):
    """One value of a choice slot. `labels`: what is offered, by language; `spoken`: all that names it, in the form
    that utterances are compared in."""

    value: str
    labels: dict[str, str]
    spoken: tuple[str, ...]


class Slot(Struct, frozen=True):
    """Something the customer is asked for.

    `retry`: said instead of `ask` after an utterance that did not help. `check`: over `value`, with `error` for what
    fails it. `pattern` belongs to `pattern` and `text` slots, `form` builds the value from its groups ("KF-{1}").
    `prefer`: which year or week a date without one means. `longest`: characters of a text. `consent`: a call goes by
    it that does something, so that of a `yes_no` only a bare yes will do.
    """

    name: str
    type: SlotType
    ask: Texts
    retry: Texts | None = None
    check: Expression | None = None
    error: Texts | None = None
    pattern: str = ""
    form: str = ""
    choices: tuple[Choice, ...] = ()
    prefer: Literal["nearest", "past", "future"] = "nearest"
    longest: int = 200
    consent: bool = False
    at: Place = NOWHERE


class Reply(Struct, frozen=True):
    """Tell the customer something."""

    text: Texts
    at: Place = NOWHERE


class Ask(Struct, frozen=True):
    """Ask for a slot and wait; passed over if it is filled, unless `again`. `text` instead of the slot's own."""

    slot: str
    text: Texts | None = None
    again: bool = False
    at: Place = NOWHERE


class AnswerAction(Struct, frozen=True):
    """Answer from knowledge: `question`, or what the customer has just said. `otherwise`: said if nothing is sure."""

    question: Texts | None = None
    otherwise: Texts | None = None
    at: Place = NOWHERE


class CallTool(Struct, frozen=True):
    """Call a tool. `arguments`: JSON with Templates in it; the result is saved among the slots as `save`.

    `confirmed`: when it holds, the customer has been asked by the flow, and the tool's own question is not put.
    """

    tool: str
    arguments: dict[str, Any]
    save: str = "result"
    confirmed: Expression | None = None
    at: Place = NOWHERE


class Escalate(Struct, frozen=True):
    """Hand over to a person; the flow ends."""

    reason: str
    at: Place = NOWHERE


class Close(Struct, frozen=True):
    """The matter is settled; the flow ends. `text`: last words, if any."""

    text: Texts | None = None
    at: Place = NOWHERE


Action = Reply | Ask | AnswerAction | CallTool | Escalate | Close


class Transition(Struct, frozen=True):
    """Where to go when. `name`: the slot or intent of the trigger; `after_ms`: of a timeout."""

    on: Trigger
    to: str
    name: str = ""
    after_ms: int = 0
    guard: Expression | None = None
    at: Place = NOWHERE

    @property
    def cause(self) -> str:
        """As moves record it."""
        if self.on in ("slot", "changed"):
            return f"slot:{self.name}"
        return f"intent:{self.name}" if self.on == "intent" else self.on


class State(Struct, frozen=True):
    """`do` when it is entered; then `next`, in order."""

    name: str
    do: tuple[Action, ...] = ()
    next: tuple[Transition, ...] = ()
    at: Place = NOWHERE

    @property
    def ends(self) -> bool:
        """Whether the flow ends here."""
        return bool(self.do) and isinstance(self.do[-1], Escalate | Close)


class Intent(Struct, frozen=True):
    """What a customer may want, with utterances by language from which it is recognised."""

    name: str
    examples: dict[str, tuple[str, ...]]
    at: Place = NOWHERE


class Migration(Struct, frozen=True):
    """Sessions on the versions `of` (None: on every older one) go on in this version; renamed states are mapped."""

    of: frozenset[int] | None
    states: dict[str, str] = {}
    at: Place = NOWHERE


class Flow(Struct, frozen=True):
    """A dialogue flow. The first of `languages` is used for a customer who speaks none of them.

    `misses_to`: where `max_misses` useless utterances in a row lead; empty is to a person. `cancel_phrases`,
    `cancel_intents` end it at any time with `cancel_text`. `anywhere`: transitions of every state that waits.
    `utc_offset_ms`: of the customers' day, for "today" and "yesterday".
    `places`: of the file's outermost keys.
    """

    id: str
    languages: tuple[str, ...]
    start: str
    start_intents: tuple[str, ...]
    states: dict[str, State]
    slots: dict[str, Slot] = {}
    intents: dict[str, Intent] = {}
    title: Texts = {}
    max_misses: int = 2
    misses_to: str = ""
    not_understood: Texts = {}
    cancel_phrases: frozenset[str] = frozenset()
    cancel_intents: tuple[str, ...] = ()
    cancel_text: Texts = {}
    anywhere: tuple[Transition, ...] = ()
    migrations: tuple[Migration, ...] = ()
    utc_offset_ms: int = 0
    places: dict[str, Place] = {}


def intents(flow: Flow) -> Mapping[str, tuple[str, ...]]:
    """Every intent the flow knows with its example utterances, of all languages."""
    return {
        name: tuple(text for texts in intent.examples.values() for text in texts)
        for name, intent in flow.intents.items()
    }


def tools(flow: Flow) -> frozenset[str]:
    """The tools it calls, for whoever knows which are declared."""
    return frozenset(
        action.tool for state in flow.states.values() for action in state.do if isinstance(action, CallTool)
    )


def saved_names(flow: Flow) -> frozenset[str]:
    """The names under which results of tools are saved."""
    return frozenset(
        action.save for state in flow.states.values() for action in state.do if isinstance(action, CallTool)
    )
