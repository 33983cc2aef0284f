"""Tools that are Python functions: whatever they do, the call has an outcome, and others go on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import served
from making import FakeClock, called, caller, declared, reconciled, request, told

MODULES = ("served",)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    served.calls.clear()
    served.release.clear()
    yield
    served.release.set()


def function(name: str, **more: Any) -> dict[str, Any]:
    integers = {"a": {"type": "integer"}, "b": {"type": "integer"}}
    parameters = {"type": "object", "properties": integers if name.startswith("add") else {}}
    return {"name": name, "python": f"served:{name}", "parameters": parameters} | more


@pytest.mark.parametrize("name", ["add", "add_async"])
async def test_arguments_are_keywords(name: str) -> None:
    outcome = await called(function(name), {"b": 2, "a": 1}, modules=MODULES)
    assert (outcome.outcome, outcome.result, outcome.status) == ("ok", "3", 0)


async def test_the_context_tells_key_tenant_and_session() -> None:
    outcome = await called(function("who"), {}, modules=MODULES)
    assert json.loads(outcome.result) == {"key": "key-1", "tenant": "demo", "session": "session-1"}


@pytest.mark.parametrize(
    ("name", "outcome", "word"),
    [
        ("refuse", "failed", "not_today"), ("fail", "unknown", "tool_error"), ("fail_async", "unknown", "tool_error"),
        ("leave", "unknown", "tool_error"), ("leave_async", "unknown", "tool_error"),
        ("cancel_itself", "unknown", "timeout"), ("large", "unknown", "bad_result"),
        ("no_json", "unknown", "bad_result"), ("endless", "unknown", "bad_result"), ("deep", "unknown", "bad_result"),
    ],
)  # fmt: skip
async def test_what_functions_do(name: str, outcome: str, word: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found = await called(function(name), {}, modules=MODULES)
    assert (found.outcome, told(found)) == (outcome, word)
    only_reads = await called(function(name, read_only=True), {}, modules=MODULES)
    assert only_reads.outcome == "failed"
    assert "hunter2" not in found.result + caplog.text
    assert "\\u0007" not in found.result


@pytest.mark.parametrize("name", ["hang", "hang_async"])
async def test_a_function_that_hangs_is_given_up(name: str) -> None:
    found = await called(function(name, timeout_s=0.1, idempotent=True), {}, modules=MODULES)
    assert (found.outcome, told(found)) == ("unknown", "timeout")
    assert served.calls in ([], ["hang"])  # it still runs, so it is not called again


async def test_a_function_that_hangs_keeps_few_threads_and_holds_up_nobody() -> None:
    clock = FakeClock()
    tools = declared(function("hang", timeout_s=0.2), function("add"))
    async with caller(tools, clock, modules=MODULES) as calls:
        hung = await asyncio.gather(*(calls.call(request("hang", {}, key=f"h{n}", clock=clock)) for n in range(10)))
        assert Counter((each.outcome, told(each)) for each in hung) == {
            ("unknown", "timeout"): 4,
            ("failed", "busy"): 6,
        }
        assert served.calls == ["hang"] * 4
        assert (await calls.call(request("add", {"a": 1}, clock=clock))).outcome == "ok"
        served.release.set()
        assert (await calls.call(request("hang", {}, key="again", clock=clock))).outcome == "ok"


async def test_a_thousand_calls_at_once() -> None:
    clock = FakeClock()
    async with caller(declared(function("add")), clock, modules=MODULES) as calls:
        outcomes = await asyncio.gather(
            *(calls.call(request("add", {"a": n}, key=str(n), clock=clock)) for n in range(1_000))
        )
    assert [each.result for each in outcomes] == [str(n) for n in range(1_000)]


@pytest.mark.parametrize(
    "python",
    ["os:system", "subprocess:run", "builtins:eval", "served:wrapped", "served:ToolContext", "served:nothing",
     "served:asyncio", "nowhere:x", "making:declared"],
)  # fmt: skip
async def test_only_functions_of_modules_that_the_operator_named(python: str) -> None:
    tool = {"name": "t", "python": python, "parameters": {"type": "object"}}
    found = await called(tool, {}, modules=(*MODULES, "nowhere"))
    assert (found.outcome, told(found)) == ("failed", "not_callable")


async def test_arguments_that_the_function_does_not_take() -> None:
    tool = function("add") | {"parameters": {"type": "object", "properties": {"c": {}}}}
    assert told(await called(tool, {"c": 1}, modules=MODULES)) == "not_callable"
    assert told(await called(function("add"), {}, modules=MODULES)) == "not_callable"
    assert served.calls == []


async def test_reconciling_repeats_what_may_be_repeated() -> None:
    tool = function("who")
    assert (await reconciled_with_no_arguments(tool)).outcome == "unknown"
    assert (await reconciled_with_no_arguments(tool | {"idempotent": True})).outcome == "ok"
    assert (await reconciled_with_no_arguments(tool | {"read_only": True})).outcome == "ok"


async def reconciled_with_no_arguments(tool: dict[str, Any]) -> Any:
    clock = FakeClock()
    async with caller(declared(tool), clock, modules=MODULES) as calls:
        return await calls.reconcile(request(tool["name"], {}, clock=clock))


async def test_a_module_that_is_no_longer_allowed_may_have_been_called() -> None:
    tool = function("add", idempotent=True) | {"parameters": {"type": "object", "properties": {"number": {}}}}
    assert (await reconciled(tool, modules=())).outcome == "unknown"
    assert (await called(tool, {}, modules=())).outcome == "failed"
