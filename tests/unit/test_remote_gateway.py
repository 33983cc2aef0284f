"""What a session host and the gateway do when the other side is slow, gone or defective."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from kit.definitions import CountingReaders, compilers
from kit.server import until
from ray.exceptions import RayTaskError

from deployments import outside, remote_gateway
from deployments.outside import Outside
from deployments.pinned_definitions import Pinned
from deployments.remote_gateway import Failed, RemoteModels, RemoteTools, decode_tool_request, encode
from events.memory_definitions import MemoryDefinitions
from schemas.errors import AnswererUnavailable, InvalidDefinition, NotFound, StoreUnavailable
from schemas.ids import now_ms
from schemas.models import Delta, Message, ModelEvent, ModelRequest, ModelUnavailable
from schemas.tools import ToolOutcome, ToolRequest

pytestmark = pytest.mark.timeout(20)

DONE = ToolOutcome("ok", "{}", 200)

Act = Callable[[ToolRequest], Awaitable[ToolOutcome]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_gateway, "_PAUSES_S", (0.0, 0.0, 0.0, 0.0))
    monkeypatch.setattr(remote_gateway, "_GRACE_S", 0.05)
    monkeypatch.setattr(remote_gateway, "_RECONCILE_MS", 50)


def asked() -> ModelRequest:
    return ModelRequest("shop", "both", 1, (Message("user", "Hi"),), now_ms())


def claimed() -> ToolRequest:
    return ToolRequest("shop", 1, "refund", "{}", "key", "s", now_ms())


def of_a_replica(cause: Exception) -> Exception:
    """As Ray raises what a replica raised."""
    error = RayTaskError("reconcile_tool", "Traceback", cause, proctitle="t", pid=1, ip="127.0.0.1")
    raised: Exception = error.as_instanceof_cause()
    return raised


class Replies:
    """A streamed response: its payloads, then silence."""

    def __init__(self, *payloads: bytes) -> None:
        self._payloads = [*payloads]
        self.cancelled = False

    async def __anext__(self) -> bytes:
        if self._payloads:
            return self._payloads.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    def cancel(self) -> None:
        self.cancelled = True


def streaming(replies: Any) -> Callable[[], Any]:
    handle = SimpleNamespace(stream=SimpleNamespace(remote=lambda payload: replies))
    return lambda: SimpleNamespace(options=lambda stream: handle)


class Handle:
    """Plays its acts one after the other, the last for ever; of calls and of reconciliations."""

    def __init__(self, call: Act, *reconcile: Act) -> None:
        self._acts = [*reconcile]
        self._call = call
        self.asked: list[ToolRequest] = []
        self.call_tool = SimpleNamespace(remote=self._called)
        self.reconcile_tool = SimpleNamespace(remote=self._reconciled)

    def __call__(self) -> Handle:
        return self

    async def _called(self, payload: bytes) -> bytes:
        return encode(await self._call(decode_tool_request(payload)))

    async def _reconciled(self, payload: bytes) -> bytes:
        request = decode_tool_request(payload)
        self.asked.append(request)
        act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
        return encode(await act(request))


async def silent(_: ToolRequest) -> ToolOutcome:
    await asyncio.Event().wait()
    raise AssertionError


async def done(_: ToolRequest) -> ToolOutcome:
    return DONE


def raising(error: Exception) -> Act:
    async def act(_: ToolRequest) -> ToolOutcome:
        raise error

    return act


@pytest.mark.parametrize("said", [(), ("Hel",)])
async def test_a_silent_gateway_is_no_model(said: tuple[str, ...]) -> None:
    replies = Replies(*(encode(Delta(text)) for text in said))
    events: list[ModelEvent] = []
    with pytest.raises(ModelUnavailable, match="did not answer in time"):
        async for event in RemoteModels(streaming(replies)).stream(asked()):
            events.append(event)
    assert events == [Delta(text) for text in said]
    assert replies.cancelled


async def test_what_a_gateway_says_of_its_failure_arrives() -> None:
    replies = Replies(encode(Failed("no provider", (), "Hel")))
    with pytest.raises(ModelUnavailable, match="no provider") as raised:
        await anext(RemoteModels(streaming(replies)).stream(asked()))
    assert raised.value.partial == "Hel"


async def test_a_stream_ends_with_its_generator() -> None:
    async def one() -> AsyncGenerator[bytes, None]:
        yield encode(Delta("Hi"))

    class Ending(Replies):
        async def __anext__(self) -> bytes:
            return await anext(source)

    source = one()
    assert [event async for event in RemoteModels(streaming(Ending())).stream(asked())] == [Delta("Hi")]


async def test_a_call_that_never_returns_is_reconciled_with_time_of_its_own() -> None:
    handle = Handle(silent, done)
    request = claimed()
    assert await RemoteTools(handle).call(request) == DONE
    assert handle.asked[0].deadline_ms > request.deadline_ms
    assert handle.asked[0].idempotency_key == request.idempotency_key


async def test_a_reconciliation_that_never_returns_is_tried_again_and_given_up() -> None:
    assert await RemoteTools(Handle(silent, silent, done)).reconcile(claimed()) == DONE
    handle = Handle(silent, silent)
    with pytest.raises(AnswererUnavailable, match="'refund'"):
        await RemoteTools(handle).reconcile(claimed())
    assert len(handle.asked) == 4


@pytest.mark.parametrize("cause", [KeyError("x"), NotFound("no such version"), InvalidDefinition("no")])
async def test_a_defect_does_not_hold_a_session_for_ever(cause: Exception) -> None:
    handle = Handle(raising(of_a_replica(cause)), raising(of_a_replica(cause)))
    outcome = await RemoteTools(handle).call(claimed())
    assert outcome.outcome == "unknown"
    told = json.loads(outcome.result)
    assert told["error"] == "internal_error" and type(cause).__name__ in told["detail"]
    assert len(handle.asked) == 2


async def test_what_passes_is_waited_for() -> None:
    store = raising(of_a_replica(StoreUnavailable("Postgres is away")))
    assert await RemoteTools(Handle(done, store, store, done)).reconcile(claimed()) == DONE
    with pytest.raises(AnswererUnavailable):
        await RemoteTools(Handle(done, store)).reconcile(claimed())
    with pytest.raises(AnswererUnavailable):
        await RemoteTools(Handle(done, raising(RuntimeError("no replica")))).reconcile(claimed())


async def test_without_a_handle_nothing_was_called() -> None:
    def none() -> Any:
        raise RuntimeError("no controller")

    outcome = await RemoteTools(none).call(claimed())
    assert (outcome.outcome, json.loads(outcome.result)["error"]) == ("failed", "gateway_unavailable")
    with pytest.raises(AnswererUnavailable):  # another process may have called it
        await RemoteTools(none).reconcile(claimed())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Serve's own, when it is imported
async def test_a_session_that_leaves_closes_the_models_stream_at_once() -> None:
    from deployments.gateway import GatewayDeployment

    closed = False

    async def stream(request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        nonlocal closed
        try:
            yield Delta("Hel")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # as closing a connection does
            closed = True

    deployment = object.__new__(GatewayDeployment)
    deployment._outside = SimpleNamespace(models=SimpleNamespace(stream=stream))  # type: ignore[assignment]
    async with aclosing(deployment.stream(encode(asked()))) as payloads:  # type: ignore[type-var]
        await anext(payloads)
    assert closed


async def test_keeping_warm_survives_failures_and_freezes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    spared = 0
    warmed: list[int] = []

    def spare() -> None:
        nonlocal spared
        spared += 1

    class Warm(Outside):
        version = 0

        def __init__(self) -> None:
            self.__dict__["gateway"] = SimpleNamespace(warm=self._warm)

        async def loaded(self) -> None:
            self.version += 1
            if self.version == 1:
                raise StoreUnavailable("not yet")

        def routes_version(self, tenant: str) -> int:
            return self.version

        def routes(self, tenant: str) -> Any:
            return SimpleNamespace(uses_models=True)

        async def _warm(self, tenant: str, version: int) -> None:
            if version == 2:
                raise RuntimeError("a provider that cannot be made")
            warmed.append(version)

    monkeypatch.setattr(outside, "spare_the_collector", spare)
    monkeypatch.setattr(outside, "_WARM_S", 0.0)
    monkeypatch.setattr(outside, "_WARM_AGAIN_S", 0.0)
    task = asyncio.ensure_future(Warm().keep_warm("shop"))
    await until(lambda: len(warmed) >= 3, "three versions warmed")
    task.cancel()
    assert warmed[:3] == [3, 4, 5] and spared == 1


async def test_a_reader_with_a_defect_makes_a_definition_invalid() -> None:
    reads = 0

    def broken(text: str) -> Any:
        nonlocal reads
        reads += 1
        raise KeyError("nodes")

    store = MemoryDefinitions()
    await store.put("shop", "flow", "orders", b"orders", "me", 1)
    pinned = Pinned(store, compilers(CountingReaders())._replace(readers={"flow": broken}))
    for _ in range(2):
        with pytest.raises(InvalidDefinition, match="KeyError"):
            await pinned.get("shop", "flow", "orders", 1)
    assert reads == 1
