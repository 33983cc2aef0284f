"""Faults of the whole system under load: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import asyncpg
import httpx
import psutil
import pytest

from bench.load import LoadResult, http_load, ws_load
from bench.machine import usage
from bench.questions import repeated
from bench.running import Running, running
from events.embedded import EmbeddedPostgres
from schemas.events_pb2 import BotReplied, UserMessageReceived


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A database that Kefu does not watch over, as a company's own would be."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def own(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    env = {
        "KEFU_DATABASE_URL": postgres.url,
        "KEFU_INGRESS": "1",
        "KEFU_INGRESS_MAX": "2",
        "KEFU_INGRESS_CUSTOMERS": "100",
        "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
    }
    with running(tmp_path_factory.mktemp("kefu"), "--no-dashboard", env=env) as instance:
        yield instance


def ask(kefu: Running, session: str, key: str) -> httpx.Response:
    body = {"session_id": session, "text": "How do I get a refund?"}
    headers = {"X-Idempotency-Key": key}
    return httpx.post(f"{kefu.url}/v1/chat", json=body, headers=headers, timeout=20, trust_env=False)


async def check_log(url: str, results: list[LoadResult]) -> int:
    """Every acknowledged turn is on disk, once, where its reply said; every stream is contiguous."""
    connection = await asyncpg.connect(url)
    names = {row["session_id"]: row["external_id"] for row in await connection.fetch("SELECT * FROM sessions")}
    replies: dict[tuple[str, str], list[tuple[int, int]]] = {}
    messages: dict[tuple[str, str], int] = {}
    last: dict[int, int] = {}
    for row in await connection.fetch("SELECT * FROM session_events ORDER BY session_id, seq"):
        assert row["seq"] == last.get(row["session_id"], 0) + 1
        last[row["session_id"]] = row["seq"]
        if row["event_type"] == 2:
            key = (names[row["session_id"]], UserMessageReceived.FromString(row["payload"]).key)
            messages[key] = messages.get(key, 0) + 1
        elif row["event_type"] == 3:
            event = BotReplied.FromString(row["payload"])
            replies.setdefault((names[row["session_id"]], event.key), []).append((event.turn, row["seq"]))
    await connection.close()
    assert set(messages.values()) == {1}
    assert {len(found) for found in replies.values()} == {1}
    acknowledged = [ack for result in results for ack in result.acked]
    for session, key, turn, seq in acknowledged:
        assert replies[session, key] == [(turn, seq)]
    return len(acknowledged)


def test_while_the_database_is_gone_every_turn_is_a_503_and_then_it_goes_on(
    own: Running, postgres: EmbeddedPostgres
) -> None:
    before = ask(own, "outage", "k1")
    assert before.status_code == 200
    postgres.stop()
    for attempt in range(5):
        started = time.monotonic()
        refused = ask(own, "outage", "k2")
        assert (refused.status_code, time.monotonic() - started < 1.5) == (503, True), attempt
        assert refused.json()["code"] in ("store_unavailable", "append_outcome_unknown")
        assert int(refused.headers["retry-after"]) >= 1
    assert httpx.get(f"{own.url}/readyz", trust_env=False).status_code == 503
    assert httpx.get(f"{own.url}/healthz", trust_env=False).status_code == 200
    postgres.start()
    after = ask(own, "outage", "k2")
    assert (after.status_code, after.json()["turn"]) == (200, 2)
    assert ask(own, "outage", "k1").content == before.content


@pytest.mark.parametrize("front", ["http", "ws"])
async def test_a_host_killed_under_load_loses_and_doubles_nothing(
    own: Running, postgres: EmbeddedPostgres, front: str
) -> None:
    load = http_load if front == "http" else ws_load
    running_load = asyncio.create_task(
        load("127.0.0.1", own.port, 32, 8, repeated(), warmup_s=0.5, record_acks=True, timeout_s=20, drain_s=15)
    )
    await asyncio.sleep(2)
    os.kill(host_of(own).pid, signal.SIGKILL)
    result = await running_load
    assert result.unanswered == 0
    assert await check_log(postgres.url, [result]) > 500


def host_of(kefu: Running) -> psutil.Process:
    return next(
        process
        for root in kefu.roots()
        for process in psutil.Process(root).children(recursive=True)
        if "SessionHost" in " ".join(process.cmdline()) or "session-host" in " ".join(process.cmdline())
    )


async def test_the_supervised_database_killed_under_load_comes_back(kefu: Running) -> None:
    server = EmbeddedPostgres(kefu.home / "postgres")
    running_load = asyncio.create_task(
        http_load("127.0.0.1", kefu.port, 32, 10, repeated(), warmup_s=0.5, record_acks=True, timeout_s=20, drain_s=20)
    )
    for _ in range(3):
        await asyncio.sleep(1)
        async with asyncio.timeout(15):
            while (pid := server.pid()) is None:
                await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    result = await running_load
    assert result.unanswered == 0
    assert await check_log(server.url, [result]) > 500


async def test_more_customers_bring_more_ingress_replicas(own: Running) -> None:
    assert usage(own.roots())["ingress"].count == 1
    customers = asyncio.create_task(ws_load("127.0.0.1", own.port, 150, 90, repeated(), warmup_s=0, rate=50))
    async with asyncio.timeout(80):
        while usage(own.roots())["ingress"].count < 2:
            await asyncio.sleep(0.5)
    customers.cancel()
