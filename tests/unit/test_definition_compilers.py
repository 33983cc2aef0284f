"""Kefu's own readers behind the pages: what is shipped fits together, and mistakes come back with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.compilers import Compilers, compilers, shipped
from deployments.definition_checks import DefinitionChecks
from deployments.flow_files import seed
from events.definitions import KINDS, Kind
from events.memory_definitions import MemoryDefinitions
from schemas.errors import InvalidDefinition

ROOT = Path(__file__).resolve().parents[2]
T = "shop"


@pytest.fixture(scope="module")
def own() -> Compilers:
    return compilers()


@pytest.fixture
def store() -> MemoryDefinitions:
    return MemoryDefinitions()


@pytest.fixture
def checks(store: MemoryDefinitions, own: Compilers) -> DefinitionChecks:
    return DefinitionChecks(store, own)


async def test_what_is_shipped_fits_together(store: MemoryDefinitions, checks: DefinitionChecks) -> None:
    documents = shipped()
    await seed(store, T, documents, 1)
    assert {kind for kind, _ in documents} == {"routes", "tools", "flow"}
    assert {name for kind, name in documents if kind == "flow"} == {"refund", "order_status", "invoice"}
    for (kind, name), text in documents.items():
        assert await checks.check(T, kind, name, text.encode()) == []
    example = (ROOT / "llm" / "shipped" / "routes.yaml").read_bytes()
    assert await checks.check(T, "routes", "", example) == []


async def test_flows_need_their_tools_and_rules_their_flows(own: Compilers, checks: DefinitionChecks) -> None:
    refund = shipped()["flow", "refund"].encode()
    with pytest.raises(InvalidDefinition, match="'order_lookup', 'refund_create'"):
        await checks.check(T, "flow", "refund", refund)
    with pytest.raises(InvalidDefinition, match="of the flow 'refund', and is put as 'invoice'"):
        await checks.check(T, "flow", "invoice", refund)
    example = (ROOT / "llm" / "shipped" / "routes.yaml").read_bytes()
    (warning,) = await checks.check(T, "routes", "", example)
    assert "'refund'" in warning
    assert own.draw(own.compile("flow", refund)).startswith("stateDiagram-v2")


def test_defaults_of_every_kind_but_flows(own: Compilers) -> None:
    assert all(own.compile(kind, b"") is not None for kind in KINDS if kind != "flow")
    assert own.compile("flow", b"") is None
    assert not own.defaults["routes"].uses_models
    assert own.tools_declared(own.defaults["tools"]) == ()


HOSTILE = [
    b"[" * 200_000,
    b"a: &a [x]\nb: [*a, *a]\n",
    b"a: &a [b]\n" + b"".join(b"x%d: [*a, *a]\n" % n for n in range(1000)),
    b"!!python/object/apply:os.system [id]",
    b"? [a]\n: b\n",
    b"---\na: 1\n---\nb: 2\n",
    b"- 1\n- 2\n",
    b"just words",
    b"12",
    b"a: 1\na: 2\n",
    b"a:\n\t- 1\n",
    "a: \u0007\n".encode(),
    "\ufeffa: 1\n".encode(),
    b"a: \xc3\x28\n",
    b"\x00" * 100,
    b"{" * 5_000 + b"}" * 5_000,
    b"k: " + b"9" * 5_000,
    b'{"flow": 1, "tools": 2, "routes": 3, "input": 4}',
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_refused_and_nothing_worse(checks: DefinitionChecks, kind: Kind, body: bytes) -> None:
    with pytest.raises(InvalidDefinition):
        await checks.check(T, kind, "a" if kind == "flow" else "", body)


@pytest.mark.parametrize(
    ("kind", "name", "body", "place"),
    [
        ("routes", "", "routes:\n  a:\n    mode: magic\ndefault: a\n", ":3:"),
        ("tools", "", "tools:\n  - name: a b\n    description: x\n", ":2:"),
        ("guardrails", "", "input:\n  prompt_injection: maybe\n", ":2:"),
        ("flow", "a", "flow: a\nstart: {state: s, intents: [i]}\nstates:\n  s: {do: [dance: now]}\n", ":4:"),
    ],
)
async def test_mistakes_are_told_with_their_lines(
    checks: DefinitionChecks, kind: Kind, name: str, body: str, place: str
) -> None:
    with pytest.raises(InvalidDefinition, match=place):
        await checks.check(T, kind, name, body.encode())
