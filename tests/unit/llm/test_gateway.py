"""The gateway over scripted providers and, where HTTP matters, over the scripted upstream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec
import pytest
from kit.upstream import Plain, Reply, Tool, Upstream, refusing

from llm.gateway import Gateway
from llm.provider import End, Provider, ProviderCall, ProviderChunk, ProviderFailed, Text, Thought, ToolDelta
from llm.reading import read
from llm.relay import RelayChunk
from llm.routes import ProviderTerms, Routes
from llm.secrets import Secrets
from llm.usage import Spending
from schemas.errors import InvalidDefinition, InvalidRequest
from schemas.models import Completion, Delta, Message, ModelRequest, ModelUnavailable, Spent, Usage
from schemas.tools import ToolCall, ToolSpec

ASKED = (Message("system", "Be kind."), Message("user", "Where is my order?"))
TOOLS = (ToolSpec("find", "Finds.", {"type": "object"}),)

ROUTES = """\
providers:
  one: {kind: openai, model: m1, base_url: "http://127.0.0.1:1/v1", %s}
  two: {kind: openai, model: m2, base_url: "http://127.0.0.1:1/v1", retries: 0}
routes:
  both: {mode: model, chain: [one, two]}
  one: {mode: model, chain: [one]}
  none: {mode: extractive}
default: both
budgets:
  poor: {cost_per_day: 1}
  mute: {tokens_per_day: 100}
"""
QUICK = "retries: 0, timeout: {first_token: 0.2, idle: 0.2, total: 1}"

Act = ProviderChunk | ProviderFailed | float


@dataclass
class Scripted:
    """Plays one script after the other, the last for ever. A number is a pause."""

    name: str
    model: str
    scripts: list[tuple[Act, ...]]
    calls: list[ProviderCall] = field(default_factory=list)
    open: int = 0
    closed: bool = False

    async def stream(self, call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        self.calls.append(call)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.open += 1
        try:
            for act in script:
                if isinstance(act, float):
                    await asyncio.sleep(act)
                elif isinstance(act, ProviderFailed):
                    raise act
                else:
                    yield act
        finally:
            self.open -= 1

    async def close(self) -> None:
        self.closed = True


@dataclass
class Bench:
    """A gateway over scripted providers `one` and `two`."""

    one: Scripted
    two: Scripted
    gateway: Gateway
    spendings: list[Spending]

    async def ask(self, route: str = "both", **changes: object) -> tuple[list[str], Completion]:
        texts: list[str] = []
        async for event in self.gateway.stream(request(route, **changes)):
            if isinstance(event, Completion):
                return texts, event
            texts.append(event.text)
        raise AssertionError("no completion")


def request(route: str = "both", within_s: float = 5.0, **changes: object) -> ModelRequest:
    made = ModelRequest("shop", route, 1, ASKED, int((time.time() + within_s) * 1e3))
    return msgspec.structs.replace(made, **changes)


def bench(
    *scripts: tuple[Act, ...], terms: str = QUICK, spent: Callable[[str], Spent] = lambda tenant: Spent()
) -> Bench:
    written = read(ROUTES % terms)
    one = Scripted("one", "m1", list(scripts) or [GOOD])
    two = Scripted("two", "m2", [SECOND])
    spendings: list[Spending] = []

    async def routes(tenant: str, version: int) -> Routes:
        return written

    async def make(terms: ProviderTerms) -> Provider:
        return one if terms.name == "one" else two

    gateway = Gateway(routes, Secrets({}), usage=spendings.append, spent=spent, random=lambda: 0.5, make=make)
    return Bench(one, two, gateway, spendings)


GOOD: tuple[Act, ...] = (Text("Hello"), Text(" there."), End("stop", Usage(9, 3)))
SECOND: tuple[Act, ...] = (Text("Second."), End("stop"))


def failed(error: str = "http_500", *, retryable: bool = True, after_s: float | None = None) -> ProviderFailed:
    return ProviderFailed(error, retryable=retryable, after_s=after_s)


async def test_a_reply() -> None:
    made = bench(terms=f"{QUICK}, price: {{input: 2, output: 10}}")
    texts, completion = await made.ask()
    assert "".join(texts) == completion.text == "Hello there."
    assert (completion.provider, completion.model, completion.finish_reason) == ("one", "m1", "stop")
    assert completion.usage == Usage(9, 3, cost=(9 * 2 + 3 * 10) / 1e6)
    assert 0 < completion.first_token_us <= completion.took_us
    assert [(attempt.provider, attempt.error) for attempt in completion.attempts] == [("one", "")]
    (spending,) = made.spendings
    assert (spending.tenant, spending.provider, spending.usage) == ("shop", "one", completion.usage)
    await made.gateway.close()
    assert made.one.closed


async def test_the_first_delta_comes_at_once_and_the_others_together() -> None:
    script = (Text("a"), *(act for _ in range(20) for act in (0.002, Text("b"))), End("stop"))
    texts, completion = await bench(script).ask()
    assert texts[0] == "a" and completion.text == "a" + "b" * 20
    assert len(texts) < 10


async def test_usage_is_estimated_where_nobody_counts() -> None:
    _, completion = await bench(SECOND).ask()
    assert completion.usage.estimated and completion.usage.input_tokens > 5 and completion.usage.output_tokens >= 2


async def test_tool_calls() -> None:
    script = (ToolDelta(0, "a", "find", '{"x"'), ToolDelta(0, arguments=":1}"), End("stop"))
    made = bench(script)
    texts, completion = await made.ask(tools=TOOLS)
    assert texts == [] and completion.finish_reason == "tool_calls"
    assert completion.tool_calls == (ToolCall("a", "find", '{"x":1}'),)
    assert made.one.calls[0].tools == TOOLS


async def test_ids_that_the_gateway_gives_differ() -> None:
    made = bench((ToolDelta(-1, "", "find", "{}"), End("stop")))
    made.gateway._core._random = iter(n / 100 for n in range(100)).__next__  # type: ignore[assignment]
    ids = {(await made.ask())[1].tool_calls[0].id for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ((failed("http_500", retryable=False),), "http_500"),
        ((0.5, Text("late")), "timeout"),
        ((Text("x" * 300_000),), "too_large"),
        ((End("stop"),), "empty"),
        ((), "reset"),
        ((ToolDelta(0, "a", "", "{}"), End("tool_calls")), "empty"),
        ((ToolDelta(0, "a", "find", "{"), failed("reset", retryable=False)), "reset"),
        ((Text("a"), failed("malformed", retryable=False)), "malformed"),  # before anybody could see the text
    ],
)
async def test_the_next_in_the_chain_answers(script: tuple[Act, ...], error: str) -> None:
    made = bench(script)
    texts, completion = await made.ask()
    assert texts == ["Second."]
    assert [(attempt.provider, attempt.error) for attempt in completion.attempts] == [("one", error), ("two", "")]
    assert [spending.error for spending in made.spendings] == [error, ""]
    await asyncio.sleep(0)
    assert made.one.open == 0


async def test_a_reply_that_broke_off_is_told_as_it_is() -> None:
    made = bench((Text("So far"), 0.05, Text(" so good"), 0.05, failed("reset")))
    texts = []
    with pytest.raises(ModelUnavailable) as caught:
        async for event in made.gateway.stream(request()):
            assert isinstance(event, Delta)
            texts.append(event.text)
    assert caught.value.partial == "".join(texts) == "So far so good"
    assert [attempt.error for attempt in caught.value.attempts] == ["reset"]
    assert made.two.calls == []
    (spending,) = made.spendings
    assert spending.usage.estimated and spending.usage.output_tokens > 0  # which the provider will charge


async def test_an_unexpected_error_is_one_providers() -> None:
    made = bench()
    made.one.stream = None  # type: ignore[assignment, method-assign]
    made.one.scripts = []

    async def broken(call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        raise RuntimeError("a bug")
        yield Text("")

    made.one.stream = broken  # type: ignore[assignment, method-assign]
    _, completion = await made.ask()
    assert completion.attempts[0].error == "internal" and completion.provider == "two"


async def test_retries_before_the_first_token() -> None:
    made = bench((failed(),), (ToolDelta(0, "a", "f"), failed()), GOOD, terms="retries: 2")
    _, completion = await made.ask("one")
    assert [attempt.error for attempt in completion.attempts] == ["http_500", "http_500", ""]


async def test_what_cannot_get_better_is_not_retried() -> None:
    made = bench((failed("http_401", retryable=False),), terms="retries: 5")
    with pytest.raises(ModelUnavailable):
        await made.ask("one")
    assert len(made.one.calls) == 1


async def test_retry_after_is_honoured_if_there_is_time() -> None:
    made = bench((failed("http_429", after_s=0.3),), GOOD, terms="retries: 1")
    began = time.monotonic()
    _, completion = await made.ask("one")
    assert time.monotonic() - began >= 0.3 and completion.text == "Hello there."
    made = bench((failed("http_429", after_s=30.0),), GOOD, terms="retries: 1")
    began = time.monotonic()
    with pytest.raises(ModelUnavailable):
        await made.ask("one", within_s=1.0)
    assert time.monotonic() - began < 0.3


async def test_nobody_is_waited_for_while_another_could_answer() -> None:
    made = bench((failed("http_429", after_s=3.0),), terms="retries: 1")
    began = time.monotonic()
    _, completion = await made.ask()
    assert completion.provider == "two" and time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    "script",
    [
        (30.0,),
        (Text("a"), 30.0),
        tuple(act for _ in range(200) for act in (Text("a"), 0.1)),
        tuple(act for _ in range(200) for act in (Thought(), 0.1)),
    ],
)
async def test_the_deadline_holds(script: tuple[Act, ...]) -> None:
    made = bench(script, terms="retries: 3, timeout: {first_token: 60, idle: 60, total: 60}")
    began = time.monotonic()
    with pytest.raises(ModelUnavailable) as caught:
        await made.ask("one", within_s=0.5)
    assert 0.4 < time.monotonic() - began < 1.0
    assert caught.value.attempts[-1].error == "timeout"
    await asyncio.sleep(0.01)
    assert made.one.open == 0


async def test_a_deadline_that_is_over_asks_nobody() -> None:
    made = bench()
    with pytest.raises(ModelUnavailable):
        await made.ask(within_s=-5.0)
    assert made.one.calls == []


async def test_thoughts_keep_a_call_alive() -> None:
    script = (*(act for _ in range(4) for act in (Thought(), 0.1)), Text("Thought through."), End("stop"))
    _, completion = await bench(script).ask()
    assert completion.text == "Thought through." and completion.provider == "one"


async def test_a_customer_who_leaves_stops_the_provider() -> None:
    made = bench((Text("a"), 30.0))
    async with aclosing(made.gateway.stream(request())) as events:
        assert await anext(events) == Delta("a")
        assert made.one.open == 1
    await asyncio.sleep(0.01)
    assert made.one.open == 0
    assert [spending.error for spending in made.spendings] == ["cancelled"]
    assert made.gateway.health()[0].in_flight == 0


async def test_a_task_that_is_cancelled_stops_the_provider() -> None:
    made = bench((30.0,), terms="retries: 1")
    task = asyncio.create_task(made.ask())
    while not made.one.open:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.01)
    assert made.one.open == 0 and made.gateway.health()[0].in_flight == 0


async def test_nobody_waits_for_a_provider_that_will_not_stop() -> None:
    made = bench()
    stopped = asyncio.Event()

    async def stubborn(call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        try:
            await asyncio.sleep(30.0)
            yield Text("")
        finally:
            await asyncio.shield(asyncio.sleep(0.4))
            stopped.set()

    made.one.stream = stubborn  # type: ignore[assignment, method-assign]
    began = time.monotonic()
    _, completion = await made.ask()
    assert completion.provider == "two" and time.monotonic() - began < 0.35
    assert made.gateway.health()[0].in_flight == 1  # the place is taken until it has really ended
    await stopped.wait()
    await asyncio.sleep(0.01)
    assert made.gateway.health()[0].in_flight == 0


async def test_a_provider_that_is_open_is_not_called() -> None:
    made = bench((failed(retryable=False),))
    for _ in range(3):
        await made.ask()
    called = len(made.one.calls)
    _, completion = await made.ask()
    assert len(made.one.calls) == called == 3
    assert completion.attempts[0].error == "breaker_open"
    assert [health.state for health in made.gateway.health()] == ["open", "closed"]


async def test_a_loud_tenant_leaves_places_to_others() -> None:
    made = bench((0.15, Text("a"), End("stop")), terms="max_concurrency: 4, queue: 0, retries: 0")
    loud = [asyncio.create_task(made.ask("one", tenant="loud")) for _ in range(10)]
    await asyncio.sleep(0.01)
    _, completion = await made.ask("one", tenant="quiet")
    assert completion.provider == "one"
    outcomes = await asyncio.gather(*loud, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, ModelUnavailable)]
    assert len(refused) == 7 and all(each.attempts[0].error == "busy" for each in refused)


async def test_budgets() -> None:
    spent = {"poor": Spent(0, 1.0), "mute": Spent(100, 0.0), "shop": Spent(10**9, 10**9)}
    made = bench(terms=f"{QUICK}, price: {{input: 1}}", spent=spent.__getitem__)
    _, completion = await made.ask(tenant="poor")
    assert completion.attempts[0].error == "budget" and completion.provider == "two"  # which costs nothing
    with pytest.raises(ModelUnavailable) as caught:
        await made.ask(tenant="mute")
    assert [attempt.error for attempt in caught.value.attempts] == ["budget", "budget"]
    assert (await made.ask())[1].provider == "one"


async def test_a_sink_that_fails_costs_no_reply() -> None:
    made = bench()

    def broken(spending: Spending) -> None:
        raise RuntimeError("full")

    made.gateway._core._usage = broken
    assert (await made.ask())[1].text == "Hello there."


@pytest.mark.parametrize(("route", "words"), [("nowhere", "no route 'nowhere'"), ("none", "none with a model")])
async def test_routes_that_lead_nowhere(route: str, words: str) -> None:
    with pytest.raises(ModelUnavailable, match=words):
        await bench().ask(route)


async def test_routes_that_cannot_be_had() -> None:
    async def routes(tenant: str, version: int) -> Routes:
        raise InvalidDefinition("broken")

    with pytest.raises(ModelUnavailable, match="routes 7 of tenant shop cannot be had: broken"):
        await anext(Gateway(routes, Secrets({})).stream(request(version=7)))


async def test_routes_may_change_under_streams() -> None:
    """Streams in progress finish on their provider, which is let go of only then."""
    old = bench((Text("old"), 0.1, Text(" end"), End("stop")))
    new = ROUTES.replace("m1", "newer") % QUICK
    served = {1: read(ROUTES % QUICK), 2: read(new)}

    async def routes(tenant: str, version: int) -> Routes:
        return served[version]

    made: list[Scripted] = []

    async def make(terms: ProviderTerms) -> Provider:
        made.append(Scripted(terms.name, terms.model, list(old.one.scripts)))
        return made[-1]

    gateway = Gateway(routes, Secrets({}), make=make)
    before = asyncio.create_task(_text(gateway, request(version=1)))
    await asyncio.sleep(0.02)
    after = await _text(gateway, request(version=2))
    assert (await before).model == "m1" and after.model == "newer"
    assert [(each.model, each.closed) for each in made] == [("m1", False), ("newer", False)]
    gateway._core.providers._sweep()  # a minute later
    await asyncio.sleep(0.01)
    assert [each.closed for each in made] == [True, False]
    await gateway.close()


async def _text(gateway: Gateway, asked: ModelRequest) -> Completion:
    events = [event async for event in gateway.stream(asked)]
    assert isinstance(events[-1], Completion)
    return events[-1]


# --- Over HTTP -------------------------------------------------------------------------------------------


def over(upstream: Upstream, more: str = "", env: dict[str, str] | None = None) -> Gateway:
    terms = f'kind: openai, model: m, base_url: "{upstream.url}", key_env: UP_KEY, retries: 0{more}'
    written = read(f"providers: {{up: {{{terms}}}}}\nroutes: {{both: {{mode: model, chain: [up]}}}}\ndefault: both\n")

    async def routes(tenant: str, version: int) -> Routes:
        return written

    return Gateway(routes, Secrets(env if env is not None else {"UP_KEY": "k1"}))


async def test_http_connections_are_kept_and_keys_rotate() -> None:
    env = {"UP_KEY": "k1"}
    async with Upstream(Reply("Hi there")) as upstream:
        gateway = over(upstream, ", headers: {X-Shop: demo}", env)
        for key in ("k1", "k2", "k2"):
            env["UP_KEY"] = key
            assert (await _text(gateway, request())).text == "Hi there"
        assert [asked.key for asked in upstream.asked] == ["k1", "k2", "k2"]
        assert upstream.connections == 1
        sent = upstream.asked[0].headers
        assert sent["x-shop"] == "demo" and sent["user-agent"].startswith("AsyncOpenAI/")
        await gateway.close()


async def test_what_is_meant_for_openai_goes_to_openai_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Private: 1")
    async with Upstream(Reply("Hi")) as upstream:
        for preset, there in (("deepseek", False), ("openai", True)):
            gateway = over(upstream, f", preset: {preset}", {"UP_KEY": "k"})
            await _text(gateway, request())
            headers = upstream.asked[-1].headers
            assert ("openai-organization" in headers) is there
            assert "x-private" not in headers and "sk-env" not in str(headers)
            await gateway.close()


async def test_a_missing_key_calls_nobody() -> None:
    async with Upstream() as upstream:
        gateway = over(upstream, env={})
        with pytest.raises(ModelUnavailable) as caught:
            await _text(gateway, request())
        await gateway.close()
        assert caught.value.attempts[0].error == "no_key" and not upstream.asked


async def test_azure_has_its_own_addresses() -> None:
    async with Upstream() as upstream:  # which does not know them
        gateway = over(upstream, ', preset: azure, api_version: "2025-01-01"', {"UP_KEY": "azure-key"})
        with pytest.raises(ModelUnavailable):
            await _text(gateway, request())
        asked = upstream.asked[-1]
        assert asked.path.endswith("/openai/deployments/m/chat/completions?api-version=2025-01-01")
        assert asked.headers["api-key"] == "azure-key" and "authorization" not in asked.headers
        await gateway.close()


async def relayed(gateway: Gateway, body: dict[str, object], within_s: float = 5.0) -> list[RelayChunk]:
    chunks = gateway.relay("shop", "both", 1, body, int((time.time() + within_s) * 1e3))
    return [chunk async for chunk in chunks]


ASKING: dict[str, object] = {
    "model": "kefu",
    "messages": [{"role": "user", "content": "Hi"}],
    "temperature": 0.1,
    "max_tokens": 5,
    "logit_bias": {"1": 2},
}


async def test_relayed_whole() -> None:
    async with Upstream(Reply("Hi there", usage=(7, 2))) as upstream:
        gateway = over(upstream)
        (chunk,) = await relayed(gateway, ASKING)
        assert json.loads(chunk.data)["choices"][0]["message"]["content"] == "Hi there"
        assert chunk.completion is not None and chunk.completion.usage == Usage(7, 2)
        assert chunk.completion.text == "Hi there"
        assert upstream.asked[0].body == {**ASKING, "model": "m", "stream": False}
        await gateway.close()


@pytest.mark.parametrize("counts", [False, True])
async def test_relayed_in_a_stream(counts: bool) -> None:
    async with Upstream(Reply("Hi there", usage=(7, 2), gap_s=0.01)) as upstream:
        gateway = over(upstream)
        asking = ASKING | {"stream": True} | ({"stream_options": {"include_usage": True}} if counts else {})
        chunks = await relayed(gateway, asking)
        events = b"".join(chunk.data for chunk in chunks).split(b"\n\n")
        assert events[-2:] == [b"data: [DONE]", b""]
        said = [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]
        assert "".join(c["delta"].get("content", "") for each in said for c in each["choices"]) == "Hi there"
        assert any(each.get("usage") for each in said) is counts
        assert [chunk.completion is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
        completion = chunks[-1].completion
        assert completion is not None and completion.usage == Usage(7, 2) and completion.text == "Hi there"
        assert upstream.asked[0].body["stream_options"] == {"include_usage": True}
        await gateway.close()


@pytest.mark.parametrize(
    "body", [{}, {"messages": []}, {"messages": "x"}, {"messages": [1]}, {"messages": [{}], "n": 2}]
)
async def test_requests_that_are_not_relayed(body: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        await relayed(bench().gateway, body)


async def test_a_request_the_provider_refuses_is_the_callers_fault() -> None:
    async with Upstream(refusing(400, message="temperature must be low")) as upstream:
        gateway = over(upstream)
        with pytest.raises(InvalidRequest, match="temperature must be low"):
            await relayed(gateway, ASKING)
        assert gateway.health()[0].state == "closed"
        await gateway.close()


@pytest.mark.parametrize("streamed", [False, True])
async def test_relayed_from_a_provider_of_another_kind(streamed: bool) -> None:
    script = (Text("Hel"), Text("lo"), ToolDelta(0, "a", "find", "{}"), End("tool_calls", Usage(1, 2)))
    made = bench(script)
    options = {"stream": streamed, "stream_options": {"include_usage": True}}
    data = b"".join(chunk.data for chunk in await relayed(made.gateway, ASKING | options))
    assert made.one.calls[0].max_tokens == 5 and made.one.calls[0].messages == (Message("user", "Hi"),)
    if streamed:
        events = [json.loads(event[6:]) for event in data.split(b"\n\n")[:-2]]
        assert [each["choices"][0]["delta"] for each in events[:2]] == [
            {"role": "assistant", "content": "Hel"},
            {"content": "lo"},
        ]
        assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"
        assert events[-1]["usage"]["total_tokens"] == 3
    else:
        message = json.loads(data)["choices"][0]["message"]
        assert message["content"] == "Hello" and message["tool_calls"][0]["function"]["name"] == "find"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_request_that_cannot_be_put_to_a_provider_keeps_no_place(streamed: bool) -> None:
    made = bench(terms=f"{QUICK}, max_concurrency: 1, queue: 0")
    for _ in range(3):
        with pytest.raises(InvalidRequest, match="cannot be passed on"):
            await relayed(made.gateway, ASKING | {"temperature": 10**400, "stream": streamed})
    health = made.gateway.health()[0]
    assert (health.in_flight, health.state) == (0, "closed")
    assert not made.one.calls and not made.spendings
    assert (await made.ask("one"))[1].text == "Hello there."


@pytest.mark.parametrize("error", [failed(retryable=False), RuntimeError("a defect")])
async def test_a_provider_that_cannot_be_asked_keeps_no_place(error: Exception) -> None:
    made = bench(terms=f"{QUICK}, max_concurrency: 1, queue: 0")
    sound = made.one.stream

    def unsound(call: ProviderCall) -> AsyncIterator[ProviderChunk]:
        raise error

    made.one.stream = unsound  # type: ignore[method-assign]
    for _ in range(2):
        if isinstance(error, ProviderFailed):
            assert (await made.ask())[1].text == "Second."
        else:
            with pytest.raises(RuntimeError, match="a defect"):
                await made.ask()
    made.one.stream = sound  # type: ignore[method-assign]
    assert made.gateway.health()[0].in_flight == 0
    assert (await made.ask("one"))[1].text == "Hello there."


async def test_a_server_that_does_not_stream() -> None:
    body = {"choices": [{"message": {"content": "All at once"}, "finish_reason": "stop"}], "model": "x"}
    async with Upstream(Plain(json.dumps(body).encode())) as upstream:
        gateway = over(upstream)
        assert (await _text(gateway, request())).text == "All at once"
        data = b"".join(chunk.data for chunk in await relayed(gateway, ASKING | {"stream": True}))
        first = json.loads(data.split(b"\n\n")[0].removeprefix(b"data: "))
        assert first["choices"][0]["delta"]["content"] == "All at once"
        await gateway.close()


async def test_tools_over_http() -> None:
    async with Upstream(Reply("", tools=(Tool("find", '{"x": 1}', "id-1"), Tool("find", "{oops", "id-2")))) as upstream:
        gateway = over(upstream)
        completion = await _text(gateway, request(tools=TOOLS))
        assert completion.tool_calls == (ToolCall("id-1", "find", '{"x": 1}'), ToolCall("id-2", "find", "{oops"))
        await gateway.close()
