"""`banyan place`: whole domains on a side at once, where no data has to move."""

import os
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from strangler.cli.connections import open_database, open_redis
from strangler.cli.options import AsJson, DryRun, Who, Why, whoever
from strangler.cli.output import CannotDo, run, say, say_json
from strangler.cli.proxies import wait_for_version
from strangler.cli.settings import Settings
from strangler.routing.placing import Placed, place_domains
from strangler.routing.table import RouteTable, load_table

TAKEN_OVER_WITHIN_S: Final = 5.0


class OneSide(StrEnum):
    LEGACY = "legacy"
    SERVICE = "service"


def place(
    side: Annotated[OneSide, typer.Argument(help="Where reads and writes shall go.")],
    domain: Annotated[
        list[str] | None, typer.Argument(metavar="[DOMAIN]…", help="Some domains; all if left out.")
    ] = None,
    *,
    why: Why,
    without_data: Annotated[
        bool,
        typer.Option("--without-data", help="I know: rows that only the other side has stay there, unseen."),
    ] = False,
    who: Who = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put domains on a side, reads and writes at once, and move no data.

    For an installation whose sides hold the same data, or none yet. Where people have written to one side
    only, do not use this.
    """

    async def command() -> int:
        if not (without_data or dry_run):
            raise CannotDo(
                "No data moves by this: what only one side has, people do not see on the other.",
                "Where that is what you want, say so: --without-data",
            )
        settings = Settings.from_env(os.environ)
        table = load_table(settings.routes_file)
        async with open_database(settings) as connection, open_redis(settings) as redis:
            placed = await place_domains(
                connection,
                redis,
                table,
                _domains(table, domain),
                side.value,
                who=whoever(who),
                why=why,
                deployed=settings.deployed,
                dry_run=dry_run,
            )
        done = workers = 0
        if placed.flags and settings.admin_urls and not dry_run:
            done, workers = await wait_for_version(settings.admin_urls, placed.version, TAKEN_OVER_WITHIN_S)
        if as_json:
            say_json(_document(placed, done, workers, dry_run=dry_run))
        else:
            move = f"{'would move' if dry_run else 'moved'} to [bold]{side.value}[/bold]"
            say(
                f"{len(placed.groups)} groups and {len(placed.flags)} reads {move} "
                f"(version {placed.version}); {done} of {workers} workers have taken it over."
            )
        return 0

    run(command, as_json=as_json)


def _domains(table: RouteTable, named: list[str] | None) -> list[str]:
    for name in named or ():
        if name not in table.domains:
            raise CannotDo(f"There is no domain {name!r}.", f"There are: {', '.join(table.domains)}")
    return named or list(table.domains)


def _document(placed: Placed, done: int, workers: int, *, dry_run: bool) -> dict[str, Any]:
    return {
        "version": placed.version,
        "routes": sorted(placed.flags),
        "groups": {
            name: {"owner": after.owner, "epoch": after.epoch}
            for name, (_, after) in sorted(placed.groups.items())
        },
        "dry_run": dry_run,
        "workers": {"taken_over": done, "answering": workers},
    }
