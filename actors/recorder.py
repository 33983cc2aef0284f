"""Events that are decided but not on disk yet. What costs or changes something waits for them to be."""

from __future__ import annotations

from msgspec import structs

from actors.runtime import Runtime
from actors.session import Command, decide
from actors.state import State, evolve
from events.codec import Event, encode
from schemas.events_pb2 import BotReplied, GuardrailTriggered

FINDINGS = "guardrail:"  # how the tally names what guardrails found: place, rule and action follow


class Recorder:
    """`state`: the session as the log has it; `ahead`: as it will be once what is pending is in the log."""

    def __init__(self, runtime: Runtime, session_id: int, state: State) -> None:
        self._runtime = runtime
        self._session_id = session_id
        self.state = state
        self.ahead = structs.replace(state, recent=[*state.recent], keys=dict(state.keys))
        self._pending: list[Event] = []

    def take(self, command: Command) -> tuple[Event, ...]:
        """Decide the command on top of what is pending."""
        events = decide(self.ahead, command)
        for event in events:
            evolve(self.ahead, event)
        self._pending += events
        return events

    async def flush(self) -> None:
        """Make what is pending durable, and only then believe it."""
        events, self._pending = self._pending, []
        if not events:
            return
        await append(self._runtime, self._session_id, self.state, events)
        tally = self._runtime.tally
        for event in events:
            if tally is not None and isinstance(event, GuardrailTriggered):
                tally[f"{FINDINGS}{event.place}:{event.rule}:{event.action}"] += 1


async def append(runtime: Runtime, session_id: int, state: State, events: list[Event] | tuple[Event, ...]) -> None:
    """Append to the log and then fold into the state. Raises what EventStore.append raises; the state is as before."""
    what = "reply" if isinstance(events[-1], BotReplied) else "intent"
    runtime.probe(f"before_{what}_append")
    await runtime.store.append(session_id, state.version, [encode(event) for event in events])
    runtime.probe(f"after_{what}_append")
    for event in events:
        evolve(state, event)
