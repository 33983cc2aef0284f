"""The prompts that models were given are rebuilt from the log, to the byte."""

from __future__ import annotations

from typing import Any

import pytest
from kit.actors import FakeClock, turn
from kit.given import answer
from kit.turns import KnowingAnswerer, Says, ScriptedModels, ScriptedRules, ScriptedTools, scripted, terms

from actors.actor import SessionActor
from deployments.prompts import Rebuilt, rebuilt
from events.codec import decode
from events.memory import MemoryStore
from llm.reading import read
from llm.routes import Routes, choose
from schemas.answers import Passage

pytestmark = pytest.mark.timeout(20)

ROUTES = """
providers:
  cloud: {kind: openai, base_url: "http://127.0.0.1:1/v1", model: m}
routes:
  day: {mode: model, chain: [cloud], system: {en: Be brief., zh: 请简短。}, context_tokens: 900, shadow: careful}
  careful: {mode: hybrid, chain: [cloud]}
rules:
  - {name: care, when: {intent: refund}, use: careful}
default: day
"""
RETURNS = Passage("faq-1", 3, "Returns", "You can return it within 30 days. A return costs 4.90 EUR.")


async def prompts(models: ScriptedModels, *texts: str, version: int = 4, **more: Any) -> list[Rebuilt]:
    """What was asked in a session that says these texts, rebuilt from its events."""
    routes, store, clock = read(ROUTES), MemoryStore(), FakeClock()
    rules = ScriptedRules(route=lambda situation: choose(routes, version, situation), tools={"look": terms("look")})
    answerer = KnowingAnswerer()
    answerer.intents["refund me"] = "refund"
    for text in texts:
        answerer.known[text] = answer("Within 30 days.", passages=(RETURNS,))
    actor = SessionActor(scripted(rules, answerer, models, ScriptedTools(), clock, store=store), "acme", "s1")
    for n, text in enumerate(texts):
        clock.now += 1_000
        await actor.take(turn(f"k{n}", text))
    for task in list(actor._mirrors or ()):
        await task
    session_id = await store.find("acme", "s1")
    assert session_id is not None
    events = [decode(session_id, stored) for stored in await store.read(session_id)]

    async def of(tenant: str, wanted: int) -> Routes | None:
        return routes if (tenant, wanted) == ("acme", 4) else None

    return [each async for each in rebuilt(events, of)]


async def test_every_round_repair_and_shadow_is_rebuilt_to_the_byte() -> None:
    looks = Says(calls=(("look", {"n": 1}),))
    models = ScriptedModels(looks, "It is there.", "Shadow.", "In 60 days.", "Within 30 days.", "没问题。", "影子。")
    found = await prompts(models, "where is it?", "refund me", "可以退货吗？")
    assert [each.same for each in found] == [True] * len(models.requests)
    given = [each.prompt.messages for each in found if each.prompt is not None and not each.replied.shadow]
    asked = [request.messages for request in models.requests if request.route != "careful" or len(request.messages) > 2]
    assert all(messages in given for messages in asked)
    assert {each.replied.route for each in found} == {"day", "careful"}
    assert any(each.replied.repair for each in found)


async def test_the_report_says_what_fills_the_window() -> None:
    (found, _) = await prompts(ScriptedModels("Yes.", "Shadow."), "how long?")
    assert found.prompt is not None
    sections = {each.name: each for each in found.prompt.sections}
    assert sections["passages"].kept == 1
    assert found.prompt.context_tokens == 900
    assert "Be brief." in found.prompt.messages[0].content


async def test_a_route_that_is_gone_is_said_so() -> None:
    (found, _) = await prompts(ScriptedModels("Yes.", "Shadow."), "how long?", version=5)
    assert (found.prompt, found.same) == (None, False)
