"""The whole of it: a stage, the turns of the plan, a report; whatever happens, everything is put back."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg
from rich.console import Console

from loadtests.bench import machine
from loadtests.compare import children, plan, stage, stopping
from loadtests.compare.arguments import parse
from loadtests.compare.asked import NOT_ASKED
from loadtests.compare.attendant import Attendant
from loadtests.compare.casts import Casts
from loadtests.compare.measuring import Meters
from loadtests.compare.progress import Bar
from loadtests.compare.refusals import Refused
from loadtests.compare.result import Result, failures
from loadtests.compare.sides import ROUTES_FILE, groups_written
from loadtests.report import terminal, write_report
from strangler.routing.table import load_table

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from loadtests.compare.arguments import Arguments
    from loadtests.compare.plan import Turn
    from loadtests.compare.stage import Stage

    class _On(Protocol):
        def __call__(self, side: str, *, anew: bool = False) -> Path: ...


COMPLETE: Final = 0
FAILED: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130
SETTLES_FOR_S: Final = 0.1
"""Between a change of sides and a measurement: pools connect, events are on their way."""
_SHOWN: Final = 12
_REPORT: Final = "python -m loadtests.report"
_WIDTH_OF_A_PIPE: Final = 120


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 if all was measured and nothing failed, 1 if something did, 2 for a refusal."""
    arguments = parse(argv)
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDTH_OF_A_PIPE)
    signal.signal(signal.SIGTERM, stopping.as_ctrl_c)
    try:
        return _compare(arguments, console)
    except Refused as refused:
        console.print(refused.reason, markup=False, soft_wrap=True)
        if refused.next_step:
            console.print(f"  → {refused.next_step}", markup=False, soft_wrap=True)
        return REFUSED
    except KeyboardInterrupt:
        console.print("Stopped; flags and stacks are as they were.")
        return INTERRUPTED


def _compare(arguments: Arguments, console: Console) -> int:
    load_before = machine.load_average()
    with ExitStack() as until_the_end:
        if arguments.host is None:
            is_smoke = arguments.size.name == "smoke"
            own = stage.own_stage(console, scale=arguments.size.scale, fast=is_smoke)
            where = until_the_end.enter_context(own)
        else:
            where = stage.stage_at(arguments.host, arguments.steer)
        sides = _sides(where, arguments.side)
        result = Result.begin(
            arguments,
            sides=sides,
            host=where.host,
            postgres=_postgres_version(where.admin_dsn),
            lacks=where.lacks,
            load_before=load_before,
        )
        for lack in where.lacks:
            console.print(lack, style="yellow", markup=False, soft_wrap=True)
        until_the_end.enter_context(_put_back(where))
        try:
            _measure(arguments, where, sides, result, console)
            result.document["is_complete"] = not result.document["troubles"]
        except (KeyboardInterrupt, Refused):
            console.print(
                f"The report of what there is: {_REPORT} {result.path}", markup=False, soft_wrap=True
            )
            raise
        finally:
            result.save()
    return _tell(result, console, as_json=arguments.as_json)


def _sides(where: Stage, only: str | None) -> list[str]:
    if where.steering is None:
        if only is not None:
            raise Refused(
                f"The site at {where.host} cannot be put on the {only} side from here.",
                "Say how: --steer 'command with {side}', or leave --side away to measure it as it is.",
            )
        return [stage.AS_FOUND]
    placements = where.steering.placements
    return [side for side in placements if only is None or side == only]


@contextmanager
def _put_back(where: Stage) -> Generator[None]:
    """The flags go back to the side on which they were found; no second signal keeps them from it."""
    try:
        yield
    finally:
        if where.steering is not None:
            with stopping.never():
                where.steering.place(where.steering.found, ())


def _measure(
    arguments: Arguments, where: Stage, sides: Sequence[str], result: Result, console: Console
) -> None:
    size, document = arguments.size, result.document
    document["not_asked"] = dict(NOT_ASKED) if size.routes_asked == "all" else {}
    table = load_table(ROUTES_FILE)
    reads = [route.name for route in table.routes if route.group is None]
    document["reads"] = reads
    turns = plan.turns(size, arguments.phases, sides, reads)
    bar = Bar(console, turns)
    bar.say(f"{plan.total_s(turns) / 60:.1f} minutes of measuring at {where.host}.")
    attendant = Attendant("--host", where.host, "--seed", str(arguments.seed))
    meters = Meters(where, size, arguments.seed, attendant)
    now = ""
    with tempfile.TemporaryDirectory(prefix="banyan-casts-") as folder, closing(attendant), bar.shown():
        casts = Casts(where.host, Path(folder), people=size.cast, seed=arguments.seed)

        def on(side: str, *, anew: bool = False) -> Path:
            """Put it in front, and gather its people if there are none."""
            nonlocal now
            if where.steering is not None and side != now:
                where.steering.place(side, groups_written(table, _asked(document)))
                now = side
                time.sleep(SETTLES_FOR_S)
            return casts.of(side, anew=anew)

        for number, turn in enumerate(turns):
            bar.begin(turn)
            if turn.what not in document["not_asked"]:
                _take(turn, meters, on, document, bar)
            bar.end()
            if number + 1 == len(turns) or turns[number + 1].phase != turn.phase:
                result.save()


def _take(turn: Turn, meters: Meters, on: _On, document: dict[str, Any], bar: Bar) -> None:
    """Measure a turn and keep what it found; one that fails is told of, and the others go on."""
    if turn.phase == "idle":
        document["idle"] = meters.idle(turn)
        return
    measure = {"mix": meters.mix, "routes": meters.route, "journey": meters.journey, "curves": meters.curve}
    try:
        measured = measure[turn.phase](turn, partial(on, anew=turn.phase == "mix"), bar.advance)
        document["saturation" if turn.how == "full" else turn.phase] += measured.windows
        troubles = measured.troubles
    except children.Failed as error:
        if turn.phase == "routes" and isinstance(error, children.NotOffered):
            document["not_asked"][turn.what] = str(error)
            return
        troubles = [str(error)]
    side = f"on {turn.side}," if turn.side else ""
    named = " ".join(filter(None, (turn.phase, turn.what, side, f"round {turn.round}")))
    for trouble in troubles:
        document["troubles"].append(f"{named}: {trouble}")
        bar.say(document["troubles"][-1])


def _asked(document: dict[str, Any]) -> set[str]:
    """Every route that the people of the mix have asked for so far."""
    return {route for one in document["mix"] for route in one["routes"]}


def _tell(result: Result, console: Console, *, as_json: bool) -> int:
    verdicts = write_report(result.document, result.folder)
    failed = failures(verdicts)
    console.print(terminal.view(verdicts))
    for sentence in failed[:_SHOWN]:
        console.print(sentence, style="red", markup=False, soft_wrap=True)
    if len(failed) > _SHOWN:
        console.print(f"… and {len(failed) - _SHOWN} more in {result.path}", style="red", soft_wrap=True)
    console.print(f"{result.folder / 'report.html'}", markup=False, soft_wrap=True)
    if as_json:
        said = {"folder": str(result.folder), "complete": result.document["is_complete"], "failed": failed}
        sys.stdout.write(json.dumps(said) + "\n")
    return FAILED if failed else COMPLETE


def _postgres_version(dsn: str | None) -> str | None:
    async def ask() -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    return None if dsn is None else stopping.run(ask())
