"""The usual way, to compare with: logistic regression (scikit-learn) over plain MiniLM vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from knowledge.embedder import Encoder
from knowledge.entries import Document
from knowledge.evaluating.channels import Channels
from knowledge.evaluating.outcomes import Got, Seen

_C = 50.0  # the best of 1, 5, 20 and 50 for banking77 on the first split


class PlainReply:
    """The classes by their probability; that of the best is how sure it is."""

    def __init__(self, sure: float, hits: tuple[Seen, ...]) -> None:
        self._got = Got(None, sure, True, hits)

    def through(self, _: Channels) -> Got:
        """As knowledge.evaluating.asking.Reply says."""
        return self._got


class PlainClassifier:
    """An Asker: one class per entry, trained on its questions."""

    name = "MiniLM + logistic regression"

    def __init__(self, documents: Sequence[Document], encoder: Encoder) -> None:
        from sklearn.linear_model import LogisticRegression

        self._encoder = encoder
        self._document: dict[str, str] = {}
        texts: list[str] = []
        labels: list[str] = []
        for document in documents:
            for entry in document.entries:
                self._document[entry.id] = document.id
                for _, side in entry.sides():
                    own = (side.question, *side.paraphrases)
                    texts += own
                    labels += [entry.id] * len(own)
        self._model = LogisticRegression(C=_C, max_iter=500).fit(encoder.encode(texts), labels)

    def search(self, texts: Sequence[str], k: int) -> list[PlainReply]:
        """A reply for each text, as Asker says."""
        chances = self._model.predict_proba(self._encoder.encode([*texts]))
        order = np.argsort(-chances, axis=1, kind="stable")[:, :k]
        return [
            PlainReply(float(own.max()), tuple(self._seen(str(self._model.classes_[place])) for place in best))
            for own, best in zip(chances, order, strict=True)
        ]

    def _seen(self, entry: str) -> Seen:
        return Seen(entry, self._document[entry], "", entry)

    def close(self) -> None:
        """Nothing to end."""
