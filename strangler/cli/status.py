"""`banyan status`: Redis, the record, every proxy worker, upstream and domain; with half of it down, too.

What is not as it should be is red and has a next step; then the exit code is 1.
"""

import os

from rich.markup import escape

from strangler.cli.findings import Findings, find_out
from strangler.cli.options import AsJson
from strangler.cli.output import REFUSED, console, new_table, run, say_json
from strangler.cli.settings import Settings
from strangler.routing.table import load_table


def show_status(*, as_json: AsJson = False) -> None:
    """How everything is:

    Redis, the record, proxies, upstreams, domains. Exits with 1 if something is wrong.
    """

    async def command() -> int:
        settings = Settings.from_env(os.environ)
        findings = await find_out(settings, load_table(settings.routes_file))
        if as_json:
            faults = [{"fault": fault, "next_step": step} for fault, step in findings.faults]
            say_json({"well": not faults, "faults": faults, **findings.document})
        else:
            _print(findings)
        return REFUSED if findings.faults else 0

    run(command, as_json=as_json)


def _print(findings: Findings) -> None:
    out = console()
    document = findings.document
    for name, part in (("Redis", document["redis"]), ("Record", document["record"])):
        if part["answers"]:
            version = "no flag table" if part["version"] is None else f"version {part['version']}"
            out.print(f"{name:<9} [green]answers[/green], {version}")
        else:
            out.print(f"{name:<9} [red]does not answer[/red]")
    out.print()
    workers = new_table("worker", "flags from", "version", "told", "clients", "in flight")
    for row in document["workers"]:
        live = "green" if row["redis"] else "red"
        told = f"{row['age_s']:.1f} s ago" if row["age_s"] is not None else ""
        workers.add_row(
            f"{row['pid']} [dim]{row['proxy']}[/dim]",
            f"[{live}]{row['source']}[/]",
            str(row["version"]),
            told,
            str(row["clients"]),
            str(row["in_flight"]),
        )
    upstreams = new_table("upstream", "address", "")
    for row in document["upstreams"]:
        state = "[green]ready[/green]" if row["ready"] else f"[red]{escape(str(row['trouble']))}[/red]"
        upstreams.add_row(row["name"], row["address"], state)
    domains = new_table("domain", "service", "reads", "writes", "groups")
    for row in document["domains"]:
        domains.add_row(
            row["domain"],
            row["service"] if row["deployed"] else f"[dim]{row['service']}, not deployed[/dim]",
            _counts(row["read"]),
            _counts(row["write"]),
            ", ".join(_group(name, part["owner"], part["epoch"]) for name, part in row["groups"].items()),
        )
    for table in (workers, upstreams, domains):
        if table.row_count:
            out.print(table)
            out.print()
    for fault, step in findings.faults:
        out.print(f"[red]{escape(fault)}[/red]", soft_wrap=True)
        out.print(f"  → {escape(step)}", soft_wrap=True)
    if not findings.faults:
        out.print("[green]All is well.[/green]")


def _counts(sides: dict[str, int]) -> str:
    return ", ".join(f"{count} {side}" for side, count in sides.items() if count) or "none"


def _group(name: str, owner: str, epoch: int) -> str:
    """Whose it is matters once it has been somebody else's."""
    return f"{name} ({owner}, epoch {epoch})" if epoch else name
