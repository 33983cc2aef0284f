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
_LOOK_BACK_PLAIN = 250

# Unfinished things at the end of a text, each from where it begins.
_UNFINISHED = re.compile(
    r"""
    (?: <[^<>\n]{0,1000}                                                   # a tag
      | !?\[(?:[^\[\]\n]|\[[^\[\]\n]{0,100}\]){0,400}(?:\](?:\s?\([^)\n]{0,1000})?)?  # a link or an image in Markdown
      | !
      | &\#?\w{0,10}
      | (?:[+(]?\d[\d .()\-]{0,40})                                        # a number
      | [a-zA-Z]{2}\d{2}[\dA-Za-z -]{0,40}                                  # an account
      | -----BEGIN[A-Z -]{0,40}
      | [A-Za-z]{2,12}\s{0,3}(?::\s{0,3})?                                  # a scheme, a word before its value
      | (?:passwo?r?d|pwd|api[ _-]?key|passphrase|secret[ _-]?key|access[ _-]?token)\s?(?:is|was|=|:)?\s?["']?\S{0,64}
      | (?:密码|口令|密钥|令牌)\s?(?:是|为|=|:|：)?\s?["']?\S{0,64}
      | [\w.+%@:/\\?=\#~*'-]{1,1000}                                        # a name, an address, a word
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
            found = located_words(self._text[max(0, self._given - _LOOK_BACK_PLAIN) : end], self._context, self._rules)
        return sorted(found, key=lambda each: each.start)


def _safe(tail: str) -> int:
    """The first place from which `tail` is unfinished up to its end."""
    found = _UNFINISHED.search(tail)
    return found.start() if found else len(tail)
