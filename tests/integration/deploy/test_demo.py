"""Demo data is the same on both sides, however and whenever it came to be there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

import legacy
import services
from common.install import migrate_service
from common.keyring import write_new_key
from common.migrations import migrate
from common.passwords import verify_password
from deploy.demo import LOGINS, PASSWORD, bulk
from deploy.demo.fill import fill
from deploy.demo.settings import settings_of, variable_of
from deploy.demo.sides import LEGACY, SERVICES
from tests.faults.projections import differences_between

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNERS: Final = (LEGACY, *SERVICES)
# What both sides count alike: legacy's question, whose the answer is as well, and the question there.
COUNTED: Final = (
    ("SELECT count(*) FROM users", "auth", "SELECT count(*) FROM users"),
    ("SELECT count(*) FROM users", "user", "SELECT count(*) FROM profiles"),
    ("SELECT count(*) FROM travellers", "user", "SELECT count(*) FROM travellers"),
    *(
        (f"SELECT count(*) FROM {table}", "company", f"SELECT count(*) FROM {table}")
        for table in ("companies", "layouts", "buses", "drivers", "stops", "routes", "trips")
    ),
    *(
        (f"SELECT count(*) FROM {table}", "ticketing", f"SELECT count(*) FROM {table}")
        for table in ("bookings", "tickets", "seat_claims", "waitlist", "route_stops", "stretches", "places")
    ),
    ("SELECT sum(total * 100) FROM bookings", "ticketing", "SELECT sum(total_minor) FROM bookings"),
    ("SELECT sum(price * 100) FROM tickets", "ticketing", "SELECT sum(price_minor) FROM tickets"),
    ("SELECT sum(refund_due * 100) FROM tickets", "ticketing", "SELECT sum(refund_due_minor) FROM tickets"),
    ("SELECT count(*) FROM scans", "qr", "SELECT count(*) FROM scans"),
    ("SELECT sum(amount * 100) FROM payments", "payment", "SELECT sum(amount_minor) FROM payments"),
    ("SELECT sum(amount * 100) FROM refunds", "payment", "SELECT sum(amount_minor) FROM refunds"),
    ("SELECT count(*) FROM ledger", "payment", "SELECT count(*) FROM ledger"),
    ("SELECT sum(amount * 100) FROM ledger", "payment", "SELECT sum(amount_minor) FROM ledger"),
)
# Each thing of one side is on the other, by the same id.
IDENTIFIED: Final = {
    "auth": ("users",),
    "company": ("companies", "layouts", "buses", "drivers", "stops", "routes", "trips"),
    "ticketing": ("bookings", "tickets", "waitlist"),
    "qr": ("scans",),
    "payment": ("payments", "refunds", "ledger"),
}


@pytest.fixture
def qr_keys(tmp_path) -> Path:
    write_new_key(tmp_path / "qr.json")
    return tmp_path / "qr.json"


@pytest.fixture
async def databases(clone_database) -> dict[str, str]:
    """Seven empty databases, each with its schema; DSN by owner."""
    made = {
        LEGACY: await clone_database(
            "legacy", lambda dsn: migrate(dsn, Path(legacy.__file__).parent / "migrations")
        )
    }
    for owner in SERVICES:
        folder = Path(services.__path__[0]) / owner / "migrations"
        made[owner] = await clone_database(f"demo-{owner}", lambda dsn, at=folder: migrate_service(dsn, at))
    return made


async def value(dsn: str, query: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


async def ids(dsn: str, table: str) -> object:
    return await value(dsn, f"SELECT array_agg(id ORDER BY id) FROM {table}")


async def assert_alike(databases: Mapping[str, str]) -> None:
    for mine, owner, theirs in COUNTED:
        one, other = await value(databases[LEGACY], mine), await value(databases[owner], theirs)
        assert one == other, f"{mine} is {one} at legacy, and {other} of {owner}"
        assert one
    for owner, tables in IDENTIFIED.items():
        for table in tables:
            assert await ids(databases[LEGACY], table) == await ids(databases[owner], table), table
    assert await differences_between({owner: databases[owner] for owner in SERVICES}) == []


async def test_both_sides_are_filled_alike_from_nothing(databases, qr_keys):
    filled = await fill(databases, qr_keys)
    assert filled.made.companies == 4
    assert filled.made.departures == 2460
    assert set(filled.seconds) == set(OWNERS)
    await assert_alike(databases)


async def test_nothing_is_told_of_it(databases, qr_keys):
    await fill(databases, qr_keys)
    for owner in SERVICES:
        assert await value(databases[owner], "SELECT count(*) FROM banyan.outbox") == 0


async def test_a_second_time_nothing_is_made(databases, qr_keys):
    await fill(databases, qr_keys)
    again = await fill(databases, qr_keys, now=datetime.now(UTC) + timedelta(days=3))
    assert again.made.companies == 0
    assert again.seconds == {}


async def test_more_is_added_to_what_is_there(databases, qr_keys):
    await fill(databases, qr_keys)
    before = await ids(databases["company"], "trips")
    filled = await fill(databases, qr_keys, scale=2)
    assert filled.made.companies == 4
    assert set(before) < set(await ids(databases["company"], "trips"))
    await assert_alike(databases)


async def test_a_side_that_comes_later_gets_what_the_other_one_has(databases, qr_keys):
    await fill({LEGACY: databases[LEGACY]}, qr_keys, scale=2, now=datetime.now(UTC) - timedelta(days=1))
    await fill(databases, qr_keys, only_if_empty=True)
    await assert_alike(databases)


async def test_a_fill_that_was_killed_in_between_is_completed(databases, qr_keys):
    written_before = ("auth", "company", LEGACY)
    await fill({owner: databases[owner] for owner in written_before}, qr_keys)
    filled = await fill(databases, qr_keys, only_if_empty=True, now=datetime.now(UTC) + timedelta(hours=2))
    assert set(filled.seconds) == set(OWNERS) - set(written_before)
    await assert_alike(databases)


async def test_demo_passwords_are_the_same_on_both_sides_and_right(databases, qr_keys):
    await fill({LEGACY: databases[LEGACY]}, qr_keys)
    await fill(databases, qr_keys)
    for _, email, _ in LOGINS:
        query = f"SELECT password_hash FROM users WHERE email = '{email}'"
        one, other = await value(databases[LEGACY], query), await value(databases["auth"], query)
        assert one == other
    assert await verify_password(str(one), PASSWORD)


async def test_a_site_with_companies_of_its_own_is_left_alone_at_its_start(databases, qr_keys):
    await value(
        databases["company"],
        """INSERT INTO companies (id, name, slug, contact_email, time_zone, currency, refund_policy)
           VALUES ('0197a000-0000-7000-8000-000000000000', 'Own', 'own', 'a@b.example', 'UTC', 'INR', '{}')
           RETURNING id""",
    )
    filled = await fill(databases, qr_keys, only_if_empty=True)
    assert filled.made.companies == 0
    assert await value(databases[LEGACY], "SELECT count(*) FROM companies") == 0


async def test_a_big_load_leaves_every_index_constraint_and_trigger_as_it_was(
    databases, qr_keys, monkeypatch
):
    query = """
        SELECT array_agg(it ORDER BY it) FROM (
            SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
            UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid::regclass::text NOT LIKE 'pg_toast%'
            UNION ALL SELECT pg_get_triggerdef(oid) || ' ' || tgenabled::text FROM pg_trigger
            WHERE NOT tgisinternal
        ) all_of (it)
    """
    await value(databases["payment"], "ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_is_noted")
    before = {owner: await value(databases[owner], query) for owner in OWNERS}
    monkeypatch.setattr(bulk, "FROM_COMPANIES", 1)
    await fill(databases, qr_keys, scale=3)
    assert {owner: await value(databases[owner], query) for owner in OWNERS} == before
    await assert_alike(databases)


async def test_a_big_load_comes_to_what_is_there(databases, qr_keys, monkeypatch):
    await fill(databases, qr_keys)
    before = await ids(databases["ticketing"], "tickets")
    monkeypatch.setattr(bulk, "FROM_COMPANIES", 1)
    await fill(databases, qr_keys, scale=2)
    assert set(before) < set(await ids(databases["ticketing"], "tickets"))
    await assert_alike(databases)


async def test_what_a_big_load_copies_need_not_be_visited_again(databases, qr_keys, monkeypatch):
    monkeypatch.setattr(bulk, "FROM_COMPANIES", 1)
    await fill(databases, qr_keys)
    for owner in ("user", "company", "ticketing", "qr"):
        frozen = await value(databases[owner], "SELECT relallfrozen FROM pg_class WHERE relname = 'tickets'")
        assert frozen > 0, owner


async def test_a_big_load_and_somebody_at_work_do_not_wait_for_each_other(databases, qr_keys, monkeypatch):
    monkeypatch.setattr(bulk, "FROM_COMPANIES", 1)
    conn = await asyncpg.connect(databases["payment"])
    try:
        async with conn.transaction():
            await conn.execute("SELECT FROM payments")
            load = asyncio.create_task(fill(databases, qr_keys))
            await until_it_waits_for(conn, "payments")
            await conn.execute("SELECT FROM bookings")
        await load
    finally:
        await conn.close()
    await assert_alike(databases)


async def until_it_waits_for(conn: asyncpg.Connection, table: str) -> None:
    query = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = $1::regclass AND NOT granted)"
    async with asyncio.timeout(30):
        while not await conn.fetchval(query, table):
            await asyncio.sleep(0.01)


def test_a_side_is_chosen_by_the_databases_that_are_named(qr_keys):
    env = {variable_of(owner): f"postgresql://localhost/db_{owner}" for owner in OWNERS}
    env["BANYAN_QR_KEYS_FILE"] = str(qr_keys)
    assert set(settings_of(env, "both").databases) == set(OWNERS)
    assert set(settings_of(env, "legacy").databases) == {LEGACY}
    assert set(settings_of(env, "service").databases) == set(SERVICES)
    del env[variable_of(LEGACY)]
    assert set(settings_of(env, "both").databases) == set(SERVICES)
