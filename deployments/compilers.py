"""How each kind of definition is read, and what has to be known of what was read: one object for all who need it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from events.definitions import Kind
from schemas.errors import InvalidDefinition


class Compilers(NamedTuple):
    """What was read is immutable, and of the type of its kind's reader.

    `readers`: from the text (YAML, of which JSON is a part) to what it says; they raise InvalidDefinition naming
    each line that is wrong. `defaults`: what is in force where a tenant has none, of every kind but flows.
    """

    readers: Mapping[Kind, Callable[[str], Any]]
    defaults: Mapping[Kind, Any]
    flow_id: Callable[[Any], str]  # of a flow
    started_by: Callable[[Any], Collection[str]]  # a flow, by these intents
    tools_called: Callable[[Any], Collection[str]]  # by a flow
    tools_declared: Callable[[Any], Collection[str]]  # by tools
    flows_named: Callable[[Any], Collection[str]]  # by rules of routes; a `*` in a name stands for any text
    draw: Callable[[Any], str]  # a flow, in Mermaid

    def compile(self, kind: Kind, body: bytes) -> Any:
        """What the body says; of an empty one, the default. Raises InvalidDefinition. Takes CPU: up to a second."""
        if not body:
            return self.defaults.get(kind)
        try:
            return self.readers[kind](text_of(body))
        except RecursionError:
            raise InvalidDefinition("it is nested too deeply to be read; nothing that works needs that") from None


def compilers() -> Compilers:
    """Kefu's own. What they need is imported here, so that tests which have theirs do without it."""
    from flows import definition, mermaid
    from flows import reading as flow_reading
    from guardrails import policy
    from guardrails import reading as guardrail_reading
    from llm import reading as route_reading
    from tools import reading as tool_reading
    from tools.declarations import NO_TOOLS

    return Compilers(
        readers={
            "routes": route_reading.read,
            "flow": flow_reading.read,
            "tools": tool_reading.read,
            "guardrails": guardrail_reading.read,
        },
        defaults={
            "routes": route_reading.read(route_reading.DEFAULT_TEXT),
            "tools": NO_TOOLS,
            "guardrails": policy.Guardrails(),
        },
        flow_id=lambda flow: str(flow.id),
        started_by=lambda flow: flow.start_intents,
        tools_called=definition.tools,
        tools_declared=lambda tools: tools.names,
        flows_named=lambda routes: {name for rule in routes.rules for name in rule.condition.when.flow},
        draw=mermaid.mermaid,
    )


def shipped() -> dict[tuple[Kind, str], str]:
    """The demo shop's documents, by kind and name: its tools, its flows, and routes on which its knowledge answers.

    The routes over models in llm/shipped are an example: they need a key or a model before they are of use.
    """
    from llm.reading import DEFAULT_TEXT
    from tools.reading import SHIPPED

    flows = sorted((Path(__file__).parent.parent / "flows" / "shipped").glob("*.yaml"))
    return {
        ("routes", ""): DEFAULT_TEXT,
        ("tools", ""): SHIPPED.read_text(encoding="utf-8"),
        **{("flow", path.stem): path.read_text(encoding="utf-8") for path in flows},
    }


def text_of(body: bytes) -> str:
    """Without a byte order mark. Raises InvalidDefinition naming the line that is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = body.count(b"\n", 0, error.start) + 1, body[error.start]
        raise InvalidDefinition(f"line {line}: byte {byte:#04x} is not UTF-8; save it as UTF-8") from None
