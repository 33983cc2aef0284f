"""The hosts' cache of answers: used while the knowledge is at their version, and never after."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from kit.given import answer
from kit.server import until

from deployments import remote_answerer
from deployments.heads import Heads
from deployments.remote_answerer import RemoteAnswerer, decode_questions, encode
from schemas.answers import Answer, Question
from schemas.errors import AnswererUnavailable, StoreUnavailable

pytestmark = pytest.mark.timeout(20)


class World:
    """An answerer at `version`, and what the host knows of each tenant's."""

    def __init__(self) -> None:
        self.version = 1
        self.rules = 0
        self.heads: dict[str, int] = {"acme": 1}
        self.more: dict[str, Any] = {}
        self.failing = False
        self.asked: list[str] = []
        self.answerer = RemoteAnswerer(self._call, self.heads.get, lambda _: self.rules, has_effects=False, timeout_s=5)

    async def _call(self, payload: bytes) -> bytes:
        if self.failing:
            raise RuntimeError("no replica")
        questions = decode_questions(payload)
        self.asked += [question.text for question in questions]
        told = {"knowledge_version": self.version, **self.more}
        return encode([answer(f"re: {question.text}", answer_us=7, **told) for question in questions])

    def cached(self, text: str, tenant: str = "acme", offered: bool = False) -> Answer | None:
        return self.answerer.cached(Question(tenant, text, offered))


async def test_an_answer_is_used_for_the_same_question_case_and_spaces_aside() -> None:
    world = World()
    given = await world.answerer.answer(Question("acme", "Where is it?"))
    assert world.cached("  where  IS it? ") == msgspec.structs.replace(given, answer_us=0)
    assert world.cached("where is it") is None
    assert world.cached("Where is it?", offered=True) is None
    world.heads["other"] = 1
    assert world.cached("Where is it?", tenant="other") is None


async def test_an_answer_ends_with_its_version() -> None:
    world = World()
    await world.answerer.answer(Question("acme", "q"))
    world.heads["acme"] = 2
    assert world.cached("q") is None
    world.version = 2
    await world.answerer.answer(Question("acme", "q"))
    found = world.cached("q")
    assert found is not None and found.knowledge_version == 2


async def test_an_answer_of_a_replica_that_is_behind_or_ahead_is_not_used() -> None:
    world = World()
    world.heads["acme"] = 2
    await world.answerer.answer(Question("acme", "q"))  # given in version 1
    assert world.cached("q") is None
    world.version = 3
    await world.answerer.answer(Question("acme", "q"))
    assert world.cached("q") is None
    world.heads["acme"] = 3  # the host has heard of it
    assert world.cached("q") is not None


async def test_nothing_is_used_before_the_versions_are_known_but_small_talk() -> None:
    world = World()
    world.heads.clear()
    await world.answerer.answer(Question("acme", "q"))
    assert world.cached("q") is None
    world.more = {"kind": "smalltalk", "knowledge_version": 0}
    await world.answerer.answer(Question("acme", "hello"))
    assert world.cached("hello") is not None
    world.heads["acme"] = 9
    assert world.cached("hello") is not None


async def test_what_is_still_being_learnt_is_not_kept() -> None:
    world = World()
    world.more = {"learning": True}
    await world.answerer.answer(Question("acme", "q"))
    assert world.cached("q") is None
    world.more = {}
    await world.answerer.answer(Question("acme", "q"))
    assert world.cached("q") is not None


async def test_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_answerer, "CACHE", 2)
    world = World()
    for text in ("a", "b", "a", "c"):  # "a" was given anew after "b"
        await world.answerer.answer(Question("acme", text))
    assert [world.cached(text) is not None for text in "abc"] == [True, False, True]


async def test_a_failure_says_what_to_do_and_is_not_kept() -> None:
    world = World()
    world.failing = True
    with pytest.raises(AnswererUnavailable, match="retry with the same key"):
        await world.answerer.answer(Question("acme", "q"))
    world.failing = False
    assert (await world.answerer.answer(Question("acme", "q"))).text == "re: q"


class Source:
    def __init__(self) -> None:
        self.known = {"acme": 1}
        self.away = False
        self.polls = 0

    async def heads(self) -> dict[str, int]:
        self.polls += 1
        if self.away:
            raise StoreUnavailable("away")
        return dict(self.known)


async def test_heads_are_polled_once_somebody_asks() -> None:
    source = Source()
    heads = Heads(source)
    await asyncio.sleep(0.01)
    assert source.polls == 0
    assert heads.version("acme") is None
    await until(lambda: heads.version("acme") == 1, "the first poll")
    assert heads.version("unheard of") == 0
    source.known = {"acme": 2}
    await until(lambda: heads.version("acme") == 2, "the next poll")
    source.away = True
    before = source.polls
    await until(lambda: source.polls > before + 1, "polls while the log is away")
    assert heads.version("acme") == 2
    source.away, source.known = False, {"acme": 3}
    await until(lambda: heads.version("acme") == 3, "the log is back")
