"""No tool reaches inside: not by name, number, redirect or argument, and no key goes where it should not."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.sink import Sink
from kit.website import Names
from making import FakeClock, called, caller, declared, effect, reconciled, request, told

from schemas.errors import ConfigurationError, InvalidDefinition
from tools.calling import ToolCaller
from tools.secrets import filled, looks_secret, names_in, secrets_from
from tools.urls import BadUrlArgument, holes, with_query
from tools.urls import filled as filled_url

KEY = "sk-live-51H8xQ2eZvKYlo2C"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as running:
        yield running


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    names.install(monkeypatch)
    return names


@pytest.mark.parametrize(
    ("declared_hosts", "allowed", "outcome"),
    [
        (["127.0.0.1"], ("127.0.0.1",), "ok"),
        (["127.0.0.0/8"], ("127.0.0.1",), "ok"),
        (["127.0.0.1"], (), "failed"),
        ([], ("127.0.0.1",), "failed"),
        (["10.0.0.0/8"], ("127.0.0.1",), "failed"),
    ],
)
async def test_internal_hosts_need_the_operator_and_the_declaration(
    sink: Sink, declared_hosts: list[str], allowed: tuple[str, ...], outcome: str
) -> None:
    found = await called(effect(sink, http={"allow": declared_hosts}), allow=allowed)
    assert found.outcome == outcome
    if outcome == "failed":
        assert told(found) == "address_refused"
        assert "127.0.0.1" not in found.result
        assert sink.asked == []
        assert (
            await reconciled(effect(sink, http={"allow": declared_hosts}, idempotent=True), allow=allowed)
        ).outcome == "unknown"


async def test_a_connection_of_one_tool_is_not_taken_up_by_another(sink: Sink) -> None:
    clock = FakeClock()
    tools = declared(effect(sink), effect(sink, name="other", http={"allow": []}))
    async with caller(tools, clock) as calls:
        assert (await calls.call(request(clock=clock))).outcome == "ok"
        assert told(await calls.call(request("other", clock=clock, key="key-2"))) == "address_refused"
    assert len(sink.asked) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "fd00::1",
    ],
)
async def test_names_that_resolve_inside(sink: Sink, names: Names, address: str) -> None:
    names.give("shop.example", address)
    tool = effect(sink, http={"url": sink.url(host="shop.example"), "allow": []})
    assert told(await called(tool, allow=("127.0.0.1", "10.0.0.0/8"))) == "address_refused"
    assert sink.asked == []


async def test_a_name_that_the_operator_allows_is_not_the_metadata_service(sink: Sink, names: Names) -> None:
    names.give("orders.corp", "169.254.169.254")
    tool = effect(sink, http={"url": sink.url(host="orders.corp"), "allow": ["orders.corp"]})
    assert told(await called(tool, allow=("orders.corp",))) == "address_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_loopback_by_address(sink: Sink, host: str) -> None:
    found = await called(effect(sink, http={"url": sink.url(host=host), "allow": []}), allow=())
    assert told(found) == "address_refused"


@pytest.mark.parametrize(
    "url",
    ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://[::1%25eth0]/",
     "ftp://shop.example/", "file:///etc/passwd", "http://u:p@shop.example/", "http://shop.example:25/", "/act",
     "http://{number}/", "http://shop.example{number}/", "{number}", "http://{number}@shop.example/",
     "https://shop.example/#x", "http://a b/"],
)  # fmt: skip
def test_urls_that_are_not_declared(url: str) -> None:
    with pytest.raises(InvalidDefinition, match=r"tools:1:\d+: tools\[0\]\.http\.url"):
        declared({"name": "act", "http": {"url": url}, "parameters": {"type": "object", "required": ["number"]}})


@pytest.mark.parametrize("read_only", [True, False])
async def test_redirects_lead_nowhere_inside(sink: Sink, read_only: bool) -> None:
    for fault, method in (("redirect_internal", "GET"), ("redirect_internal", "POST"), ("redirect_loopback", "GET")):
        sink.forget()
        sink.script(*[fault] * 4)
        found = await called(effect(sink, http={"method": method}, read_only=read_only))
        assert found.outcome != "ok"
        assert sink.effects == []


async def test_a_reconcile_address_is_guarded_too(sink: Sink) -> None:
    tool = effect(sink, reconcile={"url": "http://10.0.0.1/{idempotency_key}"})
    found = await reconciled(tool)
    assert (found.outcome, told(found)) == ("unknown", "address_refused")


def test_allowing_nonsense_is_an_error_at_once() -> None:
    async def find(tenant: str, version: int) -> None:
        return None

    with pytest.raises(ConfigurationError, match="allow"):
        ToolCaller(find, allow=("http://10.0.0.1/",))


async def test_many_sets_of_hosts_do_not_keep_connections_for_ever(sink: Sink) -> None:
    clock = FakeClock()
    tools = [effect(sink, name=f"t{n}", http={"allow": ["127.0.0.1", f"10.0.0.{n}"]}) for n in range(100)]
    async with caller(declared(*tools), clock) as calls:
        for n in range(100):
            assert (await calls.call(request(f"t{n}", clock=clock, key=str(n)))).outcome == "ok"
        assert len(calls._http._clients) <= 64


# Keys


@pytest.mark.parametrize("fault", ["echo", "echo_error"])
async def test_a_key_that_is_echoed_is_not_in_the_result(
    sink: Sink, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sink.script(fault)
    secrets = secrets_from({"KEFU_TOOL_SHOP": KEY})
    tool = effect(sink, http={"headers": {"Authorization": "Bearer ${KEFU_TOOL_SHOP}", "X-Shop": "maple"}})
    found = await called(tool, secrets=secrets)
    assert sink.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "***" in found.result
    assert KEY not in found.result
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("kefu")]
    assert KEY not in "".join(ours)


@pytest.mark.parametrize("value", [None, "", "abc", "two\nlines", "中文中文中文", "x" * 9_000, " \x00 1234"])
async def test_a_key_that_is_missing_or_unusable_sends_nothing(sink: Sink, value: str | None) -> None:
    tool = effect(sink, http={"headers": {"Authorization": "${KEFU_TOOL_SHOP}"}})
    found = await called(tool, secrets=lambda tenant, name: value)
    assert (found.outcome, told(found)) == ("failed", "secret_unusable")
    assert "KEFU_TOOL_SHOP" in found.result
    assert value is None or value == "" or value[:20] not in found.result
    assert sink.asked == []
    assert (await reconciled(tool | {"idempotent": True}, secrets=lambda *_: value)).outcome == "unknown"


def test_only_variables_and_files_meant_for_tools_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "demo" / "shop").write_text("file-secret\n")
    (tmp_path / "other" / "bank").write_text("not-yours")
    (tmp_path / "demo" / "binary").write_bytes(b"\xff\xfe")
    read = secrets_from({"KEFU_TOOL_A": "env-secret", "OPENAI_API_KEY": KEY, "KEFU_DATABASE_URL": "x"}, tmp_path)
    assert read("demo", "KEFU_TOOL_A") == "env-secret"
    assert read("demo", "file:shop") == "file-secret"
    for name in ("OPENAI_API_KEY", "KEFU_DATABASE_URL", "PATH", "file:../other/bank", "file:bank", "file:/etc/passwd",
                 "file:.", "file:..", "file:", "file:binary", "KEFU_TOOL_", "KEFU_TOOL_B", ""):  # fmt: skip
        assert read("demo", name) is None, name
    for tenant in ("..", ".", "", "demo/../other", "a\0b"):
        assert read(tenant, "file:bank") is None
    assert secrets_from({}, None)("demo", "file:shop") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer abcdefgh12345678"), ("Authorization", "hunter2"), ("X-Api-Key", "abc"),
        ("X-Anything", KEY), ("X-Auth-Token", "t"), ("Cookie", "session=1"), ("X-Shop", "ghp_" + "a" * 36),
        ("X-Shop", "AKIAABCDEFGHIJKLMNOP"), ("X-Shop", "0123456789abcdef" * 2), ("X-Shop", "xoxb-1234567890-a"),
    ],
)  # fmt: skip
def test_keys_written_out_are_refused_without_being_quoted(name: str, value: str) -> None:
    assert looks_secret(name, value)
    with pytest.raises(InvalidDefinition, match="seems to be a key written out") as caught:
        declared({"name": "a", "http": {"url": "http://shop.example/", "headers": {name: value}}})
    assert value not in caught.value.detail or len(value) < 4


@pytest.mark.parametrize("name", ["api_key", "token", "access-token", "secret"])
def test_keys_in_a_query_are_refused(name: str) -> None:
    with pytest.raises(InvalidDefinition, match="seems to carry a key"):
        declared({"name": "a", "http": {"url": f"http://shop.example/?{name}=abc123"}})


@pytest.mark.parametrize(
    "value", ["${OPENAI_API_KEY}", "${KEFU_DATABASE_URL}", "${file:../x}", "${", "${}", "${a${b}}"]
)
def test_secrets_that_may_not_be_named(value: str) -> None:
    with pytest.raises(ValueError):
        names_in(value)
    with pytest.raises(InvalidDefinition):
        declared({"name": "a", "http": {"url": "http://shop.example/", "headers": {"X-A": value}}})


@pytest.mark.parametrize(
    "name",
    ["Idempotency-Key", "x-kefu-session", "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "a b", ""],
)
def test_headers_that_are_not_a_declarations_to_set(name: str) -> None:
    with pytest.raises(InvalidDefinition, match="headers"):
        declared({"name": "a", "http": {"url": "http://shop.example/", "headers": {name: "1"}}})


def test_a_secret_that_names_another_is_not_filled_in() -> None:
    text, used = filled("${KEFU_TOOL_A}", "demo", lambda *_: "${KEFU_TOOL_B}")
    assert (text, used) == ("${KEFU_TOOL_B}", ["${KEFU_TOOL_B}"])


# Addresses with arguments


@given(st.text(min_size=1, max_size=30).filter(lambda text: max(text) < "\ud800" or min(text) > "\udfff"))
def test_an_argument_is_one_piece_of_a_path(text: str) -> None:
    try:
        url = filled_url("http://shop.example/a/{x}/b", {"x": text})
    except BadUrlArgument:
        assert text in (".", "..")
        return
    assert url.isascii()
    assert url.startswith("http://shop.example/a/") and url.endswith("/b")
    assert url.count("/") == 5 and "?" not in url and "#" not in url


def test_arguments_cannot_make_dots_together() -> None:
    with pytest.raises(BadUrlArgument):
        filled_url("http://shop.example/{a}{b}/x", {"a": ".", "b": "."})
    with pytest.raises(BadUrlArgument):
        filled_url("http://shop.example/.{a}/x", {"a": "."})


def test_numbers_and_truths_in_addresses() -> None:
    values: dict[str, Any] = {"a": 1.0, "b": True, "c": 0.1, "d": 10**30, "e": None, "f": ["x", "y z"]}
    assert with_query("http://h/?z=1", values) == f"http://h/?z=1&a=1&b=true&c=0.1&d={10**30}&f=x&f=y+z"
    with pytest.raises(BadUrlArgument, match=r"\$\.o"):
        with_query("http://h/", {"o": {"a": 1}})
    assert holes("http://h/{a}/x?b={c}") == ["a", "c"]


def test_reconcile_asks_about_the_key() -> None:
    for reconcile, why in (
        ({"url": "http://h.example/"}, "idempotency_key"),
        ({"url": "http://h.example/{idempotency_key}", "method": "POST"}, "must be GET"),
        ({"url": "http://h.example/{idempotency_key}/{other}"}, "required parameters"),
    ):
        with pytest.raises(InvalidDefinition, match=why):
            declared({"name": "a", "http": {"url": "http://h.example/"}, "reconcile": reconcile})
    with pytest.raises(InvalidDefinition, match="is for tools with http"):
        declared({"name": "a", "python": "tools.demo_shop:order_lookup", "reconcile": {"url": "http://h.example/"}})


async def test_what_is_asked_does_not_show_keys_either(sink: Sink) -> None:
    tool = effect(
        sink, "/twice",
        http={"headers": {"Authorization": "${KEFU_TOOL_SHOP}"}},
        reconcile={"url": sink.url("/act?fault=echo&k={idempotency_key}")},
    )  # fmt: skip
    found = await reconciled(tool, secrets=lambda *_: KEY)
    assert found.outcome == "ok"
    assert json.loads(found.result)["headers"]["authorization"] == "***"
