"""`banyan routes`: every declared route, and which side answers it now."""

import os
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from strangler.cli.connections import Shown, load_flags
from strangler.cli.options import AsJson
from strangler.cli.output import NOT_UNDERSTOOD, CannotDo, console, new_table, run, say_json, warn_of_source
from strangler.cli.settings import Settings
from strangler.routing.decide import CompiledRoute
from strangler.routing.flags import flag_document
from strangler.routing.table import Route, RouteTable, load_table


class Access(StrEnum):
    READ = "read"
    WRITE = "write"


class ShownSide(StrEnum):
    LEGACY = "legacy"
    SERVICE = "service"
    SPLIT = "split"


def list_routes(
    *,
    domain: Annotated[str | None, typer.Option(help="Only this domain's.")] = None,
    access: Annotated[Access | None, typer.Option(help="Only reads, or only writes.")] = None,
    group: Annotated[str | None, typer.Option(help="Only what writes this group or depends on it.")] = None,
    side: Annotated[ShownSide | None, typer.Option(help="Only what is there now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every declared route: where it is answered, and what moves it."""

    async def command() -> int:
        settings = Settings.from_env(os.environ)
        table = load_table(settings.routes_file)
        _check_filters(table, domain, group)
        shown = await load_flags(settings, table)
        chosen = [
            shown.snapshot.of(route)
            for route in table.routes
            if domain in {None, route.domain}
            and access in {None, route.access}
            and (group is None or group == route.group or group in route.depends)
        ]
        chosen = [compiled for compiled in chosen if side in {None, side_of(compiled)}]
        if as_json:
            say_json(
                {
                    "source": shown.origin,
                    "trouble": shown.trouble,
                    "version": shown.snapshot.version,
                    "routes": [document_of(compiled) for compiled in chosen],
                }
            )
        else:
            _print(table, chosen, shown)
        return 0

    run(command, as_json=as_json)


def side_of(compiled: CompiledRoute) -> str:
    return compiled.fixed or "split"


def document_of(compiled: CompiledRoute) -> dict[str, Any]:
    route: Route = compiled.route
    return {
        "route": route.name,
        "domain": route.domain,
        "access": route.access,
        "group": route.group,
        "depends": list(route.depends),
        "side": side_of(compiled),
        "flag": None if route.group is not None else flag_document(compiled.flag),
        "timeout_s": route.timeout_s,
        "max_body": route.max_body,
    }


def colour(side: str) -> str:
    return {"legacy": "yellow", "service": "green"}.get(side, "cyan")


def _print(table: RouteTable, chosen: list[CompiledRoute], shown: Shown) -> None:
    out = console()
    rows = new_table("route", "domain", "access", "group", "side", "sticky")
    for compiled in chosen:
        route = compiled.route
        rows.add_row(
            escape(route.name),
            route.domain,
            route.access,
            route.group or f"[dim]{', '.join(route.depends)}[/dim]",
            f"[{colour(side_of(compiled))}]{compiled.flag}[/]",
            compiled.sticky if compiled.fixed is None else "",
        )
    out.print(rows)
    counts = [f"{len(chosen)} of {len(table.routes)} routes", f"version {shown.snapshot.version}"]
    out.print(f"[dim]{', '.join(counts)}; in grey, the groups that a read depends on[/dim]")
    if shown.trouble:
        warn_of_source(shown.trouble, shown.origin)


def _check_filters(table: RouteTable, domain: str | None, group: str | None) -> None:
    for kind, name, known in (("domain", domain, table.domains), ("group", group, table.groups)):
        if name is not None and name not in known:
            raise CannotDo(f"There is no {kind} {name!r}.", f"There are: {', '.join(known)}", NOT_UNDERSTOOD)
