"""The output's guardrails while a reply is still being written: what is shown has been inspected, and nothing that
could still become a link, an image, a tag, a number or a leak is shown before it is whole."""

from __future__ import annotations

import re

from guardrails.leaks import held_from
from guardrails.outputs import Located, OutputContext, located, located_words
from guardrails.policy import Guardrails
from schemas.findings import Finding

# What is held back at most, in characters; longer links and tags are judged as far as they go.
MAX_HELD = 1_024
# What is looked at again with every piece, so that something found across pieces is found.
_LOOK_BACK = 1_536
# Only what holds one of these can complete anything but a leak or a phrase.
_TELLING = re.compile(r"[0-9@<>\[\]:/\\=%&#(]|\.\w|[^\x00-\x7f]|[A-Za-z]{24}")
# A run of the system prompt's words is held back from its beginning; phrases are not.
_LOOK_BACK_PLAIN, _LOOK_BACK_PHRASES = 80, 300

# Characters of words, addresses and hosts; Chinese, Japanese and Korean have no blanks between words, and no need.
_TOKEN = r"(?:[.+%@:/\\?=\#~*'-]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
_IN_TOKEN = re.compile(_TOKEN)
# Unfinished things at the end of a text, each from where it begins.
_UNFINISHED = re.compile(
    rf"""
    (?: <[^<>\n]{{0,1000}}                                                # a tag
      | !?\[(?:[^\[\]\n]|\[[^\[\]\n]{{0,100}}\]){{0,400}}(?:\](?:\s?\([^)\n]{{0,1000}})?)?  # a link, an image
      | !
      | &\#?\w{{0,10}}
      | [+(]?\d[\d .()\-]{{0,40}}                                         # a number
      | [a-zA-Z]{{2}}\d{{2}}[\dA-Za-z -]{{0,40}}                           # an account
      | -----BEGIN[A-Z -]{{0,40}}
      | (?:passwo?r?d|passwd|pwd|api[ _-]?key|pass(?:phrase|code)|secret[ _-]?key|access[ _-]?token)\s?(?:is|was
        |=|:)?\s?["']?\S{{0,64}}
      | (?:javascript|vbscript|data|https?|ftps?|wss?)\s{{0,3}}:?\s{{0,3}}
      | (?:密码|口令|密钥|令牌)\s?(?:是|为|=|:|：)?\s?["']?\S{{0,64}}
      | {_TOKEN}{{1,1000}}
    )\Z
    """,
    re.X | re.I,
)


class OutputStream:
    """Feed it the pieces of a reply as they come; show what it returns.

    All that it returns, joined, is the reply, unless something was found that is not merely to be flagged: then
    nothing more is given, and `finding` says what it was. `findings` has those that are flagged, too.
    """

    def __init__(self, context: OutputContext, rules: Guardrails) -> None:
        self._context = context
        self._rules = rules
        self._text = ""
        self._given = 0
        self.finding: Finding | None = None
        self.findings: list[Finding] = []

    def feed(self, delta: str) -> str:
        """More of the reply; returns what may be shown now, often nothing."""
        if self.finding is not None:
            return ""
        self._text += delta
        return self._give(self._safe_end())

    def end(self) -> str:
        """The reply is complete; returns the rest of it."""
        return "" if self.finding is not None else self._give(len(self._text), last=True)

    def _safe_end(self) -> int:
        """Up to where the text cannot become something else by what follows."""
        tail_from = max(self._given, len(self._text) - MAX_HELD)
        tail = self._text[tail_from:]
        end = tail_from + _safe(tail)
        context = self._context
        held = held_from(self._text, context.system, context.grounding, context.canary)
        return max(min(end, held), tail_from)

    def _give(self, end: int, *, last: bool = False) -> str:
        if end <= self._given and not last:
            return ""
        found = self._inspect(end, last=last)
        if last:
            # The whole is known now; what was found in parts of it is found again.
            self.findings.clear()
        for each in found:
            if each.finding.action != "flag":
                self.finding = each.finding
                self.findings.append(each.finding)
                return ""
            if each.finding not in self.findings:
                self.findings.append(each.finding)
        piece = self._text[self._given : end]
        self._given = max(end, self._given)
        return piece

    def _inspect(self, end: int, *, last: bool) -> list[Located]:
        """At the end the whole is looked at once more, as one who has not streamed would."""
        if last:
            found = located(self._text, self._context, self._rules)
        elif _TELLING.search(self._text, self._given, end):
            found = located(self._text[max(0, self._given - _LOOK_BACK) : end], self._context, self._rules)
        else:
            back = _LOOK_BACK_PHRASES if self._rules.forbidden else _LOOK_BACK_PLAIN
            found = located_words(self._text[max(0, self._given - back) : end], self._context, self._rules)
        return sorted(found, key=lambda each: each.start)


def _safe(tail: str) -> int:
    """The first place from which `tail` is unfinished up to its end."""
    found = _UNFINISHED.search(tail)
    if found is None:
        return len(tail)
    start = found.start()
    while start and _IN_TOKEN.match(tail, start - 1):
        start -= 1
    return start
