"""A model's words without the marks by which it cites passages: `[1]` becomes a citation of the reply."""

from __future__ import annotations

import re

_MARK = re.compile(r"[ \t]*\[(\d{1,2})\]")
_MAY_BE = re.compile(r"\s*(?:\[\d{0,2})?\Z")  # what the next piece may make a mark, or the end of the reply


def uncited(text: str) -> str:
    """The whole text without marks and outer blanks."""
    return _MARK.sub("", text).strip()


def cited(text: str) -> list[int]:
    """The numbers of its marks, each once, in order."""
    return list(dict.fromkeys(int(number) for number in _MARK.findall(text)))


class Uncited:
    """The same for a text that comes in pieces: all that it gives, joined, is `uncited` of all that it was fed."""

    def __init__(self) -> None:
        self._held = ""
        self._begun = False

    def feed(self, piece: str) -> str:
        """What of it can be shown now."""
        text = _MARK.sub("", self._held + piece)
        if not self._begun:
            text = text.lstrip()
        match = _MAY_BE.search(text)
        end = match.start() if match else len(text)
        self._held = text[end:]
        self._begun = self._begun or end > 0
        return text[:end]

    def end(self) -> str:
        """The rest."""
        return uncited(f"x{self._held}")[1:] if self._begun else uncited(self._held)
