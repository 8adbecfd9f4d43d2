"""`banyan demo`: more demo data for a running system, with a progress bar for each side."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from common.config import ConfigError
from deploy.demo.bulk import FROM_COMPANIES
from deploy.demo.fill import COMPANIES_PER_SCALE, fill
from deploy.demo.generate import SEED
from deploy.demo.settings import Choice, settings_of
from deploy.demo.sides import LEGACY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.demo.fill import Filled

_LARGEST = 2000
_SCALE_HELP = (
    "Times four companies, 60 buses and 2,460 departures. A site that runs goes on while it is filled, "
    f"but for {FROM_COMPANIES} companies and more: then whoever uses the tables waits until it is done."
)


def demo(
    scale: Annotated[int, typer.Option(min=1, max=_LARGEST, help=_SCALE_HELP)] = 1,
    seed: Annotated[int, typer.Option(help="The same seed on the same day makes the same data.")] = SEED,
    side: Annotated[
        str, typer.Option(help="Whose databases: legacy, service, or both.", metavar="SIDE")
    ] = "both",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,  # ruff: ignore[boolean-default-value-positional-argument]
) -> None:
    """Bring the demo data to SCALE, on both sides: companies that are there stay, the missing are made."""
    try:
        settings = settings_of(os.environ, _choice(side))
    except ConfigError as error:
        Console(stderr=True).print(f"[red]{error}[/red]\nStart the site first: make run")
        raise typer.Exit(2) from None

    started = time.monotonic()
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=as_json or not sys.stderr.isatty()) as progress:
        bars = _Bars(progress, settings.databases)
        filled = asyncio.run(
            fill(settings.databases, settings.qr_keys_file, scale=scale, seed=seed, progress=bars.advance)
        )
    seconds = time.monotonic() - started
    if as_json:
        print(json.dumps(_document(filled, seconds)))
    elif filled.made.companies:
        made = filled.made
        console.print(
            f"Made {made.companies:,} companies with {made.departures:,} departures, {made.bookings:,} "
            f"bookings and {made.passengers:,} passengers in {seconds:.1f} s: {_by_side(filled)}."
        )
    else:
        console.print(
            f"Nothing to make: {scale * COMPANIES_PER_SCALE:,} demo companies are there. "
            f"Try --scale {scale * 2}."
        )


def _choice(side: str) -> Choice:
    if side not in {"legacy", "service", "both"}:
        raise typer.BadParameter(f"{side} is neither legacy, service nor both", param_hint="--side")
    return cast("Choice", side)


class _Bars:
    """A bar for each side; the services' goes as far as the one that is furthest behind."""

    def __init__(self, progress: Progress, owners: Iterable[str]) -> None:
        self._progress = progress
        self._done: dict[str, dict[str, int]] = {}
        self._bars = {}
        for side in dict.fromkeys(map(_side_of, owners)):
            self._bars[side] = progress.add_task(f"{side:<8}", total=None)
            self._done[side] = {}

    def advance(self, owner: str, done: int, wanted: int) -> None:
        side = _side_of(owner)
        self._done[side][owner] = done
        self._progress.update(self._bars[side], completed=min(self._done[side].values()), total=wanted)


def _side_of(owner: str) -> str:
    return "legacy" if owner == LEGACY else "services"


def _by_side(filled: Filled) -> str:
    sides = _seconds_by_side(filled.seconds)
    return ", ".join(f"{side} {seconds:.1f} s" for side, seconds in sides.items())


def _seconds_by_side(seconds: Mapping[str, float]) -> dict[str, float]:
    """A side is done when its last database is: they are written side by side."""
    sides: dict[str, float] = {}
    for owner in sorted(seconds, key=lambda each: each != LEGACY):
        sides[_side_of(owner)] = max(sides.get(_side_of(owner), 0.0), seconds[owner])
    return sides


def _document(filled: Filled, seconds: float) -> dict[str, object]:
    return {
        **filled.made._asdict(),
        "seconds": round(seconds, 1),
        "seconds_by_side": {side: round(s, 1) for side, s in _seconds_by_side(filled.seconds).items()},
        "seconds_by_database": {owner: round(s, 1) for owner, s in sorted(filled.seconds.items())},
    }
