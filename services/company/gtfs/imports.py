"""Imports of feeds: one at a time per company, told of while they run, and whole or not at all.

An import holds a session's advisory lock on a connection of its own, which also writes how far it is. If the
process dies the lock goes with it: whoever looks next sees that nobody runs that import any more and says so.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from common.database import open_pool, transaction
from common.ids import uuid7
from common.money import exponent
from common.problems import FENCED, Conflict, Problem, ValidationFailed
from common.unique import unique_or
from services.company.gtfs.feed import Options
from services.company.gtfs.load import load_feed
from services.company.gtfs.parsing import parse_beside
from services.company.gtfs.problems import FeedError
from services.company.repository import gtfs as repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from uuid import UUID

    from common.database import Connection, Pool
    from services.company.gtfs.feed import Feed

LARGEST_FEED = 20 * 1024 * 1024
TELL_EVERY_S = 0.25
GONE = "The import was interrupted."

log = structlog.get_logger(__name__)


class InvalidFeed(ValidationFailed):
    slug, title = "invalid-feed", "The feed cannot be imported"


class ImportInProgress(Conflict):
    slug, title = "import-in-progress", "A feed of this company is being imported"


@dataclass(slots=True)
class _Progress:
    """Half of the way is parsing, half loading; `total` is what the parser counts, doubled."""

    conn: Connection
    import_id: UUID
    total: int = 0
    told_at: float = 0.0

    async def parsed(self, done: int, total: int) -> None:
        self.total = 2 * total
        if monotonic() - self.told_at >= TELL_EVERY_S:
            self.told_at = monotonic()
            await repository.set_progress(self.conn, self.import_id, done, self.total)

    async def loaded(self, done: int, steps: int) -> None:
        at = self.total // 2 + self.total * done // (2 * steps)
        await repository.set_progress(self.conn, self.import_id, at, self.total)


def options_of(query: Mapping[str, Any], currency: str) -> Options:
    """How to fill what the feed leaves open, in the company's currency."""
    decimals = exponent(currency)
    per_km = query["fare_per_km"]
    return Options(
        city=query["city"],
        default_leg_fare=query["default_leg_fare"],
        fare_per_km=15 * 10**decimals // 10 if per_km is None else per_km,
        decimals=decimals,
        guess_fares=per_km is None and query["default_leg_fare"] is None,
    )


async def import_feed(
    pool: Pool,
    database_url: str,
    company: Mapping[str, Any],
    data: bytes,
    options: Options,
    *,
    file_name: str | None = None,
) -> dict[str, Any]:
    """Import the zip's network and timetables; answers the import's id and counts.

    Raises InvalidFeed, and ImportInProgress if one runs for this company.
    """
    async with _alone(database_url, company["id"]) as own:
        await _bury_the_dead(own, company["id"])
        import_id = uuid7()
        await repository.insert_import(own, import_id, company["id"], file_name)
        try:
            counts = await _run(pool, own, import_id, company, data, options)
        except FeedError as error:
            await repository.finish_import(own, import_id, None, _summary(error))
            raise InvalidFeed(error.errors, "Nothing was imported; see errors for each place.") from None
        except (Exception, asyncio.CancelledError) as error:
            detail = error.detail if isinstance(error, Problem) else GONE
            await asyncio.shield(repository.finish_import(own, import_id, None, detail))
            raise
    return {"id": import_id, **counts}


async def list_imports(pool: Pool, company_id: UUID, before: UUID | None, limit: int) -> list[Any]:
    """The company's imports, the last one first, with those closed that nobody runs any more."""
    async with pool.acquire() as conn:
        try:
            await _bury_the_dead(conn, company_id)
        except asyncpg.PostgresError as error:
            if error.sqlstate != FENCED:  # a read goes on where writes belong to the other side
                raise
        return await repository.list_imports(conn, company_id, before, limit)


async def _run(
    pool: Pool, own: Connection, import_id: UUID, company: Mapping[str, Any], data: bytes, options: Options
) -> dict[str, Any]:
    progress = _Progress(own, import_id)
    started = monotonic()
    feed = await parse_beside(data, options, progress.parsed)
    parsed = monotonic()
    disturbed = ImportInProgress("The network was changed meanwhile: please import the feed again.")
    with unique_or(disturbed):
        counts = await _load(pool, import_id, company, feed, options, progress)
    log.info(
        "feed imported",
        company_id=str(company["id"]),
        parse_s=round(parsed - started, 2),
        load_s=round(monotonic() - parsed, 2),
        **{name: counts[name] for name in ("stops", "routes", "timetables")},
    )
    return counts


async def _load(
    pool: Pool,
    import_id: UUID,
    company: Mapping[str, Any],
    feed: Feed,
    options: Options,
    progress: _Progress,
) -> dict[str, Any]:
    async with transaction(pool) as conn:
        await repository.set_long_statements(conn)
        await repository.keep_feed_for_writing(conn, repository.lock_of(company["id"]))
        counts = await load_feed(conn, company, feed, options.city, progress.loaded)
        # In the same transaction, so that an import never says failed of what it has brought in.
        await repository.finish_import(conn, import_id, counts, None)
    return counts


@asynccontextmanager
async def _alone(database_url: str, company_id: UUID) -> AsyncGenerator[Connection]:
    """A connection of its own, whose session holds the company's import lock."""
    own_pool = await open_pool(database_url, min_size=1, max_size=1, application_name="company-import")
    try:
        async with own_pool.acquire() as own:
            if not await repository.take_import_lock(own, repository.lock_of(company_id)):
                raise ImportInProgress
            yield own
    finally:
        # The end of its only session gives the lock back.
        await own_pool.close()


async def _bury_the_dead(conn: Connection, company_id: UUID) -> None:
    """Close imports that say that they run while nobody holds their lock, or while we hold it ourselves."""
    running = await repository.running_imports(conn, company_id)
    if running and not await repository.is_imported_elsewhere(conn, repository.lock_of(company_id)):
        for import_id in running:
            await repository.finish_import(conn, import_id, None, GONE)


def _summary(error: FeedError) -> str:
    where, messages = next(iter(error.errors.items()))
    more = len(error.errors) - 1
    return f"{where} {messages[0]}" + (f" And {more} more." if more else "")
