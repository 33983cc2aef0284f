"""Text from outside as it may be shown: without what is not seen, and without what only a model's tokenizer reads."""

from __future__ import annotations

import re

# Control characters other than tab and newline; line and paragraph separators; zero-width, bidirectional, filling and
# invisible ones, which show one text and say another; the tag block and its selectors, in which whole prompts have been
# hidden; surrogates; variation selectors in a row (one alone is an emoji's).
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]|[\ufe00-\ufe0f]{2,}"
)
# Special tokens of chat templates, such as <|im_start|>: some tokenizers read them from plain text. The first bracket.
_SPECIAL = re.compile(
    r"[<＜](?=[|｜]|/?s>|/?<?/?sys>|/?(?:start|end)_of_turn>|/?(?:bos|eos|pad|unk|mask|think|tool_call|tool_response)>"
    r"|/?function_(?:call|results?)s?>)"
    r"|\[(?=/?(?:inst|tool_calls|tool_results|available_tools|system_prompt|tool_content)\])",
    re.I,
)


def visible(text: str) -> str:
    """Without characters that are not seen."""
    return _HIDDEN.sub("", text)


def cleaned(text: str) -> str:
    """Without characters that are not seen; special tokens are broken by a blank. Twice is the same as once."""
    return _SPECIAL.sub(r"\g<0> ", visible(text))
