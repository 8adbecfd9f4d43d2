"""Whether an address may be sent requests: a circuit breaker that learns from real requests. No I/O.

    healthy ──failures in a row reach the limit──► ejected ──its time is over, a connection opens──► trial
       ▲                                              ▲                                                │
       └────────────────── an answer ─────────────────┼──── a failure: out for twice as long ──────────┤
                                                      └────────────────────────────────────────────────┘

On trial, one request at a time is let through. A status, even 500, is an answer: errors of the application
are the guard's to judge and not a reason to stop talking to it.
"""

from typing import Final, Literal

from strangler.proxy.refusals import UPSTREAM_DOWN, Refusal

State = Literal["healthy", "ejected", "trial"]

FAILURES_IN_A_ROW: Final = 5
FIRST_EJECTION_S: Final = 0.25
LONGEST_EJECTION_S: Final = 4.0


class Health:
    __slots__ = ("ejection_s", "failures", "last_failure", "state", "until")

    def __init__(self) -> None:
        self.state: State = "healthy"
        self.failures = 0
        self.ejection_s = FIRST_EJECTION_S
        self.until = 0.0
        self.last_failure: Refusal = UPSTREAM_DOWN
        """What those are told who are turned away meanwhile."""

    def failed(self, failure: Refusal, now: float) -> None:
        """A connection could not be opened, or broke or stayed silent before an answer."""
        self.failures += 1
        self.last_failure = failure
        if self.state == "healthy" and self.failures >= FAILURES_IN_A_ROW:
            self._eject(now)
        elif self.state != "healthy":
            self.ejection_s = min(self.ejection_s * 2, LONGEST_EJECTION_S)
            self._eject(now)

    def answered(self) -> None:
        if self.failures:
            self.failures = 0
            self.state = "healthy"
            self.ejection_s = FIRST_EJECTION_S

    def reachable(self) -> None:
        """A connection could be opened after the ejection's time."""
        if self.state == "ejected":
            self.state = "trial"

    def due(self, now: float) -> bool:
        """Whether it is time to try a connection."""
        return self.state == "ejected" and now >= self.until

    def _eject(self, now: float) -> None:
        self.state = "ejected"
        self.until = now + self.ejection_s
