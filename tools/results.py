"""What tools return is data from outside: decoded within limits, without secrets, and harmless to show. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

DEEPEST = 64
EXCERPT = 500
"""Characters of a reply that a failure quotes."""
_READ_FOR_EXCERPT = 16 * 1024

# Control characters other than tab and newline; line and paragraph separators; zero-width, bidirectional and invisible
# ones, which show one text and say another; the tag block, in which whole prompts have been hidden; surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Special tokens of chat models, such as <|im_start|>: some tokenizers read them from plain text.
_SPECIAL = re.compile(r"<(?=[|｜])")
_CUT = "… [cut: {shown} of {whole} characters]"


def decoded(body: bytes | str) -> Any:
    """JSON, not nested more than DEEPEST deep. ValueError says what is wrong with it."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise ValueError(f"is nested more than {DEEPEST} deep") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"is not JSON: {str(error)[:200]}") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """ValueError if it is nested more than DEEPEST deep."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for each in level
            if isinstance(each, list | tuple | dict)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError(f"is nested more than {DEEPEST} deep")


def encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def failure(error: str, detail: str) -> str:
    """The result of a call that failed: a stable word and what it is about."""
    return encoded({"error": error, "detail": detail})


def excerpt(body: bytes, secrets: Collection[str] = ()) -> str:
    """The beginning of a body, as one line of text, whatever it is."""
    # Cut after secrets are out: half of one would not be recognised.
    text = without(cleaned(body[:_READ_FOR_EXCERPT].decode("utf-8", "replace")), secrets)
    return " ".join(text.split())[:EXCERPT]


def without(value: Any, secrets: Collection[str]) -> Any:
    """The same value with `***` wherever a secret stood: in texts, keys and numbers."""
    known = sorted({each for each in secrets if each}, key=len, reverse=True)
    if not known:
        return value
    pattern = re.compile("|".join(map(re.escape, known)))

    def clean(text: str) -> str:
        return pattern.sub("***", text)

    def of(one: Any) -> Any:
        if isinstance(one, int | float) and not isinstance(one, bool) and pattern.search(str(one)):
            return "***"
        return one

    return _mapped(value, clean, of)


def cleaned(text: str) -> str:
    """Without characters that are not seen, and without special tokens."""
    return _SPECIAL.sub("< ", _HIDDEN.sub("", text))


def for_model(result: str, limit: int = 8_000) -> str:
    """A result as a model may be shown it: the same JSON with its texts cleaned, at most `limit` characters.

    What is cut says so. It stays data: whoever puts it into a prompt says that it is not to be obeyed.
    """
    try:
        text = encoded(_mapped(decoded(result), cleaned, lambda one: one))
    except ValueError:
        text = cleaned(result)
    if len(text) <= limit:
        return text
    shown = limit
    # The note says how much is shown, and takes room itself.
    for _ in range(2):
        shown = max(limit - len(_CUT.format(shown=shown, whole=len(text))), 0)
    return (text[:shown] + _CUT.format(shown=shown, whole=len(text)))[:limit]


def _mapped(value: Any, text: Callable[[str], str], other: Callable[[Any], Any]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key): _mapped(each, text, other) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(each, text, other) for each in value]
    return other(value)
