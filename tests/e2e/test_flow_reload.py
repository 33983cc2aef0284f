"""New versions of flows come while customers are in the middle of them: nobody is lost, and everybody is told by the
log which version they were on and why."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from time import monotonic
from typing import NamedTuple

import pytest
from crash import World, deliver, together
from forked import ForkedHost
from kit.server import until
from ledger import TENANT, Ledger, Streams, Tally, Turn, audit, check_states, read_streams
from tool_world import Outside

from deployments.host_link import HostGone
from events.postgres_definitions import PostgresDefinitions
from schemas import events_pb2 as pb
from schemas.events_pb2 import BotReplied, FlowMoved
from schemas.ids import now_ms

SESSIONS = 500  # in mid-flow when the first new version comes
NEWCOMERS = 200  # who begin while versions come and go
WINDOW_S = 5.0  # in which all of this happens
IN_FORCE_MS = 1_000

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(90)]

_FLOW = """
flow: ID
languages: [en]
start: {state: FIRST, intents: [ID]}
intents: {ID: [ID please]}
slots:
  number: {type: pattern, pattern: 'N\\d+', ask: "[vV] Which number?"}
  reason: {type: text, ask: "[vV] Why?"}
  sure: {type: yes_no, ask: "[vV] Sure?"}
states:
  FIRST:
    do: [ask: number]
    next: [{on: always, to: why}]
  why:
    do: [ask: reason]
    next: [{on: always, to: confirm}]
  confirm:
    do: [ask: sure]
    next: [{on: always, to: done}]
  done:
    do: [close: "[vV] done {{ slots.number }} {{ slots.reason }}"]
"""


class Version(NamedTuple):
    """A version as it was put. `takes`: versions whose sessions move to it; `removed`: the flow begins no more."""

    number: int
    at_ms: int
    takes: frozenset[int] = frozenset()
    removed: bool = False


@dataclass
class Operator:
    """Puts definitions, and remembers when."""

    store: PostgresDefinitions
    versions: dict[str, list[Version]] = field(default_factory=lambda: {"trip": [], "claim": []})
    _number: dict[str, int] = field(default_factory=lambda: {"trip": 0, "claim": 0})

    async def put(self, flow: str, *, first: str = "number", takes: tuple[int, ...] = (), was: str = "") -> None:
        """A new version. `first`: the name of its first state, which was called `was` before."""
        version = self._number[flow] + 1
        body = _FLOW.replace("ID", flow).replace("FIRST", first).replace("[vV]", f"[v{version}]")
        if takes:
            renamed = f", states: {{{was}: {first}}}" if was else ""
            body += f"migrate: {{from: {list(takes)}{renamed}}}\n"
        await self._put(flow, body.encode(), Version(version, now_ms(), frozenset(takes)))

    async def remove(self, flow: str) -> None:
        await self._put(flow, b"", Version(self._number[flow] + 1, now_ms(), removed=True))

    async def spoil(self, flow: str) -> None:
        """A version that nobody can read, as an older Kefu may have let through: the last one stays in force."""
        await self._put(flow, b"flow: [", None)

    async def _put(self, flow: str, body: bytes, version: Version | None) -> None:
        put = await self.store.put(TENANT, "flow", flow, body, "operator", now_ms())
        self._number[flow] = put.version
        if version is not None:
            assert put.version == version.number
            self.versions[flow].append(version)

    def in_force(self, flow: str, at_ms: int) -> list[Version]:
        """Those that a turn of that time may go by: the newest, and whatever was that a moment ago."""
        known = self.versions[flow]
        ends = [*(each.at_ms for each in known[1:]), at_ms + 1]
        return [v for v, end in zip(known, ends, strict=True) if v.at_ms <= at_ms and end > at_ms - IN_FORCE_MS]


@dataclass
class Crowd:
    """Customers in flows, and the host that serves them."""

    world: World
    rng: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    host: ForkedHost = field(init=False)

    async def open(self) -> None:
        self.host = await self._another()

    async def _another(self) -> ForkedHost:
        # Fewer places than sessions: they come and go in the middle of their flows.
        return await self.world.host(has_effects=False, room=200, outside=Outside())

    async def replace_host(self) -> None:
        """kill -9, and another takes over that knows nothing yet."""
        await self.host.kill()
        self.host = await self._another()

    async def say(self, session: str, number: int, text: str) -> None:
        turn = Turn(session, f"{session}/{number}", text)
        self.ledger.replies[turn] = None
        while True:
            host = self.host
            try:
                return await deliver(host.link, self.ledger, turn)
            except HostGone:
                await self._after(host)

    async def _after(self, dead: ForkedHost) -> None:
        await until(lambda: self.host is not dead, "another host takes over")

    def words(self, session: str) -> list[str]:
        """What is said after the first sentence; some ask something by the way."""
        words = [f"N{session.rpartition('-')[2]}", "because", "yes"]
        if self.rng.random() < 0.4:
            words.insert(self.rng.randint(0, 2), "how does this work?")
        return words

    async def go_on(self, session: str, first: int, words: list[str], start_s: float = 0.0) -> None:
        """Say the words at random moments of what is left of the window."""
        moments = sorted(self.rng.uniform(start_s, WINDOW_S) for _ in words)
        began = monotonic()
        for number, (moment, text) in enumerate(zip(moments, words, strict=True), first):
            await asyncio.sleep(max(0.0, moment - (monotonic() - began)))
            await self.say(session, number, text)


@pytest.fixture
async def operator(database: str) -> AsyncIterator[Operator]:
    store = PostgresDefinitions(database, connections=1)
    yield Operator(store)
    await store.close()


async def test_500_sessions_in_mid_flow_while_versions_come_and_go(
    world: World, operator: Operator, rng: random.Random, tally: Callable[[str], Tally]
) -> None:
    line = tally("flows reloaded in mid-flow")
    await operator.put("trip")
    await operator.put("claim")
    crowd = Crowd(world, rng)
    await crowd.open()
    regulars = [(flow, f"{flow}-{n}") for n in range(SESSIONS // 2) for flow in operator.versions]
    await together(crowd.say(session, 0, f"{flow} please") for flow, session in regulars)

    await together(
        [
            *(crowd.go_on(session, 1, crowd.words(session)) for _, session in regulars),
            *(_newcomer(crowd, operator, n) for n in range(NEWCOMERS)),
            _operate(crowd, operator),
        ],
        timeout_s=60,
    )

    streams = await read_streams(world.database, crowd.ledger.sessions)
    line.runs, line.faults, line.acknowledged = len(streams), 1, crowd.ledger.acknowledged
    audit(crowd.ledger, streams, line, settled=True)
    journeys = [Journey(session, [e for _, e in stream], operator) for session, stream in streams.items()]
    problems = [problem for journey in journeys for problem in journey.problems()]
    if problems:
        raise AssertionError("\n".join(problems))
    live = await crowd.host.call("state_hashes")
    check_states(live, {session: stream for session, stream in streams.items() if session in live})
    _expect_variety(journeys)
    late = max(journey.late_ms for journey in journeys)
    line.recovery_s = late / 1000
    line.note = _note(journeys, streams, late)


async def _operate(crowd: Crowd, operator: Operator) -> None:
    """A day of an operator in five seconds, with a host that dies in the middle of it."""
    pause_s = WINDOW_S / 10
    steps: tuple[Callable[[], Awaitable[None]], ...] = (
        lambda: operator.put("trip"),  # v2: whoever is on v1 stays there
        lambda: operator.put("claim", first="which", takes=(1,), was="number"),  # v2: all come along
        lambda: operator.put("trip", first="which", takes=(2,), was="number"),  # v3: from v2 only
        lambda: operator.spoil("trip"),  # v4
        crowd.replace_host,
        lambda: operator.put("claim", first="which", takes=(1,), was="number"),  # v3: those of v2 stay
        lambda: operator.put("trip", first="what", takes=(3,), was="which"),  # v5
        lambda: operator.remove("claim"),
        lambda: operator.remove("trip"),
    )
    for step in steps:
        await asyncio.sleep(pause_s)
        await step()


async def _newcomer(crowd: Crowd, operator: Operator, n: int) -> None:
    """Begins at a random moment; if the flow is gone by then, there is just an answer."""
    flow = crowd.rng.choice(list(operator.versions))
    session = f"new-{flow}-{n}"
    start_s = crowd.rng.uniform(0, WINDOW_S)
    await asyncio.sleep(start_s)
    await crowd.say(session, 0, f"{flow} please")
    if crowd.ledger.replies[Turn(session, f"{session}/0", f"{flow} please")].find(b"Which number?") > 0:  # type: ignore[union-attr]
        await crowd.go_on(session, 1, crowd.words(session), start_s)


class Journey:
    """One session's way through the versions, as the log has it. `late_ms`: how long after a newer version was put it
    still began, or stayed, on an older one."""

    def __init__(self, session: str, events: list[object], operator: Operator) -> None:
        self.session = session
        self.late_ms = 0
        self.migrations = 0
        self.flow = "claim" if "claim" in session else "trip"
        self.moves = [e for e in events if isinstance(e, FlowMoved)]
        self._replies = [e for e in events if isinstance(e, BotReplied)]
        self._operator = operator

    @property
    def versions(self) -> list[int]:
        return list(dict.fromkeys(move.version for move in self.moves))

    def problems(self) -> Iterator[str]:
        for problem in (*self._begun(), *self._moved(), *self._finished()):
            yield f"{self.session}: {problem}"

    def _begun(self) -> Iterator[str]:
        first = self._replies[0].at_ms
        known = self._operator.in_force(self.flow, first)
        if not self.moves:
            if not any(v.removed for v in known):
                yield f"no flow began, although {known} was in force"
            return
        move = self.moves[0]
        if move.version not in [v.number for v in known if not v.removed]:
            yield f"began on {move.version} when {known} was in force"
        if move.moves[0].cause != "start":
            yield f"began with {move.moves[0].cause}"
        self._late(move, self._operator.versions[self.flow])

    def _moved(self) -> Iterator[str]:
        turn = self.moves[0].key if self.moves else ""
        for before, move in pairwise(self.moves):
            known = self._operator.in_force(self.flow, move.at_ms)
            taking = [v for v in known if before.version in v.takes and v.number > before.version]
            migrated = move.moves[0].cause == "migrate" if move.moves else False
            if move.version != before.version:
                self.migrations += 1
                if not migrated or move.version not in [v.number for v in taking]:
                    yield f"went from {before.version} to {move.version} when {known} was in force: {move}"
            elif migrated:
                yield f"migrated to its own version: {move}"
            elif move.key != turn and taking and taking == known:
                yield f"stayed on {move.version} although {known} was in force"
            elif move.key != turn:
                self._late(move, list(takewhile(taking.__contains__, reversed(known)))[::-1])
            turn = move.key
            if wrong := [s for s in move.said if s.startswith("[v") and not s.startswith(f"[v{move.version}]")]:
                yield f"on {move.version} it said {wrong}"

    def _late(self, move: FlowMoved, better: list[Version]) -> None:
        """`better`: newer versions by which the turn would have gone, had it known of them."""
        passed_over = [v.at_ms for v in better if v.number > move.version and v.at_ms < move.at_ms]
        if passed_over:
            self.late_ms = max(self.late_ms, move.at_ms - passed_over[0])

    def _finished(self) -> Iterator[str]:
        if any(reply.kind in (pb.ESCALATED, pb.REFUSED) for reply in self._replies):
            yield f"was given to a person: {self._replies[-1]}"
        if not self.moves:
            return
        move, reply = self.moves[-1], self._replies[-1]
        number = self.session.rpartition("-")[2]
        said = f"[v{move.version}] done N{number} because"
        if not move.ended or reply.kind != pb.CLOSED or reply.text != said:
            yield f"did not finish: {reply.text!r} instead of {said!r}"


def _expect_variety(journeys: list[Journey]) -> None:
    """Everything that can happen has happened, to many."""
    finished = {flow: [j.versions for j in journeys if j.flow == flow and j.moves] for flow in ("trip", "claim")}
    assert sum(versions == [1] for versions in finished["trip"]) >= SESSIONS // 3  # pinned to the end
    assert {(2, 3), (3, 5)} <= {pair for way in finished["trip"] for pair in pairwise(way)}
    assert sum(versions == [1, 2] for versions in finished["claim"]) >= SESSIONS // 5
    assert any(not journey.moves for journey in journeys)  # came when it was gone
    removed_at = {j.flow: j._operator.versions[j.flow][-1].at_ms for j in journeys}
    assert all(
        sum(j.moves[-1].at_ms > removed_at[flow] for j in journeys if j.flow == flow and j.moves) >= 5
        for flow in removed_at
    ), "nobody was in a flow when it was removed"


def _note(journeys: list[Journey], streams: Streams, late_ms: int) -> str:
    turns = sum(isinstance(e, BotReplied) for stream in streams.values() for _, e in stream)
    migrations = sum(journey.migrations for journey in journeys)
    pinned = sum(journey.migrations == 0 and bool(journey.moves) for journey in journeys)
    return f"{turns} turns, {migrations} migrations, {pinned} pinned; in force after {late_ms} ms at most"
