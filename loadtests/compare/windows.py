"""Readings over time, and what was spent between two instants of it. No I/O."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtests.compare.processes import Reading


@dataclass(slots=True)
class Record:
    """Readings in the order of time. Between two of them the clocks are taken to have run evenly."""

    readings: list[Reading] = field(default_factory=list)

    def add(self, reading: Reading) -> None:
        self.readings.append(reading)

    def spent(self, began: float, ended: float) -> dict[str, float]:
        """CPU seconds by process between two instants; a process that is there at the end counts."""
        before, after = self._at(began), self._at(ended)
        return {name: max(0.0, now - before.get(name, 0.0)) for name, now in after.items()}

    def spent_within(self, seconds: float) -> dict[str, float]:
        """Between the first reading and the last, which were to be so far apart and are nearly so."""
        if len(self.readings) < 2 or not self.readings[-1].cpu_s:
            return {}
        first, last = self.readings[0].at, self.readings[-1].at
        return {name: spent * seconds / (last - first) for name, spent in self.spent(first, last).items()}

    def spent_per_second(self, began: float, seconds: int) -> dict[str, list[float]]:
        """The same for each second from an instant on."""
        each = [self.spent(began + n, began + n + 1) for n in range(seconds)]
        return {name: [one.get(name, 0.0) for one in each] for name in self._names()}

    def peak_mib(self, began: float, ended: float) -> dict[str, float]:
        within = [one.rss_mib for one in self.readings if began <= one.at <= ended]
        return {name: max((one.get(name, 0.0) for one in within), default=0.0) for name in self._names()}

    def _names(self) -> list[str]:
        return list(self.readings[-1].cpu_s) if self.readings else []

    def _at(self, instant: float) -> Mapping[str, float]:
        """The clocks at an instant; before the first reading and after the last they stand."""
        place = bisect.bisect_left(self.readings, instant, key=lambda reading: reading.at)
        if place == len(self.readings):
            return self.readings[-1].cpu_s if self.readings else {}
        later = self.readings[place]
        if place == 0 or later.at == instant:
            return later.cpu_s
        earlier = self.readings[place - 1]
        share = (instant - earlier.at) / (later.at - earlier.at)
        return {
            name: before + (now - before) * share
            for name, now in later.cpu_s.items()
            for before in (earlier.cpu_s.get(name, 0.0),)
        }


def per_second(spent_s: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Milliseconds of CPU in a second."""
    return {name: spent / seconds * 1e3 for name, spent in spent_s.items()}


def without_idle(
    spent_s: Mapping[str, float], idle_ms_per_s: Mapping[str, float], tail_s: float
) -> dict[str, float]:
    """What a window with a tail cost, less what the tail would have cost with nobody there."""
    return {
        name: max(0.0, spent - idle_ms_per_s.get(name, 0.0) / 1e3 * tail_s) for name, spent in spent_s.items()
    }
