"""What an input means to a flow: the customer's word first as the answer to its question, then as anything else."""

from __future__ import annotations

from typing import Any

from flows.definition import AUTOMATIC, Ask, CallTool, Transition
from flows.evaluating import holds
from flows.phrases import gist, yes_or_no
from flows.position import Consult, Consulted, Returned, Said
from flows.running import Run
from flows.slots import PLAIN_TYPES, Heard, find, findable, hear
from flows.values import json_value


def said(run: Run, given: Said) -> None:
    """What the customer said. Where it is no help by itself, knowledge and intents are needed."""
    heard = hear(given.text, run.today)
    run.new_word(heard.said)
    if run.awaiting == "call":
        # Nobody can say what became of the call, and calling again might do it twice.
        returned(run, Returned(False, {"error": "unknown", "detail": "the outcome of the call is not known"}))
    elif _cancels(run, heard):
        _cancel(run)
    elif run.awaiting == "answer":
        run.need(Consult(run.text))
    elif late := run.first(("timeout",)):
        take_in(run, _values(run, heard, asked=""))
        run.follow(late)
        _also_asked(run, heard)
    elif not run.awaiting and (run.action or run.first(AUTOMATIC)):  # migrated to a state that does not wait here
        take_in(run, _values(run, heard, asked=""))
        run.go()
        _also_asked(run, heard)
    elif not _helped(run, heard, consulted=False) and not run.ended:
        run.need(Consult(run.text))


def consulted(run: Run, given: Consulted) -> None:
    """What knowledge and intents say of it: a wish of this flow, a question by the way, or nothing of use."""
    if run.awaiting == "call":
        return
    run.scope.intent = given.intent
    if run.awaiting == "answer":
        _answered(run, given)
        return
    heard = hear(given.text, run.today)
    run.text = heard.said
    if given.intent and given.intent in run.flow.cancel_intents:
        _cancel(run)
    elif wish := run.first(("intent",)):
        take_in(run, _values(run, heard, asked=""))
        run.follow(wish)
    elif given.sure and given.answer:
        run.tell(given.answer)
        _repeat(run)
    elif not _helped(run, heard, consulted=True) and not run.ended:
        _miss(run)


def returned(run: Run, given: Returned) -> None:
    """A tool's outcome."""
    action = run.action
    if run.awaiting != "call" or not isinstance(action, CallTool):
        return
    run.slots[action.save] = json_value(given.result)
    run.came(given.ok, action.tool)


def _answered(run: Run, given: Consulted) -> None:
    """What the flow itself wanted to know, or have answered."""
    sure = given.sure and bool(given.answer)
    if sure:
        run.tell(given.answer)
    else:
        run.say(getattr(run.action, "otherwise", None))
    run.came(sure)


def take_in(run: Run, found: dict[str, Any]) -> set[str]:
    """Keep what passes its slot's check, and say what is wrong with the rest. Returns the slots filled."""
    kept = set()
    for name, value in found.items():
        slot = run.flow.slots[name]
        run.scope.value = value
        if holds(slot.check, run.scope):
            run.slots[name] = value
            kept.add(name)
        else:
            run.say(slot.error or slot.retry or run.flow.not_understood)
        run.scope.value = None
    return kept


def values_at_start(run: Run, text: str) -> dict[str, Any]:
    """What the utterance that started the flow says already."""
    heard = hear(text, run.today)
    run.new_word(heard.said)
    return _values(run, heard, asked="")


def _helped(run: Run, heard: Heard, consulted: bool) -> bool:
    """Go on with what the utterance fills or changes; False if that is nothing, or it also asks something."""
    awaited = run.awaited
    asked = awaited.name if awaited else ""
    careful = heard.asks and not consulted
    found = _values(run, heard, asked, careful)
    change = _change(run, heard, careful)
    if change is not None:
        transition, value = change
        found = {transition.name: value} | found
    if not found:
        return False
    kept = take_in(run, found)
    if change is not None and change[0].name in kept:
        run.follow(change[0])
    elif asked in kept:
        run.awaiting, run.misses = "", 0
        run.step += 1
        run.go()
    elif not kept:
        _miss(run, told=True)
    elif careful or (awaited is None and not _opened(run)):
        return False
    elif awaited is not None:
        _repeat(run)
    return True


def _also_asked(run: Run, heard: Heard) -> None:
    """The utterance went by while the flow moved on; a question in it is still to be answered."""
    if heard.asks and not run.ended and run.awaiting not in ("answer", "call"):
        run.need(Consult(run.text))


def _opened(run: Run) -> bool:
    """Whether what was filled lets the flow go on by itself; then it does."""
    before = run.state, run.step
    run.go()
    return run.ended or (run.state, run.step) != before or bool(run.awaiting)


def _values(run: Run, heard: Heard, asked: str, careful: bool = False) -> dict[str, Any]:
    """What the utterance says of slots that are empty. `careful`: only what is a value in any sentence."""
    found: dict[str, Any] = {}
    for slot in run.flow.slots.values():
        if slot.name in run.slots or (careful and slot.type not in PLAIN_TYPES) or not findable(run.flow, slot, asked):
            continue
        value = find(slot, heard, slot.name == asked)
        if value is not None:
            found[slot.name] = value
    return found


def _change(run: Run, heard: Heard, careful: bool) -> tuple[Transition, Any] | None:
    """The transition for a customer who corrects a filled slot, where the flow has one, and the new value."""
    for transition in (*run.state.next, *run.flow.anywhere):
        slot = run.flow.slots.get(transition.name)
        if transition.on != "changed" or slot is None or slot.name not in run.slots:
            continue
        if (careful and slot.type not in PLAIN_TYPES) or not findable(run.flow, slot, ""):
            continue
        value = find(slot, heard, asked=False)
        if value is not None and value != run.slots[slot.name] and holds(transition.guard, run.scope):
            return transition, value
    return None


def _cancels(run: Run, heard: Heard) -> bool:
    if gist(heard.plain) not in run.flow.cancel_phrases:
        return False
    awaited = run.awaited  # 不用了 may just be the answer to what was asked
    return not (awaited and awaited.type == "yes_no" and yes_or_no(heard.plain) is not None)


def _cancel(run: Run) -> None:
    run.say(run.flow.cancel_text)
    run.end()


def _miss(run: Run, told: bool = False) -> None:
    """One more utterance that did not help. `told`: the customer has just heard what was wrong with it."""
    run.misses += 1
    if run.misses >= run.flow.max_misses:
        if run.flow.misses_to:
            run.enter(run.flow.misses_to, "misses")
            run.go()
        else:
            run.escalate(f"no useful answer after {run.misses} tries in state {run.state.name}")
        return
    awaited = run.awaited
    if not told:
        run.say(awaited.retry if awaited and awaited.retry else run.flow.not_understood)
    if awaited is not None and (told or awaited.retry):
        run.offer(awaited)
    else:
        _repeat(run)


def _repeat(run: Run) -> None:
    """The open question, once more."""
    action = run.action
    if isinstance(action, Ask) and run.awaited is not None:
        run.ask(action)
