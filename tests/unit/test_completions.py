"""OpenAI's endpoint at the level of ASGI, over a scripted router and scripted routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Message

from deployments.completions import Completions
from deployments.host_router import HostRouter
from deployments.outside import Outside
from llm.relay import RelayChunk
from schemas.api import TurnOutcome, encode_json, problem
from schemas.errors import HostOverloaded, KefuError, StoreUnavailable
from schemas.models import ModelUnavailable, RouteChoice, Situation

pytestmark = pytest.mark.timeout(20)

MESSAGES = [{"role": "user", "content": "Where is my order?"}]


def reply(text: str, **more: Any) -> TurnOutcome:
    return TurnOutcome(0, 200, encode_json({"session_id": "s", "seq": 3, "text": text, **more}))


def refused(error: KefuError) -> TurnOutcome:
    return TurnOutcome(0, error.status, encode_json(problem(error)), error.retry_after_s)


class World:
    """`end` of every turn, after its `pieces`; `relayed` of every relay, in the order of coming."""

    def __init__(self) -> None:
        self.pieces: tuple[str, ...] = ()
        self.end: TurnOutcome | KefuError = reply("On its way.")
        self.relayed: list[bytes | KefuError] = [b"data: x\n\n"]
        self.sessions: list[str] = []
        self.situations: list[Situation] = []
        self.sent: list[Message] = []
        outside = SimpleNamespace(
            loaded=self._loaded,
            gateway=SimpleNamespace(relay=self._relay),
            rules=SimpleNamespace(of=lambda tenant: SimpleNamespace(choose=self._choose)),
            routes_version=lambda tenant: 7,
            routes=lambda tenant: SimpleNamespace(routes={"fast": SimpleNamespace(mode="model", deadline_s=1.0)}),
        )
        self.completions = Completions("shop", cast(HostRouter, self), cast(Outside, outside))

    async def turn(
        self, tenant: str, session: str, key: str, text: str, *, show: Callable[[str], None] | None = None, **_: str
    ) -> TurnOutcome:
        self.sessions.append(session)
        for piece in self.pieces:
            if show is not None:
                show(piece)
        if isinstance(self.end, KefuError):
            raise self.end
        return self.end

    async def _loaded(self) -> None:
        return None

    def _choose(self, situation: Situation) -> RouteChoice:
        self.situations.append(situation)
        return RouteChoice("fast", 7, "model")

    async def _relay(self, *_: Any) -> AsyncGenerator[RelayChunk, None]:
        for data in self.relayed:
            if isinstance(data, KefuError):
                raise data
            yield RelayChunk(data, "one", "m1")

    async def post(self, headers: dict[str, bytes] | None = None, raw: bytes | None = None, **body: Any) -> None:
        self.sent.clear()
        asked = [{"type": "http.request", "body": raw or encode_json({"messages": MESSAGES, **body})}]

        async def receive() -> Message:
            if asked:
                return asked.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            self.sent.append(message)

        found = [(name.lower().encode(), value) for name, value in (headers or {}).items()]
        await self.completions({"type": "http", "method": "POST", "headers": found}, receive, send)
        assert [message["type"] for message in self.sent].count("http.response.start") == 1

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def chunks(self) -> list[dict[str, Any]]:
        events = self.body.decode().split("\n\n")
        return [json.loads(each[6:]) for each in events if each and each != "data: [DONE]"]

    @property
    def text(self) -> str:
        return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in self.chunks if chunk["choices"])


@pytest.fixture
def world() -> World:
    return World()


async def test_a_stream_begins_with_the_role_and_ends_with_done(world: World) -> None:
    world.pieces = ("On its", " way.")
    await world.post(stream=True)
    first, *_, last = world.chunks
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert world.text == "On its way."
    assert last["choices"][0]["finish_reason"] == "stop" and last["kefu"]["seq"] == 3
    assert all("usage" not in chunk for chunk in world.chunks)
    assert world.body.endswith(b"data: [DONE]\n\n") and world.sent[-1]["more_body"] is False


async def test_a_reply_nobody_was_shown_is_streamed_whole(world: World) -> None:
    await world.post(stream=True)
    assert world.text == "On its way." and len(world.chunks) == 3


@pytest.mark.parametrize(
    ("used", "total"), [({}, [0, 0, 0]), ({"usage": {"input_tokens": 9, "output_tokens": 3}}, [9, 3, 12])]
)
async def test_usage(world: World, used: dict[str, Any], total: list[int]) -> None:
    world.end = reply("On its way.", **used)
    await world.post(stream=True, stream_options={"include_usage": True})
    *others, last = world.chunks
    assert last["choices"] == [] and list(last["usage"].values()) == total
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in others)
    await world.post()
    assert list(json.loads(world.body)["usage"].values()) == total


@pytest.mark.parametrize(
    ("pieces", "text", "seen"),
    [
        ((" On its way.\n",), "On its way.", " On its way.\n"),  # blanks around it
        (("Let me see.\n\n", "On its way."), "On its way.", "Let me see.\n\nOn its way."),  # words before a tool's call
        (("On its ",), "On its way.", "On its way."),
        (("On its\n",), "On its way.", "On its\nway."),
        (("Perhaps",), "On its way.", "Perhaps\n\nOn its way."),
        (("\n",), "On its way.", "\nOn its way."),
        (("您好 ",), "您好,已发货。", "您好 ,已发货。"),
    ],
)
async def test_nothing_is_said_twice(world: World, pieces: tuple[str, ...], text: str, seen: str) -> None:
    world.pieces, world.end = pieces, reply(text)
    await world.post(stream=True)
    assert world.text == seen


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told", [False, True])
async def test_errors_in_both_shapes(world: World, stream: bool, told: bool) -> None:
    error = HostOverloaded("too many turns", retry_after_s=1)
    world.end = refused(error) if told else error
    await world.post(stream=stream)
    document = json.loads(world.body)
    assert world.status == 503 and (b"retry-after", b"1") in world.sent[0]["headers"]
    assert {name: document[name] for name in problem(error)} == problem(error)
    assert document["error"] == {
        "message": "too many turns",
        "type": "server_error",
        "code": "host_overloaded",
        "param": None,
    }


async def test_an_error_after_words_in_both_shapes(world: World) -> None:
    world.pieces, world.end = ("On",), StoreUnavailable("away")
    await world.post(stream=True)
    last = world.chunks[-1]
    assert (last["code"], last["error"]["code"]) == ("store_unavailable", "store_unavailable")
    world.relayed = [b'data: {"choices":[]}\n\n', ModelUnavailable("broke off")]
    await world.post(model="fast", stream=True)
    assert world.status == 200 and world.chunks[-1]["error"]["message"] == "broke off"


@pytest.mark.parametrize(
    ("model", "headers", "body", "status"),
    [
        ("kefu", {"X-Session-Id": "会话".encode()}, {}, 400),
        ("kefu", {"X-Idempotency-Key": b"\xff"}, {}, 400),
        ("auto", {"X-OpenWebUI-Chat-Id": b"\xe9"}, {}, 400),
        ("kefu", {}, {"messages": []}, 400),
        ("nothing", {}, {}, 404),
    ],
)
async def test_bad_requests(
    world: World, model: str, headers: dict[str, bytes], body: dict[str, Any], status: int
) -> None:
    await world.post(headers, model=model, **body)
    document = json.loads(world.body)
    assert (world.status, document["status"]) == (status, status)
    assert document["error"]["type"] == "invalid_request_error"
    assert not world.sessions


async def test_a_number_that_no_machine_holds(world: World) -> None:
    raw = b'{"model":"fast","temperature":%b,"messages":[{"role":"user","content":"hi"}]}' % (b"9" * 5000)
    await world.post(raw=raw)
    assert world.status == 400


async def test_canaries_go_by_the_session(world: World) -> None:
    await world.post({"X-Session-Id": b"abc"}, model="auto")
    await world.post(model="auto", user="bob")
    await world.post(model="auto")
    await world.post(model="auto")
    named, user, *random = [situation.session for situation in world.situations]
    assert (named, user) == ("abc", "bob")
    assert all(random) and random[0] != random[1]
