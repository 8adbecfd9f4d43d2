"""The live flag table in Redis: read as a whole, changed by one compare-and-set.

    strangler:flags     hash   route → flag       strangler:version   counts changes
    strangler:groups    hash   group → owner      strangler:lineage   which copy the version counts for
    strangler:changes   channel that announces each new version

Nothing here decides whether a change is allowed (`changes` does), and nothing is on the way of a request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from strangler.routing.snapshot import FlagTable

FLAGS: Final = "strangler:flags"
VERSION: Final = "strangler:version"
GROUPS: Final = "strangler:groups"
LINEAGE: Final = "strangler:lineage"
CHANNEL: Final = "strangler:changes"

_KEYS: Final = (FLAGS, GROUPS, VERSION, LINEAGE)

# ARGV: version expected, version after, lineage, channel, announcement, then any number of (1 for flags or 2
# for groups, field, value or nothing to delete it).
_COMPARE_AND_SET: Final = """
if (redis.call('GET', KEYS[3]) or '') ~= ARGV[1] or redis.call('GET', KEYS[4]) ~= ARGV[3] then return 0 end
for i = 6, #ARGV, 3 do
  local hash = KEYS[tonumber(ARGV[i])]
  if ARGV[i + 2] == '' then redis.call('HDEL', hash, ARGV[i + 1])
  else redis.call('HSET', hash, ARGV[i + 1], ARGV[i + 2]) end
end
redis.call('SET', KEYS[3], ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
"""

# ARGV: version, lineage, channel, announcement, "force" or nothing, then (1 or 2, field, value)…: the whole
# table.
_REPLACE: Final = """
local version = tonumber(redis.call('GET', KEYS[3]) or '')
local same = redis.call('GET', KEYS[4]) == ARGV[2]
if ARGV[5] == '' and version and same and version >= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
for i = 6, #ARGV, 3 do redis.call('HSET', KEYS[tonumber(ARGV[i])], ARGV[i + 1], ARGV[i + 2]) end
redis.call('SET', KEYS[3], ARGV[1])
redis.call('SET', KEYS[4], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
"""


class StoreUnreadable(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """Redis answers, but what it holds is no flag table."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one version changes: JSON by route or group, None to take an entry away."""

    flags: Mapping[str, bytes | None] = field(default_factory=dict)
    groups: Mapping[str, bytes | None] = field(default_factory=dict)


def connect(url: str, *, timeout_s: float = 2.0) -> Redis:
    """A client that fails at once instead of trying again by itself: whoever calls knows better when to."""
    only_tcp = {} if url.startswith("unix") else {"socket_keepalive": True}
    return Redis.from_url(
        url,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        **only_tcp,
    )


async def read_version(redis: Redis) -> tuple[int, str | None] | None:
    """Version and lineage; None if there is no table. Raises `StoreUnreadable` and Redis' own errors."""
    version, lineage = await redis.mget(VERSION, LINEAGE)
    return None if version is None else (_integer(version), _text(lineage))


async def read_table(redis: Redis) -> FlagTable | None:
    """The whole table at one moment; None if there is none. Raises as `read_version` does."""
    async with redis.pipeline(transaction=True) as together:
        together.hgetall(FLAGS)
        together.hgetall(GROUPS)
        together.get(VERSION)
        together.get(LINEAGE)
        try:
            flags, groups, version, lineage = await together.execute()
        except ResponseError as error:
            raise StoreUnreadable(str(error)) from None
    if version is None:
        return None
    return FlagTable(_integer(version), _text(lineage), _decoded(flags), _decoded(groups))


async def compare_and_set(
    redis: Redis,
    *,
    expected: int,
    version: int,
    lineage: str,
    change: Change,
    announcement: Mapping[str, Any],
) -> bool:
    """Make the change if Redis is at the expected version of this lineage; whether it was."""
    fields: list[bytes | str] = []
    for number, entries in (("1", change.flags), ("2", change.groups)):
        for name, value in entries.items():
            fields += [number, name, b"" if value is None else value]
    arguments: list[bytes | str] = [
        str(expected),
        str(version),
        lineage,
        CHANNEL,
        orjson.dumps(announcement),
        *fields,
    ]
    return bool(await redis.eval(_COMPARE_AND_SET, len(_KEYS), *_KEYS, *arguments))


async def replace(
    redis: Redis, table: FlagTable, *, announcement: Mapping[str, Any], force: bool = False
) -> bool:
    """Put a whole table in Redis, unless what is there is as new; whether it did."""
    fields: list[bytes | str] = []
    for number, entries in (("1", table.flags), ("2", table.groups)):
        for name, value in entries.items():
            fields += [number, name, value]
    arguments: list[bytes | str] = [
        str(table.version),
        table.lineage or "",
        CHANNEL,
        orjson.dumps(announcement),
        "force" if force else "",
    ]
    return bool(await redis.eval(_REPLACE, len(_KEYS), *_KEYS, *arguments, *fields))


def _integer(raw: bytes | str) -> int:
    try:
        return int(raw)
    except ValueError:
        raise StoreUnreadable(f"{VERSION} is {raw!r}, which is no number") from None


def _text(raw: bytes | str | None) -> str | None:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw


def _decoded(entries: Mapping[bytes, bytes]) -> dict[str, bytes]:
    return {name.decode("utf-8", "replace"): value for name, value in entries.items()}
