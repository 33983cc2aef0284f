"""Leaves out the thoughts that some servers put at the beginning of the text, between <think> and </think>."""

from __future__ import annotations

_BEGIN, _END = "<think>", "</think>"


class Thoughts:
    """Texts in pieces. What may be the beginning of a mark is kept back until it is clear; call `rest` at the end."""

    def __init__(self) -> None:
        self.thinking = False
        self._thought = False
        self._begun = False  # something of the reply itself was said
        self._kept = ""

    def said(self, text: str) -> str:
        """What of it is the reply."""
        if self._begun:
            return text
        self._kept += text
        if not self.thinking:
            opening = self._kept.lstrip()
            if opening.startswith(_BEGIN):
                self.thinking = self._thought = True
                self._kept = opening[len(_BEGIN) :]
            elif not _BEGIN.startswith(opening):
                return self.rest()
        if self.thinking:
            _, end, after = self._kept.partition(_END)
            if not end:
                self._kept = self._kept[-len(_END) :]
                return ""
            self.thinking, self._kept = False, ""
            return self.said(after)
        return ""

    def rest(self) -> str:
        """Of a thought that has no end nothing is shown."""
        said, self._kept = "" if self.thinking else self._kept, ""
        if self._thought:
            said = said.lstrip()  # empty lines stand between the thoughts and the reply
        self._begun = bool(said)
        return said
