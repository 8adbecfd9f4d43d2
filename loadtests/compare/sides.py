"""Changing sides: all flags on legacy, on the services, or reads split between them; and back as was found.

It is what `banyan place` and `banyan flag set` do, in this process, or a command that somebody gives. No data
moves: both sides start from the same rows, and each keeps what is written while it answers.
"""

from __future__ import annotations

import shlex
import subprocess  # ruff: ignore[suspicious-subprocess-import] — a command that the user gives
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, get_args
from urllib.error import URLError

from deploy.local.folders import CHECKOUT
from loadtests.compare import stopping
from loadtests.compare.refusals import Refused
from strangler.cli.connections import open_database, open_redis
from strangler.cli.proxies import wait_for_version
from strangler.routing import records
from strangler.routing.changes import change_flags
from strangler.routing.flags import LEGACY, WHOLE, Flag, Side
from strangler.routing.placing import place_domains
from strangler.routing.refusals import ChangeRefused, NotLive
from strangler.routing.restoring import flag_of
from strangler.routing.snapshot import Group, parse_group
from strangler.routing.table import load_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from strangler.cli.settings import Settings
    from strangler.routing.snapshot import FlagTable
    from strangler.routing.table import RouteTable

Placement: TypeAlias = Literal["legacy", "service", "split"]

ROUTES_FILE: Final = CHECKOUT / "strangler" / "routes.toml"
READ_ON_BOTH: Final = ("GET /api/search", "GET /api/trips/{id}/seats")
"""Split although bookings are written meanwhile.

Their answers age by the bookings of the other side: who sees a seat there that is sold here is told so when
asking for it, as when somebody else was quicker.
"""
HALF: Final = Flag(mode="split", share=WHOLE // 2, sticky="none")
WHO: Final = "load test"
TAKEN_OVER_WITHIN_S: Final = 10.0
COMMAND_WITHIN_S: Final = 120.0
ANSWER_WITHIN_S: Final = 10.0
_SHOWN: Final = 4
_BY_HAND: Final = "Try it by hand; it must put every route on a side."


class Steering(Protocol):
    """Who can say where requests go."""

    found: Side
    placements: tuple[Placement, ...]

    def place(self, placement: str, written: Collection[str]) -> None:
        """Return when every proxy acts on it; `written` are the groups that the load writes."""


class ByFlags:
    """On the flag table of a stack whose addresses are known."""

    placements: tuple[Placement, ...] = ("legacy", "service", "split")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.table = load_table(settings.routes_file)
        self.found: Side = stopping.run(self._look())
        self._now: str = self.found

    def place(self, placement: str, written: Collection[str]) -> None:
        if placement == self._now:
            return
        self._now = ""  # whoever interrupts this must not be told that nothing has changed
        try:
            stopping.run(self._place(placement, written))
        except (ChangeRefused, NotLive, OSError, TimeoutError) as error:
            raise Refused(
                f"The flags cannot be changed: {error}", "See how the stack is: ./banyan status"
            ) from error
        self._now = placement

    async def _look(self) -> Side:
        async with open_database(self._settings) as connection:
            return side_of(self.table, await records.load_table(connection))

    async def _place(self, placement: str, written: Collection[str]) -> None:
        side: Side = "service" if placement == "service" else "legacy"
        async with open_database(self._settings) as connection, open_redis(self._settings) as redis:
            placed = await place_domains(
                connection,
                redis,
                self.table,
                list(self.table.domains),
                side,
                who=WHO,
                why=f"everything on {side}",
                deployed=self._settings.deployed,
            )
            version = placed.version
            if placement == "split":
                changed = await change_flags(
                    connection,
                    redis,
                    self.table,
                    dict.fromkeys(split_reads(self.table, written), HALF),
                    who=WHO,
                    why="half of the reads that the load does not write",
                    deployed=self._settings.deployed,
                )
                version = changed.version
        done, workers = await wait_for_version(self._settings.admin_urls, version, TAKEN_OVER_WITHIN_S)
        if done < workers or not workers:
            raise Refused(
                f"{done} of {workers} proxy workers have taken over version {version} of the flags "
                f"within {TAKEN_OVER_WITHIN_S:.0f} s.",
                "See how they are: ./banyan status",
            )


class ByCommand:
    """By a command with `{side}` in it; whether it did what it should is seen from an answer's header."""

    placements: tuple[Placement, ...] = ("legacy", "service")

    def __init__(self, command: str, host: str, *, within_s: float = COMMAND_WITHIN_S) -> None:
        if "{side}" not in command:
            raise Refused(
                "--steer has no {side} in it, so it cannot change sides.",
                "For example: --steer 'docker compose exec -T strangler python -m strangler place {side} "
                '--without-data --why "load test"\'',
            )
        self._command = shlex.split(command)
        self._host = host
        self._within_s = within_s
        found = answering_side(host)
        if found is None:
            raise Refused(
                "Answers do not carry Banyan-Side, so it cannot be told which side they come from.",
                "Let the strangler show it: BANYAN_SHOW_SIDE=true",
            )
        self.found: Side = found
        self._now: str = found

    def place(self, placement: str, written: Collection[str]) -> None:
        del written  # nothing is split here
        if self._now == placement and answering_side(self._host) == placement:
            return
        self._now = ""  # one answer says nothing of the routes that an interrupted command has not come to
        argv = [word.replace("{side}", placement) for word in self._command]
        self._run(argv)
        if (now := answering_side(self._host)) != placement:
            raise Refused(
                f"`{shlex.join(argv)}` said nothing against it, but {now} goes on answering.",
                "Try it by hand, and look at the header Banyan-Side of an answer.",
            )
        self._now = placement

    def _run(self, argv: Sequence[str]) -> None:
        try:
            done = subprocess.run(  # ruff: ignore[subprocess-without-shell-equals-true] — the user's own command
                argv, capture_output=True, text=True, timeout=self._within_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Refused(
                f"`{shlex.join(argv)}` did not end within {self._within_s:g} s.", _BY_HAND
            ) from error
        except OSError as error:
            raise Refused(f"`{shlex.join(argv)}` cannot be run: {error}", _BY_HAND) from error
        if done.returncode:
            raise Refused(
                f"`{shlex.join(argv)}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()}",
                _BY_HAND,
            )


def side_of(table: RouteTable, stored: FlagTable) -> Side:
    """The side that everything is on. Raises `Refused` if some is elsewhere, or on more than a side."""
    owners = {name: (parse_group(stored.groups.get(name, b"")) or Group()).owner for name in table.groups}
    flags = {route.name: flag_of(stored, route.name) or LEGACY for route in table.routes if not route.group}
    side = Counter(owners.values()).most_common(1)[0][0]
    elsewhere = [f"{name} ({owner})" for name, owner in owners.items() if owner != side]
    elsewhere += [f"{name} ({flag})" for name, flag in flags.items() if flag != Flag(mode=side)]
    if not elsewhere:
        return side
    raise Refused(
        f"Not everything is on {side}: {', '.join(elsewhere[:_SHOWN])}"
        f"{' …' if len(elsewhere) > _SHOWN else ''}. It could not be put back as it is.",
        f"Finish what is going on, or: ./banyan place {side} --without-data --why …",
    )


def split_reads(table: RouteTable, written: Collection[str]) -> list[str]:
    """The reads that may be answered by either side while these groups are written on one."""
    return [
        route.name
        for route in table.routes
        if route.group is None and (route.name in READ_ON_BOTH or not set(route.depends) & set(written))
    ]


def groups_written(table: RouteTable, asked: Collection[str]) -> set[str]:
    """The groups that these routes write, by their names at the gateway."""
    return {route.group for route in table.routes if route.group is not None and route.name in asked}


def answering_side(host: str) -> Side | None:
    """By the header that the strangler sets where it was told to."""
    try:
        with urllib.request.urlopen(f"{host}/api/companies?limit=1", timeout=ANSWER_WITHIN_S) as answer:  # ruff: ignore[suspicious-url-open-usage] — an http address that was asked for
            headers: Mapping[str, str] = answer.headers
            said = headers.get("Banyan-Side")
    except (URLError, OSError):
        return None
    return next((side for side in get_args(Side) if side == said), None)
