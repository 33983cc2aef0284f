"""Whatever comes in: a clear 4xx or a completed, stored turn; never a 500, never half a turn."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from bench.running import Running

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"null", 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
        (b"{", 400, "invalid_request"),
        (b'{"text": "hi"} trailing', 400, "invalid_request"),
        (b"\x00\xff\xfe\x80binary", 400, "invalid_request"),
        (b'{"text": "\xff\xfe"}', 400, "invalid_request"),
        (b'{"text": "\\ud800"}', 400, "invalid_request"),
        (b'{"text": "a\\u0000b"}', 400, "invalid_request"),
        (b'{"text": "\\u001b[31m"}', 400, "invalid_request"),
        (b'{"text": ""}', 400, "invalid_request"),
        (b'{"text": "  \\n "}', 400, "invalid_request"),
        (b'{"text": 7}', 400, "invalid_request"),
        (b'{"text": null}', 400, "invalid_request"),
        (b'{"text": "hi", "session_id": 7}', 400, "invalid_request"),
        (b'{"text": "hi", "session_id": ""}', 400, "invalid_request"),
        (b'{"text": "hi", "session_id": "a b"}', 400, "invalid_request"),
        (b'{"text": "hi", "session_id": "%s"}' % (b"x" * 129), 400, "invalid_request"),
        (b'{"text": "hi", "session_id": "\\u4f60"}', 400, "invalid_request"),
        (b'{"text": "hi", "stream": "yes"}', 400, "invalid_request"),
        (b'{"text": "%s"}' % (b"x" * 4001), 400, "invalid_request"),
        (b'{"text": "%s"}' % (b"x" * 100_000), 413, "body_too_large"),
        (b'{"text": "hi", "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "invalid_request"),
        (b'{"a":' * 9_000 + b"1" + b"}" * 9_000, 400, "invalid_request"),
    ],
)  # fmt: skip
def test_a_bad_body_is_a_clear_problem(api: httpx.Client, body: bytes, status: int, code: str) -> None:
    response = api.post("/v1/chat", content=body, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert len(response.json()["detail"]) > 10


def test_a_body_without_length_is_cut_off_at_the_limit(api: httpx.Client) -> None:
    chunks = (b'{"text": "' if n == 0 else b"x" * 8192 for n in range(20))
    response = api.post("/v1/chat", content=chunks, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "text",
    ["a" * 4000, "👩‍👩‍👧‍👦 退款?", "退\u200b款", "<script>alert(1)</script>", "'; DROP TABLE sessions; --", "a\tb\nc"],
)
def test_strange_text_is_a_completed_turn(api: httpx.Client, session: str, text: str) -> None:
    response = api.post("/v1/chat", json={"session_id": session, "text": text})
    assert response.status_code == 200
    assert api.get(f"/v1/sessions/{session}").json()["messages"][0]["text"] == text


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data"])
def test_another_media_type_is_refused(api: httpx.Client, media: str) -> None:
    response = api.post("/v1/chat", content=b'{"text":"hi"}', headers={"Content-Type": media})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "k\u00e9y"])
def test_a_bad_idempotency_key_is_refused(api: httpx.Client, key: str) -> None:
    response = api.post("/v1/chat", json={"text": "hi"}, headers={"X-Idempotency-Key": key.encode()})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(("size", "status"), [(9_000, 200), (13_000, 431), (40_000, 400)])
def test_oversized_headers_are_refused(api: httpx.Client, size: int, status: int) -> None:
    response = api.post("/v1/chat", json={"text": "hi"}, headers={"X-Long": "x" * size})
    assert response.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/chat", 405, "method_not_allowed"),
        ("DELETE", "/v1/chat", 405, "method_not_allowed"),
        ("POST", "/v1/sessions/x", 405, "method_not_allowed"),
        ("GET", "/v1/sessions/no-such-session", 404, "unknown_session"),
        ("GET", "/v1/sessions/no-such-session/events", 404, "unknown_session"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/chat/nothing", 404, "not_found"),
        ("GET", "/assets/../pyproject.toml", 404, "not_found"),
        ("GET", "/assets/%2e%2e/pyproject.toml", 404, "not_found"),
        ("GET", "/v1/sessions/x/events?after=-1", 400, "invalid_request"),
        ("GET", "/v1/sessions/x/events?limit=many", 400, "invalid_request"),
    ],
)
def test_a_bad_path_or_method_is_a_problem(api: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    response = api.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_a_client_that_leaves_in_mid_turn_leaves_a_whole_turn(kefu: Running, api: httpx.Client, session: str) -> None:
    body = json.dumps({"session_id": session, "text": "A question nobody asked before: can a lamp be blue?"}).encode()
    with socket.create_connection(("127.0.0.1", kefu.port)) as wire:
        head = "POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        wire.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    for _ in range(200):
        state = api.get(f"/v1/sessions/{session}")
        if state.status_code == 200:
            break
    assert [m["from"] for m in state.json()["messages"]] == ["customer", "bot"]


def test_a_request_cut_off_in_its_body_leaves_nothing(kefu: Running, api: httpx.Client, session: str) -> None:
    head = "POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection(("127.0.0.1", kefu.port)) as wire:
        wire.sendall(head.encode() + f'{{"session_id":"{session}","text":"half'.encode())
    assert api.get("/healthz").status_code == 200
    assert api.get(f"/v1/sessions/{session}").status_code == 404
