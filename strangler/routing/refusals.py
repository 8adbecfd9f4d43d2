"""Why a change of flags is not made:

Each refusal has its reason and the next step, a command where there is one.
"""

from collections.abc import Collection, Mapping

from strangler.routing.flags import Flag
from strangler.routing.snapshot import Group
from strangler.routing.table import Route, RouteTable


class ChangeRefused(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """Nothing was changed."""

    def __init__(self, reason: str, next_step: str) -> None:
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{reason} {next_step}")


class NotLive(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """The change is on record, but Redis has not taken it."""

    def __init__(self, version: int, reason: str) -> None:
        self.version = version
        self.reason = f"Version {version} is on record but not live: {reason}"
        self.next_step = "Make it live with: banyan flag restore"
        super().__init__(f"{self.reason} {self.next_step}")


def check_change(
    table: RouteTable,
    groups: Mapping[str, Group],
    wanted: Mapping[str, Flag],
    deployed: Collection[str] | None,
) -> None:
    """Raise `ChangeRefused` unless these flags may be set.

    `deployed` are the domains whose service has an address; None lets a flag point at one that is not there.
    """
    for name, flag in wanted.items():
        route = table.by_name[name]
        if route.group is not None:
            raise moves_with_its_group(table, route, groups.get(route.group, Group()))
        if deployed is not None and route.domain not in deployed and (flag.fixed != "legacy" or flag.shadow):
            raise ChangeRefused(
                f'"{name}" belongs to {table.domains[route.domain].service}, which has no address here: '
                "its requests would be answered with 502.",
                f"Deploy it and set BANYAN_UPSTREAM_{route.domain.upper()}, or insist with --force.",
            )


def moves_with_its_group(table: RouteTable, route: Route, group: Group) -> ChangeRefused:
    """A write route takes no flag of its own."""
    assert route.group is not None
    others = len(table.writers_of(route.group)) - 1
    company = f"together with {others} other write route{'s'[: others > 1]} of it" if others else "with it"
    side = "legacy" if group.owner == "service" else "service"
    until = "" if group.epoch else " There has been no cutover yet, so that is legacy."
    return ChangeRefused(
        f'"{route.name}" writes the group {route.group}, and its side is the group\'s owner: {group.owner}. '
        f"It moves {company}, when the group's rows have moved.{until}",
        f"Groups are moved with: banyan cutover {route.group} (not part of this version yet); "
        f"a domain without its rows, with: banyan place {side} {route.domain} --without-data. "
        f"Reads move one at a time: banyan routes --domain {route.domain} --access read",
    )
