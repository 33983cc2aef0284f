"""When a provider's breaker opens, and how it finds out that the provider is back."""

from __future__ import annotations

from llm.breaker import Breaker, BreakerTerms, Permit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock, random: float = 0.5) -> Breaker:
    return Breaker(clock, lambda: random, BreakerTerms())


def permit(made: Breaker) -> Permit:
    given = made.permit()
    assert given is not None
    return given


def opened(clock: Clock) -> Breaker:
    made = breaker(clock)
    for _ in range(3):
        permit(made).failed()
    assert made.state == "open"
    return made


def test_three_failures_in_a_row_open_it() -> None:
    clock = Clock()
    made = breaker(clock)
    for _ in range(2):
        permit(made).failed()
    assert made.state == "closed"
    permit(made).failed()
    assert made.state == "open" and made.permit() is None and made.opened == 1


def test_a_burst_of_failures_among_successes_does_not() -> None:
    clock = Clock()
    made = breaker(clock)
    for _ in range(20):
        permit(made).succeeded()
    for _ in range(5):
        permit(made).failed()
    assert made.state == "closed"  # the last success was just now
    clock.now += 1.0
    permit(made).failed()
    assert made.state == "open"


def test_half_of_many_failing_opens_it() -> None:
    clock = Clock()
    made = breaker(clock)
    for at in range(9):
        (permit(made).failed if at % 2 else permit(made).succeeded)()
    assert made.state == "closed"
    permit(made).failed()
    assert made.state == "open"


def test_old_outcomes_are_forgotten() -> None:
    clock = Clock()
    made = breaker(clock)
    for at in range(8):
        (permit(made).failed if at % 2 else permit(made).succeeded)()
    clock.now += 11.0
    permit(made).succeeded()
    permit(made).failed()
    permit(made).failed()
    assert made.state == "closed"


def test_calls_that_hang_open_it_while_they_wait() -> None:
    """A provider stops answering; calls begin once a second, and each is slow after two: open within 5 s."""
    clock = Clock()
    made = breaker(clock)
    permit(made).succeeded()
    waiting: list[tuple[float, Permit]] = []
    began = clock.now
    while made.state == "closed":
        assert clock.now - began <= 5.0
        waiting.append((clock.now, permit(made)))
        clock.now += 1.0
        for since, each in waiting:
            if clock.now - since >= 2.0:
                each.slow()
    assert clock.now - began == 4.0


def test_a_slow_call_that_fails_counts_once() -> None:
    clock = Clock()
    made = breaker(clock)
    for _ in range(2):
        given = permit(made)
        given.slow()
        given.slow()
        given.failed()
        given.failed()
    assert made.state == "closed"


def test_slow_calls_that_answer_after_all_are_no_outage() -> None:
    clock = Clock()
    made = breaker(clock)
    for _ in range(10):
        given = permit(made)
        given.slow()
        given.answering()
    assert made.state == "closed"


def test_one_probe_at_a_time_finds_out() -> None:
    clock = Clock()
    made = opened(clock)
    clock.now += 4.9
    assert made.permit() is None
    clock.now += 0.2
    assert made.state == "half_open"
    probe = permit(made)
    assert probe.probe and made.permit() is None
    probe.answering()
    assert made.state == "closed" and made.permit() is not None
    probe.succeeded()
    assert made.state == "closed"


def test_a_probe_that_fails_doubles_the_pause_up_to_a_minute() -> None:
    clock = Clock()
    made = opened(clock)
    pauses = []
    for _ in range(6):
        began = clock.now
        while (probe := made.permit()) is None:
            clock.now += 0.5
        pauses.append(clock.now - began)
        probe.failed()
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_probe_whose_caller_leaves_lets_another_try() -> None:
    clock = Clock()
    made = opened(clock)
    clock.now += 6.0
    permit(made).dropped()
    assert permit(made).probe


def test_pauses_are_jittered() -> None:
    pauses = set()
    for random in (0.0, 0.999):
        clock = Clock()
        made = breaker(clock, random)
        for _ in range(3):
            permit(made).failed()
        began = clock.now
        while made.permit() is None:
            clock.now += 0.25
        pauses.add(clock.now - began)
    assert pauses == {3.75, 6.25}


def test_it_stays_open_as_long_as_the_provider_asks() -> None:
    clock = Clock()
    made = breaker(clock)
    for _ in range(3):
        permit(made).failed(after_s=30.0)
    clock.now += 29.0
    assert made.permit() is None
    clock.now += 1.1
    assert made.permit() is not None


def test_calls_of_before_it_opened_say_nothing_any_more() -> None:
    clock = Clock()
    made = breaker(clock)
    old = [permit(made) for _ in range(5)]
    for each in old[:3]:
        each.failed()
    clock.now += 6.0
    probe = permit(made)
    old[3].failed()
    old[4].succeeded()
    assert made.permit() is None  # still waiting for the probe
    probe.succeeded()
    assert made.state == "closed"


def test_calls_at_fault_themselves_do_not_count() -> None:
    clock = Clock()
    made = breaker(clock)
    for _ in range(50):
        permit(made).dropped()
    assert made.state == "closed"
