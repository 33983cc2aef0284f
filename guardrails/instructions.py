"""Text that speaks to a language model instead of to a customer, as an importer of documents asks about it."""

from __future__ import annotations

from guardrails.injection import suspicions_of_document
from guardrails.policy import shorten

# A manual may well mention its product's system prompt; that alone is not worth a note.
_WORTH_A_NOTE = 0.7


def find(text: str) -> str:
    """The words in `text` that instruct a model, at most 80 characters; empty if none do."""
    for found in suspicions_of_document(text):
        if found.certainty >= _WORTH_A_NOTE:
            return shorten(found.words) or "characters that cannot be seen"
    return ""
