"""Fills a side's database with demo companies: from nothing at first start, or with more of them later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from common.database import open_pool
from common.keyring import KeyRing
from common.passwords import hash_password
from deploy.demo import LOGINS, PASSWORD
from deploy.demo.generate import SEED, admin, companies
from deploy.demo.legacy import LegacyRows, analyze, existing_slugs, has_admin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from common.database import Connection

COMPANIES_PER_SCALE = 4
BATCH = 8  # companies per transaction: some 5,000 departures
ADVISORY_LOCK = 0x64656D6F  # "demo": two fillers would make the same companies


class Filled(NamedTuple):
    """What one call added."""

    companies: int = 0
    departures: int = 0
    bookings: int = 0
    passengers: int = 0


async def fill(
    dsn: str,
    qr_keys_file: Path,
    *,
    scale: int = 1,
    seed: int = SEED,
    now: datetime | None = None,
    only_if_empty: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _wanted: None,
) -> Filled:
    """Bring the monolith to `scale` times four demo companies; what is there already stays as it is.

    `progress` is called with the number of companies made and wanted. With `only_if_empty` a database that
    has any company is left alone.
    """
    password_hash = await hash_password(PASSWORD)
    qr_keys = KeyRing.from_file(qr_keys_file)
    now = now or datetime.now(UTC)
    pool = await open_pool(dsn, min_size=1, max_size=1, application_name="demo")
    async with pool, pool.acquire() as conn:
        await conn.execute("SET statement_timeout = 0")
        await conn.set_type_codec(
            "citext", encoder=str.encode, decoder=bytes.decode, format="binary"
        )  # for COPY
        await conn.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
        there = await existing_slugs(conn)
        if only_if_empty and there:
            return Filled()
        return await _fill(
            conn, LegacyRows(password_hash, qr_keys), scale * COMPANIES_PER_SCALE, seed, now, there, progress
        )


async def _fill(
    conn: Connection,
    rows: LegacyRows,
    wanted: int,
    seed: int,
    now: datetime,
    there: frozenset[str],
    progress: Callable[[int, int], None],
) -> Filled:
    made = Filled()
    if not await has_admin(conn, LOGINS[-1][1]):
        rows.add_user(admin(now, seed))
    pending = 0
    for company in companies(wanted, now, seed, there):
        rows.add(company)
        made = Filled(
            made.companies + 1,
            made.departures + len(company.trips),
            made.bookings + len(company.bookings),
            made.passengers + len(company.passengers),
        )
        pending += 1
        if pending == BATCH:
            await _commit(conn, rows)
            pending = 0
        progress(made.companies, wanted - len(there))
    await _commit(conn, rows)
    if made.companies:
        await analyze(conn)
    return made


async def _commit(conn: Connection, rows: LegacyRows) -> None:
    async with conn.transaction():
        await rows.copy_into(conn)
