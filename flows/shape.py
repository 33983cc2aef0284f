"""The shape of a flow: every state can be reached and left, every transition can be taken, nothing goes in circles."""

from __future__ import annotations

from collections.abc import Iterator

from documents.problems import Problems
from flows.definition import AUTOMATIC, AnswerAction, Ask, CallTool, Flow, State, Transition


def check_shape(flow: Flow, problems: Problems) -> None:
    """Adds what is wrong with a flow whose names are all known."""
    reached = _closure({flow.start}, lambda name: _leads_to(flow, flow.states[name]))
    for state in flow.states.values():
        if state.name not in reached:
            problems.add(state.at, f"state {state.name!r} can never be reached from {flow.start!r}")
        _check_ways(state, problems)
    if not len(problems):
        _check_ends(flow, problems)
        _check_circles(flow, problems)
    _check_order(flow.anywhere, problems)


def _leads_to(flow: Flow, state: State) -> set[str]:
    """Every state that may come right after this one."""
    if state.ends:
        return set()
    targets = {each.to for each in state.next}
    if _may_wait(state):
        targets |= {each.to for each in flow.anywhere} | ({flow.misses_to} if flow.misses_to else set())
    return targets


def _closure(begun: set[str], step: object) -> set[str]:
    reached, todo = set(begun), list(begun)
    while todo:
        new = step(todo.pop()) - reached  # type: ignore[operator]
        reached |= new
        todo.extend(new)
    return reached


# --- One state's transitions ----------------------------------------------------------------------------


def _check_ways(state: State, problems: Problems) -> None:
    if state.ends:
        if state.next:
            problems.add(state.next[0].at, f"never taken: the flow ends in state {state.name!r}")
        return
    if not state.next:
        problems.add(
            state.at, f"state {state.name!r} has no way out: it needs 'next', or an action 'close' or 'escalate'"
        )
        return
    left = _outcomes(state)
    for each in state.next:
        if each.on not in AUTOMATIC:
            continue
        takes = _taken_after(state, each)
        if each.on in ("ok", "failed") and not takes:
            problems.add(each.at, f"'on: {each.on}' without a call or an answer in state {state.name!r}")
        elif not takes & left:
            problems.add(each.at, "never taken: a transition before it is always taken first")
        if each.guard is None and (each.on != "slot" or each.name in _asked(state)):
            left -= takes
    _check_what_is_left(state, left, problems)
    _check_order(state.next, problems)


def _check_what_is_left(state: State, left: set[str], problems: Problems) -> None:
    """`left`: the outcomes of the actions after which no transition is sure to be taken."""
    waits = [each for each in state.next if each.on not in AUTOMATIC]
    if waits and not left and not _asked(state):
        problems.add(waits[0].at, f"never taken: state {state.name!r} never waits for the customer")
    if "failed" in left and any(isinstance(action, CallTool) for action in state.do):
        problems.add(state.at, f"state {state.name!r} calls a tool, which may fail: add 'on: failed' without 'if'")
    elif left and not waits and not any(each.on == "slot" and each.name not in _asked(state) for each in state.next):
        problems.add(
            state.at,
            f"state {state.name!r} may have no way out: if no condition holds, nothing follows; add 'on: always'",
        )


def _check_order(transitions: tuple[Transition, ...], problems: Problems) -> None:
    """Of what a customer does, the first transition that fits is taken."""
    sure: list[Transition] = []
    for each in transitions:
        if each.on in AUTOMATIC:
            continue
        if any(one.on == each.on and one.name == each.name and one.after_ms <= each.after_ms for one in sure):
            problems.add(each.at, "never taken: a transition before it is always taken first")
        if each.guard is None:
            sure.append(each)


def _outcomes(state: State) -> set[str]:
    """What may have come of the state's actions, as transitions tell it apart."""
    return {"ok", "failed"} if any(isinstance(each, CallTool | AnswerAction) for each in state.do) else {"done"}


def _taken_after(state: State, transition: Transition) -> set[str]:
    outcomes = _outcomes(state)
    return outcomes & {transition.on} if transition.on in ("ok", "failed") else outcomes


def _asked(state: State) -> set[str]:
    """Slots that are filled once the actions are done."""
    return {action.slot for action in state.do if isinstance(action, Ask)}


def _may_wait(state: State) -> bool:
    """Whether the customer's word can come while the flow is here."""
    left = _outcomes(state)
    for each in state.next:
        if each.on in AUTOMATIC and each.guard is None and (each.on != "slot" or each.name in _asked(state)):
            left -= _taken_after(state, each)
    return bool(left or _asked(state))


# --- Ends and circles ------------------------------------------------------------------------------------


def _check_ends(flow: Flow, problems: Problems) -> None:
    before: dict[str, set[str]] = {name: set() for name in flow.states}
    for state in flow.states.values():
        for target in _leads_to(flow, state):
            before[target].add(state.name)
    ending = _closure({state.name for state in flow.states.values() if state.ends}, before.__getitem__)
    for state in flow.states.values():
        if state.name not in ending:
            problems.add(
                state.at, f"from state {state.name!r} the flow can never end: no 'close' or 'escalate' follows"
            )


def _check_circles(flow: Flow, problems: Problems) -> None:
    """States that follow each other without condition and without a call, an answer, or a question sure to be asked."""
    edges = {state.name: list(_unstoppable(state)) for state in flow.states.values()}
    done: set[str] = set()
    for name in flow.states:
        path: list[tuple[str, Iterator[Transition]]] = [(name, iter(edges[name]))] if name not in done else []
        while path:
            here, ways = path[-1]
            way = next(ways, None)
            if way is None:
                done.add(here)
                path.pop()
                continue
            names = [each for each, _ in path]
            if way.to in names:
                circle = [*names[names.index(way.to) :], way.to]
                problems.add(way.at, f"goes in circles and never waits: {' -> '.join(circle)}")
            elif way.to not in done:
                path.append((way.to, iter(edges[way.to])))


def _unstoppable(state: State) -> Iterator[Transition]:
    if any(isinstance(each, CallTool | AnswerAction) or (isinstance(each, Ask) and each.again) for each in state.do):
        return
    for each in state.next:
        if each.on in ("always", "slot") and each.guard is None:
            yield each
