"""Putting whole domains on a side at once, where no data has to move for it.

For an installation whose sides hold the same data already, or nothing: a fresh one, a test, a benchmark. The
groups get their owner, at the next epoch, and the reads their flags, in one version. Rows are not moved here;
for that there are cutovers.
"""

from collections.abc import Collection
from dataclasses import dataclass

from redis.asyncio import Redis

from strangler.routing import records, store
from strangler.routing.flags import LEGACY, Flag, Side, dump_flag
from strangler.routing.records import Connection
from strangler.routing.refusals import ChangeRefused, NotLive
from strangler.routing.restoring import REDIS_AWAY, catch_up, check_follows, flag_of, read_live
from strangler.routing.snapshot import Group, dump_group, parse_group
from strangler.routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Placed:
    """What changed: flags by route and groups by name, (before, after) each."""

    version: int
    flags: dict[str, tuple[Flag | None, Flag]]
    groups: dict[str, tuple[Group, Group]]


async def place_domains(
    connection: Connection,
    redis: Redis,
    table: RouteTable,
    domains: Collection[str],
    side: Side,
    *,
    who: str,
    why: str,
    deployed: Collection[str] | None,
    dry_run: bool = False,
) -> Placed:
    """Raises `ChangeRefused` with nothing changed, `NotLive` with the change recorded."""
    if not who.strip() or not why.strip():
        raise ChangeRefused("Who changes a flag, and why, is kept on record.", 'Say it with --why "…".')
    absent = sorted(set(domains) - set(deployed)) if deployed is not None and side == "service" else []
    if absent:
        raise ChangeRefused(
            f"There is no address of {', '.join(table.domains[name].service for name in absent)} here.",
            f"Deploy it and set BANYAN_UPSTREAM_{absent[0].upper()}.",
        )
    async with records.only_writer(connection):
        recorded = await records.load_table(connection)
        wanted = Flag(mode=side)
        flags = {
            route.name: (before, wanted)
            for route in table.routes
            if route.domain in domains
            and route.group is None
            and ((before := flag_of(recorded, route.name)) or LEGACY) != wanted
        }
        known = {name: parse_group(raw) or Group() for name, raw in recorded.groups.items()}
        groups = {
            name: (owned, Group(side, owned.epoch + 1))
            for domain in domains
            for name in table.domains[domain].groups
            if (owned := known.get(name, Group())).owner != side
        }
        placed = Placed(recorded.version + bool(flags or groups), flags, groups)
        live = await read_live(redis)
        check_follows(live, recorded)
        if placed.version != recorded.version and not dry_run:
            await catch_up(redis, live, recorded)
            await records.record_placement(connection, placed.version, flags, groups, who=who, why=why)
            await _make_live(redis, recorded.version, recorded.lineage or "", placed, who=who, why=why)
    return placed


async def _make_live(
    redis: Redis, expected: int, lineage: str, placed: Placed, *, who: str, why: str
) -> None:
    try:
        done = await store.compare_and_set(
            redis,
            expected=expected,
            version=placed.version,
            lineage=lineage,
            change=store.Change(
                {name: dump_flag(after) for name, (_, after) in placed.flags.items()},
                {name: dump_group(after) for name, (_, after) in placed.groups.items()},
            ),
            announcement={
                "version": placed.version,
                "who": who,
                "why": why,
                "routes": list(placed.flags),
            },
        )
    except REDIS_AWAY as error:
        raise NotLive(placed.version, f"Redis did not take it ({error}).") from error
    if not done:
        raise NotLive(placed.version, "something else wrote to Redis at the same moment.")
