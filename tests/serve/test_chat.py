"""The main job over HTTP: right answers with citations, in both languages, each turn exactly once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest


def ask(api: httpx.Client, session: str, text: str, key: str | None = None) -> httpx.Response:
    headers = {"X-Idempotency-Key": key} if key else {}
    return api.post("/v1/chat", json={"session_id": session, "text": text}, headers=headers)


@pytest.mark.parametrize(
    ("text", "language", "says"),
    [("How do I get a refund?", "en", "refund"), ("怎么退款?", "zh", "退款")],
)
def test_the_first_question_is_answered_with_a_citation(
    api: httpx.Client, session: str, text: str, language: str, says: str
) -> None:
    reply = ask(api, session, text).json()
    assert reply["kind"] == "answer"
    assert reply["language"] == language
    assert says in reply["text"].lower()
    assert [(c["id"], c["revision"], c["title"]) for c in reply["citations"]] == [("refund-how", 1, text)]
    assert reply["citations"][0]["quote"] in reply["text"]
    assert reply["confidence"] > 0.8
    newest = api.get("/v1/knowledge/history", params={"limit": 1}).json()["events"][0]
    assert reply["knowledge_version"] == newest["version"]
    assert (reply["session_id"], reply["turn"], reply["seq"]) == (session, 1, 3)


def test_what_is_not_known_is_said_and_a_person_offered_and_accepted(api: httpx.Client, session: str) -> None:
    unknown = ask(api, session, "What is the airspeed velocity of an unladen swallow?").json()
    assert (unknown["kind"], unknown["offer_person"], unknown["citations"]) == ("unknown", True, [])
    accepted = ask(api, session, "yes please").json()
    assert accepted["kind"] == "escalated"
    assert api.get(f"/v1/sessions/{session}").json()["status"] == "escalated"
    events = api.get(f"/v1/sessions/{session}/events").json()["events"]
    assert [event["event"] for event in events] == [
        "SessionStarted", "UserMessageReceived", "BotReplied",
        "UserMessageReceived", "EscalationRequested", "BotReplied",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["hello", "thanks!", "你好", "谢谢"])
def test_small_talk_is_answered_as_a_person_would(api: httpx.Client, session: str, text: str) -> None:
    assert ask(api, session, text).json()["kind"] == "smalltalk"


def test_a_retry_gets_the_very_same_bytes_and_changes_nothing(api: httpx.Client, session: str) -> None:
    first = ask(api, session, "How do I get a refund?", "k1")
    ask(api, session, "Do you ship to Canada?", "k2")
    again = ask(api, session, "How do I get a refund?", "k1")
    assert (again.status_code, again.content) == (200, first.content)
    assert api.get(f"/v1/sessions/{session}").json()["turns"] == 2


def test_a_key_with_another_text_is_refused(api: httpx.Client, session: str) -> None:
    ask(api, session, "How do I get a refund?", "k1")
    other = ask(api, session, "Where is my parcel?", "k1")
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["code"] == "idempotency_key_reused"


def test_twenty_messages_at_once_are_twenty_turns(api: httpx.Client, session: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda n: ask(api, session, f"Can I return item number {n}?", f"k{n}"), range(20)))
    assert {reply.status_code for reply in replies} == {200}
    assert sorted(reply.json()["turn"] for reply in replies) == list(range(1, 21))
    assert len(api.get(f"/v1/sessions/{session}").json()["messages"]) == 40


def test_one_key_twenty_times_at_once_is_one_turn(api: httpx.Client, session: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: ask(api, session, "How do I get a refund?", "same"), range(20)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    assert api.get(f"/v1/sessions/{session}").json()["turns"] == 1


def test_without_a_session_a_new_one_begins(api: httpx.Client) -> None:
    first = api.post("/v1/chat", json={"text": "How do I get a refund?"}).json()
    second = api.post("/v1/chat", json={"text": "How do I get a refund?"}).json()
    assert first["session_id"] != second["session_id"]
    assert api.get(f"/v1/sessions/{first['session_id']}").json()["turns"] == 1


def test_server_sent_events_carry_the_text_then_the_reply(api: httpx.Client, session: str) -> None:
    body = {"session_id": session, "text": "How do I get a refund?", "stream": True}
    streamed = api.post("/v1/chat", json=body, headers={"X-Idempotency-Key": "k"})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in streamed.text.strip().split("\n\n")]
    names = [lines[0].removeprefix("event: ") for lines in events]
    data = [json.loads(lines[1].removeprefix("data: ")) for lines in events]
    assert names[-2:] == ["reply", "done"]
    assert set(names[:-2]) == {"delta"}
    assert "".join(delta["text"] for delta in data[:-2]) == data[-2]["text"]
    assert data[-2] == ask(api, session, "How do I get a refund?", "k").json()


def test_health_readiness_and_metrics(api: httpx.Client, session: str) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json()["hosts"] == ["session-host-00"]
    ask(api, session, "How do I get a refund?")
    deadline_polls = 50
    for _ in range(deadline_polls):
        metrics = api.get("/metrics").text
        if 'kefu_turns_total{front="http",status="200"}' in metrics and 'what="resident_sessions"' in metrics:
            return
    raise AssertionError(metrics)


def test_events_are_paged(api: httpx.Client, session: str) -> None:
    for number in range(3):
        ask(api, session, f"Can I return item number {number}?")
    seqs, after = [], 0
    while page := api.get(f"/v1/sessions/{session}/events", params={"after": after, "limit": 2}).json():
        if not page["events"]:
            break
        seqs += [event["seq"] for event in page["events"]]
        after = page["next_after"]
    assert seqs == list(range(1, 8))
