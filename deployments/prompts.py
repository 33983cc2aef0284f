"""The prompts that models were given, rebuilt from the log: `kefu replay --prompt`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from actors.modelling import prompt_for
from actors.session import meant
from actors.stage import read
from actors.state import State, evolve
from actors.wording import language
from events.codec import Event
from llm.routes import Routes, choice_of
from prompting.prompt import Prompt
from schemas.events_pb2 import ModelReplied
from schemas.models import RouteChoice


class Rebuilt(NamedTuple):
    """The prompt before the reply at stream position `seq`. `same`: its hash is the recorded one; `prompt` is None if
    the route that it was for cannot be read any more."""

    seq: int
    replied: ModelReplied
    prompt: Prompt | None
    same: bool


async def rebuilt(
    events: Sequence[Event], routes: Callable[[str, int], Awaitable[Routes | None]]
) -> AsyncIterator[Rebuilt]:
    """One for each model that was asked. `routes(tenant, version)`: as they were."""
    state = State()
    asked: dict[bytes, Prompt] = {}  # of the session: a shadow is asked what was asked before
    for event in events:
        if isinstance(event, ModelReplied):
            prompt = asked.get(event.prompt_hash)
            if prompt is None:
                known = await routes(state.tenant, event.route_version)
                prompt = None if known is None else _prompt(state, event, known)
            if prompt is not None:
                asked[prompt.prompt_hash] = prompt
            same = prompt is not None and prompt.prompt_hash == event.prompt_hash
            yield Rebuilt(state.version + 1, event, prompt, same)
        evolve(state, event)


def _prompt(state: State, event: ModelReplied, routes: Routes) -> Prompt | None:
    if state.open_turn is None or event.route not in routes.routes:
        return None
    choice: RouteChoice = choice_of(routes, event.route_version, event.route, event.rule, language(state))
    stage = read(state)
    question = (stage.moved.consult if stage.moved is not None else "") or meant(state, state.open_turn.text)
    consulted = None if stage.decided else stage.consulted
    return prompt_for(state, stage, choice, consulted, question, repair=event.repair)
