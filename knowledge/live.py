"""What one tenant knows, searchable while it changes.

One writer, any number of searchers. Entries are numbered as they come and a number is never used
again; a search holds on to one view (which numbers are valid, at which knowledge version), so a
document appears, changes and disappears whole.
"""

from __future__ import annotations

import copy
import logging
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from knowledge import searching, tuning
from knowledge.background import BACKGROUND
from knowledge.embedder import Encoder
from knowledge.entries import Confirmed, Content, Document, Entry
from knowledge.examples import Example
from knowledge.found import Found
from knowledge.scope import EVERYTHING, Label, Scope
from knowledge.tables import Held, New, Tables
from knowledge.text import Language
from knowledge.vectors import Frozen, VectorIndex, VectorSettings
from knowledge.views import View

Floats = npt.NDArray[np.float32]

# A search takes milliseconds; one that hangs must not keep what a tenant knows from changing.
_LONGEST_SEARCH_S = 30.0

_NOTHING = Held({}, (), [], [], False, {})

_log = logging.getLogger(__name__)


class Moment(Struct, frozen=True):
    """All that is known between two changes, but for the vectors. Nothing in it is changed any more.

    `limit`: the first number that no entry has had yet.
    """

    version: int
    limit: int
    background: Floats
    confirmations: dict[str, Confirmed]
    held: Held


class LiveKnowledge:
    """Searches take no lock. `apply` and `train` are for one thread at a time; a lock makes others wait."""

    def __init__(self, encoder: Encoder, *, settings: VectorSettings = VectorSettings()) -> None:  # noqa: B008 - frozen
        """`encoder` makes the vectors of what is added, and of the background now; `settings`: of their indexes."""
        english, multilingual = (VectorIndex(dim, settings=settings) if dim else None for dim in encoder.parts)
        assert english is not None
        background = np.ascontiguousarray(encoder.encode([*BACKGROUND])[:, : encoder.parts[0]])
        self._begin(Tables(encoder, english, multilingual), Moment(0, 0, background, {}, _NOTHING))

    @classmethod
    def of(
        cls, moment: Moment, encoder: Encoder, english: VectorIndex, multilingual: VectorIndex | None
    ) -> LiveKnowledge:
        """It goes on from there; the indexes hold the vectors of that moment."""
        live = cls.__new__(cls)
        live._begin(Tables.of(moment.held, moment.limit, encoder, english, multilingual), moment)
        return live

    def _begin(self, tables: Tables, moment: Moment) -> None:
        self._tables = tables
        self._background = moment.background
        self._confirmations = moment.confirmations
        self._view = View(tables, self._background, moment.version, moment.limit)
        self._writing = threading.Lock()
        self._learning = False

    def moment(self) -> tuple[Moment, Frozen, Frozen | None]:
        """What is known now, and the vectors of both parts: to be saved while this goes on. Waits for `apply`."""
        tables = self._tables
        with self._writing:
            learning = self._learning  # before what was learnt is looked at: at worst it is learnt once more
            held = tables.held()
            if learning:
                held = replace(held, unlearnt=True)
            moment = Moment(self.version, self._view.limit, self._background, self._confirmations, held)
            multilingual = tables.multilingual.frozen() if tables.multilingual is not None else None
            return moment, tables.english.frozen(), multilingual

    @property
    def version(self) -> int:
        """The knowledge version that searches see."""
        return self._view.version

    @property
    def encoder(self) -> Encoder:
        """What makes the vectors of what is added."""
        return self._tables.encoder

    def questions(self) -> list[Example]:
        """Those that the tenant's FAQ entries answer, with the vectors of `encoder`. May be called from any thread."""
        return self._tables.examples.held()[0]

    def __len__(self) -> int:
        """Entries."""
        return len(self._tables.rows)

    def apply(self, version: int, removed: Iterable[str], changed: Mapping[str, Content]) -> None:
        """To knowledge version `version`, seen by searches in one step.

        `removed`: items that are gone; `changed`: items that are new or have new content.
        """
        tables = self._tables
        with self._writing:
            gone = {*removed, *changed}
            confirmations, touched = self._confirmed(gone, changed)
            old = [number for item in sorted(gone) for number in tables.items.get(item, ())]
            new = [
                New(item, Label(document.collection, _languages(entry), document.tags), document.source, entry)
                for item, document in changed.items()
                if isinstance(document, Document)
                for entry in document.entries
            ]
            # An entry that gained or lost a confirmed question comes again, with its other passages.
            for number in sorted({tables.newest[each] for each in touched if each in tables.newest}.difference(old)):
                row = tables.rows[number]
                old.append(number)
                new.append(New(row.item, row.label, row.source, row.entry))
            first = self._view.limit
            tables.insert(first, _with_confirmed(new, confirmations))
            self._confirmations = confirmations
            self._publish(version, first + len(new), frozenset(old))
            tables.retire(old)
            self._publish(version, first + len(new), frozenset())

    def _publish(self, version: int, limit: int, retired: frozenset[int]) -> None:
        """Returns when no search works on the view before: what only that one shows may go."""
        unused = threading.Event()
        before, shown = weakref.ref(self._view, lambda _: unused.set()), self.version
        self._view = View(self._tables, self._background, version, limit, retired)
        if not unused.wait(_LONGEST_SEARCH_S):
            _log.warning("a search of knowledge version %d has gone on for %.0f s", shown, _LONGEST_SEARCH_S)
        del before

    def _confirmed(self, gone: set[str], changed: Mapping[str, Content]) -> tuple[dict[str, Confirmed], set[str]]:
        """All confirmations after the change, and the entries whose confirmed questions it touches."""
        before = {item: self._confirmations[item] for item in gone if item in self._confirmations}
        after = {item: content for item, content in changed.items() if isinstance(content, Confirmed)}
        left = {item: content for item, content in self._confirmations.items() if item not in before}
        return left | after, {each.entry for each in (*before.values(), *after.values())}

    def train(self) -> bool:
        """Learns the questions anew if they changed, in seconds for thousands; True if they had.

        Until then what was added since is ranked by its other evidence alone.
        """
        self._learning = True
        examples = self._tables.examples.take()
        if examples is None:
            self._learning = False
            return False
        # A view of its own: `apply` waits for those who use the published one.
        try:
            self._tables.learnt = tuning.learn(copy.copy(self._view), examples)
        except BaseException:
            self._tables.examples.put_back()
            raise
        self._learning = False
        return True

    @property
    def languages_learnt(self) -> frozenset[Language]:
        """Those whose questions `train` found enough of."""
        return frozenset(self._tables.learnt)

    def search(self, texts: Sequence[str], vectors: Floats, k: int, scope: Scope = EVERYTHING) -> list[Found]:
        """The k best entries for each text. `vectors`: (n, dim), the encoder's, of the same texts."""
        return searching.search(self._view, texts, vectors, k, scope)

    def close(self) -> None:
        """Ends the indexes' upkeep; it can still be searched."""
        self._tables.close()


def _languages(entry: Entry) -> tuple[Language, ...]:
    return tuple(language for language, _ in entry.sides())


def _with_confirmed(new: Sequence[New], confirmations: Mapping[str, Confirmed]) -> list[New]:
    questions: dict[str, list[str]] = {}
    for each in confirmations.values():
        questions.setdefault(each.entry, []).append(each.question)
    return [
        New(each.item, each.label, each.source, each.entry, tuple(questions.get(each.entry.id, ()))) for each in new
    ]
