"""Order numbers and the like, telephone numbers, e-mail addresses and links: right only if exactly right."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.facts import Fact, Text, fact
from guardrails.links import links
from guardrails.personal import EMAIL, PHONE

_NAMED = re.compile(
    r"(?i:\b(?:order|reservation|booking|confirmation|tracking|ticket|reference|case|invoice|parcel|shipment"
    r"|flight|account|serial|policy|request|rma|ref)(?:\s(?:number|code|no\.?|id|reference))?\s?(?:is\s|:\s?"
    r"|#\s?)?"
    r"|(?:订单|运单|快递|单号|编号|工单|发票|流水|预订|航班|会员|案件|参考)(?:编?号码?|单号)?\s?(?:是|为|:|：)?\s?)"
    r"#?(?P<id>(?=[A-Z0-9_-]*[A-Z0-9]{4})(?=[A-Z_-]*\d|[A-Z]{5,10}(?![a-z]))[A-Z0-9][A-Z0-9_-]{3,40})(?![A-Za-z0-9])"
)
_TOKEN = re.compile(r"(?<![\w@.])#?[A-Za-z0-9]{1,64}(?:[-_][A-Za-z0-9]{1,64}){0,8}(?![\w@])", re.ASCII)
_UNITS = re.compile(
    r"\d+(?:[.,]\d+)?(?:mg|ml|kg|cm|mm|km|gb|tb|mb|kb|mah|hz|ghz|mhz|px|dpi|kwh|p|w|v|g|l|m|k|x|st|nd|rd|th|s)", re.I
)
_ENDING = re.compile(
    r"(?:ending(?:\s(?:in|with))?|last\s(?:four|4)(?:\sdigits)?(?:\sare|\sis)?|(?<!\*)\*{4}|x{4}|•{4}"
    r"|尾号(?:为|是)?|末四位(?:为|是)?)\s?[:#]?\s?(?P<id>\d{3,6})(?![\d]|[.,]\d)",
    re.I,
)


def emails(text: Text) -> Iterator[Fact]:
    for match in text.take(EMAIL):
        yield fact("email", match, {match.group().lower()})
        text.drop(*match.span())


def addresses(text: Text) -> Iterator[Fact]:
    """Links, without scheme, `www.`, query and closing slash."""
    for link in list(links(text.rest)):
        if not link.host:
            continue
        said = frozenset({_place(link.address, link.host)})
        yield Fact("link", said, said | {link.host}, link.words, link.start, link.end)
        text.drop(link.start, link.end)


def _place(address: str, host: str) -> str:
    at = address.lower().find(host)
    path = re.split(r"[?#]", address[at + len(host) :])[0] if at >= 0 else ""
    return host + re.sub(r"\A:\d+", "", path).rstrip("/.,;:!?").lower()


def host_of_key(said: str) -> str:
    return said.split("/", 1)[0]


def phones(text: Text) -> Iterator[Fact]:
    for match in text.take(PHONE):
        digits = "".join(each for each in match.group() if each.isdigit())
        said = {digits}
        if match.group().startswith(("+", "00")):
            # With and without the code of one to three digits; then the national 0 may come back.
            plain = digits.removeprefix("00") if match.group().startswith("00") else digits
            said |= {plain, *(plain[code:] for code in (1, 2, 3)), *("0" + plain[code:] for code in (1, 2, 3))}
        yield fact("phone", match, said, {digits[at:] for at in range(max(len(digits) - 6, 1))})
        text.drop(*match.span())


def named(text: Text) -> Iterator[Fact]:
    """What is called an order number, a booking code, an account that ends in 4242."""
    for pattern in (_ENDING, _NAMED):
        for match in text.take(pattern):
            start, end = match.span("id")
            found = squeezed(match["id"])
            said = frozenset({f"…{found}" if pattern is _ENDING else found})
            yield Fact("order_number", said, said, match["id"], start, end)
            text.drop(start, end)


def tokens(text: Text) -> Iterator[Fact]:
    """What looks like an identifier wherever it stands."""
    for match in text.take(_TOKEN):
        if _is_identifier(match.group()):
            found = squeezed(match.group())
            yield fact("order_number", match, {found})
            text.drop(*match.span())


def _is_identifier(token: str) -> bool:
    plain = token.lstrip("#")
    digits = sum(each.isdigit() for each in plain)
    letters = sum(each.isalpha() for each in plain)
    if not digits or _UNITS.fullmatch(plain):
        return False
    if not letters:
        return digits >= 7 or (token[0] == "#" and digits >= 3)
    return letters + digits >= 5 and (digits >= 3 or (digits >= 2 and plain.upper() == plain))


def squeezed(token: str) -> str:
    return "".join(each for each in token.lower() if each.isalnum())


def every_token(text: str) -> frozenset[str]:
    """Whatever could be an identifier, and the ends by which cards and accounts are called."""
    found = {squeezed(match.group()) for match in _TOKEN.finditer(text)}
    ends = {
        f"…{each[-length:]}" for each in found if each[-3:].isdigit() for length in (3, 4, 5, 6) if len(each) >= length
    }
    return frozenset(found | ends)
