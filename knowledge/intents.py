"""Which intent of a tenant's flows an utterance has, recognised from examples: a wish to act, not a question about it.

"I want to return order KF-20417" starts the refund flow; "How long does a refund take?" is the knowledge's to
answer. So what is no intent is learnt beside what is one: from the tenant's own questions, and from what people
also say to a chat window (knowledge/background.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from knowledge import text
from knowledge.background import BACKGROUND
from knowledge.embedder import Encoder
from knowledge.examples import Example, unit
from knowledge.intent_head import IntentHead, Said
from knowledge.intent_wording import names_code, without_codes, wording
from knowledge.passages import bare

Floats = npt.NDArray[np.float32]

NONE = ("", 0.0)
START = 0.5  # the least probability at which an utterance has an intent

# How much each encoder says: MiniLM reads Chinese by its gloss only.
_ENGLISH = {"en": 1.0, "zh": 0.6}
_MULTILINGUAL = {"en": 0.8, "zh": 1.0}
_EXACT = 0.99  # word for word an example
# Questions of the tenant that are learnt from: those most like an example. More cost time and say nothing new.
_MOST_QUESTIONS = 2_000
# Of those, so many are learnt from once more as if they named an order: that an order is named does not make a
# message about coupons a wish for a refund.
_MOST_NAMING = 500
# What is as near as this to an example might be a wish: a background line, a question with an order named.
_NEAR = 0.5


class Intents:
    """Built anew when examples or knowledge change; never changed, safe to use from several threads."""

    def __init__(
        self, examples: Mapping[str, Sequence[str]], encoder: Encoder, questions: Sequence[Example] = ()
    ) -> None:
        """`examples`: utterances of each intent, in any mixture of languages; `questions`: those the tenant's
        knowledge answers (LiveKnowledge.questions), with the same encoder's vectors.

        Embeds the examples in one call. Takes some 0.4 s for 2,000 questions beside that.
        """
        self._parts = encoder.parts
        said: dict[str, tuple[str, str]] = {}
        for name, own in examples.items():
            for each in own:
                if key := bare(without_codes(each)):
                    said.setdefault(key, (name, each))
        self._exact = {key: name for key, (name, _) in said.items()}
        self.names = tuple(dict.fromkeys(name for name in examples if name in self._exact.values()))
        self._head = self._train([*said.values()], encoder, questions) if said else None

    def recognise(self, texts: Sequence[str], vectors: Floats, start: float = START) -> list[tuple[str, float]]:
        """For each text its intent and the probability that the customer wishes for it; NONE below `start`.

        `vectors`: (n, dim), the encoder's, of `without_codes(text)` of each text: a number says which order, not
        what is to be done with it. A text that is nothing but numbers has no intent.
        """
        if self._head is None or not len(texts):
            return [NONE] * len(texts)
        said = [without_codes(each) for each in texts]
        best, chances = self._head.judge(_said(texts, self._rows(said, vectors)))
        return [
            self._verdict(bare(each), self.names[at], chance, start)
            for each, at, chance in zip(said, best.tolist(), chances.tolist(), strict=True)
        ]

    def _verdict(self, said: str, likeliest: str, chance: float, start: float) -> tuple[str, float]:
        """`said`: bare, without codes."""
        if said in self._exact:
            return self._exact[said], _EXACT
        return (likeliest, min(chance, _EXACT)) if said and chance >= start else NONE

    def _train(self, said: list[tuple[str, str]], encoder: Encoder, questions: Sequence[Example]) -> IntentHead:
        place = {name: at for at, name in enumerate(self.names)}
        own = [without_codes(each) for _, each in said]
        vectors = encoder.encode([*own, *BACKGROUND])
        examples = self._rows(own, vectors[: len(own)])
        asked = [each for each in questions if bare(each.text) not in self._exact]
        known = self._rows(
            [each.text for each in asked],
            np.array([each.vector for each in asked], dtype=np.float32).reshape(len(asked), sum(self._parts)),
        )
        background = self._rows(BACKGROUND, vectors[len(own) :])
        nearness = _nearness(known, examples)
        near = np.argsort(-nearness, kind="stable")[:_MOST_QUESTIONS]
        far = np.flatnonzero(_nearness(background, examples) < _NEAR)
        apart = near[nearness[near] < _NEAR]
        naming = apart[:: len(apart) // _MOST_NAMING + 1]
        texts = [*(each for _, each in said), *(asked[at].text for at in near), *(BACKGROUND[at] for at in far)]
        learnt = _said(texts, np.concatenate([examples, known[near], background[far]]))
        named = Said(known[naming], wording([asked[at].text for at in naming]), np.ones(len(naming), dtype=np.float32))
        return IntentHead.train(
            np.array([place[name] for name, _ in said] + [-1] * (len(near) + len(far) + len(naming)), dtype=np.int64),
            Said(
                np.concatenate([learnt.texts, named.texts]),
                np.concatenate([learnt.wordings, named.wordings]),
                np.concatenate([learnt.codes, named.codes]),
            ),
            len(asked) - len(near),
        )

    def _rows(self, texts: Sequence[str], vectors: Floats) -> Floats:
        """(n, dim) rows of length 1: both encoders, each counting as much as it understands the text's language."""
        split = self._parts[0]
        languages = [text.language(each) for each in texts]
        weighted = np.empty((len(texts), sum(self._parts)), dtype=np.float32)
        weighted[:, :split] = vectors[:, :split] * _column([_ENGLISH[each] for each in languages])
        weighted[:, split:] = vectors[:, split:] * _column([_MULTILINGUAL[each] for each in languages])
        return unit(weighted)


def _said(texts: Sequence[str], rows: Floats) -> Said:
    """`texts`: as they were said, codes included."""
    return Said(rows, wording(texts), np.array([names_code(each) for each in texts], dtype=np.float32))


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def _nearness(a: Floats, b: Floats) -> Floats:
    """(n,) the greatest cosine of each row of `a` with a row of `b`."""
    found: Floats = (a @ b.T).max(axis=1, initial=-1.0)
    return found
