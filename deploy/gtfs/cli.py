"""`banyan gtfs import|export|check`: a real feed on the running site in one command."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import aiohttp
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table

from deploy.demo import LOGINS
from deploy.gtfs.api import Api, RefusedError, sign_in

if TYPE_CHECKING:
    from collections.abc import Coroutine

SHOWN_ERRORS = 20
LAYOUT = "Feed coach, 2+2"
ROWS = 10
HOME = {"localhost", "127.0.0.1", "::1"}

app = typer.Typer(no_args_is_help=True, help="Import, export and check GTFS feeds.")

Url = Annotated[str, typer.Option(envvar="BANYAN_PUBLIC_URL", help="Where the site is.")]
Email = Annotated[
    str | None,
    typer.Option(envvar="BANYAN_EMAIL", help="An operator, or an admin; the demo's operator if left out."),
]
Password = Annotated[str | None, typer.Option(envvar="BANYAN_PASSWORD", help="Better in the environment.")]
Company = Annotated[str | None, typer.Option(help="Slug or id; the operator's own if left out.")]
Json = Annotated[bool, typer.Option("--json", help="Print what came of it as JSON.")]
Feed = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FEED.zip")]


@app.command("import")
def import_feed(
    feed: Feed,
    *,
    city: Annotated[str | None, typer.Option(help="Where the stops are, if the feed names no city.")] = None,
    dates: Annotated[
        str | None, typer.Option(metavar="FROM:TO", help="Put the departures of these service days on sale.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="On these days run what the feed runs on DATE: for a feed that is over."
        ),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="The departures' layout; one of 40 seats if left out.")
    ] = None,
    leg_fare: Annotated[
        int | None, typer.Option(min=0, help="From stop to stop, in minor units; by distance if left out.")
    ] = None,
    company: Company = None,
    email: Email = None,
    password: Password = None,
    url: Url = "http://localhost:8080",
    as_json: Json = False,
) -> None:
    """Import a feed: stops, routes and timetables, all of it or nothing; again, and it is updated."""
    console = Console(stderr=True)
    span = _span(dates)
    model = _span(like)
    query = {"file_name": feed.name}
    if leg_fare is not None:
        query["default_leg_fare"] = str(leg_fare)

    async def work() -> dict[str, Any]:
        async with sign_in(url, *_login(url, email, password)) as api:
            found = await api.find_company(company)
            town = city
            while True:
                filled = {**query, "city": town} if town else query
                try:
                    done = await _import(api, found, feed.read_bytes(), filled, console, quiet=as_json)
                    break
                except RefusedError as refused:
                    if "city" not in refused.errors or not sys.stdin.isatty() or as_json:
                        raise
                    town = typer.prompt("The feed names no city. In which one are its stops")
            trips = None
            if span is not None:
                layout_id = layout or await _layout(api, found)
                days = {"from": str(span[0]), "to": str(span[1])} | ({"like": str(model[0])} if model else {})
                body = {"timetables": days, "layout_id": layout_id}
                trips = await api.post(f"/api/companies/{found['id']}/trips", body)
            return {"company": found, "import": done, "trips": trips}

    came = _run(console, work())
    if as_json:
        came["trips"] = came["trips"] and {name: came["trips"][name] for name in ("created", "skipped")}
        typer.echo(json.dumps(came))
        return
    _tell(console, came, span, url, feed)


@app.command("export")
def export_feed(
    to: Annotated[Path, typer.Argument(metavar="FEED.zip", dir_okay=False, writable=True)],
    *,
    dates: Annotated[str | None, typer.Option(metavar="FROM:TO", help="Departures of these days.")] = None,
    company: Company = None,
    email: Email = None,
    password: Password = None,
    url: Url = "http://localhost:8080",
) -> None:
    """Write a company's network and departures as a feed."""
    console = Console(stderr=True)
    first, last = _span(dates) or (None, None)

    async def work() -> bytes:
        async with sign_in(url, *_login(url, email, password)) as api:
            found = await api.find_company(company)
            return await api.export_feed(found["id"], first, last)

    data = _run(console, work())
    to.write_bytes(data)
    console.print(f"Wrote {to} ({len(data):,} bytes).")


@app.command("check")
def check_feed(feed: Feed, *, as_json: Json = False) -> None:
    """Read a feed as an import would, on this machine, and say what is wrong with it."""
    from legacy.gtfs.feed import Options  # ruff: ignore[import-outside-top-level] — the other commands need nothing of the monolith
    from legacy.gtfs.parse import parse_feed  # ruff: ignore[import-outside-top-level]
    from legacy.gtfs.problems import FeedError  # ruff: ignore[import-outside-top-level]

    console = Console(stderr=True)
    try:
        found = parse_feed(feed.read_bytes(), Options())
    except FeedError as error:
        if as_json:
            typer.echo(json.dumps({"errors": error.errors}))
        else:
            _tell_errors(console, error.errors)
        raise typer.Exit(1) from None
    counts = {
        "agencies": found.agencies,
        "stops": len(found.stops),
        "routes": len(found.patterns),
        "timetables": len(found.trips),
        "calendars": len(found.services),
        "skipped": found.skipped,
    }
    if as_json:
        typer.echo(json.dumps(counts))
        return
    console.print(f"{feed.name} is fine: " + _counted(counts))
    if any(stop.city is None for stop in found.stops):
        console.print("It names no city: say --city when you import it.")


async def _import(
    api: Api, company: dict[str, Any], data: bytes, query: dict[str, str], console: Console, *, quiet: bool
) -> dict[str, Any]:
    columns = (TextColumn("{task.description:10}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, DownloadColumn(), console=console, disable=quiet) as bars:
        sending = bars.add_task("sending", total=len(data))
        loading = bars.add_task("importing", total=None, visible=False)

        def sent(done: int, total: int) -> None:
            bars.update(sending, completed=done, total=total)
            bars.update(loading, visible=done >= total)

        def loaded(done: int, total: int) -> None:
            bars.update(loading, completed=done, total=total, visible=True)

        done = await api.import_feed(company["id"], data, query, sent, loaded)
        bars.update(loading, completed=1, total=1, visible=False)
        return done


async def _layout(api: Api, company: dict[str, Any]) -> str:
    """The layout that feeds' departures have if nobody says otherwise; made the first time."""
    path = f"/api/companies/{company['id']}/layouts"
    page = await api.get(path, limit="100")
    for each in page["items"]:
        if each["name"] == LAYOUT:
            return str(each["id"])
    seats = [
        {"seat": f"{row}{letter}", "deck": "lower", "row": row, "column": column, "class": "seater"}
        for row in range(1, ROWS + 1)
        for letter, column in zip("ABCD", (1, 2, 4, 5), strict=True)
    ]
    made = await api.post(
        path,
        {
            "name": LAYOUT,
            "decks": [{"deck": "lower", "rows": ROWS, "columns": 5}],
            "classes": [{"code": "seater", "name": "Seater", "fare_percent": 100}],
            "seats": seats,
        },
    )
    return str(made["id"])


def _run(console: Console, work: Coroutine[Any, Any, Any]) -> Any:
    """What the work answers; a refusal is told, and ends the command with 1 (2 if nobody is there)."""
    try:
        return asyncio.run(work)
    except RefusedError as refused:
        if refused.errors:
            _tell_errors(console, refused.errors)
        else:
            console.print(f"[red]{refused}[/red]")
        raise typer.Exit(1) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        console.print(f"[red]The site does not answer: {error}[/red]\nStart it with make run, or say --url.")
        raise typer.Exit(2) from None


def _login(url: str, email: str | None, password: str | None) -> tuple[str, str]:
    if email and password:
        return email, password
    if email or urlsplit(url).hostname not in HOME:
        raise typer.BadParameter("Say who you are: BANYAN_EMAIL and BANYAN_PASSWORD, or the options.")
    return next((name, word) for role, name, word in LOGINS if role == "operator")


def _span(dates: str | None) -> tuple[date, date] | None:
    if dates is None:
        return None
    first, _, last = dates.partition(":")
    try:
        span = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise typer.BadParameter("--dates is FROM:TO, as 2026-06-01:2026-06-07.") from None
    if span[1] < span[0]:
        raise typer.BadParameter("--dates ends before it starts.")
    return span


def _counted(counts: dict[str, Any]) -> str:
    names = ("stops", "routes", "timetables", "calendars")
    said = ", ".join(f"{counts[name]:,} {name}" for name in names)
    left_out = [f"{number:,} {name}" for name, number in counts["skipped"].items() if number]
    return said + (f" (left out: {', '.join(left_out)})" if left_out else "") + "."


def _tell(
    console: Console, came: dict[str, Any], span: tuple[date, date] | None, url: str, feed: Path
) -> None:
    company, trips = came["company"], came["trips"]
    console.print(f"[bold]{company['name']}[/bold] has now {_counted(came['import'])}")
    console.print("\nTry next")
    if trips is None:
        console.print(
            f"  put departures on sale:  banyan gtfs import {feed} --dates 2026-06-01:2026-06-07\n"
            f"  or by hand:              {url}/operator/schedule",
            soft_wrap=True,
        )
        return
    assert span is not None
    console.print(f"  {trips['created']:,} departures are on sale, {trips['skipped']:,} were there already.")
    if not trips["items"]:
        if not trips["skipped"]:
            console.print(
                "  The feed has no service on these days: see its calendar.txt, "
                "or add --like with a day on which it has."
            )
        return
    trip = trips["items"][0]
    console.print(f"  one of them:     {url}/trips/{trip['id']}", soft_wrap=True)
    console.print(f"  as an operator:  {url}/operator/schedule?day={span[0]}", soft_wrap=True)
    if datetime.fromisoformat(trip["departs_at"]) > datetime.now(UTC):
        query = f"from={trip['stops'][0]['stop_id']}&to={trip['stops'][-1]['stop_id']}"
        query += f"&date={trip['service_date']}"
        console.print(f"  search it:       curl '{url}/api/search?{query}'", soft_wrap=True)
    else:
        console.print("  They left in the past: they can be looked at, and not be booked.")


def _tell_errors(console: Console, errors: dict[str, list[str]]) -> None:
    count = "One place is" if len(errors) == 1 else f"{len(errors)} places are"
    table = Table("where", "what", title=f"{count} wrong, and nothing was imported")
    for where, messages in list(errors.items())[:SHOWN_ERRORS]:
        table.add_row(where.removesuffix(":0:").rstrip(":"), " ".join(messages))
    if len(errors) > SHOWN_ERRORS:
        table.add_row("…", f"and {len(errors) - SHOWN_ERRORS} more")
    console.print(table)
