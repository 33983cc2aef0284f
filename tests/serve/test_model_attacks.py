"""Bad input on the endpoints of models, flows, tools and guardrails: refused with a problem, nothing changed."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from bench.running import Running

pytestmark = pytest.mark.timeout(60)

YAML = {"content-type": "application/yaml"}
JSON = {"content-type": "application/json"}
ROUTES = "/v1/models/routes"
COMPLETIONS = "/v1/chat/completions"
SAID = [{"role": "user", "content": "How do I get a refund?"}]
PLACES = (ROUTES, "/v1/flows/attacked", "/v1/tools", "/v1/guardrails")
MINE = """\
flow: attacked
languages: [en]
start: {state: a, intents: [do_attacked]}
intents:
  do_attacked: {en: [begin the attacked flow please]}
slots:
  x: {type: pattern, pattern: '%s', ask: {en: "Which x?"}}
states:
  a:
    do: [{ask: x}]
    next: [{on: always, to: b}]
  b:
    do: [{close: {en: "ok"}}]
"""


def refused(response: httpx.Response, status: int, code: str) -> str:
    """The detail of the problem that must have come back."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem["detail"]
    return str(problem["detail"])


# --- Completions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        None, [], "x", {}, {"messages": []}, {"messages": {}}, {"messages": [None]},
        {"messages": [{"role": 1, "content": "x"}]},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": 3}]},
        {"messages": [{"role": "user", "content": ["x"]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
        {"messages": [{"role": "user", "content": "a" * 4_001}]},
        {"messages": [{"role": "user", "content": "a\0b"}]},
        {"messages": SAID, "model": 3},
        {"messages": SAID, "stream": "yes"},
        {"messages": SAID, "stream_options": []},
        {"messages": SAID, "metadata": {"session_id": {}}},
        {"messages": SAID, "user": "u" * 129},
        {"messages": SAID, "user": "客户"},
    ],
)  # fmt: skip
def test_a_completion_of_a_wrong_shape_is_refused(api: httpx.Client, body: Any) -> None:
    refused(api.post(COMPLETIONS, json=body), 400, "invalid_request")


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff\xfe", b'{"messages": NaN}',
        b'{"messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"messages":[{"role":"user","content":"x"}],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(api: httpx.Client, raw: bytes) -> None:
    refused(api.post(COMPLETIONS, content=raw, headers=JSON), 400, "invalid_request")


def test_unknown_models_types_methods_and_sizes_have_their_own_errors(api: httpx.Client) -> None:
    refused(api.post(COMPLETIONS, json={"model": "nope", "messages": SAID}), 404, "not_found")
    refused(api.post(COMPLETIONS, json={"model": "extractive", "messages": SAID}), 400, "invalid_request")
    refused(api.post(COMPLETIONS, content=b"{}", headers={"content-type": "text/plain"}), 415, "unsupported_media_type")
    refused(api.get(COMPLETIONS), 405, "method_not_allowed")
    long = {"messages": [{"role": "user", "content": "x" * 1_100_000}]}
    refused(api.post(COMPLETIONS, json=long), 413, "body_too_large")


@pytest.mark.parametrize("stream", [False, True])
def test_a_key_that_is_used_for_another_text_is_refused(api: httpx.Client, session: str, stream: bool) -> None:
    body = {"model": "kefu", "user": session, "messages": SAID, "stream": stream}
    first = api.post(COMPLETIONS, json=body, headers={"x-idempotency-key": "k"})
    assert first.status_code == 200
    other = body | {"messages": [{"role": "user", "content": "Where are you?"}]}
    refused(api.post(COMPLETIONS, json=other, headers={"x-idempotency-key": "k"}), 422, "idempotency_key_reused")
    refused(api.post(COMPLETIONS, json=body, headers={"x-idempotency-key": ""}), 400, "invalid_request")
    assert len(api.get(f"/v1/sessions/{session}").json()["messages"]) == 2


# --- Definitions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "body",
    [
        b"", b"  \n", b"hello", b"- a", bytes(range(256)), b"[" * 60_000,
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        b"!!python/object/apply:os.system ['id']",
        b"a: 1\n---\nb: 2\n",
        b"a: 1\na: 2\n",
    ],
)  # fmt: skip
def test_what_is_no_definition_is_refused(api: httpx.Client, place: str, body: bytes) -> None:
    before = api.get(f"{place}/history").json()
    refused(api.put(place, content=body, headers=YAML), 422, "invalid_definition")
    assert api.get(f"{place}/history").json() == before


@pytest.mark.parametrize("place", PLACES)
def test_sizes_types_and_versions_are_checked_first(api: httpx.Client, place: str) -> None:
    refused(api.put(place, content=b"a: " + b"x" * 1_000_000, headers=YAML), 413, "body_too_large")
    refused(api.put(place, content=b"a", headers={"content-type": "image/png"}), 415, "unsupported_media_type")
    refused(api.put(place, content=b"a", headers=YAML | {"if-match": "*"}), 400, "invalid_request")
    refused(api.put(f"{place}?dry_run=maybe", content=b"a", headers=YAML), 400, "invalid_request")
    refused(api.put(place, content=b"[" * 100_000, headers=JSON), 400, "invalid_request")
    refused(api.put(place, content=b'{"a": 1, "a": 2}', headers=JSON), 400, "invalid_request")
    for query in ("limit=0", "limit=-1", "limit=x", "before=99999999999999999999"):
        refused(api.get(f"{place}/history?{query}"), 400, "invalid_request")


_PROVIDER = "providers: {{near: {{kind: openai, model: m, base_url: '{url}'{more}}}}}\n"
_REST = "routes: {only: {mode: model, chain: [near]}}\ndefault: only\n"
_SECRET = "sk-abcdefghijklmnop1234"


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("file:///etc/passwd", ""),
        (f"http://user:{_SECRET}@127.0.0.1/v1", ""),
        (f"http://127.0.0.1/v1?api_key={_SECRET}", ""),
        ("http://127.0.0.1/v1", f", key: {_SECRET}"),
        ("http://127.0.0.1/v1", f", key_env: {_SECRET}"),
        ("http://127.0.0.1/v1", ", key_env: PATH"),
        ("http://127.0.0.1/v1", f", headers: {{Authorization: Bearer {_SECRET}}}"),
        ("http://127.0.0.1/v1", ', headers: {X-A: "a\\r\\nHost: evil"}'),
    ],
)
def test_a_secret_in_routes_is_refused_and_never_repeated(api: httpx.Client, url: str, more: str) -> None:
    body = _PROVIDER.format(url=url, more=more) + _REST
    detail = refused(api.put(ROUTES, content=body.encode(), headers=YAML), 422, "invalid_definition")
    assert _SECRET not in detail
    assert _SECRET not in api.get(ROUTES).text


def test_routes_that_lead_in_a_circle_are_refused(api: httpx.Client) -> None:
    one, other = (f"{{mode: extractive, canary: {{route: {to}, percent: 50}}}}" for to in "ba")
    body = f"routes:\n  a: {one}\n  b: {other}\ndefault: a\n"
    assert "circle" in refused(api.put(ROUTES, content=body.encode(), headers=YAML), 422, "invalid_definition")


def test_of_many_who_expect_the_same_version_one_wins(api: httpx.Client) -> None:
    before = api.get(ROUTES)
    bodies = [f"routes: {{r{n}: {{mode: extractive}}}}\ndefault: r{n}\n".encode() for n in range(8)]

    def put(body: bytes) -> int:
        return api.put(ROUTES, content=body, headers=YAML | {"if-match": before.headers["etag"]}).status_code

    try:
        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(put, bodies)) == [200, *[409] * 7]
    finally:
        assert api.put(ROUTES, content=before.content, headers=YAML).status_code == 200


@pytest.mark.parametrize("name", ["%E6%B5%81%E7%A8%8B", "%2e%2e", "UPPER", "%20", "refund%20", "a.b", "__proto__"])
def test_a_flow_needs_a_plain_id_that_is_also_its_address(api: httpx.Client, name: str) -> None:
    put = api.put(f"/v1/flows/{name}", content=(MINE % "a+").encode(), headers=YAML)
    refused(put, 422, "invalid_definition")


@pytest.mark.parametrize("name", ["a%00b", "a%0Ab", "x" * 200])
def test_a_name_that_cannot_be_stored_is_refused(api: httpx.Client, name: str) -> None:
    refused(api.put(f"/v1/flows/{name}", content=(MINE % "a+").encode(), headers=YAML), 400, "invalid_request")


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(", "(?i)a", "(?R)", "(a){e<=3}", "x" * 30_000, "(?:(?:a*)*)*"])
def test_a_pattern_that_is_slow_or_not_allowed_is_refused(api: httpx.Client, pattern: str) -> None:
    put = api.put("/v1/flows/attacked", content=(MINE % pattern).encode(), headers=YAML)
    assert "pattern" in refused(put, 422, "invalid_definition")


@pytest.mark.parametrize("condition", ["(" * 5_000 + "slots.x", "not " * 20_000 + "slots.x", "slots.x.__class__ == 1"])
def test_a_condition_out_of_bounds_is_refused(api: httpx.Client, condition: str) -> None:
    body = (MINE % "a+").replace("to: b}", f"to: b, if: '{condition}'}}")
    refused(api.put("/v1/flows/attacked", content=body.encode(), headers=YAML), 422, "invalid_definition")


def test_flows_that_never_were_are_not_found(api: httpx.Client) -> None:
    refused(api.get("/v1/flows/never"), 404, "not_found")
    refused(api.get("/v1/flows/never/diagram"), 404, "not_found")
    refused(api.delete("/v1/flows/never"), 404, "not_found")


@pytest.mark.parametrize(
    "http",
    [
        "{url: 'file:///etc/passwd'}",
        "{url: 'https://x.example/', headers: {Authorization: Bearer sk-abcdef123456}}",
        "{url: 'https://x.example/', headers: {Authorization: '${PATH}'}}",
        "{url: 'https://x.example/', headers: {Authorization: '${file:../../etc/passwd}'}}",
        "{url: 'https://x.example/', headers: {Host: evil}}",
        '{url: "https://x.example/", headers: {X-A: "a\\r\\nB: c"}}',
    ],
)
def test_a_tool_that_would_reach_too_far_is_refused(api: httpx.Client, http: str) -> None:
    body = f"tools:\n  - name: far\n    description: reaches far\n    http: {http}\n"
    refused(api.put("/v1/tools", content=body.encode(), headers=YAML), 422, "invalid_definition")


# --- WebSocket ---------------------------------------------------------------------------------------------


def test_drafts_out_of_place_change_nothing_and_the_socket_lives(api: httpx.Client, kefu: Running) -> None:
    session = f"test-{uuid.uuid4().hex}"
    with connect(kefu.url.replace("http", "ws", 1) + "/v1/chat/ws", proxy=None) as socket:

        def send(**frame: Any) -> None:
            socket.send(json.dumps(frame))

        send(type="typing", text="before hello")
        send(type="message", key="k", text="before hello")
        assert json.loads(socket.recv())["problem"]["code"] == "invalid_request"
        send(type="hello", session_id=session, after=0)
        assert json.loads(socket.recv())["type"] == "ready"
        for text in ("a" * 4_001, "\0", "", *(f"How do I get a refund {n}" for n in range(500))):
            send(type="typing", text=text)
        for wrong in ('{"type":"typing"}', '{"type":"typing","text":null}', '{"type":"nope"}', "[]"):
            socket.send(wrong)
            assert json.loads(socket.recv())["problem"]["code"] == "invalid_request"
        send(type="message", key="k", text="How do I get a refund?")
        while (frame := json.loads(socket.recv()))["type"] != "reply":
            assert frame["type"] == "typing"
    events = api.get(f"/v1/sessions/{session}/events").json()["events"]
    assert [event["event"] for event in events] == ["SessionStarted", "UserMessageReceived", "BotReplied"]
