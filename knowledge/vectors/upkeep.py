"""Keeps an index in shape from a thread of its own: seals, merges, rewrites, learns anew."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable

import numpy as np

from knowledge.vectors import reach, rewriting
from knowledge.vectors.quantised import Codec
from knowledge.vectors.rewriting import Rewritten
from knowledge.vectors.settings import VectorSettings
from knowledge.vectors.stored import Learnt
from knowledge.vectors.tables import Part, View

_log = logging.getLogger(__name__)
# Behind searches, before nothing else: on one core a merge then costs a search little.
_NICENESS = 10
# Rows the codec learns from; 40 for each of 4,096 lists.
_SAMPLE = 163_840


class Upkeep:
    """Turns the published view into better ones. Every step works on tables nobody changes and swaps at its end.

    `lock` guards publishing; the writer holds it for microseconds, this thread for the swap alone.
    """

    def __init__(self, view: View, dim: int, settings: VectorSettings, learnt: Learnt) -> None:
        self.view = view
        self.lock = threading.Lock()
        self._dim, self._settings = dim, settings
        self.learnt = learnt
        self._changed = threading.Condition(self.lock)
        self._busy = self._closing = False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="vector-upkeep", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something was published. The caller holds `lock`.

        Nearly always nothing is due, and to find that out here is cheaper than to change threads 200 times a second.
        """
        if self._due() is not None:
            self._changed.notify_all()

    def settle(self, timeout_s: float) -> bool:
        """Waits until nothing is left to do; False when that took longer or upkeep has failed."""
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.failure or (not self._busy and self._due() is None), timeout_s)
            return not self.failure and not self._busy and self._due() is None

    def wait_for_room(self, timeout_s: float) -> bool:
        """Waits while too many rows are still to be sealed; False when that took longer or upkeep has failed."""

        def room() -> bool:
            most = max(self._settings.waiting_rows, self._settings.exact_rows)
            return sum(part.live for _, part in self.view.recents[:-1]) <= most

        if room():
            return True
        with self._changed:
            self._changed.wait_for(lambda: self.failure or room(), timeout_s)
            return room()

    def close(self) -> None:
        """Ends the thread, after the step it is at."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # niceness of one thread is Linux's own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closing or (not self.failure and self._due() is not None))
                if self._closing:
                    return
                step = self._due()
                self._busy = True
            try:
                if step is not None:
                    step()
            except _Closing:
                return
            except Exception as error:  # the index goes on without upkeep, and says so when it matters
                _log.exception("upkeep of the vector index failed")
                with self._changed:
                    self.failure = error

    def _due(self) -> Callable[[], None] | None:
        """The most urgent thing to do, if any."""
        view, settings = self.view, self._settings
        full = [part for _, part in view.recents[:-1]]
        segments = [part for _, part in view.segments]
        if full and (segments or view.live > settings.exact_rows):
            return self._seal
        if len(full) > 1 or any(part.dead > settings.dead_share * part.rows for part in full):
            return lambda: self._swap(rewriting.compacted(full, self._dim), full)
        if stale := [part for segment, part in view.segments if segment.codec is not self.learnt.codec]:
            return lambda: self._resegment(stale[:1])
        if segments and view.live > settings.retrain_growth * self.learnt.trained_on:
            return self._train
        if merging := rewriting.to_merge(segments, settings):
            return lambda: self._resegment(merging)
        if segments and view.live > settings.measure_growth * self.learnt.measured_on:
            return self._measure
        return None

    def _seal(self) -> None:
        if self.learnt.codec is None:
            self._train()
        if full := [part for _, part in self.view.recents[:-1]]:
            self._resegment(full)

    def _resegment(self, parts: list[Part]) -> None:
        assert self.learnt.codec is not None, "rows were sealed before a codec was learnt"
        self._swap(rewriting.segment(parts, self.learnt.codec, self._give_way), parts)

    def _train(self) -> None:
        view = self.view
        sample = rewriting.sample(view.parts, _SAMPLE, self._dim)
        # Deletes may have emptied the view between the decision and the sample.
        if len(sample):
            lists = self._settings.lists_for(view.live)
            codec = Codec.train(sample, lists, self._settings.code_dims, self._between_iterations)
            self.learnt = Learnt(codec, view.live, 0)

    def _measure(self) -> None:
        view = self.view
        gaps = reach.measured(list(view.segments), self._settings.list_recall)
        with self._changed:
            self.learnt = Learnt(self.learnt.codec, self.learnt.trained_on, view.live)
            self.view = View.of(self.view.parts, gaps)
            self._changed.notify_all()

    def _between_iterations(self) -> None:
        """Learning takes minutes; rows that filled a table meanwhile are sealed under the codec at hand."""
        self._give_way()
        if self.learnt.codec is not None and len(self.view.recents) > 1:
            self._resegment([part for _, part in self.view.recents[:-1]])

    def _give_way(self) -> None:
        if self._closing:
            raise _Closing

    def _swap(self, made: Rewritten | None, parts: list[Part]) -> None:
        """Publishes the view with `made` in place of `parts`, and every delete since in force."""
        replaced = {id(part.table) for part in parts}
        with self._changed:
            kept: list[Part] = []
            now: dict[int, Part] = {}
            for part in self.view.parts:
                if id(part.table) in replaced:
                    now[id(part.table)] = part
                else:
                    kept.append(part)
            if made is not None:
                new = made.part([now.get(id(part.table)) or _dead(part) for part in parts])
                kept.insert(0, new)
            self.view = View.of(kept, self.view.gaps)
            self._changed.notify_all()


class _Closing(Exception):
    """The index is being closed in the middle of a step."""


def _dead(part: Part) -> Part:
    """A part that left the view because its last row was removed."""
    return Part(part.table, part.rows, np.zeros_like(part.alive), part.rows)
