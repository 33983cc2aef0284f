"""Each call has its effect at most once, and its outcome says what is known: against a real, failing endpoint."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from kit.sink import FAULTS, Sink
from making import FakeClock, asks, called, caller, declared, effect, reconciled, request, told

from schemas.errors import InvalidDefinition, NotFound, StoreUnavailable
from tools.calling import ToolCaller
from tools.declarations import Declarations


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as running:
        yield running


async def test_a_call_carries_arguments_key_and_session(sink: Sink) -> None:
    outcome = await called(effect(sink), {"number": "订单 7"})
    assert (outcome.outcome, outcome.status) == ("ok", 200)
    assert json.loads(outcome.result) == {"ok": True, "n": 1, "key": "key-1", "arguments": {"number": "订单 7"}}
    assert outcome.took_us > 0
    assert sink.effects == [
        {"key": "key-1", "n": 1, "path": "/act", "session": "session-1", "arguments": {"number": "订单 7"}}
    ]
    sent = sink.asked[0].headers
    assert (sent["content-type"], sent["accept"]) == ("application/json", "application/json")
    assert "kefubot" not in sent["user-agent"].lower()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET", "POST"])
async def test_arguments_go_into_path_query_and_body(sink: Sink, method: str) -> None:
    tool = effect(
        sink,
        http={"url": sink.url("/act/{number}"), "method": method},
        parameters={
            "type": "object",
            "properties": {"number": {"type": "string"}, "tags": {"type": "array"}, "fast": {"type": "boolean"}},
            "required": ["number"],
        },
    )
    outcome = await called(tool, {"number": "a/../b?c#d%2e e&中", "tags": [1, 2.0], "fast": True})
    assert outcome.outcome == "ok"
    asked = sink.asked[0]
    assert (asked.method, asked.path) == (method, "/act/a%2F..%2Fb%3Fc%23d%252e%20e%26%E4%B8%AD")
    if method in ("GET", "DELETE"):
        assert asked.query == {"tags": ["1", "2"], "fast": ["true"]}
        assert asked.body == b""
    else:
        assert json.loads(asked.body) == {"tags": [1, 2], "fast": True}


@pytest.mark.parametrize("number", ["..", ".", "", "x" * 3_000, ["a"], {"a": 1}, None])
async def test_what_a_path_cannot_carry_is_not_sent(sink: Sink, number: Any) -> None:
    tool = effect(
        sink,
        http={"url": sink.url("/act/{number}")},
        parameters={"type": "object", "properties": {"number": {}}, "required": ["number"]},
    )
    outcome = await called(tool, {"number": number})
    assert (outcome.outcome, told(outcome)) == ("failed", "bad_arguments")
    assert sink.asked == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("{", "not JSON"),
        ("nonsense", "not JSON"),
        ("[]", "must be a JSON object"),
        ("3", "must be a JSON object"),
        ('{"number": 7}', "$.number: 7 is not of type 'string'"),
        ("{}", "'number' is a required property"),
        ("", "'number' is a required property"),
        ('{"number": "7", "admin": true}', "'admin' was unexpected"),
        ('{"number": NaN}', "not JSON"),
        ('{"number": 1e999}', "not JSON"),
        ("[" * 100_000, "characters"),
        ("[" * 10_000, "nested more than"),
        ('{"number":' + "[" * 500 + "]" * 500 + "}", "nested more than"),
        ('{"number": "' + "x" * 70_000 + '"}', "65536 are allowed"),
    ],
)
async def test_arguments_that_break_the_schema_are_not_sent(sink: Sink, arguments: str, why: str) -> None:
    outcome = await called(effect(sink), arguments)
    assert (outcome.outcome, outcome.status, told(outcome)) == ("failed", 0, "bad_arguments")
    assert why in json.loads(outcome.result)["detail"]
    assert sink.asked == []


async def test_tools_that_are_unknown_or_not_permitted(sink: Sink) -> None:
    clock = FakeClock()
    async with caller(declared(effect(sink, tenants=["shop"])), clock) as calls:
        unknown = await calls.call(request("acts", clock=clock))
        refused = await calls.call(request(clock=clock, tenant="demo"))
        assert (await calls.call(request(clock=clock, tenant="shop"))).outcome == "ok"
        assert (await calls.reconcile(request("acts", clock=clock))).outcome == "unknown"
        assert (await calls.reconcile(request(clock=clock, tenant="demo"))).outcome == "unknown"
    assert (unknown.outcome, told(unknown)) == ("failed", "unknown_tool")
    assert "did you mean 'act'?" in unknown.result
    assert (refused.outcome, told(refused)) == ("failed", "not_permitted")
    assert len(sink.effects) == 1


@pytest.mark.parametrize("error", [NotFound("x"), InvalidDefinition("x"), StoreUnavailable("x")])
async def test_declarations_that_cannot_be_had(error: Exception) -> None:
    async def find(tenant: str, version: int) -> Declarations:
        raise error

    async with ToolCaller(find, clock=FakeClock()) as calls:
        outcome = await calls.call(request(clock=FakeClock()))
        assert (outcome.outcome, told(outcome)) == ("failed", "declarations_unavailable")
        if isinstance(error, StoreUnavailable):
            with pytest.raises(StoreUnavailable):
                await calls.reconcile(request())
        else:
            assert (await calls.reconcile(request())).outcome == "unknown"


async def test_a_tenant_without_tools() -> None:
    async def find(tenant: str, version: int) -> None:
        return None

    async with ToolCaller(find, clock=FakeClock()) as calls:
        assert told(await calls.call(request(clock=FakeClock()))) == "unknown_tool"


# What comes of faults: the outcome, its word, and how often the effect happened, for a tool that may be repeated
# neither way, for an idempotent one, and for one that can be asked.
FAULTY = {
    "ok": (("ok", "", 1), ("ok", "", 1), ("ok", "", 1)),
    "hang": (("unknown", "timeout", 0), ("ok", "", 1), ("unknown", "timeout", 0)),
    "hang_after": (("unknown", "timeout", 1), ("ok", "", 1), ("ok", "", 1)),
    "reset_before": (("unknown", "connection_lost", 0), ("ok", "", 1), ("ok", "", 1)),
    "reset_after": (("unknown", "connection_lost", 1), ("ok", "", 1), ("ok", "", 1)),
    "cut_after": (("unknown", "connection_lost", 1), ("ok", "", 1), ("ok", "", 1)),
    "error_before": (("unknown", "http_500", 0), ("ok", "", 1), ("ok", "", 1)),
    "error_after": (("unknown", "http_500", 1), ("ok", "", 1), ("ok", "", 1)),
    "unavailable": (("unknown", "http_503", 0), ("ok", "", 1), ("ok", "", 1)),
    "too_many": (("ok", "", 1), ("ok", "", 1), ("ok", "", 1)),
    "conflict": (("failed", "http_409", 0), ("failed", "http_409", 0), ("failed", "http_409", 0)),
    "not_found": (("failed", "http_404", 0), ("failed", "http_404", 0), ("failed", "http_404", 0)),
    "refused": (("failed", "http_422", 0), ("failed", "http_422", 0), ("failed", "http_422", 0)),
    "slow": (("ok", "", 1), ("ok", "", 1), ("ok", "", 1)),
    "trickle": (("unknown", "timeout", 1), ("ok", "", 1), ("ok", "", 1)),
    "redirect_internal": (("unknown", "http_302", 0), ("unknown", "http_302", 0), ("ok", "", 1)),
    "redirect_loopback": (("failed", "http_307", 0), ("failed", "http_307", 0), ("failed", "http_307", 0)),
    "huge": (("unknown", "bad_result", 1), ("unknown", "bad_result", 1), ("ok", "", 1)),
    "bomb": (("unknown", "bad_result", 1), ("unknown", "bad_result", 1), ("ok", "", 1)),
    "wrong_type": (("unknown", "bad_result", 1), ("unknown", "bad_result", 1), ("ok", "", 1)),
    "invalid_json": (("unknown", "bad_result", 1), ("unknown", "bad_result", 1), ("ok", "", 1)),
    "deep": (("unknown", "bad_result", 1), ("unknown", "bad_result", 1), ("ok", "", 1)),
    "empty": (("ok", "", 1), ("ok", "", 1), ("ok", "", 1)),
    "echo": (("ok", "", 1), ("ok", "", 1), ("ok", "", 1)),
    "echo_error": (("failed", "http_400", 0), ("failed", "http_400", 0), ("failed", "http_400", 0)),
}


def _patience(fault: str) -> float:
    return 0.2 if fault in ("hang", "hang_after", "trickle") else 5.0


def test_every_fault_is_tried() -> None:
    assert set(FAULTY) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["plain", "idempotent", "asked"])
async def test_faults(sink: Sink, fault: str, kind: str) -> None:
    more = {"plain": {}, "idempotent": {"idempotent": True}, "asked": {"reconcile": asks(sink)}}[kind]
    # A tool that is not idempotent meets an endpoint that is not.
    path = "/act" if kind == "idempotent" else "/twice"
    sink.script(fault, path=path)
    outcome = await called(effect(sink, path, timeout_s=_patience(fault), **more))
    expected, word, times = FAULTY[fault][["plain", "idempotent", "asked"].index(kind)]
    assert (outcome.outcome, told(outcome) if outcome.outcome != "ok" else "") == (expected, word)
    assert sink.times("key-1") == times
    if kind == "plain" and fault != "too_many":
        assert sink.arrivals["key-1"] == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_only_reads_is_repeated_and_never_unknown(sink: Sink, fault: str) -> None:
    sink.script(fault)
    outcome = await called(effect(sink, read_only=True, timeout_s=_patience(fault)))
    assert outcome.outcome != "unknown"
    if FAULTY[fault][1][0] == "ok":
        assert outcome.outcome == "ok"


async def test_an_endpoint_that_stays_broken(sink: Sink) -> None:
    for faults, expected, word in (
        (["error_after"] * 9, "unknown", "http_500"),
        (["reset_before"] * 9, "unknown", "connection_lost"),
        (["reset_after", "refused"], "failed", "http_422"),  # an idempotent endpoint means what it says of the key
        (["reset_after", "too_many", "too_many", "too_many"], "unknown", "connection_lost"),
        (["reset_after", "conflict", "conflict", "conflict"], "unknown", "http_409"),
        (["reset_after", "conflict", "ok"], "ok", ""),
        (["too_many"] * 9, "failed", "http_429"),
    ):
        sink.forget()
        sink.script(*faults)
        clock = FakeClock()
        outcome = await called(effect(sink, idempotent=True), clock=clock)
        assert (outcome.outcome, told(outcome) if word else "") == (expected, word), faults
        assert len(clock.pauses) <= 3
        assert sink.times("key-1") <= 1


async def test_nobody_there_is_a_failure_and_nothing_happened(sink: Sink) -> None:
    async with Sink() as gone:
        pass
    clock = FakeClock()
    outcome = await called(effect(gone), clock=clock)
    assert (outcome.outcome, told(outcome), outcome.status) == ("failed", "unreachable", 0)
    assert clock.pauses == pytest.approx([0.1, 0.3, 0.9])  # it was tried again, for nothing was sent
    assert (await reconciled(effect(gone, idempotent=True))).outcome == "unknown"
    assert (await reconciled(effect(gone, read_only=True))).outcome == "failed"


async def test_a_failure_quotes_what_the_endpoint_said(sink: Sink) -> None:
    sink.script("refused")
    outcome = await called(effect(sink))
    assert outcome.status == 422
    assert "not_refundable" in json.loads(outcome.result)["detail"]


async def test_results_are_held_to_the_declaration(sink: Sink) -> None:
    tool = effect(sink, result={"type": "object", "required": ["receipt"]})
    outcome = await called(tool)
    assert (outcome.outcome, told(outcome), outcome.status) == ("unknown", "bad_result", 200)
    assert "'receipt' is a required property" in outcome.result
    assert told(await called(effect(sink, max_result_bytes=64), {"number": "x" * 100})) == "bad_result"


# Time


@pytest.mark.parametrize("fault", ["hang", "hang_after", "trickle"])
@pytest.mark.parametrize("more", [{}, {"idempotent": True}, {"read_only": True}, {"reconcile": True}])
async def test_the_deadline_holds(sink: Sink, fault: str, more: dict[str, Any]) -> None:
    sink.script(*[fault] * 9)
    if "reconcile" in more:
        more = {"reconcile": asks(sink)}
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def find(tenant: str, version: int) -> Declarations:
        return declared(effect(sink, timeout_s=60, **more))

    def clock() -> int:
        return int(loop.time() * 1_000)

    async with ToolCaller(find, allow=("127.0.0.1",), clock=clock) as calls:
        outcome = await calls.call(request(clock=clock, for_s=0.3))
    assert loop.time() - started < 1.3
    assert outcome.outcome == ("failed" if "read_only" in more else "unknown")
    assert told(outcome) == "timeout"


async def test_a_deadline_that_has_passed(sink: Sink) -> None:
    outcome = await called(effect(sink), for_s=-1)
    assert (outcome.outcome, told(outcome)) == ("failed", "deadline")
    assert (await reconciled(effect(sink, idempotent=True), for_s=-1)).outcome == "unknown"
    assert (await reconciled(effect(sink, reconcile=asks(sink)), for_s=-1)).outcome == "unknown"
    assert sink.asked == []


async def test_patience_that_the_endpoint_asks_for_is_kept_within_the_deadline(sink: Sink) -> None:
    sink.script("too_many")
    clock = FakeClock()
    assert (await called(effect(sink), clock=clock)).outcome == "ok"
    assert clock.pauses == [1.0]
    sink.script("too_many")
    clock = FakeClock()
    assert told(await called(effect(sink), clock=clock, for_s=0.8)) == "http_429"
    assert clock.pauses == []


async def test_cancelling_is_let_through(sink: Sink) -> None:
    sink.script("hang")
    clock = FakeClock()
    async with caller(declared(effect(sink, timeout_s=60)), clock) as calls:
        task = asyncio.create_task(calls.call(request(clock=clock, for_s=100)))
        while not sink.asked:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# Many at once


async def test_a_thousand_calls_are_bounded_and_each_happens_once(sink: Sink) -> None:
    clock = FakeClock()
    async with caller(declared(effect(sink, timeout_s=30)), clock) as calls:
        outcomes = await asyncio.gather(
            *(calls.call(request(key=f"key-{n}", clock=clock, for_s=60)) for n in range(1_000))
        )
    assert Counter(each.outcome for each in outcomes) == {"ok": 1_000}
    assert sink.arrivals == {f"key-{n}": 1 for n in range(1_000)}
    assert len(sink.effects) == 1_000
    assert sink.most_at_once <= 16


async def test_a_tool_that_hangs_does_not_hold_up_others(sink: Sink) -> None:
    clock = FakeClock()
    stuck = effect(sink, "/act/stuck", name="stuck", timeout_s=60)
    sink.script(*["hang"] * 100, path="/act/stuck")
    async with caller(declared(stuck, effect(sink)), clock) as calls:
        hanging = [
            asyncio.create_task(calls.call(request("stuck", key=f"stuck-{n}", clock=clock, for_s=50)))
            for n in range(100)
        ]
        while len(sink.asked) < 16:
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*(calls.call(request(key=f"k-{n}", clock=clock)) for n in range(50)))
        assert {each.outcome for each in outcomes} == {"ok"}
        assert sum(arrived.startswith("stuck") for arrived in sink.arrivals) == 16
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_waiting_too_long_for_room_sends_nothing(sink: Sink) -> None:
    clock = FakeClock()
    sink.script(*["hang"] * 16)
    async with caller(declared(effect(sink, timeout_s=60)), clock) as calls:
        hanging = [asyncio.create_task(calls.call(request(key=f"h-{n}", clock=clock, for_s=50))) for n in range(16)]
        while len(sink.asked) < 16:
            await asyncio.sleep(0)
        outcome = await calls.call(request(clock=clock, for_s=0.1))
        assert (outcome.outcome, told(outcome)) == ("failed", "busy")
        assert "key-1" not in sink.arrivals
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


# After a crash


async def test_a_call_that_can_be_asked_about(sink: Sink) -> None:
    tool = effect(sink, "/twice", reconcile=asks(sink))
    assert (await called(tool)).outcome == "ok"
    found = await reconciled(tool)
    assert (found.outcome, found.status) == ("ok", 200)
    assert json.loads(found.result)["n"] == 1
    assert sink.arrivals["key-1"] == 1


@pytest.mark.parametrize("more", [{"reconcile": True}, {"idempotent": True}, {"read_only": True}])
async def test_what_never_happened_is_done_once(sink: Sink, more: dict[str, Any]) -> None:
    if "reconcile" in more:
        more = {"reconcile": asks(sink)}
    for _ in range(3):
        assert (await reconciled(effect(sink, **more))).outcome == "ok"
    assert sink.times("key-1") == 1


async def test_what_cannot_be_known_is_not_repeated(sink: Sink) -> None:
    outcome = await reconciled(effect(sink))
    assert (outcome.outcome, told(outcome)) == ("unknown", "interrupted")
    assert sink.asked == []


@pytest.mark.parametrize("key", ["a/b", "../effects", "%2e%2e", "key with space", "中", "a?b#c"])
async def test_keys_of_any_spelling_are_asked_about_as_they_were_sent(sink: Sink, key: str) -> None:
    clock = FakeClock()
    tool = effect(sink, "/twice", reconcile=asks(sink))
    async with caller(declared(tool), clock) as calls:
        assert (await calls.call(request(key=key, clock=clock))).outcome == "ok"
        assert (await calls.reconcile(request(key=key, clock=clock))).outcome == "ok"
    assert sink.arrivals == {key: 1}


async def test_an_endpoint_that_does_not_say_what_became_of_it(sink: Sink) -> None:
    for path, word in (("/act?fault=refused&k=", "http_422"), ("/act?fault=error_before&k=", "http_500"),
                       ("/act?fault=wrong_type&k=", "bad_result")):  # fmt: skip
        tool = effect(sink, "/twice", reconcile={"url": sink.url(path + "{idempotency_key}")})
        outcome = await reconciled(tool)
        assert (outcome.outcome, told(outcome)) == ("unknown", word)
    assert "/twice" not in [asked.path for asked in sink.asked]


async def test_a_repeat_that_nobody_can_judge_is_asked_about(sink: Sink) -> None:
    tool = effect(sink, "/twice", reconcile=asks(sink))
    sink.script("reset_after", path="/twice")
    assert (await reconciled(tool)).outcome == "ok"
    sink.script("reset_before", "reset_after", path="/twice")
    clock = FakeClock()
    async with caller(declared(tool), clock) as calls:
        assert (await calls.call(request(key="key-2", clock=clock))).outcome == "ok"
    assert (sink.times("key-1"), sink.times("key-2")) == (1, 1)


async def test_a_repeat_that_is_not_known_of_either_stays_unknown(sink: Sink) -> None:
    sink.script("reset_before", path="/twice")
    outcome = await reconciled(effect(sink, "/twice", reconcile=asks(sink)))
    assert outcome.outcome == "unknown"
    assert [asked.method for asked in sink.asked] == ["GET", "POST", "GET"]
    assert sink.effects == []


async def test_arguments_that_break_the_schema_are_not_asked_about(sink: Sink) -> None:
    clock = FakeClock()
    async with caller(declared(effect(sink, reconcile=asks(sink))), clock) as calls:
        outcome = await calls.reconcile(request(arguments="{", clock=clock))
    assert (outcome.outcome, told(outcome)) == ("unknown", "bad_arguments")
    assert sink.asked == []
