"""Through the states: actions in order, then automatic transitions, until the flow needs something or ends."""

from __future__ import annotations

from flows.dates import day_of, iso_day
from flows.definition import (
    AUTOMATIC,
    Action,
    AnswerAction,
    Ask,
    CallTool,
    Close,
    Escalate,
    Flow,
    Reply,
    Slot,
    State,
    Texts,
    Transition,
    Trigger,
)
from flows.evaluating import Scope, holds
from flows.position import Call, Consult, Move, Outcome, Position
from flows.texts import fill, say
from flows.values import json_value

MOST_HOPS = 32  # states entered for one input
MOST_NEEDS = 8  # answers and calls a flow may want between two utterances
IN_CIRCLES = "flow went in circles"

# Among the slots, under names that no slot of an author can have: how many answers and calls were wanted since the
# customer's last word, and that word, for flows that answer it after a call.
_NEEDS, _SAID = "_needs", "_said"
_YES_NO = {"en": ("Yes", "No"), "zh": ("是的", "不用了")}


class Run:
    """One input's way through the flow. Changed in place, and thrown away with its outcome."""

    def __init__(self, flow: Flow, position: Position, at_ms: int, language: str) -> None:
        self.flow = flow
        self.version = position.version
        self.state = flow.states.get(position.state) or State("")
        self.slots = dict(position.slots)
        self.entered_at_ms = position.entered_at_ms
        self.step = position.step
        self.awaiting = position.awaiting
        self.misses = position.misses
        self.at_ms = at_ms
        self.today = day_of(at_ms, flow.utc_offset_ms)
        self.text = str(self.slots.get(_SAID, ""))
        self.language = _language(flow, language)
        self.scope = Scope(self.slots, self.language, today=iso_day(self.today), labels=_labels(flow, self.language))
        self.ended = False
        self._ok: bool | None = None  # what came of the state's last answer or call
        self._failed_tool = ""
        self._moves: list[Move] = []
        self._said: list[str] = []
        self._options: tuple[str, ...] = ()
        self._need: Consult | Call | None = None
        self._escalate = ""
        self._closed = False

    def outcome(self) -> Outcome:
        if self.awaiting not in ("answer", "call"):
            self._forget()
        position = Position(
            self.flow.id, self.version, self.state.name, self.slots, self.entered_at_ms, self.step,
            self.awaiting, self.misses,
        )  # fmt: skip
        said = tuple(text for text in self._said if text)
        return Outcome(
            None if self.ended else position,
            tuple(self._moves),
            said,
            self._options,
            self._need,
            self._escalate,
            self._closed,
        )

    def new_word(self, text: str) -> None:
        """The customer has spoken: the count of what was wanted begins anew."""
        self.text = text
        self._forget()

    def _forget(self) -> None:
        self.slots.pop(_NEEDS, None)
        self.slots.pop(_SAID, None)

    # --- Moving ----------------------------------------------------------------------------------------

    def enter(self, name: str, cause: str) -> None:
        """Be in the state, and have done nothing there yet."""
        if len(self._moves) >= MOST_HOPS:
            self.escalate(IN_CIRCLES)
            return
        state = self.flow.states.get(name)
        if state is None:
            self.escalate(f"flow {self.flow.id} has no state {name!r}")
            return
        self._moves.append(Move(self.state.name, name, cause))
        self.state = state
        self.entered_at_ms, self.step, self.awaiting, self.misses = self.at_ms, 0, "", 0
        self._ok, self._failed_tool, self._options = None, "", ()

    def follow(self, transition: Transition) -> None:
        """Enter the state that the transition leads to, and go on from there."""
        self.enter(transition.to, transition.cause)
        self.go()

    def go(self) -> None:
        """On from the present step, until something is waited for or the flow has ended."""
        while not self.ended and self._act():
            if transition := self.first(AUTOMATIC):
                self.enter(transition.to, transition.cause)
            elif self._failed_tool:
                self.escalate(f"{self._failed_tool} failed in state {self.state.name}")
            else:
                return

    def first(self, kinds: tuple[Trigger, ...]) -> Transition | None:
        """The first of the state's transitions of these kinds that lets through; of intents also those of anywhere."""
        anywhere = self.flow.anywhere if "intent" in kinds else ()
        return next((each for each in (*self.state.next, *anywhere) if each.on in kinds and self._fires(each)), None)

    def _fires(self, transition: Transition) -> bool:
        match transition.on:
            case "always":
                fires = True
            case "slot":
                fires = transition.name in self.slots
            case "ok":
                fires = self._ok is True
            case "failed":
                fires = self._ok is False
            case "intent":
                fires = transition.name == self.scope.intent
            case "timeout":
                fires = self.at_ms - self.entered_at_ms >= transition.after_ms
            case "changed":
                fires = False  # whoever hears the customer knows
        return fires and holds(transition.guard, self.scope)

    # --- Doing -----------------------------------------------------------------------------------------

    @property
    def action(self) -> Action | None:
        """What is to be done next, or is waited for."""
        return self.state.do[self.step] if self.step < len(self.state.do) else None

    @property
    def awaited(self) -> Slot | None:
        """The slot that the customer was asked for."""
        return self.flow.slots.get(self.awaiting[5:]) if self.awaiting.startswith("slot:") else None

    def _act(self) -> bool:
        """True when all of the state's actions are done."""
        while (action := self.action) is not None:
            if not self._perform(action):
                return False
            self.step += 1
        return True

    def _perform(self, action: Action) -> bool:
        """False if the flow waits for what comes of it, or has ended."""
        match action:
            case Reply():
                self.say(action.text)
                return True
            case Ask():
                return self._ask_if_empty(action)
            case AnswerAction():
                question = say(action.question, self.scope) if action.question else self.text
                self._want("answer", Consult(question))
            case CallTool():
                if self._will_answer():
                    self.slots[_SAID] = self.text
                confirmed = action.confirmed is not None and holds(action.confirmed, self.scope)
                self._want("call", Call(action.tool, json_value(fill(action.arguments, self.scope)), confirmed))
            case Escalate():
                self.escalate(action.reason)
            case Close():
                self.say(action.text)
                self._closed = True
                self.end()
        return False

    def _will_answer(self) -> bool:
        """Whether the flow answers utterances somewhere, so that it must still know this one after a call."""
        actions = (each for state in self.flow.states.values() for each in state.do)
        return any(isinstance(each, AnswerAction) and each.question is None for each in actions)

    def _want(self, awaiting: str, need: Consult | Call) -> None:
        wanted = self.slots.get(_NEEDS, 0)
        self.slots[_NEEDS] = wanted + 1 if isinstance(wanted, int) else 1
        if self.slots[_NEEDS] > MOST_NEEDS:
            self.escalate(IN_CIRCLES)
            return
        self.awaiting, self._need = awaiting, need

    def came(self, ok: bool, tool: str = "") -> None:
        """What was wanted has come: on with the next action, or after a failure with the transitions."""
        self.awaiting, self._ok = "", ok
        self._failed_tool = "" if ok else tool
        skips = not ok and (bool(tool) or any(each.on == "failed" for each in self.state.next))
        self.step = len(self.state.do) if skips else self.step + 1
        self.go()

    def _ask_if_empty(self, action: Ask) -> bool:
        if action.again:
            self.slots.pop(action.slot, None)
        if action.slot in self.slots:
            return True
        self.ask(action)
        return False

    # --- Speaking --------------------------------------------------------------------------------------

    def say(self, texts: Texts | None) -> None:
        if texts:
            self._said.append(say(texts, self.scope))

    def tell(self, text: str) -> None:
        """Knowledge's words, not the flow's."""
        self._said.append(text)

    def ask(self, action: Ask) -> None:
        slot = self.flow.slots.get(action.slot)
        if slot is None:
            self.escalate(f"flow {self.flow.id} has no slot {action.slot!r}")
            return
        self.say(action.text or slot.ask)
        self.awaiting = f"slot:{slot.name}"
        self.offer(slot)

    def offer(self, slot: Slot) -> None:
        """Show what may be chosen from."""
        if slot.type == "choice":
            self._options = tuple(self.scope.labels[slot.name].values())
        elif slot.type == "yes_no":
            self._options = _YES_NO.get(self.language, _YES_NO["en"])

    # --- Ending ----------------------------------------------------------------------------------------

    def need(self, need: Consult) -> None:
        """The flow stays where it is until it knows this."""
        self._need = need

    def escalate(self, reason: str) -> None:
        self._escalate = reason
        self.end()

    def end(self) -> None:
        self._moves.append(Move(self.state.name, "", "end"))
        self.ended, self._options, self._need = True, (), None


def _language(flow: Flow, language: str) -> str:
    """The flow's language for a customer's: "zh-CN" is served by "zh", one it has not by its first."""
    known = flow.languages
    return next((each for each in (language, language.split("-")[0]) if each in known), known[0] if known else "en")


def _labels(flow: Flow, language: str) -> dict[str, dict[str, str]]:
    return {
        slot.name: {choice.value: choice.labels.get(language, choice.value) for choice in slot.choices}
        for slot in flow.slots.values()
        if slot.type == "choice"
    }
