"""`banyan demo`: more demo data for a running system, with a progress bar."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from common.config import ConfigError, ConfigReader
from deploy.demo.fill import COMPANIES_PER_SCALE, fill
from deploy.demo.generate import SEED


def demo(
    scale: Annotated[
        int, typer.Option(min=1, max=2000, help="Times four companies, 60 buses and 2,460 departures.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="The same seed on the same day makes the same data.")] = SEED,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,  # ruff: ignore[boolean-default-value-positional-argument]
) -> None:
    """Bring the demo data to SCALE: companies that are there stay, the missing ones are made."""
    read = ConfigReader(os.environ)
    dsn, qr_keys_file = read.url("DATABASE_URL"), read.path("QR_KEYS_FILE")
    try:
        read.done()
    except ConfigError as error:
        Console(stderr=True).print(f"[red]{error}[/red]\nStart the site first: make run")
        raise typer.Exit(2) from None

    started = time.monotonic()
    console = Console(stderr=True)
    columns = (TextColumn("companies"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=as_json or not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=scale * COMPANIES_PER_SCALE)
        filled = asyncio.run(
            fill(
                dsn,
                qr_keys_file,
                scale=scale,
                seed=seed,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )
        )
    seconds = time.monotonic() - started
    if as_json:
        print(json.dumps({**filled._asdict(), "seconds": round(seconds, 1)}))
    elif filled.companies:
        console.print(
            f"Made {filled.companies:,} companies with {filled.departures:,} departures, "
            f"{filled.bookings:,} bookings and {filled.passengers:,} passengers in {seconds:.1f} s."
        )
    else:
        console.print(
            f"Nothing to make: {scale * COMPANIES_PER_SCALE:,} demo companies are there. "
            f"Try --scale {scale * 2}."
        )
