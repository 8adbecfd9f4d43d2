"""What the services have promised, and whether this run shows that they keep it.

Of seventy equal routes one is worse by chance in most runs. So a goal of many is missed by those alone that
are still beyond its limit when all are looked at together (Holm's correction, 2.5 % for the goal as a whole);
each route's own verdict stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from loadtests.report import intervals, rule
from loadtests.report.result import LEGACY, SERVICE
from loadtests.report.routes import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loadtests.report.intervals import Ratio
    from loadtests.report.knees import Curve
    from loadtests.report.routes import Figure, Findings

Status = Literal["met", "missed", "cannot be told"]

MOST_CPU_OF_A_READ: Final = 1.10
MOST_CPU_OF_A_JOURNEY: Final = 1.20
KNEES: Final = ("search", "seats", "booking", "verify")
MOST_NAMED: Final = 4
BY_CHANCE: Final = 0.025  # that a goal is missed though every route keeps it
SIGNS: Final[dict[Status, str]] = {"met": "✓", "missed": "✗", "cannot be told": "?"}


@dataclass(frozen=True, slots=True)
class Case:
    """One route, or one curve, that a goal speaks of; `said` are its figures in words."""

    name: str
    status: Status
    said: str


@dataclass(frozen=True, slots=True)
class Goal:
    """Missed if one case is, met if all are; else it cannot be told."""

    name: str
    status: Status
    said: str
    cases: tuple[Case, ...]


def of_all(routes: Sequence[Findings], journey: Findings | None, curves: Sequence[Curve]) -> tuple[Goal, ...]:
    reads = [route for route in routes if route.is_read]
    return (
        _goal(
            "p99 of every read route at equal load: no worse than legacy's",
            _cases(reads, "p99", is_no_worse, limit=1.0),
            "no read route was measured at equal load",
            together(reads, "p99"),
        ),
        _goal(
            f"CPU per request of every read route: at most {MOST_CPU_OF_A_READ:.2f} {rule.TIMES} legacy's",
            _cases(reads, "cpu", partial(_at_most, limit=MOST_CPU_OF_A_READ), limit=MOST_CPU_OF_A_READ),
            "no read route was measured at equal load",
            together(reads, "cpu"),
        ),
        _goal(
            f"CPU of a booking journey: at most {MOST_CPU_OF_A_JOURNEY:.2f} {rule.TIMES} legacy's",
            [_case(journey, "cpu", lambda figure: _at_most(figure, MOST_CPU_OF_A_JOURNEY))]
            if journey
            else [],
            "the journey was not measured",
        ),
        _goal(
            f"Throughput at the knee ({', '.join(KNEES)}): higher than legacy's",
            [_knee(what, curves) for what in KNEES] if curves else [],
            "no curve was measured",
            intervals.together([curve.ratio for curve in curves if curve.ratio is not None]),
        ),
        _goal(
            f"Answers a second when full ({', '.join(KNEES)}): more than legacy's",
            [_when_full(what, curves) for what in KNEES] if any(curve.full for curve in curves) else [],
            "no side was filled",
            intervals.together([curve.full_ratio for curve in curves if curve.full_ratio is not None]),
        ),
    )


def _goal(name: str, cases: Sequence[Case], if_none: str, all_in_one: Ratio | None = None) -> Goal:
    if not cases:
        return Goal(name, "cannot be told", if_none, ())
    if len(cases) == 1:
        return Goal(name, cases[0].status, cases[0].said, tuple(cases))
    by_status = {status: [case for case in cases if case.status == status] for status in SIGNS}
    missed = ", ".join(f"{case.name} {case.said}" for case in by_status["missed"][:MOST_NAMED])
    if len(by_status["missed"]) > MOST_NAMED:
        missed += ", …"
    said = ", ".join(f"{len(those)} {status}" for status, those in by_status.items() if those)
    status: Status = "missed" if missed else "cannot be told" if by_status["cannot be told"] else "met"
    if missed:
        said += f": {missed}"
    if all_in_one is not None:
        said += f"; all together {rule.text(all_in_one)} {rule.TIMES}"
    return Goal(name, status, said, tuple(cases))


def _cases(
    found: Sequence[Findings], figure: str, is_kept: Callable[[Figure], bool | None], limit: float
) -> list[Case]:
    """Of many routes: who misses the limit alone, and not among so many, cannot be told."""
    cases = [_case(route, figure, is_kept) for route in found]
    chances = {
        route.name: intervals.beyond(ratio, limit)
        for route in found
        if (ratio := _comparable(route.figures.get(figure))) is not None
    }
    sure = surely_beyond(chances)
    return [
        Case(case.name, "cannot be told", f"{case.said}; by itself, but not among {len(chances)} routes")
        if case.status == "missed" and case.name not in sure
        else case
        for case in cases
    ]


def surely_beyond(chances: Mapping[str, float]) -> set[str]:
    """Holm: the least likely is held to the part of all, the next to the part of all but one, and so on."""
    found: set[str] = set()
    for name in sorted(chances, key=lambda name: chances[name]):
        if chances[name] > BY_CHANCE / (len(chances) - len(found)):
            break
        found.add(name)
    return found


def _comparable(figure: Figure | None) -> Ratio | None:
    """Its ratio, if it has an interval."""
    if figure is None or not figure.is_comparable or figure.ratio is None or figure.ratio.low is None:
        return None
    return figure.ratio


def _case(findings: Findings, figure_name: str, is_kept: Callable[[Figure], bool | None]) -> Case:
    figure = findings.figures.get(figure_name)
    if figure is None:
        return Case(findings.name, "cannot be told", "not measured")
    kept = is_kept(figure)
    said = f"{rule.text(figure.ratio)} {rule.TIMES}" if figure.ratio is not None else rule.NONE
    if kept is None:
        return Case(
            findings.name, "cannot be told", f"{said}; {figure.why_unsure or 'the limit is within it'}"
        )
    return Case(findings.name, "met" if kept else "missed", said)


def is_no_worse(figure: Figure) -> bool | None:
    """False if the verdict is worse, True if even the interval's upper end passes for the same."""
    if figure.verdict == "worse":
        return False
    return _at_most(figure, 1 + rule.MARGIN) or None


def _at_most(figure: Figure, limit: float) -> bool | None:
    """True if the whole interval is below the limit, False if it is above."""
    ratio = _comparable(figure)
    if ratio is None or ratio.low is None or ratio.high is None:
        return None
    if ratio.high <= limit:
        return True
    return False if ratio.low > limit else None


def _when_full(what: str, curves: Sequence[Curve]) -> Case:
    ratio = next((each.full_ratio for each in curves if each.what == what), None)
    if ratio is None:
        return Case(what, "cannot be told", "not measured")
    return _whether_higher(what, f"{rule.text(ratio)} {rule.TIMES}", ratio.is_above_one)


def _knee(what: str, curves: Sequence[Curve]) -> Case:
    curve = next((each for each in curves if each.what == what), None)
    if curve is None:
        return Case(what, "cannot be told", "not measured")
    achieved = {side: curve.achieved_per_s(side) for side in (LEGACY, SERVICE)}
    said = " against ".join(
        f"{rule.number(amount)}/s" if amount is not None else "nothing measured"
        for amount in (achieved[SERVICE], achieved[LEGACY])
    )
    if curve.ratio is not None:
        said += f", knees {rule.text(curve.ratio)} {rule.TIMES}"
    return _whether_higher(what, said, curve.is_higher())


def _whether_higher(what: str, said: str, is_higher: bool | None) -> Case:
    if is_higher is None:
        return Case(what, "cannot be told", f"{said}; the rounds do not tell them apart")
    return Case(what, "met" if is_higher else "missed", said)
