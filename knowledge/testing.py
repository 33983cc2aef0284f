"""A question, what was found for it and what the chat would say, as a tester reads it."""

from __future__ import annotations

from typing import Any

from knowledge.asking import Inspected
from knowledge.found import Hit
from knowledge.ranking import EVIDENCE


def result(question: str, inspected: Inspected) -> dict[str, Any]:
    """Plain values, ready for JSON. `version`: the one that was searched; `first`: the probability that the best hit
    is right, where `confidence` is that of what would be said."""
    answer, found = inspected.answer, inspected.found
    return {
        "question": question,
        "kind": answer.kind,
        "confidence": answer.confidence,
        "first": found.confidence.first,
        "text": answer.text,
        "language": answer.language,
        "version": found.version,
        "citations": answer.citations,
        "options": answer.options,
        "hits": [_hit(hit) for hit in found.hits],
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.id,
        "revision": hit.revision,
        "kind": hit.kind,
        "document": hit.document,
        "source": hit.source,
        "language": hit.language,
        "title": hit.title,
        "answer": hit.answer,
        "score": hit.score,
        "exact": hit.exact,
        "evidence": dict(zip(EVIDENCE, hit.evidence, strict=True)),
    }
