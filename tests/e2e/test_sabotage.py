"""These tests can fail: the same scenarios, with the fence or the commit taken out, must find what they look for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from crash import SESSIONS, World, killed_host, stopped_host
from kit.server import execute
from ledger import Tally
from outage import killed_database
from scripted import UNFENCED

from events.embedded import EmbeddedPostgres
from events.migrate import migrate

pytestmark = pytest.mark.chaos
_HOST = {"has_effects": True, "caches": False}


@pytest.mark.parametrize("point", ["before_intent_append", "before_answer", "before_reply_append"])
async def test_without_the_version_check_a_woken_host_is_found_out(
    world: World, rng: random.Random, point: str
) -> None:
    """Its writes fall on deaf ears and it never learns: it gives a reply that nobody recorded."""
    await execute(world.database, UNFENCED)
    tally = Tally("without version check")
    with pytest.raises(AssertionError, match="another reply on retry"):
        await stopped_host(world, 1, rng, tally, points=(point,), ours=_HOST, theirs=_HOST)
    assert tally.faults == 1 and tally.other


async def test_without_the_version_check_a_turn_is_answered_twice(world: World, rng: random.Random) -> None:
    """A's three events meet B's two: the first two are swallowed, the third one lands."""
    await execute(world.database, UNFENCED)
    tally = Tally("without version check, doubled")
    how = {"has_effects": False, "caches": False}
    with pytest.raises(AssertionError, match="2 x BotReplied"):
        await stopped_host(
            world, 1, rng, tally, points=("before_reply_append",), earlier_turns=0, later_turns=0,
            ours={**how, "kinds": ["escalated"]}, theirs={**how, "kinds": ["answer"]},
        )  # fmt: skip
    assert tally.doubled


@pytest.mark.parametrize("point", ["after_reply_append", "before_acknowledgement"])
async def test_without_the_commit_a_killed_host_loses_turns(world: World, rng: random.Random, point: str) -> None:
    """The reply went out before the commit: what was acknowledged last is gone."""
    tally = Tally("acknowledged before the commit")
    with pytest.raises(AssertionError, match=r"lost \['"):
        await killed_host(world, point, 1, rng, tally, earliest=2 * SESSIONS, has_effects=False, early=True)
    assert tally.lost


@pytest.mark.parametrize(("fenced", "finding"), [(True, r"lost \['"), (False, "not contiguous")])
async def test_without_the_flush_a_killed_database_loses_turns(
    own_server: EmbeddedPostgres, tmp_path: Path, rng: random.Random, fenced: bool, finding: str
) -> None:
    """Commits that were acknowledged die with the server. Without the version check hosts then go on after a hole."""
    await migrate(own_server.url)
    await execute(
        own_server.url,
        "ALTER DATABASE postgres SET synchronous_commit = off",
        "ALTER SYSTEM SET wal_writer_delay = '10s'",
        "SELECT pg_reload_conf()",
        *(() if fenced else (UNFENCED,)),
    )
    tally = Tally("synchronous_commit off")
    with pytest.raises(AssertionError, match=finding):
        await killed_database(own_server, tmp_path / "journal", 2, rng, tally)
    assert tally.lost
