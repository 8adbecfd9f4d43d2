"""Changing flags: recorded first, with who and why, then made live in Redis by one compare-and-set.

Who dies between the two leaves a record that the next change, or a restore, makes live: the record is the
truth, Redis follows.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from redis.asyncio import Redis

from strangler.routing import records, store
from strangler.routing.flags import LEGACY, Flag, dump_flag
from strangler.routing.records import Connection
from strangler.routing.refusals import ChangeRefused, NotLive, check_change
from strangler.routing.restoring import REDIS_AWAY, catch_up, check_follows, flag_of, read_live
from strangler.routing.snapshot import FlagTable, Group, parse_group
from strangler.routing.table import RouteTable

Wanted: TypeAlias = Flag | Callable[[Flag], Flag]
"""A flag, or what is to be made of the one that is there."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did, or would do. Without a difference the version stays.

    `flags` has all routes that were named, `changes` (before, after) of those that differ.
    """

    version: int
    flags: Mapping[str, Flag]
    changes: Mapping[str, tuple[Flag | None, Flag]]


async def change_flags(
    connection: Connection,
    redis: Redis,
    table: RouteTable,
    wanted: Mapping[str, Wanted],
    *,
    who: str,
    why: str,
    deployed: Collection[str] | None,
    expected: int | None = None,
    dry_run: bool = False,
) -> Changed:
    """Record the flags and make them live, all as one version.

    `expected` is the version that the caller has seen; another one by now is refused. Raises `ChangeRefused`
    with nothing changed, `NotLive` with the change recorded.
    """
    if not who.strip() or not why.strip():
        raise ChangeRefused("Who changes a flag, and why, is kept on record.", 'Say it with --why "…".')
    async with records.only_writer(connection):
        recorded = await records.load_table(connection)
        flags = {name: _resolve(flag_of(recorded, name) or LEGACY, want) for name, want in wanted.items()}
        changed = _check(table, recorded, flags, deployed, expected)
        live = await read_live(redis)
        check_follows(live, recorded)
        if changed.changes and not dry_run:
            await catch_up(redis, live, recorded)
            await records.record_changes(connection, changed.version, changed.changes, who=who, why=why)
            await _make_live(redis, recorded, changed, who=who, why=why)
    return changed


def _resolve(before: Flag, wanted: Wanted) -> Flag:
    return wanted if isinstance(wanted, Flag) else wanted(before)


def _check(
    table: RouteTable,
    recorded: FlagTable,
    flags: Mapping[str, Flag],
    deployed: Collection[str] | None,
    expected: int | None,
) -> Changed:
    """What the flags change. Raises `ChangeRefused`."""
    groups = {name: parse_group(raw) or Group() for name, raw in recorded.groups.items()}
    check_change(table, groups, flags, deployed)
    if expected is not None and expected != recorded.version:
        raise ChangeRefused(
            f"The table is at version {recorded.version}, not at {expected}: somebody changed it meanwhile.",
            f"See what: banyan flag history --limit {max(1, recorded.version - expected)}",
        )
    changes = {
        name: (before, flag)
        for name, flag in flags.items()
        if ((before := flag_of(recorded, name)) or LEGACY) != flag
    }
    return Changed(recorded.version + bool(changes), flags, changes)


async def _make_live(redis: Redis, recorded: FlagTable, changed: Changed, *, who: str, why: str) -> None:
    assert recorded.lineage is not None
    try:
        done = await store.compare_and_set(
            redis,
            expected=recorded.version,
            version=changed.version,
            lineage=recorded.lineage,
            change=store.Change({name: dump_flag(after) for name, (_, after) in changed.changes.items()}),
            announcement={
                "version": changed.version,
                "who": who,
                "why": why,
                "routes": list(changed.changes),
            },
        )
    except REDIS_AWAY as error:
        raise NotLive(changed.version, f"Redis did not take it ({error}).") from error
    if not done:
        raise NotLive(changed.version, "something else wrote to Redis at the same moment.")
