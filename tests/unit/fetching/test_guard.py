"""The guard lets nothing inside be reached: not by name, number, redirect, or a name that changes its mind."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.website import Names, Reply, Website, redirect

from fetching.addresses import _REFUSED_V4, _REFUSED_V6, checked
from fetching.guard import BLOCKED_PORTS, FetchFailed, FetchRefused, GuardedClient, refusal
from fetching.inflate import Gunzip, Oversized, gunzip
from fetching.pinned import Allowed
from schemas.errors import ConfigurationError

LOCAL = ("127.0.0.1",)
PUBLIC = "93.184.216.34"

v4_refused = st.one_of([st.ip_addresses(v=4, network=network) for network in _REFUSED_V4])
v6_refused = st.one_of([st.ip_addresses(v=6, network=network) for network in _REFUSED_V6])


@pytest.fixture
async def site() -> AsyncIterator[Website]:
    async with Website({"/": Reply(b"hello")}) as website:
        yield website


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    names.install(monkeypatch)
    return names


async def fetch(url: str, **options: object) -> str:
    """The body at `url`, or the error's class and its first words."""
    async with GuardedClient(**{"allow": LOCAL, **options}) as client:  # type: ignore[arg-type]
        return (await client.get(url)).body.decode()


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "239.1.1.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "2001::1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b:1::808:808", "2002:a00:1::", "2002:7f00:1::1", "2600::5efe:10.0.0.1", "4000::1", "", "example.com",
    ],
)  # fmt: skip
def test_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", PUBLIC, "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_not_refused(address: str) -> None:
    assert refusal(address) is None


@given(st.ip_addresses())
def test_what_is_not_refused_is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if refusal(str(address)) is None:
        carried = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        assert (carried or address).is_global
        assert not address.is_multicast


@given(st.one_of(v4_refused, v6_refused))
def test_every_address_of_a_refused_network_is_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert refusal(str(address))


@given(v4_refused, st.integers(0, 2**80 - 1))
def test_a_wrapping_does_not_hide_an_address(inside: ipaddress.IPv4Address, rest: int) -> None:
    low = int(inside)
    for wrapped in (
        (0xFFFF << 32) | low,
        low,
        (0x64FF9B << 96) | low,
        (0x2002 << 112) | (low << 80) | rest,
        (0x2600 << 112) | ((rest & 0xFFFF_FFFF) << 64) | (0x5EFE << 32) | low,
    ):
        assert refusal(str(ipaddress.IPv6Address(wrapped)))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_it_maps(address: ipaddress.IPv4Address) -> None:
    assert (refusal(f"::ffff:{address}") is None) == (refusal(str(address)) is None)


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:1", "/relative", "", "http://",
        "http://user:secret@example.com/", "http://user@example.com/", "http://2130706433/", "http://0x7f.1/",
        "http://0177.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://127.0.0.1./", "http://1/",
        "http://exa mple/", "http://xn--/",
        "http://[::1%25eth0]/", "http://[::1/", "http://a..b/", "http://-a/", "http://１２７.0.0.1/", "http://x:99999/",
    ],
)  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(FetchRefused) as caught:
        checked(url)
    assert (caught.value.code, caught.value.status) == ("address_refused", 422)
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("port", sorted(BLOCKED_PORTS))
def test_blocked_ports(port: int) -> None:
    with pytest.raises(FetchRefused, match="port"):
        checked(f"http://example.com:{port}/")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com/#top", "example.com"),
        ("https://例子.中国/路?问=答", "xn--fsqu00a.xn--fiqs8s"),
        ("http://8.8.8.8:8080/", "8.8.8.8"),
        ("http://[2606:4700::1111]/", "2606:4700::1111"),
        ("http://my_host.example./", "my_host.example."),
        ("http://3com.example/", "3com.example"),
    ],
)
def test_urls_that_are_fetched(url: str, host: str) -> None:
    assert checked(url).raw_host.decode() == host
    assert "#" not in str(checked(url))


# Where a connection goes


async def test_loopback_is_refused_unless_allowed(site: Website) -> None:
    with pytest.raises(FetchRefused, match=r"127\.0\.0\.1, which is loopback"):
        await fetch(site.url(), allow=())
    assert site.asked == []
    assert await fetch(site.url()) == "hello"


@pytest.mark.parametrize(
    "address", ["::1", "::ffff:10.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "fe80::1%eth0", "64:ff9b::a00:1"]
)
async def test_names_of_internal_addresses(names: Names, address: str) -> None:
    names.give("inside.example", address)
    with pytest.raises(FetchRefused, match=r"inside\.example is at"):
        await fetch("http://inside.example/")


async def test_one_internal_address_among_public_ones_is_enough(names: Names) -> None:
    names.give("half.example", (PUBLIC, "2606:4700::1111", "10.0.0.1"))
    with pytest.raises(FetchRefused, match=r"10\.0\.0\.1"):
        await fetch("http://half.example/")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_loopback_by_any_spelling(site: Website, host: str) -> None:
    with pytest.raises((FetchRefused, FetchFailed)):
        await fetch(site.url(host=host), allow=())
    assert site.asked == []


async def test_the_name_is_sent_and_the_checked_address_connected(site: Website, names: Names) -> None:
    names.give("shop.example", "127.0.0.1")
    assert await fetch(site.url(host="shop.example")) == "hello"
    assert site.hosts == [f"shop.example:{site.port}"]
    assert names.asked == ["shop.example"]


async def test_a_name_with_an_emoji(site: Website, names: Names) -> None:
    names.give("xn--i-7iq.example", "127.0.0.1")
    assert await fetch(site.url(host="xn--i-7iq.example")) == "hello"
    with pytest.raises(FetchFailed, match="no address"):
        await fetch("http://xn--a/")


async def test_a_name_that_changes_its_mind_is_not_asked_twice(
    site: Website, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when it is checked, loopback when it is used."""
    names.give("rebind.example", PUBLIC, "127.0.0.1")
    connected: list[str] = []

    async def connect(self: object, host: str, *_: object) -> httpcore.AsyncNetworkStream:
        connected.append(host)
        raise httpcore.ConnectError("nobody there")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    with pytest.raises(FetchFailed, match="nobody there"):
        await fetch(site.url(host="rebind.example"), allow=())
    assert connected == [PUBLIC]
    assert names.asked == ["rebind.example"]
    with pytest.raises(FetchRefused):
        await fetch(site.url(host="rebind.example"), allow=())
    assert connected == [PUBLIC]
    assert site.asked == []


async def test_the_next_address_is_tried_when_one_does_not_answer(site: Website, names: Names) -> None:
    names.give("two.example", ("127.0.0.2", "127.0.0.1"))  # the server listens on .1 only
    assert await fetch(site.url(host="two.example"), allow=("127.0.0.0/8",)) == "hello"


async def test_unknown_name(names: Names) -> None:
    with pytest.raises(FetchFailed, match=r"nowhere\.example has no address") as caught:
        await fetch("http://nowhere.example/")
    assert (caught.value.code, caught.value.status) == ("fetch_failed", 422)


async def test_nobody_listens(site: Website) -> None:
    async with Website() as gone:
        pass
    with pytest.raises(FetchFailed, match="no connection to"):
        await fetch(gone.url())


async def test_the_environment_takes_no_part(site: Website, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await fetch(site.url()) == "hello"


# What operators allow


def test_allowing_a_name_does_not_open_the_metadata_service() -> None:
    allowed = Allowed(("wiki.corp", "10.9.0.0/16", "fd12::/48"))
    assert allowed.refusal("wiki.corp", "10.0.0.1") is None
    assert allowed.refusal("WIKI.corp.", "::ffff:10.0.0.1") is None
    assert allowed.refusal("wiki.corp", "169.254.169.254")
    assert allowed.refusal("wiki.corp", "0.0.0.0")
    assert allowed.refusal("other.corp", "10.0.0.1")
    assert allowed.refusal("other.corp", "10.9.8.7") is None
    assert allowed.refusal("other.corp", "fd12::7") is None
    assert allowed.refusal("other.corp", "nonsense")
    assert Allowed(("169.254.169.254",)).refusal("x", "169.254.169.254") is None


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "http://wiki.corp/", "*.corp", "", "10.0.0.0/33", "10.0.0"])
def test_allowing_nonsense_is_an_error(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="allow"):
        GuardedClient(allow=(entry,))


# Redirects


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://10.0.0.1/", "file:///etc/passwd",
     "http://127.0.0.1:25/", "http://u:p@127.0.0.1/", "//169.254.169.254/"],
)  # fmt: skip
async def test_redirects_inside_are_refused(site: Website, target: str) -> None:
    site.routes["/out"] = redirect(target)
    with pytest.raises(FetchRefused):
        await fetch(site.url("/out"))


async def test_redirects_are_followed_and_each_name_checked(site: Website, names: Names) -> None:
    names.give("127.0.0.1", "127.0.0.1")
    names.give("second.example", "127.0.0.1")
    names.give("third.example", "10.0.0.1")
    site.routes |= {"/a": redirect("/b", 301), "/b": redirect(site.url("/", "second.example"), 308)}
    async with GuardedClient(allow=LOCAL) as client:
        fetched = await client.get(site.url("/a"))
        assert (fetched.url, fetched.body) == (site.url("/", "second.example"), b"hello")
        unfollowed = await client.get(site.url("/a"), follow=False)
        assert (unfollowed.status, unfollowed.redirect) == (301, site.url("/b"))
        site.routes["/b"] = redirect(site.url("/", "third.example"))
        with pytest.raises(FetchRefused, match=r"third\.example is at 10\.0\.0\.1"):
            await client.get(site.url("/a"))


async def test_redirect_loops_and_long_ways(site: Website) -> None:
    site.routes |= {"/x": redirect("/y"), "/y": redirect("/x"), "/self": redirect("/self")}
    for path in ("/x", "/self"):
        with pytest.raises(FetchFailed, match="in a loop"):
            await fetch(site.url(path))
    site.routes |= {f"/{n}": redirect(f"/{n + 1}") for n in range(5)} | {"/5": Reply(b"far")}
    assert await fetch(site.url("/0")) == "far"
    site.routes["/5"] = redirect("/6")
    with pytest.raises(FetchFailed, match="redirect number 6"):
        await fetch(site.url("/0"))
    assert "/6" not in site.asked


async def test_a_redirect_to_nowhere(site: Website) -> None:
    site.routes["/none"] = Reply(b"here", status=302)
    async with GuardedClient(allow=LOCAL) as client:
        fetched = await client.get(site.url("/none"))
    assert (fetched.status, fetched.redirect, fetched.body) == (302, None, b"")
    for target in ("http://[", "//[::1", "http://a:b/", "http://xn--/", "http:", "http://\\a/", "x" * 70_000, "\x01:"):
        site.routes["/bad"] = redirect(target)
        with pytest.raises((FetchFailed, FetchRefused)):
            await fetch(site.url("/bad"))


# Bodies


async def test_what_is_known_of_an_answer(site: Website) -> None:
    headers = (("etag", '"1"'), ("last-modified", "yesterday"), ("x-robots-tag", "a"), ("x-robots-tag", "b"))
    site.routes["/p"] = Reply("中".encode("gbk"), "Text/HTML ; charset=GBK", 203, headers)
    async with GuardedClient(allow=LOCAL) as client:
        fetched = await client.get(site.url("/p#part"))
    assert (fetched.url, fetched.status, fetched.content_type) == (site.url("/p"), 203, "text/html")
    assert (fetched.charset, fetched.etag, fetched.last_modified) == ("gbk", '"1"', "yesterday")
    assert fetched.headers["x-robots-tag"] == ("a", "b")
    assert fetched.body.decode("gbk") == "中"


async def test_a_body_of_a_type_not_asked_for_stays_unread(site: Website) -> None:
    site.routes["/film"] = Reply(b"x" * 100_000, "video/mp4")
    async with GuardedClient(allow=LOCAL, max_bytes=1_000) as client:
        assert (await client.get(site.url("/film"), types={"text/html"})).body == b""


async def test_what_comes_with_an_error_cannot_fail(site: Website) -> None:
    strange = (("content-encoding", "br"), ("content-length", "99999999999"))
    site.routes |= {
        "/404": Reply(b"?", status=404, headers=strange),
        "/302": Reply(b"?", status=302, headers=(*strange, ("location", "/"))),
    }
    assert await fetch(site.url("/302")) == "hello"
    async with GuardedClient(allow=LOCAL) as client:
        assert (await client.get(site.url("/404"))).status == 404


async def test_cookies_are_neither_kept_nor_sent(site: Website) -> None:
    site.routes["/"] = Reply(b"hello", headers=(("set-cookie", "a=b"),))
    async with GuardedClient(allow=LOCAL) as client:
        await client.get(site.url())
        await client.get(site.url())
    assert all("cookie" not in headers for headers in site.headers)


async def test_the_size_limit_counts_to_the_byte(site: Website) -> None:
    site.routes |= {"/fits": Reply(b"x" * 1_000), "/more": Reply(b"x" * 1_001)}
    assert len(await fetch(site.url("/fits"), max_bytes=1_000)) == 1_000
    with pytest.raises(FetchFailed, match="larger than 1000 bytes"):
        await fetch(site.url("/more"), max_bytes=1_000)


async def test_a_body_without_end_is_cut(site: Website) -> None:
    sent = 0

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            sent += 10_000
            await writer.drain()

    site.routes["/endless"] = endless
    with pytest.raises(FetchFailed, match="larger than"):
        await fetch(site.url("/endless"), max_bytes=100_000)
    assert sent < 50_000_000  # what the system's buffers hold, not gigabytes


@pytest.mark.parametrize("layers", [1, 2])
async def test_a_gzip_bomb_is_cut(site: Website, layers: int) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    site.routes["/bomb"] = Reply(
        gzip.compress(bomb) if layers == 2 else bomb,
        headers=(("content-encoding", "gzip" if layers == 1 else "gzip, gzip"),),
    )
    with pytest.raises(FetchFailed, match="larger than" if layers == 1 else "not asked for"):
        await fetch(site.url("/bomb"), max_bytes=1_000_000)


async def test_gzip_whole_broken_and_cut_off(site: Website) -> None:
    packed = gzip.compress("你好".encode() * 1_000)
    zipped = (("content-encoding", "gzip"),)
    site.routes |= {
        "/whole": Reply(packed, headers=zipped),
        "/cut": Reply(packed[:-9], headers=zipped),
        "/broken": Reply(b"not gzip", headers=zipped),
        "/empty": Reply(b"", headers=zipped),
        "/br": Reply(b"?", headers=(("content-encoding", "br"),)),
    }
    assert await fetch(site.url("/whole")) == "你好" * 1_000
    assert await fetch(site.url("/empty")) == ""
    for path, why in (("/cut", "ends too early"), ("/broken", "broken gzip"), ("/br", "'br'")):
        with pytest.raises(FetchFailed, match=why):
            await fetch(site.url(path))


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 50))
def test_gunzip_undoes_gzip_in_pieces_of_any_size(members: list[bytes], size: int) -> None:
    whole = b"".join(members)
    packed = b"".join(map(gzip.compress, members))
    unfolding = Gunzip(len(whole))
    assert b"".join(unfolding.feed(packed[at : at + size]) for at in range(0, len(packed), size)) == whole
    assert unfolding.complete
    assert gunzip(packed + b"\0\0", len(whole)) == whole
    if whole:
        with pytest.raises(Oversized):
            gunzip(packed, len(whole) - 1)


def test_gunzip_does_not_take_a_million_members() -> None:
    with pytest.raises(ValueError, match="members"):
        gunzip(gzip.compress(b"") * 2_000, 1_000)
    with pytest.raises(ValueError, match="too early"):
        gunzip(zlib.compress(b"x", wbits=31)[:-1], 10)


# Time


async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Always sends a little, so that no pause is long enough for a timeout of reads."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("answer", [trickle, silence])
async def test_the_deadline_ends_what_is_slow(
    site: Website, answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
) -> None:
    site.routes["/slow"] = answer  # type: ignore[assignment]
    started = time.monotonic()
    with pytest.raises(FetchFailed, match=r"took longer than 0\.3 s"):
        await fetch(site.url("/slow"), deadline_s=0.3)
    assert time.monotonic() - started < 10


async def test_the_deadline_holds_for_all_redirects_together(site: Website) -> None:
    async def late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(redirect(f"/late{len(site.asked)}").raw())
        await writer.drain()

    site.else_ = lambda _: late
    with pytest.raises(FetchFailed, match="took longer"):
        await fetch(site.url("/late"), deadline_s=0.5)
    assert len(site.asked) < 4


async def test_cancelling_closes_the_connection(site: Website) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        left.set()

    site.routes["/hold"] = hold
    async with GuardedClient(allow=LOCAL) as client:
        task = asyncio.create_task(client.get(site.url("/hold")))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await left.wait()


async def test_what_is_no_http_is_an_error_with_a_name(site: Website) -> None:
    async def noise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
        await writer.drain()

    async def short(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nten bytes.")
        await writer.drain()

    site.routes |= {"/noise": noise, "/short": short}
    for path in ("/noise", "/short"):
        with pytest.raises(FetchFailed, match="could not be fetched"):
            await fetch(site.url(path))


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and self-signed certificate of shop.example in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "shop.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


async def test_the_certificate_is_checked_against_the_name(names: Names, certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    asked_for: list[str | None] = []
    server.sni_callback = lambda _, name, __: asked_for.append(name)
    trusting = ssl.create_default_context(cafile=certificate)
    names.give("shop.example", "127.0.0.1")
    names.give("bank.example", "127.0.0.1")
    async with Website({"/": Reply(b"safe"), "/down": redirect("http://shop.example/")}, tls=server) as site:
        assert await fetch(site.url(host="shop.example"), tls=trusting) == "safe"
        with pytest.raises(FetchFailed, match=r"[Hh]ostname"):
            await fetch(site.url(host="bank.example"), tls=trusting)
        with pytest.raises(FetchFailed, match=r"self.signed"):
            await fetch(site.url(host="shop.example"))
        with pytest.raises(FetchRefused, match="not encrypted"):
            await fetch(site.url("/down", host="shop.example"), tls=trusting)
    assert asked_for == ["shop.example", "bank.example", "shop.example", "shop.example"]
