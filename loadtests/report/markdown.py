"""The report as Markdown, short enough to be quoted on a page about performance."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from loadtests.report import findings, goals, routes, rule
from loadtests.report.result import LEGACY, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loadtests.report.findings import Verdicts
    from loadtests.report.routes import Figure, Findings

WIDTH: Final = 120
_TITLES: Final = {"p50": "p50, ms", "p99": "p99, ms", "cpu": "CPU, ms"}


def render(verdicts: Verdicts) -> str:
    return "\n".join(_lines(verdicts)) + "\n"


def _lines(verdicts: Verdicts) -> Iterator[str]:
    result = verdicts.result
    about = [result.at or "date unknown", f"commit {result.commit}" if result.commit else "commit unknown"]
    about += [f"{name.replace('_', ' ')} {value}" for name, value in result.machine.items()]
    yield from (
        "## Legacy and services under the same load",
        "",
        *_wrapped("; ".join(_plain(each) for each in about) + "."),
        "",
    )
    if not result.is_complete:
        yield from ("**The run is not complete.**", "")
    if result.troubles:
        yield from (*(f"- {_plain(trouble)}" for trouble in result.troubles), "")
    if verdicts.failures:
        yield from (
            "### Failures",
            "",
            *_table(
                ("count", "side", "part", "route", "what"),
                [
                    (str(each.count), each.side, each.part, f"`{each.route}`", each.what)
                    for each in verdicts.failures
                ],
            ),
            "",
        )
    yield from (
        "### Goals",
        "",
        *_table(
            ("goal", "", "how"),
            [(goal.name, f"{goals.SIGNS[goal.status]} {goal.status}", goal.said) for goal in verdicts.goals],
        ),
        "",
    )
    yield from ("### Routes at equal load", "")
    yield from _routes(verdicts)
    yield from ("", "### Booking journey", "")
    yield from _table(*_figures([verdicts.journey])) if verdicts.journey else ("Not measured in this run.",)
    yield from ("", "### Rates up to the knee", "")
    yield from _curves(verdicts)
    if verdicts.lacks:
        yield from ("", "### What this run lacks", "", *(f"- {_plain(lack)}" for lack in verdicts.lacks))


def _routes(verdicts: Verdicts) -> Iterator[str]:
    if not verdicts.routes:
        yield "Not measured in this run."
        return
    for figure, counts in verdicts.counts().items():
        yield f"- {routes.TITLES[figure]}: {findings.verdict_line(counts)}"
    yield from ("", "Service / legacy, and their ratio with its 95 % interval.", "")
    yield from _table(*_figures(verdicts.routes))
    yield from ("", *_wrapped(rule.TEXT))


def _figures(found: Sequence[Findings]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    shown = [name for name in _TITLES if any(name in each.figures for each in found)]
    heads = ("route", *(cell for name in shown for cell in (_TITLES[name], "ratio")))
    return heads, [
        (f"`{each.name}`", *(cell for name in shown for cell in _cells(each.figures.get(name))))
        for each in found
    ]


def _cells(figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return rule.NONE, rule.NONE
    amounts = " / ".join(
        rule.NONE if each is None else rule.number(each) for each in (figure.service, figure.legacy)
    )
    return amounts, f"{rule.text(figure.ratio)} {figure.verdict or ''}".rstrip()


def _curves(verdicts: Verdicts) -> Iterator[str]:
    if not verdicts.curves:
        yield "Not measured in this run."
        return
    rows = []
    for curve in verdicts.curves:
        for side in (LEGACY, SERVICE):
            for number, knee in curve.knees.get(side, {}).items():
                rows.append(
                    (
                        curve.what,
                        side,
                        str(number),
                        rule.number(knee.held_per_s) if knee.last else "not even the first",
                        rule.number(knee.achieved_per_s) if knee.last else rule.NONE,
                        rule.number(knee.last.p50_ms) if knee.last else rule.NONE,
                        rule.number(knee.last.p99_ms) if knee.last else rule.NONE,
                        rule.number(knee.past_per_s) if knee.past_per_s else "not reached",
                    )
                )
    yield from _table(
        ("what", "side", "round", "holds, /s", "answers/s", "p50, ms", "p99, ms", "falls behind at, /s"), rows
    )
    yield ""
    yield from _table(
        ("what", "knee, service ÷ legacy", "answers/s when full, service / legacy", "ratio"),
        [
            (
                curve.what,
                rule.text(curve.ratio),
                " / ".join(
                    rule.number(curve.full[side]) if curve.full and side in curve.full else rule.NONE
                    for side in (SERVICE, LEGACY)
                ),
                rule.text(curve.full_ratio),
            )
            for curve in verdicts.curves
        ],
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _plain(text: str) -> str:
    """What would end a cell or start a tag does neither."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
