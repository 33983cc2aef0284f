"""Fits a tenant's ranking and confidence to its own wording: its questions are asked as if each were not there.

Nothing here needs a GPU or changes the encoders. A few hundred questions are enough, because
the fit starts from what held for other knowledge and moves only as far as they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from knowledge import searching, text
from knowledge.candidates import HeadScores, LeftOut, candidates, channels
from knowledge.evidence import passage_id
from knowledge.examples import Example, unit
from knowledge.fitting import Case, Pull, fit
from knowledge.head import Head
from knowledge.learnt import Learnt
from knowledge.passages import Role
from knowledge.ranking import CALIBRATION, Regime
from knowledge.scope import EVERYTHING
from knowledge.text import LANGUAGES, Language
from knowledge.views import View

Floats = npt.NDArray[np.float32]

# Questions asked of themselves: more move the fit by less than the noise between two samples.
_ASKED = 1_000
# Share of customers' questions taken to be about something the knowledge lacks.
_OUT_OF_SCOPE = 0.35
# What an entry's absence teaches about strangers is one-sided, so confidence stays nearer to what held elsewhere.
_PULL = Pull(weights=0.1, confidence=2.0)


def learn(view: View, examples: Sequence[Example]) -> dict[Language, Learnt]:
    """For each language whose questions are enough."""
    learnt: dict[Language, Learnt] = {}
    for language in LANGUAGES:
        own = [example for example in examples if example.language == language]
        if not own:
            continue
        trained = Head.train([each.entry for each in own], unit(np.array([each.vector for each in own])))
        if trained is None:
            continue
        head, left_out = trained
        kept = [own[place] for place in left_out.kept.tolist()]
        cases = list(_cases(view, language, head, kept, left_out.scores))
        prior = CALIBRATION[Regime(language, "headed")]
        learnt[language] = Learnt(head, fit(cases, prior, _PULL) if cases else prior)
    return learnt


def _cases(view: View, language: Language, head: Head, examples: Sequence[Example], scores: Floats) -> Iterator[Case]:
    """Each question twice: of the knowledge without it, and of the knowledge without the whole entry."""
    # Titles stay: an entry without its name is another entry.
    places = [at for at, each in enumerate(examples) if not each.title and view.row(each.number) is not None]
    places = places[:: max(1, len(places) // _ASKED)]
    if not places:
        return
    vectors = np.array([examples[place].vector for place in places], dtype=np.float32)
    within = view.within(EVERYTHING)
    asked = channels(view, within, vectors, [language] * len(places))
    near = searching.background(view, vectors)
    numbers = [view.tables.newest.get(entry, -1) for entry in head.entries]
    for at, place in enumerate(places):
        example = examples[place]
        said = HeadScores(dict(zip(numbers, scores[place].tolist(), strict=True)), head.odds)
        passage = passage_id(example.number, Role.ASKED, example.place)
        own = candidates(
            view, within, asked, at, text.without_references(example.text), said, LeftOut(example.number, passage)
        )
        right = own.numbers == example.number
        yield Case(own.evidence, right, float(near[at]), 1 - _OUT_OF_SCOPE)
        if not right.all():
            yield Case(own.evidence[~right], right[~right], float(near[at]), _OUT_OF_SCOPE)
