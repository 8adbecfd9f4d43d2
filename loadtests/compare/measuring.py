"""One turn at a time: the load is made by another process, what it costs is read here.

A window behind a warm-up ends where it ends: as much of the warm-up's work falls into it (events that are
heard, journeys under way) as of its own falls behind it. One without has a tail, less what idling costs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loadtests.compare import children, statements
from loadtests.compare.plan import TAIL_S
from loadtests.compare.watch import Watch
from loadtests.compare.windows import per_second, without_idle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from loadtests.compare.children import Outcome
    from loadtests.compare.plan import Turn
    from loadtests.compare.sizes import Size
    from loadtests.compare.stage import Stage

MARKS: Final = ("measuring", "measured")
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
    idle_ms_per_s: Mapping[str, float] = field(default_factory=dict)

    def idle(self, turn: Turn) -> dict[str, Any]:
        """Every process runs all the time, on whichever side the flags are."""
        watch = Watch(self.stage.roots)
        with watch.running():
            time.sleep(turn.seconds)
        first, last = watch.record.readings[0].at, watch.record.readings[-1].at
        self.idle_ms_per_s = per_second(watch.record.spent(first, last), last - first)
        return {"cpu_ms_per_s": dict(self.idle_ms_per_s), "rss_mib": watch.record.peak_mib(first, last)}

    def mix(self, turn: Turn, pools: Path, at_progress: Callable[[float], object]) -> Measured:
        """Locust's people; costs are of the part that counts, statements of the whole round."""
        mix = self.size.mix
        arguments = [*self._common(turn, pools), "--users", str(mix.users)]
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

    def route(self, turn: Turn, pools: Path, at_progress: Callable[[float], object]) -> Measured:
        """One route alone at a fixed rate; behind its window the program clears away what it has made."""
        words = ["route", "--route", turn.what]
        return self._paced(turn, words, pools, self.size.routes.warm_s, 0.0, at_progress)

    def journey(self, turn: Turn, pools: Path, at_progress: Callable[[float], object]) -> Measured:
        """From the home page to the ticket's code, with everything that events set off."""
        warm_s = self.size.journey.warm_s
        return self._paced(turn, ["journey"], pools, warm_s, tail_of(warm_s), at_progress)

    def curve(self, turn: Turn, pools: Path, at_progress: Callable[[float], object]) -> Measured:
        """Rate by rate; what a step costs is known where the step says when it was."""
        curves = self.size.curves
        arguments = ["steps", *self._common(turn, pools), "--what", turn.what, "--warm", f"{curves.warm_s:g}"]
        arguments += ["--rates", ",".join(map(str, curves.rates)), "--seconds", f"{curves.step_s:g}"]
        watch = Watch(self.stage.roots)
        with watch.running():
            outcome = children.run(
                "loadtests.openloop",
                arguments,
                within_s=len(curves.rates) * (curves.warm_s + curves.step_s) + PATIENCE_S,
                at_line=lambda line: watch.read_now() if line in MARKS else None,
                at_progress=at_progress,
            )
        steps: list[dict[str, Any]] = outcome.document
        for step in steps:
            step |= {"side": turn.side, "round": turn.round}
            if "began" in step and "ended" in step:
                step["cpu_s"] = self._cost(watch, step["began"], step["ended"], 0.0)
        return Measured(steps, troubles_of(outcome))

    def _paced(
        self,
        turn: Turn,
        words: list[str],
        pools: Path,
        warm_s: float,
        tail_s: float,
        at_progress: Callable[[float], object],
    ) -> Measured:
        arguments = [*words, *self._common(turn, pools), "--rate", f"{turn.per_s:g}"]
        arguments += ["--seconds", f"{turn.window_s:g}", "--warm", f"{warm_s:g}"]
        moments: dict[str, float] = {}
        watch = Watch(self.stage.roots)

        def at_line(line: str) -> None:
            if line in MARKS:
                moments[line] = watch.read_now()

        with watch.running():
            outcome = children.run(
                "loadtests.openloop",
                arguments,
                within_s=warm_s + turn.window_s + PATIENCE_S,
                at_line=at_line,
                at_progress=at_progress,
            )
            found: dict[str, Any] = outcome.document
            ended = moments.get("measured", found["ended"])
            time.sleep(max(0.0, ended + tail_s - time.time()))
        began = moments.get("measuring", found["began"])
        cost = self._cost(watch, began, ended, tail_s)
        window = found | {"side": turn.side, "round": turn.round, "cpu_s": cost}
        return Measured([window], troubles_of(outcome))

    def _common(self, turn: Turn, pools: Path) -> list[str]:
        """The same round of any side has the same seed: the same people want the same."""
        return ["--host", self.stage.host, "--pools", str(pools), "--seed", str(self.seed + turn.round)]

    def _cost(self, watch: Watch, began: float, ended: float, tail_s: float) -> dict[str, float]:
        spent = watch.record.spent(began, ended + tail_s)
        return without_idle(spent, self.idle_ms_per_s, tail_s)
