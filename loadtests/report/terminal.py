"""The verdicts on a terminal: how many routes are better, what is worse, and a line for each goal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from loadtests.report import goals, routes, rule

if TYPE_CHECKING:
    from rich.console import RenderableType

    from loadtests.report.findings import Verdicts
    from loadtests.report.goals import Status
    from loadtests.report.routes import Figure
    from loadtests.report.rule import Word

_STYLES: Final[dict[Word | Status, str]] = {
    "better": "green",
    "same": "",
    "worse": "red",
    "unsure": "yellow",
    "met": "green",
    "missed": "red",
    "cannot be told": "yellow",
}


def view(verdicts: Verdicts) -> RenderableType:
    """For `rich.console.Console.print`."""
    table = Table(title="service ÷ legacy, 95 % interval", title_justify="left", caption_justify="left")
    table.add_column("route", overflow="fold")
    for name in routes.JUDGED:
        table.add_column(routes.TITLES[name].partition(",")[0])
    found = [*(verdicts.routes or verdicts.mix), *([verdicts.journey] if verdicts.journey else [])]
    for each in found:
        table.add_row(each.name, *(_cell(each.figures.get(name)) for name in routes.JUDGED))
    lines: list[RenderableType] = [table] if found else []
    if not verdicts.result.is_complete:
        lines.append(Text("\N{BALLOT X} the run is not complete", "red"))
    lines += (Text(f"\N{BALLOT X} {trouble}", "red") for trouble in verdicts.result.troubles)
    if verdicts.failures:
        failed = sum(each.count for each in verdicts.failures)
        lines.append(
            Text(f"✗ {failed} failed, in {len(verdicts.failures)} ways; the report begins with them", "red")
        )
    lines += (
        Text.assemble(
            (f"{goals.SIGNS[goal.status]} {goal.status}", f"bold {_STYLES[goal.status]}"),
            f"  {goal.name}: {goal.said}",
        )
        for goal in verdicts.goals
    )
    lines += (Text(f"lacking: {lack}", "dim") for lack in verdicts.lacks)
    return Group(*lines)


def _cell(figure: Figure | None) -> Text:
    if figure is None:
        return Text(rule.NONE)
    if figure.verdict is None:
        return Text(rule.text(figure.ratio))
    return Text(
        f"{rule.SIGNS[figure.verdict]} {figure.verdict} {rule.text(figure.ratio)}", _STYLES[figure.verdict]
    )
