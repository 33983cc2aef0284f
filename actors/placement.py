"""Which host a session belongs to. Best effort only: safety lives in the log, so any host may take any session."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import quote

NAMESPACE = "kefu"
POOLED = "session-host-"
DEDICATED = "session-actor-"


def pooled_name(index: int) -> str:
    return f"{POOLED}{index:02d}"


def dedicated_name(tenant: str, session: str) -> str:
    """The name of a session's own Ray actor. The slash keeps ("a", "b-c") and ("a-b", "c") apart."""
    return f"{DEDICATED}{quote(tenant, safe='')}/{session}"


def ranked(tenant: str, session: str, hosts: Sequence[str]) -> list[str]:
    """Hosts in the order in which the session prefers them (rendezvous hashing).

    When a host comes or goes, only the sessions that preferred it move.
    """
    if len(hosts) <= 1:
        return list(hosts)
    key = f"{tenant}\0{session}\0".encode()
    return sorted(hosts, key=lambda host: hashlib.blake2b(key + host.encode(), digest_size=8).digest())
