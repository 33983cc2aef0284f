"""A circuit breaker for one provider: stops calling it soon after it goes bad, and asks carefully if it is back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

State = Literal["closed", "open", "half_open"]


class BreakerTerms(Struct, frozen=True):
    """`in_a_row`: failures without a success between them, if the last success is at least `silence_s` ago (so that
    a burst of failures among many successes is no outage). `rate`: of failures among at least `fewest` outcomes of
    the last `window_s` seconds. `open_s`: the first pause; it doubles up to `open_most_s` while probes fail."""

    in_a_row: int = 3
    silence_s: float = 1.0
    rate: float = 0.5
    fewest: int = 10
    window_s: float = 10.0
    open_s: float = 5.0
    open_most_s: float = 60.0


class Permit:
    """The right to one call. Tell it what came of it, once; `slow` may come before.

    A call that is slow counts as a failure while it is still waiting, so that a provider that hangs is found out
    before its calls time out; if it does answer after all, that counts as a success.
    """

    __slots__ = ("_breaker", "_settled", "_slow", "epoch", "probe")

    def __init__(self, breaker: Breaker, epoch: int, probe: bool) -> None:
        self._breaker = breaker
        self._settled = False
        self._slow = False
        self.epoch = epoch
        self.probe = probe

    def slow(self) -> None:
        if not self._slow and not self._settled:
            self._slow = True
            self._breaker._failed(self, 0.0)

    def answering(self) -> None:
        """The first token is there. A probe has found out enough with it."""
        if self._slow and not self._settled:
            self._slow = False
            self._breaker._was_not_bad(self)
        if self.probe:
            self._breaker._succeeded(self)
            self.probe = False

    def succeeded(self) -> None:
        if not self._settled:
            self._settled = True
            self._breaker._succeeded(self)

    def failed(self, after_s: float = 0.0) -> None:
        """`after_s`: how long the provider asked to be left alone."""
        if not self._settled:
            self._settled = True
            if not self._slow:
                self._breaker._failed(self, after_s)

    def dropped(self) -> None:
        """The caller left, or the call was at fault: this says nothing about the provider."""
        if not self._settled:
            self._settled = True
            self._breaker._dropped(self)


class Breaker:
    """Not for several threads. `monotonic`: seconds. `random`: from [0, 1), for jitter."""

    def __init__(
        self, monotonic: Callable[[], float], random: Callable[[], float], terms: BreakerTerms | None = None
    ) -> None:
        self._terms = terms or BreakerTerms()
        self._now = monotonic
        self._random = random
        self._state: State = "closed"
        self._epoch = 0
        self._in_a_row = 0
        self._last_success = monotonic() - self._terms.silence_s
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=1_000)
        self._failures = 0
        self._opened = 0
        self._until = 0.0
        self._probing = False

    @property
    def state(self) -> State:
        return "half_open" if self._state == "open" and self._now() >= self._until else self._state

    @property
    def opened(self) -> int:
        """How often it has opened, ever."""
        return self._epoch

    def permit(self) -> Permit | None:
        """None while it is open, or while another call is finding out whether the provider is back."""
        if self._state == "closed":
            return Permit(self, self._epoch, False)
        if self._now() < self._until or self._probing:
            return None
        self._state = "half_open"
        self._probing = True
        return Permit(self, self._epoch, True)

    def _succeeded(self, permit: Permit) -> None:
        if permit.probe and permit.epoch == self._epoch:
            self._close()
        if self._state == "closed":
            self._in_a_row = 0
            self._last_success = self._now()
            self._note(True)

    def _failed(self, permit: Permit, after_s: float) -> None:
        if permit.epoch != self._epoch:
            return  # of a time before it last opened
        if permit.probe:
            self._open(after_s)
        elif self._state == "closed":
            self._in_a_row += 1
            self._note(False)
            if self._is_bad():
                self._open(after_s)

    def _was_not_bad(self, permit: Permit) -> None:
        if permit.epoch == self._epoch and self._state == "closed":
            self._in_a_row = max(0, self._in_a_row - 1)
            for at in range(len(self._outcomes) - 1, -1, -1):
                if not self._outcomes[at][1]:
                    del self._outcomes[at]
                    self._failures -= 1
                    break

    def _dropped(self, permit: Permit) -> None:
        if permit.probe and permit.epoch == self._epoch:
            self._probing = False

    def _is_bad(self) -> bool:
        terms = self._terms
        if self._in_a_row >= terms.in_a_row and self._now() - self._last_success >= terms.silence_s:
            return True
        return len(self._outcomes) >= terms.fewest and self._failures >= terms.rate * len(self._outcomes)

    def _note(self, good: bool) -> None:
        now, outcomes = self._now(), self._outcomes
        while outcomes and (outcomes[0][0] < now - self._terms.window_s or len(outcomes) == outcomes.maxlen):
            self._failures -= not outcomes.popleft()[1]
        outcomes.append((now, good))
        self._failures += not good

    def _open(self, after_s: float) -> None:
        pause = min(self._terms.open_most_s, self._terms.open_s * 2 ** min(self._opened, 16))
        # Replicas that opened together should not all ask again in the same moment.
        self._until = self._now() + max(pause * (0.75 + 0.5 * self._random()), min(after_s, self._terms.open_most_s))
        self._state = "open"
        self._probing = False
        self._opened += 1
        self._epoch += 1

    def _close(self) -> None:
        self._state = "closed"
        self._probing = False
        self._opened = 0
        self._in_a_row = 0
        self._outcomes.clear()
        self._failures = 0
