"""Bytes to text. Strict UTF-8 first, then byte order marks, then guesses that must look like real text.

The candidates are few and known, so a guess is judged by what it would mean, not by byte statistics:
Chinese must consist of everyday characters, Western text of letters with few accents. What passes neither
test is refused, since mojibake in an answer is worse than a file that has to be saved again.
"""

from __future__ import annotations

import codecs
import re

from msgspec import Struct

from knowledge.importing.content import Unreadable

_CJK = re.compile("[\u4e00-\u9fff\u3400-\u4dbf]")
_SPACED = re.compile("[\u4e00-\u9fff] (?=[\u4e00-\u9fff])")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_INVISIBLE = re.compile("[\ufeff\x1a]")
# The characters that make up a sixth or more of nearly any Chinese text, in both scripts.
_FREQUENT = frozenset(
    "的一是不了在人有我他这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着下自之年过過发發后後"
    "作里用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
    "请請退款货貨订訂单單您问問题題服务務点點击擊申"
)
_TYPOGRAPHIC = frozenset("“”‘’–—…•€£©®™°«»·¿¡§×½\xa0")
_LEAST_EVERYDAY = 0.85


class Decoded(Struct, frozen=True):
    """`guessed`: the file does not say its encoding and is not UTF-8, so a person should look at it."""

    text: str
    encoding: str
    guessed: bool = False


def decode(data: bytes, name: str, *, declared: str = "") -> Decoded:
    """The text of `data`. `declared`: what the file says of itself, tried before guessing. Raises Unreadable."""
    found = _marked(data, name) or _declared(data, declared) or _strict(data, name) or _guess(data)
    if found is None:
        raise Unreadable(f"{name}: its encoding cannot be told; save it as UTF-8 and import it again")
    if len(_CONTROL.findall(found.text[:100_000])) > max(2, min(len(found.text), 100_000) // 1000):
        raise Unreadable(f"{name}: holds binary data, not text; give a document or a table")
    text = _INVISIBLE.sub("", _CONTROL.sub("", found.text))
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), found.encoding, found.guessed)


def _marked(data: bytes, name: str) -> Decoded | None:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            try:
                return Decoded(data.decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise Unreadable(
                    f"{name}: begins as {encoding} but byte {error.start} is no part of it; "
                    "the file is cut off or mixed: export it again"
                ) from error
    return None


def _declared(data: bytes, declared: str) -> Decoded | None:
    # Browsers read these two as the larger sets that contain them.
    wider = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "latin-1": "cp1252", "ascii": "utf-8"}
    encoding = wider.get(declared.lower(), declared.lower())
    if not encoding or encoding.startswith("utf-16"):
        return None
    try:
        return Decoded(codecs.decode(data, encoding), encoding)
    except (LookupError, UnicodeDecodeError, TypeError):
        return None


def _strict(data: bytes, name: str) -> Decoded | None:
    """UTF-8 without null bytes. Text that is UTF-8 but for a few bytes is refused, not read as something else."""
    if b"\0" in data:
        return None
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        lenient = data.decode("utf-8", errors="replace")
        broken = lenient.count("\ufffd")
        whole = sum(1 for char in lenient if char > "\x7f") - broken
        if whole < 4 * broken:
            return None
        if error.start >= len(data) - 3:
            where = "ends in the middle of a character; the file is cut off: get all of it"
        else:
            where = f"line {data.count(10, 0, error.start) + 1} has bytes that are not UTF-8; save it as UTF-8"
        raise Unreadable(f"{name}: {where}") from error


def _guess(data: bytes) -> Decoded | None:
    if b"\0" in data:
        # Only UTF-16 has null bytes in text: every second one of a Latin letter.
        both = [_attempt(data, encoding) for encoding in ("utf-16-le", "utf-16-be")]
        likely = [(_legible(each.text), each) for each in both if each]
        score, best = max(likely, key=lambda pair: pair[0], default=(0.0, None))
        return best if score >= _LEAST_EVERYDAY else None
    chinese = [
        (score, found)
        for encoding, level in (
            ("gb18030", "gb2312"),
            ("big5", "big5"),
            ("utf-16-le", "gb2312"),
            ("utf-16-be", "gb2312"),
        )
        if (found := _attempt(data, encoding)) and (score := _everyday(found.text, level)) >= _LEAST_EVERYDAY
    ]
    if chinese:
        return max(chinese, key=lambda pair: pair[0])[1]
    western = _attempt(data, "cp1252")
    return western if western and _western(western.text) else None


def _attempt(data: bytes, encoding: str) -> Decoded | None:
    try:
        return Decoded(data.decode(encoding), encoding, guessed=True)
    except UnicodeDecodeError:
        return None


def _everyday(text: str, charset: str) -> float:
    """Share of the Chinese characters that are in the first, everyday level of `charset`; 0 if not Chinese."""
    sample = text[:20_000]
    if _CONTROL.search(sample):
        return 0.0
    chinese = _CJK.findall(sample)
    foreign = sum(1 for char in sample if char > "\x7f")
    if len(chinese) < 2 or len(chinese) < foreign / 2:
        return 0.0
    # Hangul bytes read as GB 2312 are all everyday characters, but not the frequent ones, and Korean sets spaces.
    frequent = sum(char in _FREQUENT for char in chinese) / len(chinese)
    spaced = len(_SPACED.findall(sample)) / len(chinese)
    if (len(chinese) >= 40 and frequent < 0.08) or (spaced > 0.15 and frequent < 0.25 and len(chinese) >= 10):
        return 0.0
    first, last = (0xB0, 0xD7) if charset == "gb2312" else (0xA4, 0xC6)
    encoded = (char.encode(charset, errors="ignore") for char in chinese)
    return sum(1 for each in encoded if each and first <= each[0] <= last) / len(chinese)


def _legible(text: str) -> float:
    """Share of characters that English or Chinese text would have."""
    sample = text[:20_000]
    good = sum(1 for char in sample if char in "\n\r\t" or " " <= char < "\x7f" or char in _TYPOGRAPHIC or _plain(char))
    return good / len(sample) if sample else 0.0


def _plain(char: str) -> bool:
    return (
        "\u4e00" <= char <= "\u9fff" or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uff5e" or char == "\ufeff"
    )


def _western(text: str) -> bool:
    foreign = [char for char in text[:20_000] if char > "\x7f"]
    fair = sum(1 for char in foreign if char.isalpha() or char in _TYPOGRAPHIC)
    return len(foreign) <= 0.3 * min(len(text), 20_000) and fair >= 0.9 * len(foreign)
