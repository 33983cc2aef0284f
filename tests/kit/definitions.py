"""A language of definitions that tests can write in one line, for all that does not go by what definitions say.

`flow refund calls a, b` / `tools a, b` / `routes to refund, order*` / `guardrails strict`; `!` in a line is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from deployments.compilers import Compilers
from events.definitions import Kind
from events.memory_definitions import MemoryDefinitions
from schemas.errors import InvalidDefinition, StoreUnavailable


class Said(Struct, frozen=True):
    """What a definition says: `name` and the names after it."""

    kind: str
    name: str = ""
    names: tuple[str, ...] = ()


def read(text: str) -> Said:
    mistakes = [f"test:{n}:1: {line}" for n, line in enumerate(text.splitlines(), 1) if "!" in line]
    if mistakes:
        raise InvalidDefinition("\n".join(mistakes))
    if "recurse" in text:
        return read(text)
    kind, _, rest = text.partition("#")[0].strip().strip('"').partition(" ")
    name, _, names = rest.partition(" calls ") if kind == "flow" else ("", "", rest.removeprefix("to "))
    return Said(kind, name, tuple(each.strip() for each in names.split(",") if each.strip()))


class CountingReaders:
    """Readers of every kind; `read` lists what they were given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> Said:
        self.texts.append(text)
        return read(text)


DEFAULTS: Mapping[Kind, Said] = {
    "routes": Said("routes", "default"), "tools": Said("tools", "default"), "guardrails": Said("guardrails", "default")
}  # fmt: skip


def compilers(reader: CountingReaders | None = None) -> Compilers:
    one = reader or CountingReaders()
    return Compilers(
        readers={"routes": one, "flow": one, "tools": one, "guardrails": one},
        defaults=DEFAULTS,
        flow_id=lambda flow: flow.name,
        started_by=lambda flow: (),
        tools_called=lambda flow: flow.names,
        tools_declared=lambda tools: tools.names,
        flows_named=lambda routes: routes.names,
        draw=lambda flow: f"stateDiagram-v2\n{flow.name}",
    )


class Outages(MemoryDefinitions):
    """A store that is away while `away` is set."""

    away = False

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable("away", retry_after_s=1)

    async def since(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        self._reach()
        return await super().since(*args, **kwargs)

    async def all_newest(self):  # type: ignore[no-untyped-def]
        self._reach()
        return await super().all_newest()

    async def get(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        self._reach()
        return await super().get(*args, **kwargs)

    async def put(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        self._reach()
        return await super().put(*args, **kwargs)
