"""`banyan flag`: look at flags, set them, see who changed what and why, and refill Redis."""

import os
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape

from strangler.cli.connections import load_flags, open_database, open_redis
from strangler.cli.flag_set import set_flag
from strangler.cli.options import AsJson, DryRun, Who, Why, whoever
from strangler.cli.output import console, new_table, run, say, say_json, warn, warn_of_source
from strangler.cli.routes import colour, document_of, side_of
from strangler.cli.settings import Settings
from strangler.routing import records
from strangler.routing.flags import LEGACY, FlagError, flag_document, parse_flag
from strangler.routing.records import Record
from strangler.routing.restoring import check_follows, read_live, restore
from strangler.routing.snapshot import Snapshot
from strangler.routing.table import RouteTable, load_table

app = typer.Typer(help="Which side answers a route: look, set, history, restore.", no_args_is_help=True)

app.command("set")(set_flag)


@app.command("get")
def get_flag(
    route: Annotated[
        str | None, typer.Argument(metavar="[ROUTE]", help="One route; all that have a flag if left out.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """One route's flag, or every flag that says something other than legacy."""

    async def command() -> int:
        settings = Settings.from_env(os.environ)
        table = load_table(settings.routes_file)
        wanted = table.find(route) if route is not None else None
        shown = await load_flags(settings, table)
        if wanted is not None:
            _show_one(table, shown.snapshot, wanted.name, as_json=as_json)
        else:
            _show_all(table, shown.snapshot, as_json=as_json)
        if shown.trouble:
            warn_of_source(shown.trouble, shown.origin)
        return 0

    run(command, as_json=as_json)


@app.command("history")
def show_history(
    route: Annotated[
        str | None, typer.Argument(metavar="[ROUTE]", help="One route's; all if left out.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Who changed which flag, when and why; the newest first."""

    async def command() -> int:
        settings = Settings.from_env(os.environ)
        # A route that is no longer declared still has its history.
        name = " ".join(route.split()) if route is not None else None
        async with open_database(settings) as connection:
            changes = await records.list_changes(connection, route=name, limit=limit)
        if name is not None and not changes:
            load_table(settings.routes_file).find(name)
        if as_json:
            say_json({"changes": [_record_document(record) for record in changes]})
            return 0
        rows = new_table("version", "at", "who", "route", "change", "why")
        for record in changes:
            rows.add_row(
                str(record.version),
                f"{record.at:%Y-%m-%d %H:%M:%S}Z",
                escape(record.who),
                escape(record.route),
                f"{_words(record.before)} → {_words(record.after)}",
                escape(record.why),
            )
        if changes:
            console().print(rows)
        else:
            say("No flag has been changed yet.")
        return 0

    run(command, as_json=as_json)


@app.command("restore")
def restore_flags(
    *,
    why: Why = "Redis had lost the flag table",
    who: Who = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also over a table that is newer than the record, or not from it.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put the recorded flags back into a Redis that has lost them."""

    async def command() -> int:
        settings = Settings.from_env(os.environ)
        table = load_table(settings.routes_file)
        async with open_database(settings) as connection, open_redis(settings) as redis:
            if dry_run:
                recorded, live = await records.load_table(connection), await read_live(redis)
                if not force:
                    check_follows(live, recorded)
                needed = live is None or (live.lineage, live.version) != (recorded.lineage, recorded.version)
            else:
                recorded, needed = await restore(
                    connection, redis, table, who=whoever(who), why=why, force=force
                )
        if as_json:
            say_json({"version": recorded.version, "restored": needed, "dry_run": dry_run})
        elif needed:
            verb = "Would put" if dry_run else "Put"
            say(f"{verb} version {recorded.version} with {len(recorded.flags)} flags into Redis.")
        else:
            say(f"Redis has version {recorded.version} already; nothing to do.")
        return 0

    run(command, as_json=as_json)


def _show_one(table: RouteTable, snapshot: Snapshot, name: str, *, as_json: bool) -> None:
    compiled = snapshot.of(table.by_name[name])
    if as_json:
        say_json({"version": snapshot.version, **document_of(compiled)})
        return
    side = side_of(compiled)
    say(f"{escape(name)}: [{colour(side)}]{compiled.flag}[/] (version {snapshot.version})")
    group = compiled.route.group
    if group is not None:
        owned = snapshot.groups[group]
        say(f"It writes {group}, which {owned.owner} owns at epoch {owned.epoch}.")
        return
    for key, value in flag_document(compiled.flag).items():
        say(f"  {key:<8} {escape(orjson.dumps(value).decode())}")
    for alarm in snapshot.alarms:
        if alarm.startswith(f'"{name}"'):
            warn(alarm)


def _show_all(table: RouteTable, snapshot: Snapshot, *, as_json: bool) -> None:
    flagged = [compiled for route in table.routes if (compiled := snapshot.of(route)).flag != LEGACY]
    if as_json:
        say_json({"version": snapshot.version, "routes": [document_of(compiled) for compiled in flagged]})
        return
    if not flagged:
        say(f"Every route is on legacy (version {snapshot.version}).")
        return
    rows = new_table("route", "side", "sticky", "flag")
    for compiled in flagged:
        document = flag_document(compiled.flag) if compiled.route.group is None else {}
        rest = {key: document[key] for key in ("cohort", "shadow", "guard") if key in document}
        rows.add_row(
            escape(compiled.route.name),
            f"[{colour(side_of(compiled))}]{compiled.flag}[/]",
            compiled.sticky if compiled.fixed is None else "",
            escape(orjson.dumps(rest).decode()) if rest else "",
        )
    console().print(rows)


def _record_document(record: Record) -> dict[str, Any]:
    return {
        "version": record.version,
        "at": record.at,
        "who": record.who,
        "why": record.why,
        "route": record.route,
        "before": record.before,
        "after": record.after,
    }


def _words(document: Any) -> str:
    if document is None:
        return "legacy"
    try:
        return str(parse_flag(document))
    except FlagError:
        return escape(str(document))
