"""What the customers were told, to be held against what the log says."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from kit.server import fetch

from actors.snapshot import state_hash
from actors.state import fold
from events.codec import Event, decode
from events.store import StoredEvent
from schemas.api import TurnRequest
from schemas.events_pb2 import BotReplied, SessionStarted, UserMessageReceived
from schemas.ids import now_ms

TENANT = "chaos"
DEADLINE_MS = 15_000

Streams = dict[str, list[tuple[int, Event]]]  # (seq, event) in order, by external session id

# Primary key of session_events, one range per session.
_STREAMS = """
SELECT s.external_id, s.session_id, e.seq, e.event_type, e.payload
FROM sessions s JOIN session_events e USING (session_id)
WHERE s.tenant = $1 AND s.external_id = ANY($2)
ORDER BY s.session_id, e.seq
"""


@dataclass
class Tally:
    """One line of the table at the end. `recovery_s`: the longest wait from a fault to the first reply after it."""

    scenario: str
    runs: int = 0
    faults: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    other: int = 0
    recovery_s: float = 0.0
    note: str = ""

    def recovered(self, seconds: float) -> None:
        self.recovery_s = max(self.recovery_s, seconds)


class Turn(NamedTuple):
    """One message of a customer."""

    session: str
    key: str
    text: str

    def request(self) -> TurnRequest:
        return TurnRequest(0, TENANT, self.session, self.key, self.text, now_ms() + DEADLINE_MS)


@dataclass
class Ledger:
    """All turns that were sent, with the reply that was acknowledged, if one was."""

    replies: dict[Turn, bytes | None] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    _numbers: defaultdict[str, itertools.count[int]] = field(default_factory=lambda: defaultdict(itertools.count))

    def next(self, session: str) -> Turn:
        """A new message; it counts as sent."""
        number = next(self._numbers[session])
        turn = Turn(session, f"{session}/{number}", f"{session} asks {number}")
        self.replies[turn] = None
        return turn

    def acknowledge(self, turn: Turn, reply: bytes) -> None:
        """The caller got this reply. A second, different one for the same turn is a finding."""
        before = self.replies[turn]
        if before is not None and before != reply:
            self.changed.append(f"{turn.key}: first {before!r}, then {reply!r}")
        self.replies[turn] = reply

    @property
    def sessions(self) -> list[str]:
        return list(dict.fromkeys(turn.session for turn in self.replies))

    @property
    def acknowledged(self) -> int:
        return sum(reply is not None for reply in self.replies.values())


async def read_streams(url: str, sessions: Iterable[str]) -> Streams:
    """The log itself, past the store."""
    streams: Streams = {session: [] for session in sessions}
    for name, session_id, seq, event_type, payload in await fetch(url, _STREAMS, TENANT, list(streams)):
        streams[name].append((seq, decode(session_id, StoredEvent(seq, event_type, 0, payload))))
    return streams


def audit(ledger: Ledger, streams: Streams, tally: Tally, *, settled: bool) -> None:
    """Holds the ledger against the log; adds what it finds to the tally and fails if it finds anything.

    `settled`: all turns were answered, so that none may be open or unrecorded.
    """
    lost, doubled, other = [], [], []
    for session, stream in streams.items():
        other += [f"{session}: {problem}" for problem in _shape(stream, settled)]
        for name in (UserMessageReceived, BotReplied):
            keys = Counter(event.key for _, event in stream if isinstance(event, name))
            doubled += [f"{n} x {name.__name__} for {key}" for key, n in keys.items() if n > 1]
    recorded = {event.key: (seq, event) for s in streams.values() for seq, event in s if isinstance(event, BotReplied)}
    for turn, reply in ledger.replies.items():
        if turn.session not in streams:
            continue
        if reply is not None and not _says(recorded.get(turn.key), json.loads(reply)):
            lost.append(f"{turn.key}: acknowledged {reply!r}, recorded {recorded.get(turn.key)}")
        if settled and turn.key not in recorded:
            other.append(f"{turn.key} has no reply in the log")
    other += [f"another reply on retry, {change}" for change in ledger.changed]
    tally.lost += len(lost)
    tally.doubled += len(doubled)
    tally.other += len(other)
    assert not (lost or doubled or other), f"{tally.scenario}: lost {lost}, doubled {doubled}, other {other}"


def _shape(stream: list[tuple[int, Event]], settled: bool) -> list[str]:
    """What is wrong with a stream by itself: gaps, turns that overlap or were left open."""
    problems = []
    seqs = [seq for seq, _ in stream]
    if seqs != list(range(1, len(seqs) + 1)):
        problems.append(f"not contiguous: {seqs}")
    if stream and not isinstance(stream[0][1], SessionStarted):
        problems.append("does not begin with SessionStarted")
    open_key = None
    for seq, event in stream:
        if isinstance(event, UserMessageReceived):
            if open_key is not None:
                problems.append(f"seq {seq}: a message while {open_key} is open")
            open_key = event.key
        elif isinstance(event, BotReplied):
            if open_key != event.key:
                problems.append(f"seq {seq}: a reply to {event.key} while {open_key} is open")
            open_key = None
    if settled and open_key is not None:
        problems.append(f"{open_key} is still open")
    return problems


def _says(recorded: tuple[int, BotReplied] | None, reply: dict[str, object]) -> bool:
    """Whether the log has exactly the reply that was given."""
    if recorded is None:
        return False
    seq, event = recorded
    return (reply["seq"], reply["turn"], reply["text"]) == (seq, event.turn, event.text)


def check_states(live: dict[str, bytes], streams: Streams) -> None:
    """The state in memory, given by its hash, is what the log replays to, from nothing but the log."""
    replayed = {session: fold(event for _, event in stream) for session, stream in streams.items()}
    wrong = [session for session, state in replayed.items() if live.get(session, b"") != state_hash(state)]
    assert not wrong, f"live state is not the replayed one: {[(s, s in live, replayed[s].version) for s in wrong]}"


def messages(streams: Streams) -> set[str]:
    """The texts of all recorded messages."""
    return {event.text for s in streams.values() for _, event in s if isinstance(event, UserMessageReceived)}
