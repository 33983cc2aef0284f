"""The WebSocket: hello, messages, what was missed, and everything a bad client may send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bench.running import Running


class Customer:
    """One socket, frames as dictionaries."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def send(self, **frame: Any) -> None:
        self._socket.send(json.dumps(frame))

    def raw(self, data: str | bytes) -> None:
        self._socket.send(data)

    def receive(self, *types: str) -> dict[str, Any]:
        """The next frame of one of these types; a `typing` in between is passed over."""
        while True:
            frame: dict[str, Any] = json.loads(self._socket.recv(timeout=15))
            if frame["type"] != "typing":
                assert frame["type"] in types, frame
                return frame

    def hello(self, session: str | None, after: int = 0) -> tuple[str, int, list[dict[str, Any]]]:
        """Session id, last seq and the missed events."""
        self.send(type="hello", session_id=session, after=after)
        missed = []
        while (frame := self.receive("event", "ready"))["type"] == "event":
            missed.append(frame)
        return frame["session_id"], frame["seq"], missed

    def say(self, text: str, key: str) -> dict[str, Any]:
        self.send(type="message", key=key, text=text)
        frame = self.receive("reply")
        assert frame["key"] == key
        reply: dict[str, Any] = frame["reply"]
        return reply


@contextmanager
def customer(kefu: Running) -> Iterator[Customer]:
    with connect(f"ws://127.0.0.1:{kefu.port}/v1/chat/ws", proxy=None, open_timeout=15) as socket:
        yield Customer(socket)


def test_a_conversation(kefu: Running) -> None:
    with customer(kefu) as alice:
        session, seq, missed = alice.hello(None)
        assert (len(session) > 16, seq, missed) == (True, 0, [])
        assert alice.say("How do I get a refund?", "k1")["citations"][0]["id"] == "refund-how"
        assert alice.say("怎么退款?", "k2")["language"] == "zh"


def test_after_a_reconnect_the_missed_events_come_once(kefu: Running, session: str) -> None:
    with customer(kefu) as before:
        before.hello(session)
        first = before.say("How do I get a refund?", "k1")
        second = before.say("Do you ship abroad?", "k2")
    with customer(kefu) as later:
        _, seq, missed = later.hello(session, after=first["seq"])
        assert seq == second["seq"] == 5
        assert [(e["seq"], e["event"], e["data"]["key"]) for e in missed] == [
            (4, "UserMessageReceived", "k2"),
            (5, "BotReplied", "k2"),
        ]
        assert missed[-1]["data"]["reply"] == second


def test_a_message_sent_again_after_a_cut_gets_the_recorded_reply(kefu: Running, session: str) -> None:
    with customer(kefu) as before:
        before.hello(session)
        before.send(type="message", key="k1", text="Can I pay with a gift card and a bank card together?")
    with customer(kefu) as later:
        later.hello(session)
        reply = later.say("Can I pay with a gift card and a bank card together?", "k1")
        assert (reply["turn"], reply["seq"]) == (1, 3)
        _, seq, events = later.hello(session)
        assert (seq, len(events)) == (3, 3)


def test_several_messages_at_once_are_all_answered(kefu: Running, session: str) -> None:
    with customer(kefu) as alice:
        alice.hello(session)
        for number in range(10):
            alice.send(type="message", key=f"k{number}", text=f"Can I return item number {number}?")
        replies = {frame["key"]: frame["reply"]["turn"] for frame in (alice.receive("reply") for _ in range(10))}
        assert replies == {f"k{number}": number + 1 for number in range(10)}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "invalid_request"),
        ("not json", "invalid_request"),
        ("[]", "invalid_request"),
        ('{"type":"dance"}', "invalid_request"),
        ('{"type":"hello","session_id":7}', "invalid_request"),
        ('{"type":"hello","session_id":"a b"}', "invalid_request"),
        ('{"type":"hello","after":"x"}', "invalid_request"),
        ('{"type":"message","key":"k","text":"before hello"}', "invalid_request"),
        (b"\xff\xfe\x00", "invalid_request"),
        ('{"type":"ping","x":' + "[" * 20_000 + "]" * 20_000 + "}", "invalid_request"),
        ('{"type":"message","key":"k","text":"' + "x" * 100_000 + '"}', "body_too_large"),
    ],
)
def test_a_bad_frame_is_an_error_and_the_socket_lives_on(kefu: Running, frame: str | bytes, code: str) -> None:
    with customer(kefu) as alice:
        alice.raw(frame)
        assert alice.receive("error")["problem"]["code"] == code
        alice.send(type="ping")
        alice.receive("pong")


@pytest.mark.parametrize(("key", "text"), [("k", " "), ("k", "a\u0000b"), ("", "hi"), ("a b", "hi"), ("k", "x" * 4001)])
def test_a_bad_message_is_an_error_with_its_key(kefu: Running, session: str, key: str, text: str) -> None:
    with customer(kefu) as alice:
        alice.hello(session)
        alice.send(type="message", key=key, text=text)
        error = alice.receive("error")
        assert (error["key"], error["problem"]["code"]) == (key, "invalid_request")


def test_a_key_with_another_text_is_refused(kefu: Running, session: str) -> None:
    with customer(kefu) as alice:
        alice.hello(session)
        alice.say("How do I get a refund?", "k1")
        alice.send(type="message", key="k1", text="Something else")
        assert alice.receive("error")["problem"]["code"] == "idempotency_key_reused"


def test_a_huge_frame_closes_only_its_own_socket(kefu: Running, session: str) -> None:
    with customer(kefu) as bob:
        bob.hello(session)
        with customer(kefu) as alice, pytest.raises(ConnectionClosed):
            alice.raw("x" * 2_000_000)
            alice.receive("pong")
        assert bob.say("How do I get a refund?", "k1")["kind"] == "answer"
