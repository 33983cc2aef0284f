"""From token ids to text, token by token: what is given out is never taken back, and no character is split."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_BROKEN = "\ufffd"
# A character has four bytes at the most. So many tokens without a whole one are no character in the making.
_PATIENCE = 16


class Detokeniser:
    """Decodes a growing reply, for tokenizers whose tokens may be parts of characters.

    Tokens cannot be decoded one by one: a character may take several, and some tokenizers drop the space before the
    first token that they are given. So a short window is decoded anew with each token: the tokens that were last
    found to end with a whole character, for context, and those since.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._context = 0  # the first tokens of the window, which are here for context only
        self._given = 0  # characters of the window's text that have been given out
        self._waiting = 0  # tokens since something was given out

    def feed(self, token: int) -> str:
        """What can be read now that could not be read before."""
        self._window.append(token)
        self._waiting += 1
        text = self._decode(self._window)
        whole = text.rstrip(_BROKEN)
        if len(whole) < len(text) and self._waiting < _PATIENCE:
            return self._give(whole)
        more = self._give(text)
        del self._window[: self._context]
        self._context = len(self._window)
        self._given = len(self._decode(self._window))
        self._waiting = 0
        return more

    def end(self) -> str:
        """The rest, less a character that was never finished."""
        return self._give(self._decode(self._window).rstrip(_BROKEN))

    def _give(self, text: str) -> str:
        more = text[self._given :]
        if more:
            self._given = len(text)
            self._waiting = 0
        return more


class StopAt:
    """Cuts a growing text before the first of some strings; holds back what may become the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.stopped = False

    def feed(self, more: str) -> str:
        if not self._stops or self.stopped:
            return "" if self.stopped else more
        text = self._held + more
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max(
            (size for stop in self._stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0
        )
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def end(self) -> str:
        held, self._held = self._held, ""
        return held
