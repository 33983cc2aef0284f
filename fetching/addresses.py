"""Which addresses may be fetched: pure functions over IP addresses and URLs, before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx

from fetching.errors import FetchRefused

# From IANA's special-purpose registries. Python's own `is_global` changes from patch to patch, so it is not asked.
_REFUSED_V4 = {
    IPv4Network(network): why
    for network, why in {
        "0.0.0.0/8": "unspecified (this host)",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a carrier (CGNAT)",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's own service",  # Azure's host agent: public by number, internal in fact
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved for protocols",
        "192.0.2.0/24": "for documentation",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
# First match wins; what is left of 2000::/3 is the only global unicast space there is.
_REFUSED_V6 = {
    IPv6Network(network): why
    for network, why in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "64:ff9b:1::/48": "local NAT64",
        "100::/64": "discarded",
        "2001::/23": "reserved for protocols (Teredo among them)",
        "2001:db8::/32": "for documentation",
        "3fff::/20": "for documentation",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}
_GLOBAL_V6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}

# The ports that browsers block (Fetch standard, "bad port"): services that can be talked into acting on HTTP.
BLOCKED_PORTS = frozenset((
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
))  # fmt: skip

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
# What inet_aton would read as a number, and so as an address in disguise: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def refusal(address: str) -> str | None:
    """Why this IP address must not be connected to, or None where it is globally routable.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64, ISATAP) is refused where either is.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "not an IP address"
    if isinstance(parsed, IPv4Address):
        return next((why for network, why in _REFUSED_V4.items() if parsed in network), None)
    if parsed.scope_id is not None:
        return "bound to one network interface"
    carried = _carried(parsed)
    if carried is not None and (why := refusal(str(carried))):
        return f"a wrapping of {carried}, which is {why}"
    if parsed.ipv4_mapped is not None or parsed in _NAT64:
        return None
    if why := next((why for network, why in _REFUSED_V6.items() if parsed in network), None):
        return why
    return None if parsed in _GLOBAL_V6 else "reserved"


def unmapped(address: str) -> IPv4Address | IPv6Address:
    """The address itself, or the IPv4 address that an IPv4-mapped one stands for. ValueError if it is none."""
    parsed = ipaddress.ip_address(address)
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def no_host_name(host: str) -> str | None:
    """Why `host`, in lower case, is not the name of a host, or None where it is one."""
    if not _HOST_NAME.fullmatch(host) or len(host) > 253:
        return "is not a host name"
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return "is an IP address not written as four plain numbers with dots between"
    return None


def checked(url: str) -> httpx.URL:
    """The URL without its fragment, fit to be resolved; FetchRefused says what is wrong with it."""
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise FetchRefused(
            f"{url[:200]!r} is not a web address ({error}). Give one such as https://example.com/"
        ) from None
    host = parsed.raw_host.decode("ascii")  # `parsed.host` fails on a name that is broken Punycode
    # What is quoted in a message must not carry a password.
    shown = f"{parsed.scheme}://{host}{parsed.path}"[:200]
    if parsed.scheme not in ("http", "https"):
        raise FetchRefused(
            f"{shown}: only http and https addresses are fetched, not {parsed.scheme or 'relative'} ones."
        )
    if parsed.userinfo:
        raise FetchRefused(f"{shown}: take the user name and password out of the address; they are never sent.")
    if not _is_address(host) and (why := no_host_name(host)):
        raise FetchRefused(f"{shown}: {host[:100]!r} {why}. Check the address for typing errors.")
    if parsed.port is not None and (parsed.port in BLOCKED_PORTS or parsed.port > 0xFFFF):
        raise FetchRefused(f"{shown}: port {parsed.port} is not one for web pages; browsers refuse it too.")
    return parsed


def _carried(address: IPv6Address) -> IPv4Address | None:
    low = int(address) & 0xFFFF_FFFF
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(low)
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host
