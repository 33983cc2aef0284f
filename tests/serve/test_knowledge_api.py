"""What Kefu knows, over HTTP: imported, seen in the chat at once, revised, cited for ever, taken back."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

K = "/v1/knowledge"
WAIT_S = 15


@pytest.fixture
def thing() -> str:
    """A product that no other test sells."""
    return "Zephyr " + "".join(chr(ord("g") + int(digit, 16)) for digit in uuid.uuid4().hex[:8])


@pytest.fixture
def name(api: httpx.Client) -> Iterator[str]:
    """Of a document, which is gone after the test."""
    name = f"{uuid.uuid4().hex[:12]}.csv"
    yield name
    api.delete(f"{K}/documents/{name}")


def table(*rows: tuple[str, str]) -> str:
    return "question,answer\n" + "".join(f"{question},{answer}\n" for question, answer in rows)


def put(api: httpx.Client, name: str, content: str | bytes, **query: str | int) -> dict[str, Any]:
    reply = api.post(f"{K}/documents", params={"name": name, **query}, content=content)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def ask(api: httpx.Client, text: str) -> dict[str, Any]:
    found: dict[str, Any] = api.post("/v1/chat", json={"text": text}).json()
    return found


def asked_until(api: httpx.Client, text: str, version: int) -> tuple[dict[str, Any], float]:
    """The chat's answer once it is of that version, and the seconds that this took."""
    started = time.monotonic()
    while True:
        reply = ask(api, text)
        took = time.monotonic() - started
        if reply["knowledge_version"] >= version:
            return reply, took
        assert took < WAIT_S, reply
        time.sleep(0.02)


def search(api: httpx.Client, text: str, **query: Any) -> dict[str, Any]:
    reply = api.get(f"{K}/search", params={"q": text, **query})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["results"][0]
    return found


def searched_until(api: httpx.Client, text: str, version: int) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while (found := search(api, text))["version"] < version:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def problem(reply: httpx.Response, status: int, code: str) -> str:
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), reply.text
    assert reply.json()["code"] == code
    detail: str = reply.json()["detail"]
    return detail


# --- Changing, and what the chat says then -------------------------------------------------------------


def test_an_import_is_in_the_chat_within_a_second_and_no_old_answer_is_kept(
    api: httpx.Client, name: str, thing: str
) -> None:
    question = f"How much is the {thing}?"
    assert ask(api, question)["kind"] != "answer"
    times = []
    for price in (10, 20, 30):
        for _ in range(3):
            ask(api, question)  # now it is in every host's cache
        report = put(api, name, table((question, f"The {thing} is {price} euro.")))
        reply, took = asked_until(api, question, report["version"])
        assert (reply["kind"], reply["text"]) == ("answer", f"The {thing} is {price} euro.")
        times.append(took)
    print("seconds until an import was in the chat:", [f"{took:.2f}" for took in times])  # noqa: T201
    assert min(times) < 1


def test_a_citation_opens_what_it_rested_on_for_ever(api: httpx.Client, name: str, thing: str) -> None:
    question = f"Who makes the {thing}?"
    first = put(api, name, table((question, "We do.")))
    citation = asked_until(api, question, first["version"])[0]["citations"][0]
    second = put(api, name, table((question, "They do.")))
    assert second["documents"][0]["outcome"] == "revised"
    newer = asked_until(api, question, second["version"])[0]["citations"][0]
    assert (newer["id"], newer["revision"]) == (citation["id"], citation["revision"] + 1)
    api.delete(f"{K}/documents/{name}")
    old = api.get(f"{K}/entries/{quote(citation['id'])}", params={"revision": citation["revision"]}).json()
    assert (old["en"]["answer"], old["document"]["id"], old["version"]) == ("We do.", name, first["version"])
    assert old["visible"] == [{"from": first["version"], "until": second["version"]}]


def test_what_was_removed_is_not_said_any_more_and_a_rollback_brings_it_back(
    api: httpx.Client, name: str, thing: str
) -> None:
    question = f"Where is the {thing} made?"
    version = put(api, name, table((question, "In Ghent.")))["version"]
    assert asked_until(api, question, version)[0]["text"] == "In Ghent."
    gone = api.delete(f"{K}/documents/{name}", headers={"X-Kefu-User": "ann"}).json()["version"]
    assert asked_until(api, question, gone)[0]["kind"] != "answer"
    assert problem(api.delete(f"{K}/documents/{name}"), 404, "not_found")
    back = api.post(f"{K}/rollback", json={"to_version": version}).json()["version"]
    assert asked_until(api, question, back)[0]["text"] == "In Ghent."
    events = api.get(f"{K}/history", params={"limit": 3}).json()["events"]
    assert [(e["kind"], e["by"], e["item"], e["to_version"]) for e in events] == [
        ("KnowledgeRolledBack", "api", "", version),
        ("DocumentRemoved", "ann", name, None),
        ("DocumentAdded", "api", name, None),
    ]


def test_a_confirmed_question_is_answered(api: httpx.Client, name: str, thing: str) -> None:
    put(api, name, table((f"Can the {thing} go into the dishwasher?", "Its lid can.")))
    (entry,) = api.get(f"{K}/documents/{name}").json()["entries"]
    unusual = f"is it ok to put {thing.split()[1]} in that machine for plates"
    version = api.post(f"{K}/confirmations", json={"entry_id": entry["id"], "question": unusual}).json()["version"]
    reply, _ = asked_until(api, unusual, version)
    assert (reply["kind"], reply["text"]) == ("answer", "Its lid can.")
    again = api.post(f"{K}/confirmations", json={"entry_id": entry["id"], "question": unusual}).json()
    assert again["version"] == version
    unknown = api.post(f"{K}/confirmations", json={"entry_id": "nowhere", "question": "x"})
    assert "nowhere" in problem(unknown, 404, "not_found")


def test_an_import_tells_what_it_did(api: httpx.Client, name: str, thing: str) -> None:
    content = table((f"Is the {thing} red?", "Yes."), (f"Is the {thing} blue?", ""), ("How do I get a refund?", "No."))
    planned = put(api, name, content, dry_run=1)
    assert problem(api.get(f"{K}/documents/{name}"), 404, "not_found")
    report = put(api, name, content, collection="toys", tags="red,big")
    assert report["documents"] == planned["documents"]
    assert (report["documents"][0]["outcome"], report["documents"][0]["entries"]) == ("added", 2)
    assert [each["where"] for each in report["skipped"]] == [f"{name}:3"]
    assert [(pair["other"], pair["kind"]) for pair in report["duplicates"]] == [("refund-how", "conflict")]
    whole = api.get(f"{K}/documents/{name}").json()
    assert (whole["collection"], whole["tags"], len(whole["entries"])) == ("toys", ["red", "big"], 2)
    again = put(api, name, content, collection="toys", tags="red,big")
    assert (again["version"], again["documents"][0]["outcome"]) == (report["version"], "unchanged")
    twin = put(api, f"twin-of-{name}", table((f"is the {thing} RED", "Yes.")))
    assert (twin["documents"], len(twin["skipped"]), twin["version"]) == ([], 1, report["version"])


def test_markdown_and_json_lines_become_documents(api: httpx.Client, name: str, thing: str) -> None:
    page, lines = name.replace(".csv", ".md"), name.replace(".csv", ".jsonl")
    try:
        put(api, page, f"# {thing}\n\n## Descaling\n\nBoil the {thing} twice with citric acid.\n")
        entry = {"id": f"own-{name}", "zh": {"question": f"{thing}多少钱？", "answer": "二十欧元。"}}
        version = put(api, lines, json.dumps(entry))["version"]
        assert asked_until(api, f"{thing}多少钱", version)[0]["text"] == "二十欧元。"
        found = search(api, f"how to descale the {thing}")["hits"][0]
        assert (found["document"], found["kind"], found["revision"]) == (page, "passage", 1)
        taken = api.post(f"{K}/documents", params={"name": name}, content=json.dumps(entry))
        assert "is taken" in problem(taken, 400, "invalid_request")
    finally:
        for document in (page, lines):
            api.delete(f"{K}/documents/{document}")


# --- Reading -------------------------------------------------------------------------------------------


def test_a_search_shows_the_evidence_and_the_chats_own_answer(api: httpx.Client, name: str, thing: str) -> None:
    version = put(api, name, table((f"Does the {thing} float?", "It does.")), collection="toys", tags="a,b")["version"]
    question = f"does the {thing} float in water"
    found = searched_until(api, question, version)
    reply, _ = asked_until(api, question, version)
    assert [found[key] for key in ("kind", "text", "language")] == [reply[key] for key in ("kind", "text", "language")]
    best = found["hits"][0]
    assert (best["document"], best["source"], best["title"]) == (name, name, f"Does the {thing} float?")
    assert 0 < best["evidence"]["coverage"] <= 1
    assert len(search(api, question, k=2)["hits"]) == 2
    for scope, inside in (
        ({"collection": "toys"}, True), ({"collection": "default"}, False), ({"tag": "b"}, True), ({"tag": "c"}, False),
        ({"language": "zh"}, False), ({"collection": ["toys", "x"], "language": "en", "tag": "a"}, True),
    ):  # fmt: skip
        hits = search(api, question, **scope)["hits"]
        assert (name in {hit["document"] for hit in hits}) is inside, scope
    body = {"questions": [question, "hello", "How do I get a refund?"], "k": 1, "collections": ["default"]}
    many = api.post(f"{K}/search", json=body).json()["results"]
    assert [each["question"] for each in many] == body["questions"]
    assert [each["kind"] for each in many][1:] == ["smalltalk", "answer"]
    assert many[2]["hits"][0]["id"] == "refund-how"


def test_what_was_known_then_is_found_as_it_was(api: httpx.Client, name: str, thing: str) -> None:
    question = f"How heavy is the {thing}?"
    first = put(api, name, table((question, "One pound.")))["version"]
    second = put(api, name, table((question, "Two pounds.")))["version"]
    searched_until(api, question, second)
    assert search(api, question, version=first)["text"] == "One pound."
    assert search(api, question, version=second)["text"] == "Two pounds."
    assert search(api, question, version=first - 1)["kind"] != "answer"
    assert search(api, question, version=0)["hits"] == []
    events = api.get(f"{K}/history", params={"before": second + 1, "limit": 2}).json()["events"]
    moments = {event["version"]: event["recorded_at"] for event in events}
    assert search(api, question, at=moments[first])["text"] == "One pound."
    assert api.get(f"{K}/documents/{name}", params={"version": first}).json()["entries"][0]["revision"] == 1
    assert api.get(f"{K}/documents/{name}", params={"at": moments[second]}).json()["entries"][0]["revision"] == 2


def test_documents_are_listed_by_pages_as_of_any_version(api: httpx.Client, name: str, thing: str) -> None:
    version = put(api, name, table((f"Is the {thing} new?", "Yes.")))["version"]

    def listed(**query: str | int) -> list[str]:
        ids: list[str] = []
        after = ""
        while True:
            page = api.get(f"{K}/documents", params={"after": after, "limit": 1, **query}).json()
            ids += [each["id"] for each in page["documents"]]
            if page["next_after"] is None:
                return ids
            after = page["next_after"]

    assert {name, "demo_shop"} <= {*listed()}
    assert sorted(listed()) == listed()
    assert name not in listed(version=version - 1)
    assert listed(version=0) == []


def test_an_export_can_be_imported_again(api: httpx.Client, name: str, thing: str) -> None:
    question = f"Can the {thing} fly?"
    version = put(api, name, table((question, "A little.")))["version"]
    everything = api.get(f"{K}/export")
    assert everything.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in everything.text.splitlines()]
    own = [line for line in lines if line["document"] == name]
    assert [line["en"]["question"] for line in own] == [question]
    assert len(lines) > 100
    earlier = api.get(f"{K}/export", params={"version": version - 1}).text
    assert name not in earlier
    copy = name.replace(".csv", ".jsonl")
    api.delete(f"{K}/documents/{name}")
    try:
        report = put(api, copy, "\n".join(json.dumps(line) for line in own))
        reply, _ = asked_until(api, question, report["version"])
        assert (reply["text"], reply["citations"][0]["id"]) == ("A little.", own[0]["id"])
    finally:
        api.delete(f"{K}/documents/{copy}")


# --- A web site ----------------------------------------------------------------------------------------


@contextmanager
def site(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_web_site_becomes_documents_page_by_page(api: httpx.Client, thing: str, tmp_path: Path) -> None:
    page = "<html><head><title>{0}</title></head><body><main><h1>{0}</h1><p>{1}</p>{2}</main></body></html>"
    links = '<a href="care.html">care</a><a href="gone.html">gone</a>'
    (tmp_path / "index.html").write_text(page.format(thing, f"The {thing} is our newest kettle.", links))
    (tmp_path / "care.html").write_text(page.format("Care", f"Wipe the {thing} with a damp cloth only.", ""))
    with site(tmp_path) as url:
        crawled = api.post(f"{K}/crawl", json={"url": url, "tags": ["web"]})
        assert crawled.headers["content-type"] == "application/x-ndjson"
        *lines, summary = [json.loads(line) for line in crawled.text.splitlines()]
        try:
            assert {line["url"]: line["outcome"] for line in lines} == {
                url: "added", f"{url}care.html": "added", f"{url}gone.html": "skipped",
            }  # fmt: skip
            assert (summary["added"], summary["skipped"]) == (2, 1)
            searched_until(api, "x", summary["version"])
            best = search(api, f"may I wipe the {thing}", tag="web")["hits"][0]
            assert (best["document"], best["source"]) == (f"{url}care.html", f"{url}care.html")
            again = [
                json.loads(line) for line in api.post(f"{K}/crawl", json={"url": url, "tags": ["web"]}).iter_lines()
            ]
            assert (again[-1]["unchanged"], again[-1]["version"]) == (2, summary["version"])
        finally:
            for path in ("", "care.html"):
                assert api.delete(f"{K}/documents/{quote(url + path, safe='')}").status_code == 200


def test_an_address_inside_is_not_fetched(api: httpx.Client) -> None:
    for url in ("http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"):
        *_, refused, summary = [json.loads(line) for line in api.post(f"{K}/crawl", json={"url": url}).iter_lines()]
        assert (refused["reason"], summary["skipped"]) == ("refused", 1)


# --- What cannot be done -------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(api: httpx.Client) -> None:
    before = api.get(f"{K}/history", params={"limit": 1}).json()
    for name, content, says in (
        ("x.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "OCR"),
        ("x.md", b"  ", "empty"),
        ("x.jsonl", b'{"id": "a"}\n{"id": \n', "x.jsonl:2"),
        ("x.pdf", b"%PDF-1.7 broken", "x.pdf"),
    ):
        detail = problem(api.post(f"{K}/documents", params={"name": name}, content=content), 422, "unreadable_document")
        assert says in detail
    assert api.get(f"{K}/history", params={"limit": 1}).json() == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "says"),
    [
        ("POST", "/documents", b"x", 400, "invalid_request", "?name="),
        ("GET", "/documents?version=99999", None, 404, "not_found", "the newest is"),
        ("GET", "/documents?version=-1", None, 400, "invalid_request", "version"),
        ("GET", "/documents?version=1&at=2026-01-01", None, 400, "invalid_request", "not both"),
        ("GET", "/documents?at=yesterday", None, 400, "invalid_request", "2026-05-03T15:00:00Z"),
        ("GET", "/documents?limit=0", None, 400, "invalid_request", "limit"),
        ("GET", "/documents/nowhere", None, 404, "not_found", "nowhere"),
        ("GET", "/entries/refund-how?revision=99", None, 404, "not_found", "revision 99"),
        ("GET", "/search", None, 400, "invalid_request", "question"),
        ("GET", "/search?q=x&k=0", None, 400, "invalid_request", "`k`"),
        ("GET", "/search?q=x&language=de", None, 400, "invalid_request", "language"),
        ("GET", "/search?q=x&version=99999", None, 404, "not_found", "the newest is"),
        ("POST", "/search", b'{"questions": []}', 400, "invalid_request", "questions"),
        ("POST", "/search", b'{"questions": ["x"], "kk": 5}', 400, "invalid_request", "kk"),
        ("POST", "/search", b'{"questions": ["x"], "version": -4}', 400, "invalid_request", "version"),
        ("POST", "/rollback", b'{"to_version": 99999}', 400, "invalid_request", "99999"),
        ("POST", "/rollback", b"{}", 400, "invalid_request", "to_version"),
        ("POST", "/confirmations", b'{"entry_id": "refund-how", "question": " "}', 400, "invalid_request", "question"),
        ("POST", "/crawl", b'{"url": "http://x/", "pages": 0}', 400, "invalid_request", "pages"),
        ("GET", "/export?format=xml", None, 400, "invalid_request", "jsonl"),
        ("GET", "/export?version=99999", None, 404, "not_found", "the newest is"),
        ("PUT", "/documents", b"x", 405, "method_not_allowed", "PUT"),
        ("DELETE", "/search", None, 405, "method_not_allowed", "DELETE"),
    ],
)
def test_mistakes_are_told(
    api: httpx.Client, method: str, path: str, body: bytes | None, status: int, code: str, says: str
) -> None:
    assert says in problem(api.request(method, f"{K}{path}", content=body), status, code)


def test_a_body_over_the_limit_is_refused(api: httpx.Client) -> None:
    big = b"x" * (50 * 1024 * 1024 + 1)
    assert "split it" in problem(
        api.post(f"{K}/documents", params={"name": "big.txt"}, content=big), 413, "body_too_large"
    )
