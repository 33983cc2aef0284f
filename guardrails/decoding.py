"""What a customer's text says once more when it is decoded: other spellings of the same words, to be judged again."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote

from msgspec import Struct


class Reading(Struct, frozen=True):
    """`how`: the code the words were in. `text`: what they say, at most 8,000 characters."""

    how: str
    text: str


_MOST = 8_000
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{16,8000}={0,2}(?![A-Za-z0-9+/_=])")
_HEX = re.compile(r"(?<![0-9a-f])(?:(?:\\x|0x|%)?[0-9a-f]{2}[\s:,]?){10,4000}", re.I)
_PERCENT = re.compile(r"(?:%[0-9a-f]{2}[\w\s.,'!?-]{0,20}){3,}", re.I)
_ESCAPES = re.compile(r"(?:\\u[0-9a-f]{4}){4,}|(?:&#x?[0-9a-f]{2,5};){4,}", re.I)
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|&#x([0-9a-f]{2,5});|&#(\d{2,5});", re.I)
_BITS = re.compile(r"(?:[01]{8}[\s,]?){6,}")
_DECIMAL = re.compile(r"(?<![\d.])(?:(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])[\s,]{1,2}){8,}")
_MORSE = re.compile(r"(?:[.\-·–—_]{1,6}(?:\s{1,3}|\s?/\s?)){8,}")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|/·]{1,2}){5,}[^\W\d_](?![^\W_])")
_LEET = re.compile(r"\b(?=\w{0,20}[a-z@$|!])(?=\w{0,20}[013457@$!])[\w@$!|+]{3,20}")
_LEET_LETTERS = str.maketrans("0134578@$!|+", "oieastbasiit")
_QUOTED = re.compile(r"[\"']([^\"'\n]{1,80})[\"']")
_JOINS = re.compile(r"concat|join|combin|assembl|merge|append|\+|拼接|连接|合并|组合|拼起来|连起来", re.I)
_WORDISH = re.compile(r"[a-z]{3}|[\u4e00-\u9fff]{2}", re.I)

# Plain words of attacks as rot13 and reversal spell them.
_ROT13_WORDS = ("vtaber", "vafgehpg", "cebzcg", "flfgrz", "qvfertneq", "sbetrg", "erirny", "cerivbhf")
_BACKWARD_WORDS = ("snoitcurtsni", "tpmorp", "metsys", "erongi", "suoiverp", "laever", "dragersid", "令指", "示提")
_DIGIT = re.compile(r"[0-9]")
_ROT13 = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm"
)
_MORSE_CODES = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_MORSE_LETTERS = dict(zip(_MORSE_CODES.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))


def readings(text: str, folded: str) -> Iterator[Reading]:
    """Every other reading of `text`, whose folded form is `folded`. Cheap where nothing looks encoded."""
    if max(map(len, text.split()), default=0) >= 16:
        for match in _BASE64.finditer(text):
            yield from _readable("base64", _base64(match.group()))
    if _DIGIT.search(text):
        yield from _of_digits(text, folded)
    if "%" in text and _PERCENT.search(text):
        yield Reading("percent-encoding", unquote(text)[:_MOST])
    if (". " in text or "- " in text) and (found := _MORSE.search(text)):
        yield Reading("Morse", _morse(text[found.start() :]))
    if any(word in folded for word in _ROT13_WORDS):
        yield Reading("rot13", folded.translate(_ROT13)[:_MOST])
    if any(word in folded for word in _BACKWARD_WORDS):
        yield Reading("reversal", folded[:_MOST][::-1])
        yield Reading("reversal", " ".join(word[::-1] for word in folded[:_MOST].split()))
    if _SPACED.search(text):
        yield Reading("spacing", _SPACED.sub(_closed, text)[:_MOST])
    if ("'" in folded or '"' in folded) and _JOINS.search(folded) and len(pieces := _QUOTED.findall(folded)) >= 2:
        yield Reading("pieces", " ".join(pieces)[:_MOST])
        yield Reading("pieces", "".join(pieces)[:_MOST])


def _of_digits(text: str, folded: str) -> Iterator[Reading]:
    for match in _HEX.finditer(text):
        digits = re.sub(r"\\x|0x|[%\s:,]", "", match.group(), flags=re.I)
        yield from _readable("hex", bytes.fromhex(digits[: len(digits) & ~1]))
    if ("\\u" in text or "&#" in text) and _ESCAPES.search(text):
        yield Reading("escapes", _ESCAPE.sub(_unescaped, text)[:_MOST])
    for match in _BITS.finditer(text):
        bits = re.sub(r"[\s,]", "", match.group())
        yield from _readable("binary", bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) & ~7, 8)))
    for match in _DECIMAL.finditer(text):
        yield from _readable("character codes", bytes(map(int, re.findall(r"\d+", match.group()))))
    if len(_LEET.findall(folded)) >= 2:
        yield Reading("digits for letters", _LEET.sub(_letters, folded)[:_MOST])


def _letters(match: re.Match[str]) -> str:
    return match.group().translate(_LEET_LETTERS)


def _readable(how: str, coded: bytes) -> Iterator[Reading]:
    """Only if it is text: UTF-8, hardly any control characters, and words in it."""
    try:
        text = coded[:_MOST].decode("utf-8")
    except UnicodeDecodeError:
        return
    unprintable = sum(not each.isprintable() and each not in "\n\t\r" for each in text)
    if text and unprintable * 20 <= len(text) and _WORDISH.search(text):
        yield Reading(how, text)


def _base64(word: str) -> bytes:
    plain = word.rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1] or match[2], 16) if match[1] or match[2] else int(match[3])
    return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else " "


def _morse(text: str) -> str:
    plain = text[:_MOST].translate(str.maketrans("·–—_", ".---"))
    words = re.split(r"\s{2,}|\s?/\s?", plain)
    return " ".join("".join(_MORSE_LETTERS.get(letter, "") for letter in word.split()) for word in words)


def _closed(match: re.Match[str]) -> str:
    """Letters apart by one separator are a word; two separators in a row end it."""
    return re.sub(r"([^\W\d_])[ .\-_*|/·](?! )", r"\1", match.group())
