"""Two nodes, one of which dies with all that runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
import ray_hosts
from kit.server import until
from ledger import TENANT, Ledger, Tally, audit, read_streams
from ray._private.node import Node
from ray_build import nodes_of_hosts, settings_for
from ray_hosts import Chatter, kill_node, routing, stats

from actors.placement import ranked

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]
SESSIONS = [f"s-{i}" for i in range(40)]
HOSTS = 4
ANSWERED_AGAIN_S = 15.0


@pytest.fixture
def nodes() -> Iterator[list[Node]]:
    with ray_hosts.cluster(nodes=2) as nodes:
        yield nodes


async def test_a_lost_node_loses_nothing(
    nodes: list[Node], database: str, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    """Its sessions go on through the hosts of the other node, where Ray also restarts the lost hosts."""
    line, ledger, settings = tally("Ray: kill -9 of one node of two"), Ledger(), settings_for(database, tmp_path)
    names = [ray_hosts.start(settings, i, nodes[i % 2].node_id) for i in range(HOSTS)]
    pids = {name: (await stats(name))["pid"] for name in names}
    placed = nodes_of_hosts(settings)
    lost = [name for name in names if placed[name] == nodes[1].node_id]
    assert lost == names[1::2], placed
    theirs = [session for session in SESSIONS if ranked(TENANT, session, names)[0] in lost]
    assert 0 < len(theirs) < len(SESSIONS)
    async with routing(settings) as router, Chatter(router, ledger, SESSIONS) as chatter:
        await until(lambda: chatter.all_answered_since(0.0), "all sessions have begun")
        kill_node(nodes[1])
        killed = monotonic()
        await until(lambda: chatter.all_answered_since(killed), "every session is answered again", ANSWERED_AGAIN_S)
        line.recovered(monotonic() - killed)
        again = [await stats(name) for name in lost]
        restarted = monotonic()
        assert not {one["pid"] for one in again} & set(pids.values())
        await until(lambda: chatter.all_answered_since(restarted), "all go on with all hosts")
    assert [(await stats(name))["pid"] for name in names[::2]] == [pids[name] for name in names[::2]]
    line.runs = line.faults = 1
    line.note = (
        f"{len(theirs)} sessions lived there; longest turn {chatter.longest_s:.2f} s; "
        f"the lost hosts were back after {restarted - killed:.1f} s"
    )
    line.acknowledged = ledger.acknowledged
    audit(ledger, await read_streams(database, ledger.sessions), line, settled=True)
