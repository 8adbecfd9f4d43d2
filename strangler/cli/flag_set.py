"""`banyan flag set`: one route's flag, from the options given and from what it was."""

import os
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final

import orjson
import typer
from rich.markup import escape

from strangler.cli.connections import open_database, open_redis
from strangler.cli.options import AsJson, DryRun, Who, Why, whoever
from strangler.cli.output import run, say, say_json, warn
from strangler.cli.proxies import wait_for_version
from strangler.cli.settings import Settings
from strangler.routing.changes import Changed, change_flags
from strangler.routing.flags import LEGACY, Cohort, Flag, FlagError, flag_document, parse_flag
from strangler.routing.table import load_table

TAKEN_OVER_WITHIN_S: Final = 5.0


class Mode(StrEnum):
    LEGACY = "legacy"
    SERVICE = "service"
    SPLIT = "split"


class Sticky(StrEnum):
    USER = "user"
    CLIENT = "client"
    NONE = "none"


def set_flag(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help='As in "GET /api/search".')],
    mode: Annotated[Mode, typer.Argument(help="Everybody to legacy, everybody to the service, or a split.")],
    *,
    why: Why,
    percent: Annotated[
        float | None, typer.Option(help="The service's share in a split: 0 to 100, two decimals.")
    ] = None,
    sticky: Annotated[
        Sticky | None, typer.Option(help="What keeps somebody on a side: login, browser or nothing.")
    ] = None,
    cohort_user: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Always on the service in a split; repeatable.")
    ] = None,
    cohort_company: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Likewise, everybody of a company.")
    ] = None,
    cohort_role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="Likewise, everybody in a role.")
    ] = None,
    cohort_header: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Likewise, requests with `Banyan-Cohort: TEXT`.")
    ] = None,
    no_cohort: Annotated[
        bool, typer.Option("--no-cohort", help="Forget the cohort that the flag had.")
    ] = False,
    shadow: Annotated[
        float | None, typer.Option(help="Percent of requests also sent to the other side.")
    ] = None,
    guard: Annotated[
        str | None, typer.Option(metavar="JSON", help='Limits, as in {"p99_ms": 250}; null takes them away.')
    ] = None,
    who: Who = None,
    if_version: Annotated[
        int | None, typer.Option(metavar="N", help="Only if the table is still at this version.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also if the route's service has no address here.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say where a route's requests go. What is not named stays as it was.

    Reads move one at a time. A write route moves with its group: here it is refused, with the command that
    moves it.
    """
    cohort = {
        "users": cohort_user,
        "companies": cohort_company,
        "roles": cohort_role,
        "header": cohort_header,
    }
    given = {
        "mode": mode.value,
        "percent": percent,
        "sticky": None if sticky is None else sticky.value,
        "shadow": shadow,
    }

    def amend(before: Flag) -> Flag:
        return amended(before, given, cohort, forget_cohort=no_cohort, guard=guard)

    async def command() -> int:
        settings = Settings.from_env(os.environ)
        table = load_table(settings.routes_file)
        name = table.find(route).name
        async with open_database(settings) as connection, open_redis(settings) as redis:
            changed = await change_flags(
                connection,
                redis,
                table,
                {name: amend},
                who=whoever(who),
                why=why,
                deployed=None if force else settings.deployed,
                expected=if_version,
                dry_run=dry_run,
            )
        done, workers = 0, 0
        if changed.changes and settings.admin_urls and not dry_run:
            done, workers = await wait_for_version(settings.admin_urls, changed.version, TAKEN_OVER_WITHIN_S)
        if as_json:
            say_json(_document(name, changed, done, workers, dry_run=dry_run))
        else:
            _tell(name, changed, dry_run=dry_run)
            if changed.changes and settings.admin_urls and not dry_run:
                _tell_workers(done, workers)
        return 0

    run(command, as_json=as_json)


def amended(
    before: Flag, given: dict[str, Any], cohort: dict[str, Any], *, forget_cohort: bool, guard: str | None
) -> Flag:
    """The flag as it was, with what was named on the command line. Raises `FlagError`."""
    document = flag_document(replace(before, cohort=Cohort()) if forget_cohort else before)
    document |= {key: value for key, value in given.items() if value is not None}
    document["cohort"] = document.get("cohort", {}) | {key: value for key, value in cohort.items() if value}
    if guard is not None:
        try:
            document["guard"] = orjson.loads(guard)
        except orjson.JSONDecodeError as error:
            raise FlagError("guard", f"is not JSON: {error}", '{"p99_ms": 250}') from None
    if not document["percent"] and given["percent"] is None:
        del document["percent"]  # a split of nothing is rather a share forgotten
    return parse_flag(document)


def _tell(name: str, changed: Changed, *, dry_run: bool) -> None:
    flag = changed.flags[name]
    if not changed.changes:
        say(f"{escape(name)} is at {flag} already; nothing to do (version {changed.version}).")
        return
    before = changed.changes[name][0] or LEGACY
    goes = "would go" if dry_run else "goes"
    move = f"from [bold]{before}[/bold] to [bold]{flag}[/bold]"
    say(f"{escape(name)} {goes} {move} (version {changed.version}).")


def _tell_workers(done: int, workers: int) -> None:
    if not workers:
        warn("No proxy answers on its admin port; one that runs takes it over by itself.", "banyan status")
    elif done < workers:
        warn(f"{done} of {workers} workers have taken it over so far.", "banyan status")
    else:
        say(f"[dim]{done} of {workers} workers have taken it over.[/dim]")


def _document(name: str, changed: Changed, done: int, workers: int, *, dry_run: bool) -> dict[str, Any]:
    flag = changed.flags[name]
    before = (changed.changes[name][0] or LEGACY) if changed.changes else flag
    return {
        "route": name,
        "before": flag_document(before),
        "after": flag_document(flag),
        "version": changed.version,
        "changed": bool(changed.changes),
        "dry_run": dry_run,
        "workers": {"taken_over": done, "answering": workers},
    }
