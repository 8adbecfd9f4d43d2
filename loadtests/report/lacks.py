"""What a run lacks, a sentence each: parts, rounds, requests, quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loadtests.report import intervals, knees
from loadtests.report.result import LEGACY, SERVICE, by_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.report.result import Full, Result, Step, Window
    from loadtests.report.routes import Findings

PARTS: Final = {
    "mix": "people at work (the mix): no latencies as people meet them, no statements, no memory under load",
    "routes": "routes at equal load: no goal of a read route can be told",
    "journey": "the booking journey: its goal cannot be told",
    "curves": "rates up to the knee: the goal of throughput cannot be told",
}
ROUNDS_WANTED: Final = 3
FULL_GENERATOR: Final = 0.7  # of a core
BUSY: Final = 0.5  # of the cores


def of(result: Result, at_load: Sequence[Findings]) -> Iterator[str]:
    parts: dict[str, Sequence[Window]] = {
        "mix": result.mix,
        "routes": result.routes,
        "journey": result.journey,
        "curves": result.curves,
    }
    yield from result.lacks
    yield from _of_quiet(result)
    for name, windows in parts.items():
        yield from _of_part(name, windows)
    if not any(window.cpu_s for window in (*result.mix, *result.routes, *result.journey)):
        yield "CPU of processes: nothing can be said of CPU per request"
    elif not result.idle_cpu_ms_per_s:
        yield "CPU without work: nothing is subtracted, net is gross"
    if result.mix and not any(mix.statements for mix in result.mix):
        yield "PostgreSQL's statements"
    yield from _of_curves(result)
    yield from _of_routes(result, at_load)


def _of_quiet(result: Result) -> Iterator[str]:
    """What else was going on: others at work before it began, and a generator that did not keep up."""
    load, cores = result.machine.get("load_before"), result.machine.get("cores")
    if load and cores and load > cores * BUSY:
        yield f"quiet: the load was {load:g} on {cores} cores before it began; others' work is in all figures"
    for name, were_late in (
        ("windows at equal load", [window.is_generator_late for window in result.routes]),
        ("windows of the journey", [window.is_generator_late for window in result.journey]),
        ("steps of the curves", [step.is_generator_late for step in result.curves]),
    ):
        if any(were_late):
            yield (
                f"punctuality: the generator sent late in {sum(were_late)} of {len(were_late)} {name}, "
                "and its lateness is in their latencies"
            )


def _of_part(name: str, windows: Sequence[Window]) -> Iterator[str]:
    if not windows:
        yield PARTS[name]
        return
    sides = by_side(windows)
    for side in (LEGACY, SERVICE):
        if side not in sides:
            yield f"{name}: {side} was not measured"
    rounds = len({window.round for window in windows})
    if rounds == 1:
        yield f"{name}: one round only, so there is no interval and nothing is judged"
    elif rounds < ROUNDS_WANTED:
        yield f"{name}: {rounds} rounds only; {ROUNDS_WANTED} say more of their scatter"


def _of_curves(result: Result) -> Iterator[str]:
    for curve in knees.of_all(result.curves, result.saturation):
        for side, found in curve.knees.items():
            were_late = sum(knee.was_late for knee in found.values())
            if were_late:
                yield (
                    f"punctuality: {curve.what} on {side} fell behind while the generator was late, too, in "
                    f"{were_late} of {len(found)} rounds: that knee is the machine's as much as the site's"
                )
        asked: list[Step | Full] = [step for those in curve.steps.values() for step in those]
        asked += [window for window in result.saturation if window.what == curve.what]
        most = max((each.generator_cores for each in asked), default=0.0)
        if most > FULL_GENERATOR:
            yield (
                f"punctuality: the generator used {most:.2f} cores at its fastest at {curve.what}; "
                "one is all that it can"
            )
        missing = [side for side in (LEGACY, SERVICE) if side not in curve.steps]
        if len(missing) == 1 and len(by_side(result.curves)) > 1:
            yield f"curves: {curve.what} on {missing[0]} was not measured"


def _of_routes(result: Result, at_load: Sequence[Findings]) -> Iterator[str]:
    few = [findings.name for findings in at_load if findings.has_few]
    if few:
        yield (
            f"requests: {len(few)} of {len(at_load)} routes at equal load have fewer than {intervals.FEW} "
            "on a side, so their p99 is one of the two slowest and not judged"
        )
    for reason in sorted(set(result.not_asked.values())):
        names = sorted(name or "all others" for name, why in result.not_asked.items() if why == reason)
        yield f"not asked, {reason}: {', '.join(names)}"
