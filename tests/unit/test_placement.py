from __future__ import annotations

from collections import Counter

from actors.placement import dedicated_name, pooled_name, ranked

HOSTS = [pooled_name(n) for n in range(4)]
SESSIONS = [f"s{n}" for n in range(2000)]


def test_ranking_is_a_stable_permutation() -> None:
    assert ranked("acme", "s1", HOSTS) == ranked("acme", "s1", HOSTS[::-1])
    assert sorted(ranked("acme", "s1", HOSTS)) == HOSTS
    assert ranked("acme", "s1", HOSTS[:1]) == HOSTS[:1]
    assert ranked("acme", "s1", []) == []


def test_sessions_spread_evenly() -> None:
    counts = Counter(ranked("acme", session, HOSTS)[0] for session in SESSIONS)
    assert min(counts.values()) > 2000 / 4 * 0.85


def test_only_sessions_of_a_lost_host_move_and_to_their_second_choice() -> None:
    for session in SESSIONS:
        before = ranked("acme", session, HOSTS)
        after = ranked("acme", session, [host for host in HOSTS if host != HOSTS[2]])
        assert after == [host for host in before if host != HOSTS[2]]


def test_names_do_not_collide() -> None:
    assert pooled_name(3) == "session-host-03"
    assert len({pooled_name(n) for n in range(200)}) == 200
    assert not dedicated_name("a", "host-00").startswith("session-host-")


def test_tenant_and_session_are_kept_apart() -> None:
    assert dedicated_name("a", "b-c") != dedicated_name("a-b", "c")
    many = [pooled_name(n) for n in range(50)]
    assert ranked("a", "bc", many) != ranked("ab", "c", many)
