"""A host without Ray: turns in, outcomes out, each to the ingress that sent it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from kit.actors import ScriptedAnswerer, runtime, turn
from kit.given import answer
from kit.server import until

from actors import host as module
from actors.host import SessionHost, SessionHostCore
from schemas.api import TurnOutcome, TurnRequest
from schemas.errors import AnswererUnavailable
from schemas.settings import Settings

pytestmark = pytest.mark.timeout(20)


@pytest.fixture
def answerer() -> ScriptedAnswerer:
    scripted = ScriptedAnswerer()
    scripted.cache["quick"] = answer("quick")
    return scripted


@pytest.fixture
async def core(answerer: ScriptedAnswerer, tmp_path: Path) -> AsyncIterator[SessionHostCore]:
    core = SessionHostCore("session-host-00", runtime(answerer=answerer), Settings(home=str(tmp_path)), 100)
    yield core
    for task in core._tasks:
        task.cancel()
    await asyncio.gather(*core._tasks, return_exceptions=True)


async def exchange(core: SessionHostCore, *turns: TurnRequest, client: str = "ingress-1") -> list[TurnOutcome]:
    async with asyncio.timeout(5):
        answered = await core.exchange(client, msgspec.msgpack.encode(turns))
    return msgspec.msgpack.decode(answered, type=list[TurnOutcome])


async def collect(core: SessionHostCore, count: int, client: str = "ingress-1") -> list[TurnOutcome]:
    outcomes: list[TurnOutcome] = []
    async with asyncio.timeout(5):
        while len(outcomes) < count:
            outcomes += await exchange(core, client=client)
    return outcomes


async def test_turns_that_arrive_together(core: SessionHostCore) -> None:
    outcomes = await exchange(core, *(turn("a", "quick", ref=n, session=f"s{n}") for n in range(1, 20)))
    if len(outcomes) < 19:
        outcomes += await collect(core, 19 - len(outcomes))
    outcomes.sort(key=lambda outcome: outcome.ref)
    assert [outcome.ref for outcome in outcomes] == list(range(1, 20))
    assert {outcome.status for outcome in outcomes} == {200}
    assert [json.loads(outcome.body)["session_id"] for outcome in outcomes] == [f"s{n}" for n in range(1, 20)]


async def test_a_slow_turn_holds_up_no_fast_one(core: SessionHostCore, answerer: ScriptedAnswerer) -> None:
    answerer.gate.clear()
    outcomes = await exchange(core, turn("a", "slow", ref=1, session="s1"), turn("a", "quick", ref=2, session="s2"))
    assert [outcome.ref for outcome in outcomes] == [2]
    assert [outcome.ref for outcome in await exchange(core, turn("b", "quick", ref=3, session="s2"))] == [3]
    answerer.gate.set()
    assert [outcome.ref for outcome in await exchange(core)] == [1]


async def test_an_exchange_returns_empty_after_a_while(
    core: SessionHostCore, answerer: ScriptedAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HOLD_S", 0.05)
    answerer.gate.clear()
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await exchange(core, turn("a", "slow", ref=1)) == []
    assert loop.time() - began >= 0.04
    assert await exchange(core) == []
    waiting = asyncio.ensure_future(exchange(core))
    await asyncio.sleep(0)
    answerer.gate.set()
    assert [outcome.ref for outcome in await waiting] == [1]


async def test_each_client_gets_its_own_replies(core: SessionHostCore, answerer: ScriptedAnswerer) -> None:
    answerer.gate.clear()
    waiting = [
        asyncio.ensure_future(exchange(core, turn("a", "slow", ref=7, session=name), client=name))
        for name in ("one", "two")
    ]
    await until(lambda: len(answerer.asked) == 2, "both questions")
    answerer.gate.set()
    for name, outcomes in zip(("one", "two"), await asyncio.gather(*waiting), strict=True):
        assert [(outcome.ref, json.loads(outcome.body)["session_id"]) for outcome in outcomes] == [(7, name)]


async def test_many_exchanges_of_one_client_share_the_replies(
    core: SessionHostCore, answerer: ScriptedAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HOLD_S", 0.2)
    answerer.gate.clear()
    waiting = [asyncio.ensure_future(exchange(core, turn("a", "slow", ref=n, session=f"s{n}"))) for n in range(8)]
    await until(lambda: len(answerer.asked) == 8, "all questions")
    waiting[0].cancel()  # an ingress that gave a call up loses no reply to it
    await asyncio.sleep(0)
    answerer.gate.set()
    found = [o.ref for some in await asyncio.gather(*waiting[1:]) for o in some]
    found += [o.ref for o in (await collect(core, 8 - len(found)) if len(found) < 8 else [])]
    assert sorted(found) == list(range(8))


async def test_errors_are_outcomes(
    core: SessionHostCore, answerer: ScriptedAnswerer, caplog: pytest.LogCaptureFixture
) -> None:
    answerer.failures.append(AnswererUnavailable("slow", retry_after_s=3))
    [known] = await exchange(core, turn("a", ref=1))
    assert (known.ref, known.status, known.retry_after_s) == (1, 503, 3)
    assert json.loads(known.body)["code"] == "answerer_unavailable"
    answerer.failures.append(ZeroDivisionError("secret detail"))
    with caplog.at_level(logging.ERROR, "kefu.host"):
        [defect] = await exchange(core, turn("a", ref=2))
    assert (defect.status, json.loads(defect.body)["code"]) == (500, "internal_error")
    assert b"secret" not in defect.body
    assert "secret detail" in caplog.text
    [fine] = await exchange(core, turn("a", ref=3))
    assert fine.status == 200


async def test_stats(core: SessionHostCore, answerer: ScriptedAnswerer) -> None:
    answerer.failures.append(AnswererUnavailable("slow"))
    await exchange(core, turn("a", ref=1, session="s1"))
    await exchange(core, turn("a", ref=2, session="s2"))
    stats = core.stats()
    expected = {
        "pid": os.getpid(), "resident_sessions": 2, "turns_in_progress": 0, "turns": 1, "failed_turns": 1,
        "activations": 2, "passivations": 0,
    }  # fmt: skip
    assert {name: stats.get(name) for name in expected} == expected


async def test_a_client_that_went_away_is_forgotten(
    answerer: ScriptedAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CLIENT_IDLE_S", 0.05)
    core = SessionHostCore("h", runtime(answerer=answerer), Settings(), 100)
    await exchange(core, turn("a", "quick"))
    assert core._clients
    await until(lambda: not core._clients, "the client to be forgotten")
    assert await exchange(core, turn("a", "quick")) != []  # it may come back
    for task in core._tasks:
        task.cancel()


async def test_the_ray_face_starts_its_core_once(answerer: ScriptedAnswerer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.gc, "freeze", lambda: None)  # this process goes on to other things
    monkeypatch.setattr(module.gc, "set_threshold", lambda *_: None)
    built: list[str] = []

    def build(_: Settings, name: str):  # type: ignore[no-untyped-def]
        built.append(name)
        return runtime(answerer=answerer)

    host = SessionHost("session-host-03", Settings(), build, 10)
    assert repr(host) == "session-host-03"
    empty = msgspec.msgpack.encode([turn("a", "quick", ref=1)])
    async with asyncio.timeout(5):
        answered, stats = await asyncio.gather(host.exchange("i", empty), host.stats())
    assert b"quick" in answered
    assert stats["pid"] == os.getpid()
    assert built == ["session-host-03"]
    assert host._core is not None
    for task in host._core._tasks:
        task.cancel()


async def test_what_has_no_outcome_does_not_keep_turns_from_travelling(core: SessionHostCore) -> None:
    draft = TurnRequest(0, "acme", "s1", "", "", 0, "open")
    waiting = [asyncio.ensure_future(exchange(core, draft)) for _ in range(module.CALLS)]
    await asyncio.sleep(0.01)
    given_back = [call for call in waiting if call.done()]
    assert [call.result() for call in given_back] == [[]] * (len(waiting) - module.CALLS + 1)
    calls = [*waiting, asyncio.ensure_future(exchange(core, turn("a", "quick", ref=7)))]
    done, _ = await asyncio.wait(calls, timeout=0.2)  # any of the client's calls may carry the reply
    assert [outcome.ref for call in done for outcome in call.result()] == [7]
    await asyncio.gather(*calls)
