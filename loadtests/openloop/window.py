"""One window of arrivals at a site: everything is sent when it is due, and all that is heard is counted.

The window is preceded by a warm-up at the same rate, which is asked but not counted. Its ends are told to
whoever reads the CPU of processes meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from loadtests.openloop.alarm import alarm
from loadtests.openloop.arrivals import Spacing, arrivals
from loadtests.openloop.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.openloop.cast import Subject
    from loadtests.openloop.lines import Lines
    from loadtests.wire import Answer

TOLD_EVERY_S: Final = 0.5
DRAINED_WITHIN_S: Final = 10.0
_LEAD_S: Final = 0.02


Asked: TypeAlias = tuple[bytes, "Subject"]


class Source(Protocol):
    """What is asked, one after the other, and which answers to it are right."""

    statuses: frozenset[int]
    marker: bytes

    def next(self) -> Asked | None:
        """None: there is nothing left to ask, which counts as a failure."""

    def heard(self, subject: Subject, answer: Answer) -> None:
        """Of right answers alone; also of the warm-up's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A rate, kept for so long."""

    rate_per_s: float
    seconds: float
    warm_s: float = 0.0
    seed: int = 1
    spacing: Spacing = "poisson"

    @property
    def count(self) -> int:
        """How many are asked, the warm-up's included."""
        return round(self.rate_per_s * self.warm_s) + round(self.rate_per_s * self.seconds)

    def instants(self) -> list[float]:
        """Seconds from the window's beginning; negative ones are the warm-up."""
        warm = arrivals(self.rate_per_s, self.warm_s, self.seed + 1_000_003, self.spacing)
        return [
            *(at - self.warm_s for at in warm),
            *arrivals(self.rate_per_s, self.seconds, self.seed, self.spacing),
        ]


@dataclass(frozen=True, slots=True)
class Listener:
    """Who wants to know meanwhile: when the counted window begins and ends, and how far it is."""

    began: Callable[[], None] = field(default=lambda: None)
    ended: Callable[[], None] = field(default=lambda: None)
    progress: Callable[[int, int], None] = field(default=lambda _done, _of: None)


@dataclass(frozen=True, slots=True)
class Measured:
    """`began` and `ended` are of the clock on the wall; CPU is the generator's own."""

    plan: Plan
    tally: Tally
    began: float
    ended: float
    cpu_s: float
    connections: int

    @property
    def achieved_per_s(self) -> float:
        return self.tally.answered_in_window / self.plan.seconds

    def facts(self) -> dict[str, Any]:
        """What each result says of the window, whatever was asked in it."""
        return {
            "rate_per_s": self.plan.rate_per_s,
            "achieved_per_s": round(self.achieved_per_s, 2),
            "asked": self.tally.asked,
            "failed": self.tally.failed,
            "failures": self.tally.failure_rows(),
            "seconds": self.plan.seconds,
            "began": self.began,
            "ended": self.ended,
            "connections": self.connections,
            "generator_cpu_us_per_request": round(self.cpu_s / max(1, self.tally.asked) * 1e6, 1),
            **self.tally.lateness(),
        }


class Pacer:
    """Starts something at each instant of a plan, whatever became of what it started before."""

    def __init__(self, plan: Plan, start: Callable[[float, bool], None], listener: Listener) -> None:
        """`start` is told when it was due, and whether it counts; listeners are told from the loop."""
        self._plan, self._start, self._listener = plan, start, listener
        self._instants = plan.instants()
        self._next = 0
        self._is_done = asyncio.Event()
        self._zero = 0.0
        self.late_s: list[float] = []

    async def run(self) -> tuple[float, float, float]:
        """Until the window is over: the clock on the wall at its ends, and the CPU of this process within."""
        self._alarm = alarm(self._due)
        telling = asyncio.create_task(self._tell())
        gc.collect()
        gc.disable()  # a pause would be in the latencies of all who wait
        self._zero = time.monotonic() + self._plan.warm_s + _LEAD_S
        try:
            self._due()
            await asyncio.sleep(self._zero - time.monotonic())
            self._listener.began()
            began, cpu_s = time.time(), time.process_time()
            await asyncio.sleep(self._zero + self._plan.seconds - time.monotonic())
            self._listener.ended()
            ended, cpu_s = time.time(), time.process_time() - cpu_s
            await self._is_done.wait()  # the generator itself may be late
        finally:
            gc.enable()
            telling.cancel()
            self._alarm.close()
        return began, ended, cpu_s

    def is_within(self, at: float) -> bool:
        return 0.0 <= at - self._zero < self._plan.seconds

    def _due(self) -> None:
        now = time.monotonic()
        while self._next < len(self._instants):
            due = self._zero + self._instants[self._next]
            if due > now:
                self._alarm.set(due)
                return
            counts = self._instants[self._next] >= 0.0
            if counts:
                self.late_s.append(now - due)
            self._next += 1
            self._start(due, counts)
            now = time.monotonic()
        self._is_done.set()

    async def _tell(self) -> None:
        while True:
            self._listener.progress(self._next, len(self._instants))
            await asyncio.sleep(TOLD_EVERY_S)


async def measure(lines: Lines, source: Source, plan: Plan, listener: Listener) -> Measured:
    """Ask what the source has at the plan's rate; ends with the last answer, or when none is expected."""
    tally = Tally()
    statuses, marker = source.statuses, source.marker

    def start(due: float, counts: bool) -> None:
        asked = source.next()
        if counts:
            tally.asked += 1
        if asked is None:
            if counts:
                tally.failures[0, "nothing-to-ask"] += 1
            return
        content, subject = asked

        def heard(answer: Answer) -> None:
            now = time.monotonic()
            if counts:
                is_right = tally.heard(answer, statuses, marker, now - due)
            else:
                is_right = answer.status in statuses
            if is_right:
                source.heard(subject, answer)
                if pacer.is_within(now):
                    tally.answered_in_window += 1

        lines.send(content, heard)

    pacer = Pacer(plan, start, listener)
    began, ended, cpu_s = await pacer.run()
    await lines.settle(DRAINED_WITHIN_S)
    tally.late_s = pacer.late_s
    return Measured(plan, tally, began, ended, cpu_s, lines.opened)
