"""Personal data and secrets in text, each told by its own check digits or shape, and shown only masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

Kind = Literal["card", "id_number", "iban", "secret", "email", "phone"]


class Personal(Struct, frozen=True):
    """`value`: in its one spelling, to be compared; never to be shown. `masked`: what may be shown and recorded."""

    kind: Kind
    value: str
    masked: str
    start: int
    end: int


# Full-width digits and blanks are digits and blanks to whoever reads them.
_WIDE = {0xFF10 + each: 0x30 + each for each in range(10)} | {
    0x3000: 0x20,
    0xFF0D: 0x2D,
    0xFF20: 0x40,
    0xFF0E: 0x2E,
    0xFF0B: 0x2B,
}
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ \-.]?\d){12,18}(?![\w]|\.\d)", re.ASCII)
# Issuers' leading digits: Visa, Mastercard, American Express, Discover, UnionPay, JCB, Diners.
_ISSUERS = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|6(?:011|5|4[4-9])|62|35(?:2[89]|[3-8])|3(?:0[0-5]|[689])"
)
_CARD_LENGTHS = {"3": (14, 15, 16), "4": (13, 16, 19), "5": (16,), "2": (16,), "6": (16, 17, 18, 19)}
_CHINESE_ID = re.compile(
    r"(?<![\dA-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])",
    re.ASCII,
)
_SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", re.ASCII)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])", re.ASCII)
_SECRET = re.compile(
    r"""
    \b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)?[-_]?[A-Za-z0-9_-]{20,200} | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{30,255} | \bgithub_pat_\w{22,255} | \bglpat-[\w-]{20,64} | \bxox[abeoprs]-[\w-]{10,250}
    | \bAIza[\w-]{35} | \bya29\.[\w-]{20,400} | \bLTAI[A-Za-z0-9]{12,30} | \bAKID[A-Za-z0-9]{13,40}
        | \bhf_[A-Za-z0-9]{30,60} | \bSG\.[\w-]{16,32}\.[\w-]{16,64}
    | \bnpm_[A-Za-z0-9]{36} | \bpypi-[\w-]{50,250} | \bdop_v1_[0-9a-f]{64}
        | \beyJ[\w-]{8,2000}\.eyJ[\w-]{8,3000}\.[\w-]{8,1000}
    | -----BEGIN\ [A-Z ]{0,30}PRIVATE\ KEY-----
    """,
    re.X | re.I,
)
_PASSWORD = re.compile(
    r"""
    \b(?:passwo?r?d|passwd|pwd|passphrase|passcode|api[\ _-]?key|secret[\ _-]?key|access[\ _-]?token)\s?(?:is
        |was|=|:|：)\s?["']?(?=[^\s"']{0,39}[\d!@\#$%^&*_])(?![*•x.]{3})[^\s"',，。]{5,64}
    | (?:密码|口令|密钥|令牌)\s?(?:是|为|=|:|：)
        \s?["']?(?=[\x21-\x7e]{0,39}[\d!@\#$%^&*_])(?![*•x.]{3})[\x21-\x7e]{5,64}
    """,
    re.X | re.I,
)
EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])", re.ASCII
)
PHONE = re.compile(
    r"""
    (?<![\w.+#@/=-])(?<!\d[ ])(?:
        (?:\+|00)[1-9]\d{0,2}[ .\-]?(?:\(0?\d{1,5}\)[ .\-]?)?\d{1,5}(?:[ .\-]?\d{2,5}){1,4}
        | (?:86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}
        | 0\d{2,3}[ -]\d{7,8}(?:-\d{1,5})? | [48]00[ -]\d{3,4}[ -]\d{3,4}
        | (?:1[ .\-])?\(?[2-9]\d{2}\)?[ .\-][2-9]\d{2}[ .\-]\d{4} | 0\d{2,4}[ ]\d{3,4}[ ]\d{3,4}
    )(?![\w@]|[.-]\d)
    """,
    re.X | re.ASCII,
)
_DIGIT = re.compile(r"[0-9]")
_FEWEST_DIGITS = 7
_MANY_DIGITS = re.compile(r"(?:\d[ .()\-]{0,2}){7}|[A-Za-z]{2}\d{2}[ -]?[A-Za-z0-9]{4}")
_SECRET_HINTS = ("sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_")
_SECRET_HINTS_TOO = (
    *("github_pat", "glpat-", "xox", "aiza", "ya29.", "ltai", "akid", "hf_", "sg.", "npm_", "pypi-", "dop_v1", "eyj"),
    "-----begin",
)
_PASSWORD_HINTS = ("passw", "pwd", "passphrase", "passcode", "pasword", "key", "token", "密码", "口令", "密钥", "令牌")


def personal_data(text: str) -> Iterator[Personal]:
    """All of it, in no order; where two kinds fit the same characters, the stricter one."""
    plain = text if text.isascii() else text.translate(_WIDE)
    taken: list[tuple[int, int]] = []
    lower = plain.lower()
    if any(hint in lower for hint in _SECRET_HINTS) or any(hint in lower for hint in _SECRET_HINTS_TOO):
        for match in _SECRET.finditer(plain):
            taken.append(match.span())
            yield _found("secret", match, match.group().strip())
    if any(hint in lower for hint in _PASSWORD_HINTS):
        for match in _PASSWORD.finditer(plain):
            taken.append(match.span())
            yield _found("secret", match, match.group().strip())
    if "@" in plain:
        for match in EMAIL.finditer(plain):
            taken.append(match.span())
            yield _found("email", match, match.group().lower())
    if len(_DIGIT.findall(plain)) < _FEWEST_DIGITS or not _MANY_DIGITS.search(plain):
        return
    for kind, pattern, value in _NUMBERS:
        for match in pattern.finditer(plain):
            found = value(match.group())
            if found and not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                yield _found(kind, match, found)


def _found(kind: Kind, match: re.Match[str], value: str) -> Personal:
    return Personal(kind, value, _masked(kind, value), match.start(), match.end())


def _masked(kind: Kind, value: str) -> str:
    if kind == "email":
        name, _, host = value.rpartition("@")
        return f"{name[:1]}***@{host}"
    if kind == "secret":
        return f"{value[:3]}***"
    return f"{'*' * 4}{value[-4:] if kind != 'id_number' else value[-2:]}"


def _card(text: str) -> str:
    digits = _only_digits(text)
    fits = _ISSUERS.match(digits) and len(digits) in _CARD_LENGTHS.get(digits[0], ())
    return digits if fits and len(set(digits)) > 1 and _luhn(digits) else ""


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, its digits summed."""
    total = sum(map(int, digits[-1::-2])) + sum(sum(divmod(2 * int(each), 10)) for each in digits[-2::-2])
    return total % 10 == 0


_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _chinese_id(text: str) -> str:
    """GB 11643: the last character is the weighted sum of the others, modulo 11."""
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, text[:17], strict=True))
    return text.upper() if "10X98765432"[total % 11] == text[17].upper() else ""


def _iban(text: str) -> str:
    """ISO 13616: with the first four characters moved to the end and letters as numbers, 1 modulo 97."""
    code = text.replace(" ", "").replace("-", "").upper()
    # The last word may be the sentence's next one, so shorter readings are tried too.
    for length in range(min(len(code), 34), 14, -1):
        part = code[:length]
        if _IBAN_LENGTHS.get(part[:2]) != length:
            continue
        number = "".join(str(int(each, 36)) for each in part[4:] + part[:4])
        if int(number) % 97 == 1:
            return part
    return ""


# The registry's: characters of an IBAN by country.
_IBANS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29
ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20
LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25
QA29 RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""
_IBAN_LENGTHS = {each[:2]: int(each[2:]) for each in _IBANS.split()}


def _only_digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit())


def _phone(text: str) -> str:
    digits = _only_digits(text)
    return digits if 7 <= len(digits) <= 15 else ""


def _itself(text: str) -> str:
    return _only_digits(text)


_NUMBERS: tuple[tuple[Kind, re.Pattern[str], Callable[[str], str]], ...] = (
    ("id_number", _CHINESE_ID, _chinese_id),
    ("card", _DIGITS, _card),
    ("iban", _IBAN, _iban),
    ("id_number", _SSN, _itself),
    ("phone", PHONE, _phone),
)


def mask(text: str) -> str:
    """The same with all personal data masked."""
    plain = text
    for each in sorted(personal_data(text), key=lambda each: -each.start):
        plain = plain[: each.start] + each.masked + plain[each.end :]
    return plain
