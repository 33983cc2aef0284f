"""A model's part in a turn: prompt, tools, checks, repair, and what is said when it fails. No I/O, no clock, no random.

The model writes, rules check (hybrid mode), and what does not pass is mended
once; then the grounded answer is given, and if there is none, a person is called.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec

from actors.reply import answer_of
from actors.stage import Stage
from actors.state import State
from actors.steps import Ask, Facts, Reply, Turn
from actors.texts import say
from actors.uncited import cited, uncited
from actors.wording import escalated, language, own
from guardrails.grounded import Grounding, check_reply
from guardrails.outputs import OutputContext, inspect_output
from guardrails.repair import repair_note
from prompting.prompt import Prompt, build, system_prompt
from schemas import events_pb2 as pb
from schemas.answers import Answer, Citation
from schemas.events_pb2 import CheckFinding, GuardrailTriggered, KnowledgeConsulted, ModelReplied, ReplyChecked
from schemas.findings import Finding
from schemas.models import Message, RouteChoice
from schemas.tools import ToolCall

MAX_ROUNDS = 5  # of tool calls in one turn
MAX_CALLS = 8  # in one round; a model that wants more is told so


class Call(NamedTuple):
    """The model wants a tool called."""

    id: str
    name: str
    arguments: str


def next_step(
    state: State,
    turn: Turn,
    stage: Stage,
    choice: RouteChoice,
    consulted: KnowledgeConsulted | None,
    question: str,
) -> Ask | Call | Facts | Reply:
    """What the model's part needs next. `consulted`: what is known about the question; None if nothing was asked."""
    if any(returned.outcome == "unknown" for returned in stage.returned.values()):
        return escalated(state, "what became of a tool's call is unknown", say("unsure", language(state)))
    if not stage.models:
        return _ask(state, turn, stage, choice, consulted, question)
    last = stage.models[-1]
    if last.finish_reason in ("", "cancelled") or not (last.calls or last.text.strip()):
        return _grounded(state, choice, consulted)
    if last.calls:
        round_ = len(stage.models) - 1
        for index, call in enumerate(last.calls[:MAX_CALLS]):
            id = _call_id(state, round_, index)
            if id not in stage.returned:
                return Call(id, call.name, call.arguments or "{}")
        if sum(bool(reply.calls) for reply in stage.models) >= MAX_ROUNDS:
            return _grounded(state, choice, consulted)
        return _ask(state, turn, stage, choice, consulted, question)
    if stage.checked is None:
        return _check(state, turn, stage, choice, consulted, last)
    if stage.checked.verdict == "given":
        return Reply(written(state, consulted, last))
    if stage.checked.verdict == "repair":
        return _ask(state, turn, stage, choice, consulted, question, repair=True)
    if stage.checked.verdict == "grounded":
        return _grounded(state, choice, consulted)
    return escalated(state, "a model's reply did not pass its checks")


# --- Asking ----------------------------------------------------------------------------------------------


def _ask(
    state: State,
    turn: Turn,
    stage: Stage,
    choice: RouteChoice,
    consulted: KnowledgeConsulted | None,
    question: str,
    *,
    repair: bool = False,
) -> Ask:
    prompt = prompt_for(state, stage, choice, consulted, question, repair=repair)
    # In a flow the customer's yes would be taken for an answer to the flow. After a call that the customer allowed the
    # model has only to say what came of it.
    offered = () if stage.decided else turn.rules.offered()
    tools = [spec for spec in offered if not (state.flow and _needs_yes(turn, spec.name))]
    terms = turn.rules.tool(tools[0].name) if tools else None
    version = terms.version if terms is not None else 0
    shown = choice.mode == "model" and state.flow is None and not repair
    return Ask(choice, prompt.messages, prompt.prompt_hash, tuple(tools), version, _texts(consulted), shown, repair)


def prompt_for(
    state: State,
    stage: Stage,
    choice: RouteChoice,
    consulted: KnowledgeConsulted | None,
    question: str,
    *,
    repair: bool = False,
) -> Prompt:
    """The prompt of the model's next round, filled by budget."""
    speaks = language(state)
    flow = state.flow
    exchanges = _exchanges(state, stage)
    if repair and stage.checked is not None:
        findings = tuple(Finding("output", f.rule, f.excerpt) for f in stage.checked.findings)
        exchanges.append(Message("user", repair_note(findings, speaks)))
    return build(
        system=choice.system or system_prompt(speaks),
        language=speaks,
        flow_note=f"{flow.flow}: {flow.state}" if flow else "",
        slots={name: value for name, value in flow.slots.items() if not name.startswith("_")} if flow else {},
        passages=[(p.id, p.revision, p.title, p.text) for p in consulted.passages] if consulted else [],
        summary=state.summary,
        recent=state.recent[:-1],
        text=question,
        context_tokens=choice.context_tokens,
        exchanges=exchanges,
    )


def _needs_yes(turn: Turn, tool: str) -> bool:
    terms = turn.rules.tool(tool)
    return terms is not None and bool(terms.confirm)


def _exchanges(state: State, stage: Stage) -> list[Message]:
    """What model and tools have said to each other in this turn, first of all a call that the customer has allowed."""
    messages: list[Message] = []
    if stage.decided and stage.claimed:
        claim = next(iter(stage.claimed.values()))
        messages += _exchange(
            "", [(ToolCall(claim.call_id, claim.tool, claim.arguments), _result(stage, claim.call_id))]
        )
    for round_, reply in enumerate(stage.models):
        called = [
            (ToolCall(id, call.name, call.arguments), _result(stage, id))
            for index, call in enumerate(reply.calls)
            for id in (_call_id(state, round_, index),)
        ]
        messages += _exchange(reply.text, called)
    return messages


def _exchange(text: str, called: list[tuple[ToolCall, str]]) -> list[Message]:
    asked = Message("assistant", text, tuple(call for call, _ in called))
    return [asked, *(Message("tool", result, tool_call_id=call.id) for call, result in called)]


def _result(stage: Stage, id: str) -> str:
    returned = stage.returned.get(id)
    return (returned.shown or returned.result) if returned is not None else '{"error":"too_many_calls"}'


def _call_id(state: State, round_: int, index: int) -> str:
    """Ours, not the model's: many models count from 1 in every round."""
    assert state.open_turn is not None
    return f"{state.open_turn.seq}-m{round_}-{index}"


# --- Checking --------------------------------------------------------------------------------------------


def output_context(state: State, choice: RouteChoice, passages: tuple[str, ...]) -> OutputContext:
    """What a reply may draw on: `passages` beside what was said and what tools returned."""
    return OutputContext(
        system=choice.system or system_prompt(language(state)),
        grounding=(*passages, *_results(state), *_slots(state)),
        conversation=tuple(text for _, text in state.recent),
        link_hosts=choice.hybrid.link_hosts,
    )


def _texts(consulted: KnowledgeConsulted | None) -> tuple[str, ...]:
    return tuple(p.text for p in consulted.passages) if consulted else ()


def _results(state: State) -> tuple[str, ...]:
    return tuple(result for _, result in state.results)


def _slots(state: State) -> tuple[str, ...]:
    return (msgspec.json.encode(state.flow.slots).decode(),) if state.flow and state.flow.slots else ()


def _check(
    state: State,
    turn: Turn,
    stage: Stage,
    choice: RouteChoice,
    consulted: KnowledgeConsulted | None,
    last: ModelReplied,
) -> Facts:
    text = uncited(last.text)
    found = list(inspect_output(text, output_context(state, choice, _texts(consulted)), turn.rules.guardrails))
    checked: tuple[Finding, ...] = ()
    if choice.mode == "hybrid":
        grounding = Grounding(
            passages=_texts(consulted),
            results=_results(state),
            # May be repeated, but is no promise of the company's: what was filled in, and what a tool was asked.
            given=(*_slots(state), *(claim.arguments for claim in stage.claimed.values())),
            customer=tuple(text for from_customer, text in state.recent if from_customer),
        )
        checked = check_reply(text, grounding, choice.hybrid, language(state))
    stops = [each for each in found if each.action != "flag"]
    verdict = "given"
    if any(each.action == "escalate" for each in stops):
        verdict = "person"
    elif stops or checked:
        repaired = any(reply.repair for reply in stage.models)
        can_ground = consulted is not None and consulted.answer.kind == pb.ANSWER
        verdict = "repair" if choice.mode == "hybrid" and not repaired else "grounded" if can_ground else "person"
    findings = [CheckFinding(rule=each.rule, excerpt=each.excerpt) for each in (*stops, *checked)]
    assert state.open_turn is not None
    key = state.open_turn.key
    return Facts(
        (
            *(triggered(key, each, turn.at_ms) for each in found),
            ReplyChecked(key=key, passed=not findings, findings=findings, verdict=verdict, at_ms=turn.at_ms),
        )
    )


def triggered(key: str, finding: Finding, at_ms: int) -> GuardrailTriggered:
    """The event of a guardrail's finding."""
    return GuardrailTriggered(
        key=key,
        place=finding.place,
        rule=finding.rule,
        excerpt=finding.excerpt,
        action=finding.action,
        at_ms=at_ms,
    )


# --- Answering -------------------------------------------------------------------------------------------


def routed(answer: Answer, choice: RouteChoice) -> Answer:
    """The answer with the route that it took."""
    return _routed(answer, choice.route, choice.version)


@lru_cache(maxsize=4096)  # popular answers are given again and again
def _routed(answer: Answer, route: str, version: int) -> Answer:
    return msgspec.structs.replace(
        answer, route=route, route_version=version, passages=(), intent="", intent_confidence=0.0
    )


def written(state: State, consulted: KnowledgeConsulted | None, last: ModelReplied) -> Answer:
    """What the model wrote, with its sources. `consulted`: what it was given to write from."""
    known = answer_of(consulted.answer) if consulted else None
    passages = consulted.passages if consulted else []
    sources = [passages[n - 1] for n in cited(last.text) if 0 < n <= len(passages)]
    citations = tuple(Citation(p.id, p.revision, p.title, p.text[:300]) for p in sources)
    return Answer(
        kind="answer",
        text=uncited(last.text),
        language=language(state),
        confidence=known.confidence if known else 1.0,
        knowledge_version=known.knowledge_version if known else 0,
        model=f"{last.provider}/{last.model}",
        citations=citations or (known.citations if known and known.kind == "answer" else ()),
        answer_us=last.took_us,
        route=last.route,
        route_version=last.route_version,
    )


def _grounded(state: State, choice: RouteChoice, consulted: KnowledgeConsulted | None) -> Reply:
    """What can be said without a model."""
    if consulted is not None:
        return Reply(routed(answer_of(consulted.answer), choice))
    return Reply(routed(own(state, "unknown", say("no_answer", language(state)), offer_person=True), choice))
