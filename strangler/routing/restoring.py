"""Redis follows the record: refilling it when it is empty or behind, and never over a table that is not ours.

Versions are comparable within one lineage. A table of another lineage, or one that is newer than the record,
is replaced only when a person says so.
"""

import asyncio
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from strangler.routing import records, store
from strangler.routing.flags import Flag, FlagError, read_flag
from strangler.routing.records import Connection
from strangler.routing.refusals import ChangeRefused
from strangler.routing.snapshot import FlagTable
from strangler.routing.table import RouteTable

REDIS_AWAY: Final = (RedisError, OSError, TimeoutError)
_REDIS_STEP: Final = "See to Redis and try again; what the proxies do meanwhile: banyan status"
_log: Final = structlog.get_logger("restoring")


async def restore(
    connection: Connection, redis: Redis, table: RouteTable, *, who: str, why: str, force: bool = False
) -> tuple[FlagTable, bool]:
    """Put the recorded table into Redis if that is empty or older; the table, and whether Redis needed it.

    With `force` also over one that is newer or of another lineage. Over a newer one it becomes a version of
    its own, and what that changes is logged. Raises `ChangeRefused`.
    """
    async with records.only_writer(connection):
        recorded = await records.load_table(connection)
        live = await read_live(redis)
        if not force or live is None or _follows(live, recorded):
            check_follows(live, recorded)
            return recorded, await _refill(redis, recorded, who, why)
        if live.lineage == recorded.lineage:
            changes = {
                name: (flag_of(live, name), flag)
                for name in table.by_name
                if (flag := flag_of(recorded, name)) is not None and flag != flag_of(live, name)
            }
            await records.record_changes(connection, live.version + 1, changes, who=who, why=why)
            recorded = await records.load_table(connection)
        return recorded, await _refill(redis, recorded, who, why, force=True)


async def restore_if_empty(redis: Redis, connection: Connection) -> bool:
    """Refill a Redis that has lost the table, or the last changes to it; whether that was needed.

    A table of another lineage is left alone. Raises `ChangeRefused`, and PostgreSQL's and Redis' own errors.
    """
    version, lineage = await records.load_version(connection)
    live = await store.read_version(redis)
    if live is not None and (live[1] != lineage or live[0] >= version):
        return False
    async with records.only_writer(connection):
        recorded = await records.load_table(connection)
        return await _refill(redis, recorded, "strangler", "Redis had lost the table")


async def keep_filled(redis_url: str, database_url: str, *, every_s: float = 1.0) -> None:
    """Refill Redis whenever it has lost the table, until cancelled. Never raises: what is away comes back."""
    redis = store.connect(redis_url)
    connection: Connection = None
    try:
        while True:
            try:
                if connection is None or connection.is_closed():
                    connection = await records.connect(database_url)
                if await restore_if_empty(redis, connection):
                    _log.warning("flag table restored to redis")
            except Exception as error:  # ruff: ignore[blind-except] — the next round tries again
                _log.debug("flag table not looked after", reason=str(error))
            await asyncio.sleep(every_s)
    finally:
        if connection is not None:
            connection.terminate()
        await redis.aclose()


async def read_live(redis: Redis) -> FlagTable | None:
    """The table in Redis, for who is about to change it. Raises `ChangeRefused`."""
    try:
        return await store.read_table(redis)
    except store.StoreUnreadable as error:
        raise ChangeRefused(
            f"Redis holds no usable flag table: {error}.",
            f"Delete {store.VERSION} there, then: banyan flag restore",
        ) from None
    except REDIS_AWAY as error:
        raise ChangeRefused(
            f"Redis does not answer ({error}). The proxies go on with the flags that they have.",
            _REDIS_STEP,
        ) from None


def check_follows(live: FlagTable | None, recorded: FlagTable) -> None:
    """Raise `ChangeRefused` if Redis holds what is not in the record."""
    if live is None or _follows(live, recorded):
        return
    if live.lineage != recorded.lineage:
        reason = (
            "The flag table in Redis does not come from this database: "
            "is it another system's Redis, or was the database made anew?"
        )
    else:
        reason = (
            f"Redis is at version {live.version} and the record ends at {recorded.version}: "
            "was the database restored from a backup?"
        )
    raise ChangeRefused(reason, "To go by the database's record: banyan flag restore --force")


async def catch_up(redis: Redis, live: FlagTable | None, recorded: FlagTable) -> None:
    """Bring Redis to the recorded version, before something is added to it."""
    if live is None or live.version < recorded.version:
        await _refill(redis, recorded, "strangler", "Redis was behind the record")


def flag_of(table: FlagTable, route: str) -> Flag | None:
    """A stored flag; one that this code cannot read counts as none."""
    raw = table.flags.get(route)
    if raw is None:
        return None
    try:
        return read_flag(raw)
    except FlagError:
        return None


def _follows(live: FlagTable, recorded: FlagTable) -> bool:
    return live.lineage == recorded.lineage and live.version <= recorded.version


async def _refill(redis: Redis, recorded: FlagTable, who: str, why: str, *, force: bool = False) -> bool:
    announcement = {"version": recorded.version, "who": who, "why": why, "routes": []}
    try:
        return await store.replace(redis, recorded, announcement=announcement, force=force)
    except REDIS_AWAY as error:
        raise ChangeRefused(f"Redis does not take the flag table ({error}).", _REDIS_STEP) from error
