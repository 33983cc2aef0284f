"""Requests with a method, headers and a body go out under the rules of fetching, and failures say what was sent."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.website import Names, Reply, Website, redirect

from fetching.guard import FetchFailed, FetchRefused, GuardedClient
from fetching.headers import RESERVED, broken_header

LOCAL = ("127.0.0.1",)


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website({"/": Reply(b"hello")}) as website:
        yield website


@pytest.fixture
async def client() -> AsyncIterator[GuardedClient]:
    async with GuardedClient(allow=LOCAL, deadline_s=5.0) as guarded:
        yield guarded


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    names.install(monkeypatch)
    return names


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
async def test_method_headers_and_body_arrive(site: Website, client: GuardedClient, method: str) -> None:
    bodies: list[tuple[str, bytes]] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int(site.headers[-1].get("content-length", "0"))
        bodies.append((site.headers[-1]["x-own"], await reader.readexactly(length)))
        writer.write(Reply(b"taken", status=201).raw())
        await writer.drain()

    site.routes["/take"] = take
    body = b"" if method == "GET" else "数".encode()
    fetched = await client.request(method, site.url("/take"), headers={"X-Own": "1"}, body=body)
    assert (fetched.status, fetched.body, bodies) == (201, b"taken", [("1", body)])


@pytest.mark.parametrize("status", [400, 404, 500, 503, 302])
async def test_bodies_of_any_status_are_given_if_asked_for(site: Website, client: GuardedClient, status: int) -> None:
    site.routes["/e"] = Reply(gzip.compress(b"why"), status=status, headers=(("content-encoding", "gzip"),))
    assert (await client.request("POST", site.url("/e"))).body == b"why"
    assert (await client.request("POST", site.url("/e"), every_body=False)).body == b""
    assert (await client.get(site.url("/e"))).body == b""


async def test_an_error_whose_body_cannot_be_read_is_still_that_error(site: Website, client: GuardedClient) -> None:
    site.routes["/e"] = Reply(b"x" * 5_000, status=404)
    site.routes["/z"] = Reply(b"no gzip", status=500, headers=(("content-encoding", "gzip"),))
    assert (await client.request("POST", site.url("/e"), max_bytes=100)).status == 404
    assert (await client.request("POST", site.url("/z"))).body == b""


async def test_size_limits_hold_for_requests(site: Website, client: GuardedClient) -> None:
    site.routes |= {
        "/large": Reply(b"x" * 5_000),
        "/bomb": Reply(gzip.compress(b"\0" * 9_000_000), headers=(("content-encoding", "gzip"),)),
    }
    for path in ("/large", "/bomb"):
        with pytest.raises(FetchFailed, match="larger than 4000 bytes") as caught:
            await client.request("POST", site.url(path), max_bytes=4_000)
        assert (caught.value.reason, caught.value.sent, caught.value.answered) == ("unusable", True, 200)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD"])
async def test_nothing_but_get_follows_redirects(site: Website, client: GuardedClient, method: str) -> None:
    site.routes["/r"] = redirect("http://169.254.169.254/", 307)
    fetched = await client.request(method, site.url("/r"), follow=True)
    assert (fetched.status, fetched.redirect) == (307, "http://169.254.169.254/")
    assert site.asked == ["/r"]


async def test_get_follows_redirects_where_it_may(site: Website, client: GuardedClient) -> None:
    site.routes |= {"/r": redirect("/"), "/in": redirect("http://10.0.0.1/")}
    assert (await client.request("GET", site.url("/r"), follow=True)).body == b"hello"
    assert (await client.request("GET", site.url("/r"))).status == 302
    with pytest.raises(FetchRefused):
        await client.request("GET", site.url("/in"), follow=True)
    assert (await client.request("GET", site.url("/in"))).redirect == "http://10.0.0.1/"


async def test_headers_do_not_go_to_another_origin(site: Website, client: GuardedClient, names: Names) -> None:
    names.give("127.0.0.1", "127.0.0.1")
    names.give("other.example", "127.0.0.1")
    async with Website({"/": Reply(b"over there")}) as other:
        site.routes |= {"/out": redirect(other.url("/", "other.example")), "/here": redirect("/")}
        for path in ("/here", "/out"):
            await client.request("GET", site.url(path), headers={"Authorization": "key"}, follow=True)
        assert [each.get("authorization") for each in site.headers] == ["key", "key", "key"]
        assert [each.get("authorization") for each in other.headers] == [None]


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "post", "GET / HTTP/1.1\r\nX: ", ""])
async def test_methods_that_are_not_sent(site: Website, client: GuardedClient, method: str) -> None:
    with pytest.raises(FetchRefused, match="method"):
        await client.request(method, site.url())
    assert site.asked == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("X: y\r\nA", "1"), ("", "1"), ("X Y", "1"), ("X", "1\r\nHost: evil"), ("X", "1\n"), ("X", "中"), ("X", " 1"),
     ("X", "\0"), ("X", "1" * 9_000), ("Host", "evil"), ("content-LENGTH", "0"), ("Transfer-Encoding", "chunked")],
)  # fmt: skip
async def test_headers_that_are_not_sent(site: Website, client: GuardedClient, name: str, value: str) -> None:
    with pytest.raises(FetchRefused, match="header"):
        await client.request("POST", site.url(), headers={name: value})
    assert site.asked == []


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_header_that_passes_is_one_line_of_ascii(name: str, value: str) -> None:
    if broken_header(name, value) is None:
        assert name.isascii() and value.isascii() and not {"\r", "\n", "\0", ":"} & set(name)
        assert not {"\r", "\n", "\0"} & set(value)
        assert name.lower() not in RESERVED


async def test_a_failure_says_whether_anything_was_sent(site: Website, client: GuardedClient, names: Names) -> None:
    names.give("127.0.0.1", "127.0.0.1")

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def gone(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
        await writer.drain()

    async def stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 X\r\ncontent-length: 9\r\n\r\nhalf")
        await writer.drain()
        await reader.read()

    site.routes |= {"/silent": silent, "/gone": gone, "/half": half, "/stuck": stuck}
    async with Website() as closed:
        pass
    found = {}
    for what, url in {
        "silent": site.url("/silent"),
        "gone": site.url("/gone"),
        "half": site.url("/half"),
        "stuck": site.url("/stuck"),
        "closed": closed.url(),
        "unknown": "http://nowhere.example/",
    }.items():
        with pytest.raises(FetchFailed) as caught:
            await client.request("POST", url, deadline_s=0.3)
        found[what] = (caught.value.reason, caught.value.sent, caught.value.answered)
    assert found == {
        "silent": ("timeout", True, 0),
        "gone": ("lost", True, 0),
        "half": ("lost", True, 200),
        "stuck": ("timeout", True, 404),
        "closed": ("lost", False, 0),
        "unknown": ("lost", False, 0),
    }


async def test_waiting_for_a_connection_sends_nothing(site: Website) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    site.routes["/silent"] = silent
    async with GuardedClient(allow=LOCAL, connections=1) as client:
        first = asyncio.create_task(client.request("POST", site.url("/silent"), deadline_s=1.0))
        while not site.asked:
            await asyncio.sleep(0)
        with pytest.raises(FetchFailed) as second:
            await client.request("POST", site.url("/"), deadline_s=0.1)
        assert (second.value.reason, second.value.sent) == ("timeout", False)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert site.asked == ["/silent"]


async def test_what_a_declaration_allows_is_within_what_the_operator_allows(site: Website, names: Names) -> None:
    names.give("127.0.0.1", "127.0.0.1")
    names.give("orders.corp", "127.0.0.1")
    for allow, within, passes in (
        (LOCAL, LOCAL, True),
        (("127.0.0.0/8",), LOCAL, True),
        (LOCAL, (), False),
        ((), LOCAL, False),
        (("10.0.0.0/8",), LOCAL, False),
    ):
        async with GuardedClient(allow=allow, within=within) as client:
            if passes:
                assert (await client.request("POST", site.url())).status == 200
            else:
                with pytest.raises(FetchRefused):
                    await client.request("POST", site.url())
    async with GuardedClient(allow=("orders.corp",), within=("127.0.0.0/8",)) as client:
        assert (await client.request("POST", site.url(host="orders.corp"))).status == 200
