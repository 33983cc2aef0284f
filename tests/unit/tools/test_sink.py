"""The sink that other tests trust: it counts right, remembers over kills, and has no effect twice."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
from kit.sink import Sink, running


def asked(url: str, body: Any = None, key: str = "") -> Any:
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"} if key else {}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as reply:
        return json.loads(reply.read())


def test_a_process_keeps_its_journal_over_a_kill(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with running(journal) as url:
        first = asked(f"{url}/act", {"a": 1}, "k1")
        assert asked(f"{url}/act", {"a": 1}, "k1") == first
        asked(f"{url}/act/other", {"b": "中"}, "k2")
        with pytest.raises((ConnectionError, urllib.error.URLError)):
            asked(f"{url}/act?fault=reset_after", {}, "k3")
    with journal.open("ab") as file:
        file.write(b'{"key": "torn')  # killed while it wrote
    with running(journal) as url:
        known = asked(f"{url}/effects")
        assert [effect["key"] for effect in known["effects"]] == ["k1", "k2", "k3"]
        assert known["arrivals"] == {"k1": 2, "k2": 1, "k3": 1}
        assert asked(f"{url}/act", {"a": 1}, "k1") == first
        asked(f"{url}/act", {}, "k4")
        asked(f"{url}/faults", {"path": "/act", "faults": ["refused"]})
        with pytest.raises(urllib.error.HTTPError, match="422"):
            asked(f"{url}/act", {}, "k5")
        assert asked(f"{url}/act", {}, "k5")["n"] == 5
    assert all(json.loads(line) for line in journal.read_text().splitlines())


async def test_effects_by_key() -> None:
    async with Sink() as sink, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(sink.url("/effects/a%2Fb"))).status_code == 404
        reply = await client.put(sink.url("/act/x"), json={"a": 1}, headers={"Idempotency-Key": "a/b"})
        assert (await client.get(sink.url("/effects/a%2Fb"))).json() == reply.json()
        for _ in range(2):
            await client.post(sink.url("/twice"), json={}, headers={"Idempotency-Key": "twice"})
        assert (sink.times("a/b"), sink.times("twice")) == (1, 2)
        assert (await client.post(sink.url("/act"), json={})).status_code == 400
        assert (await client.get(sink.url("/nowhere"))).status_code == 404
        with pytest.raises(AssertionError, match="no such faults"):
            sink.script("nonsense")
