"""One turn at a time: the load is made by other processes, what it costs is read here.

A window behind a warm-up ends where it ends: as much of the warm-up's work falls into it (events that are
heard, journeys under way) as of its own falls behind it. One without has a tail, less what idling costs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loadtests.compare import children, processes, statements
from loadtests.compare.children import MARKS
from loadtests.compare.plan import TAIL_S
from loadtests.compare.watch import Watch
from loadtests.compare.windows import Record, per_second, without_idle
from loadtests.openloop.knee import CLOSE, FIRST_PER_S, Climb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from loadtests.compare.attendant import Attendant
    from loadtests.compare.children import Outcome
    from loadtests.compare.plan import Turn
    from loadtests.compare.sizes import Size
    from loadtests.compare.stage import Stage

On: TypeAlias = "Callable[[str], Path]"
"""Puts a side in front, and answers its pools."""
Progress: TypeAlias = "Callable[[float], object]"
MOST_SOLD_PER_S: Final = 1000
"""Seats are looked for as if it were so many; where more are sold the window ends with them."""
PATIENCE_S: Final = 180.0
"""For what a program asks beforehand and clears away afterwards."""


def tail_of(warm_s: float) -> float:
    return 0.0 if warm_s else TAIL_S


def troubles_of(outcome: Outcome) -> list[str]:
    """What the program said at its end, and requests that failed before it counted: people then did less."""
    troubles = [outcome.complaint] if outcome.complaint else []
    match outcome.document:
        case {"failed_in_warm_up": int() as failed} if failed > 0:
            troubles.append(f"{failed} requests failed in the warm-up")
    return troubles


@dataclass(frozen=True, slots=True)
class Measured:
    """A turn's windows, for the document; `troubles` are what was wrong with them."""

    windows: list[dict[str, Any]]
    troubles: list[str]


@dataclass(slots=True)
class Meters:
    """How turns are measured on a stage; `idle_ms_per_s` is what each process uses when nobody asks."""

    stage: Stage
    size: Size
    seed: int
    attendant: Attendant
    idle_ms_per_s: Mapping[str, float] = field(default_factory=dict)
    _begins: dict[tuple[str, str], float] = field(default_factory=dict)
    """At which rate the next climb of a curve begins on a side."""

    def idle(self, turn: Turn) -> dict[str, Any]:
        """Every process runs all the time, on whichever side the flags are."""
        watch = Watch(self.stage.roots)
        with watch.running():
            time.sleep(turn.seconds)
        first, last = watch.record.readings[0].at, watch.record.readings[-1].at
        self.idle_ms_per_s = per_second(watch.record.spent(first, last), last - first)
        return {"cpu_ms_per_s": dict(self.idle_ms_per_s), "rss_mib": watch.record.peak_mib(first, last)}

    def mix(self, turn: Turn, on: On, at_progress: Progress) -> Measured:
        """Locust's people; costs are of the part that counts, statements of the whole round."""
        mix = self.size.mix
        arguments = ["--host", self.stage.host, "--pools", str(on(turn.side))]
        arguments += ["--seed", str(self.seed + turn.round), "--users", str(mix.users)]
        arguments += ["--seconds", f"{mix.seconds:g}", "--warm", f"{mix.warm_s:g}"]
        dsn = self.stage.admin_dsn
        before = statements.totals(dsn) if dsn is not None else None
        watch = Watch(self.stage.roots)
        with watch.running():
            outcome = children.run(
                "loadtests.people",
                arguments,
                within_s=mix.warm_s + mix.seconds + PATIENCE_S,
                at_progress=at_progress,
            )
            time.sleep(tail_of(mix.warm_s))
        after = statements.totals(dsn) if dsn is not None else None
        found: dict[str, Any] = outcome.document
        began, seconds = float(found.pop("began")), float(found["seconds"])
        record, ended = watch.record, began + seconds
        found |= {
            "side": turn.side,
            "round": turn.round,
            "cpu_s": self._cost(watch, began, ended, tail_of(mix.warm_s)),
            "cpu_s_per_second": record.spent_per_second(began, int(seconds)),
            "rss_mib": record.peak_mib(began, ended),
            "statements": statements.difference(before, after),
        }
        return Measured([found], troubles_of(outcome))

    def route(self, turn: Turn, on: On, at_progress: Progress) -> Measured:
        """One route alone at a fixed rate; behind its window the generator clears away what it has made."""
        paced = self.size.routes
        order = {"do": "route", "route": turn.what, "rate_per_s": turn.per_s}
        return self._window(turn, turn.side, on, order, turn.window_s, paced.warm_s, at_progress)

    def journey(self, turn: Turn, on: On, at_progress: Progress) -> Measured:
        """From the home page to the ticket's code, with everything that events set off."""
        paced = self.size.journey
        order = {"do": "journey", "rate_per_s": turn.per_s}
        tail_s = tail_of(paced.warm_s)
        return self._window(turn, turn.side, on, order, turn.window_s, paced.warm_s, at_progress, tail_s)

    def curve(self, turn: Turn, on: On, at_progress: Progress) -> Measured:
        """What a side answers when it is full, or rate by rate on all sides in turn."""
        return self._full(turn, on, at_progress) if turn.how == "full" else self._climb(turn, on, at_progress)

    def _full(self, turn: Turn, on: On, at_progress: Progress) -> Measured:
        curves = self.size.curves
        made = round(MOST_SOLD_PER_S * (curves.warm_s + turn.window_s))
        order = {"do": "saturation", "what": turn.what, "connections": curves.connections, "made": made}
        found = self._window(turn, turn.side, on, order, turn.window_s, curves.warm_s, at_progress)
        for window in found.windows:
            begins = self._begins.get((turn.what, turn.side), FIRST_PER_S)
            self._begins[turn.what, turn.side] = max(begins, curves.from_full * window["answers_per_s"])
        return found

    def _climb(self, turn: Turn, on: On, at_progress: Progress) -> Measured:
        """The next rate of each side hangs on what came of its last one; a side that is done waits."""
        curves = self.size.curves
        climbs = {side: self._climb_of(turn, side) for side in turn.sides}
        found: list[dict[str, Any]] = []
        for tried in range(curves.most_steps):
            for side in turn.sides if tried % 2 == 0 else reversed(turn.sides):
                rate = climbs[side].next()
                if rate is None:
                    continue
                order = {"do": "step", "what": turn.what, "rate_per_s": rate}
                windows = self._window(turn, side, on, order, turn.window_s, curves.warm_s).windows
                found += windows
                if not windows:
                    climbs[side].end()
                for step in windows:
                    climbs[side].saw(is_past_knee=step["is_past_knee"])
            at_progress((tried + 1) / curves.most_steps)
        for side, climb in climbs.items():
            if climb.held is not None:
                self._begins[turn.what, side] = climb.held
        return Measured(found, [])

    def _climb_of(self, turn: Turn, side: str) -> Climb:
        """The more is known of the knee, the shorter are its strides."""
        first_per_s = self._begins.get((turn.what, side))
        if first_per_s is None:
            return Climb()
        return Climb(first_per_s, faster=CLOSE if turn.round > 1 else CLOSE**2, at_most=CLOSE**2)

    def _window(
        self,
        turn: Turn,
        side: str,
        on: On,
        order: dict[str, Any],
        seconds: float,
        warm_s: float,
        at_progress: Progress = lambda _share: None,
        tail_s: float = 0.0,
    ) -> Measured:
        """Obeyed on its side, with what it cost; no window if it could not be asked.

        The same round of any side has the same seed: the same people want the same, at the same instants.
        """
        order |= {"side": side, "pools": str(on(side)), "seed": self.seed + turn.round}
        order |= {"seconds": seconds, "warm_s": warm_s}
        roots = self.stage.roots()
        record = Record()

        def at_mark(line: str) -> None:
            if line == MARKS[0] or not tail_s:
                record.add(processes.read(roots, with_memory=False))

        found = self.attendant.obey(
            order, within_s=warm_s + seconds + PATIENCE_S, at_mark=at_mark, at_progress=at_progress
        )
        if found is None:
            return Measured([], [])
        if tail_s:
            time.sleep(max(0.0, found["ended"] + tail_s - time.time()))
            record.add(processes.read(roots, with_memory=False))
        spent = record.spent_within(found["seconds"] + tail_s)
        cost = without_idle(spent, self.idle_ms_per_s, tail_s)
        return Measured([found | {"side": side, "round": turn.round, "cpu_s": cost}], [])

    def _cost(self, watch: Watch, began: float, ended: float, tail_s: float) -> dict[str, float]:
        spent = watch.record.spent(began, ended + tail_s)
        return without_idle(spent, self.idle_ms_per_s, tail_s)
