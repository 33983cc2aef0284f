"""Ids that survive an edit: of a document from its name, of an entry from its question or headings."""

from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from urllib.parse import unquote, urlsplit, urlunsplit

from knowledge.text import normalise


def is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def document_id(name: str) -> str:
    """The id of the document read from `name`, a path or a URL: the name in one spelling.

    Backslashes, "./" and the URL's fragment make no difference, nor does how an accent is composed.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if is_url(name):
        parts = urlsplit(name)
        return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path or "/", parts.query, ""))
    return posixpath.normpath(name.replace("\\", "/"))


def stem(name: str) -> str:
    """The last part of a path or URL without its ending: what a nameless document is called."""
    if is_url(name):
        parts = urlsplit(name)
        name = unquote(parts.path).rstrip("/") or parts.netloc
        return posixpath.splitext(posixpath.basename(name))[0] if parts.path.strip("/") else name
    return posixpath.splitext(posixpath.basename(document_id(name)))[0]


class EntryIds:
    """Gives out the ids of one document's entries, each once."""

    def __init__(self, document: str) -> None:
        self._document = document
        self._taken: set[str] = set()
        self._times: dict[str, int] = {}

    def derived(self, *words: str) -> str:
        """`<document>#<twelve hex digits of the words>`, the second time with "-2", then "-3".

        The same words give the same id wherever they stand in the document.
        """
        digest = hashlib.sha256("\x1f".join(normalise(each) for each in words).encode()).hexdigest()[:12]
        base = f"{self._document}#{digest}"
        number = self._times.get(base, 0) + 1
        while (candidate := base if number == 1 else f"{base}-{number}") in self._taken:
            number += 1
        self._times[base] = number
        self._taken.add(candidate)
        return candidate

    def own(self, told: str) -> str:
        """The id that the file gives, within the tenant: a bare number counts only within its file."""
        return f"{self._document}#{told}" if told.isdecimal() else told

    def claim(self, own: str) -> bool:
        """Takes an id that the file itself gives; False if it is taken."""
        if own in self._taken:
            return False
        self._taken.add(own)
        return True
