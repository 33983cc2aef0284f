"""Snapshots of tenants' knowledge on this machine, each marked with the event it reaches up to.

The mark tells a snapshot of this log from one of another (a database that was replaced or restored):
such a one is not used.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
from pathlib import Path

from events.knowledge_codec import Event
from knowledge import snapshots
from knowledge.embedder import Encoder
from knowledge.files import write_atomically
from knowledge.live import LiveKnowledge
from knowledge.vectors import DamagedSnapshot

_MARK = "mark"

_log = logging.getLogger("kefu.knowledge")


class Shelf:
    """Called from threads. `folder`: shared by all replicas of a machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, tenant: str, encoder: Encoder) -> LiveKnowledge | None:
        """What was saved last; None if there is nothing that can be used."""
        folder = self._of(tenant)
        if not folder.exists():
            return None
        try:
            return snapshots.open(folder / "snapshot", encoder)
        except DamagedSnapshot as error:
            _log.warning("knowledge of %r is read from the log: %s", tenant, error)
            return None

    def is_of(self, tenant: str, event: Event | None) -> bool:
        """Whether the snapshot was made from this log: `event` is the one of its version, None if the log has none."""
        try:
            return event is not None and (self._of(tenant) / _MARK).read_bytes() == _mark(event)
        except OSError:
            return False

    def save(self, tenant: str, live: LiveKnowledge, event: Event) -> bool:
        """Keeps what is known now, as of `event`; False if another replica is at it."""
        folder = self._of(tenant)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
            # Without its mark a snapshot is not used: should this end in between, nothing wrong is left.
            (folder / _MARK).unlink(missing_ok=True)
            snapshots.save(live, folder / "snapshot")
            write_atomically(folder / _MARK, _mark(event))
        return True

    def _of(self, tenant: str) -> Path:
        return self._folder / hashlib.sha256(tenant.encode()).hexdigest()[:16]


def _mark(event: Event) -> bytes:
    return hashlib.sha256(event.SerializeToString(deterministic=True)).hexdigest().encode()
