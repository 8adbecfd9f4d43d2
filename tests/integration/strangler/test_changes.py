from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import orjson
import pytest

from strangler.routing import records, store
from strangler.routing.changes import Changed, change_flags
from strangler.routing.flags import Cohort, Flag
from strangler.routing.refusals import ChangeRefused, NotLive
from strangler.routing.restoring import keep_filled, restore, restore_if_empty
from strangler.routing.snapshot import FlagTable, Snapshot, compile_snapshot
from tests.integration.strangler.servers import until
from tests.unit.strangler.tables import declared

SEARCH = "GET /api/search"
PLACES = "GET /api/places"
EVERYWHERE = frozenset(declared().domains)


async def change(connection, redis, wanted, **more: Any) -> Changed:
    defaults = {"who": "asha", "why": "to see", "deployed": EVERYWHERE}
    return await change_flags(connection, redis, declared(), wanted, **(defaults | more))


async def live(redis) -> FlagTable:
    table = await store.read_table(redis)
    assert table is not None
    return table


def compiled(table: FlagTable) -> Snapshot:
    return compile_snapshot(declared(), table, "redis", None)


def flag_in(table: FlagTable, name: str) -> Flag:
    return compiled(table).of(declared().find(name)).flag


async def test_a_change_is_live_and_on_record(connection, redis):
    flag = Flag("split", 1250, cohort=Cohort(roles=frozenset({"admin"})))
    changed = await change(connection, redis, {SEARCH: flag}, who="asha", why="first tenth")
    assert changed == Changed(1, {SEARCH: flag}, {SEARCH: (None, flag)})
    table = await live(redis)
    assert (table.version, flag_in(table, SEARCH)) == (1, flag)
    assert await records.load_table(connection) == table
    (record,) = await records.list_changes(connection)
    assert (record.version, record.route, record.who, record.why) == (1, SEARCH, "asha", "first tenth")
    assert record.before is None
    assert record.after == {
        "mode": "split",
        "percent": 12.5,
        "sticky": "user",
        "cohort": {"roles": ["admin"]},
    }


async def test_each_change_says_what_was_before(connection, redis):
    await change(connection, redis, {SEARCH: Flag("split", 100)})
    await change(connection, redis, {SEARCH: lambda before: replace(before, share=before.share + 400)})
    newest, oldest = await records.list_changes(connection, route=SEARCH)
    assert (newest.version, newest.before["percent"], newest.after["percent"]) == (2, 1, 5)
    assert oldest.version == 1
    assert await records.list_changes(connection, route=PLACES) == []


async def test_several_flags_change_as_one_version(connection, redis):
    await change(connection, redis, {SEARCH: Flag("service"), PLACES: Flag("service")})
    assert (await live(redis)).version == 1
    assert {record.version for record in await records.list_changes(connection)} == {1}


async def test_what_is_so_already_makes_no_version(connection, redis):
    assert (await change(connection, redis, {SEARCH: Flag()})).version == 0
    await change(connection, redis, {SEARCH: Flag("service")})
    again = await change(connection, redis, {SEARCH: Flag("service")})
    assert (again.version, again.changes) == (1, {})
    assert len(await records.list_changes(connection)) == 1


async def test_a_dry_run_says_what_would_happen_and_does_nothing(connection, redis):
    would = await change(connection, redis, {SEARCH: Flag("service")}, dry_run=True)
    assert (would.version, list(would.changes)) == (1, [SEARCH])
    assert await store.read_table(redis) is None
    assert (await records.load_table(connection)).version == 0


async def test_a_change_is_announced_with_who_and_why(connection, redis):
    async with redis.pubsub() as channel:
        await channel.subscribe(store.CHANNEL)
        await change(connection, redis, {SEARCH: Flag("service")}, who="ravi", why="ready")
        message = None
        async with asyncio.timeout(5):
            while message is None or orjson.loads(message["data"]).get("routes") != [SEARCH]:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=1) or message
    said = orjson.loads(message["data"])
    assert said == {"version": 1, "who": "ravi", "why": "ready", "routes": [SEARCH]}


@pytest.mark.parametrize(
    ("wanted", "more", "reason", "next_step"),
    [
        (
            {"POST /api/bookings": Flag("service")},
            {},
            "writes the group bookings, and its side is the group's owner: legacy",
            "banyan cutover bookings",
        ),
        ({"POST /api/bookings": Flag()}, {}, "its side is the group's owner", "banyan cutover bookings"),
        (
            {SEARCH: Flag("split", 1)},
            {"deployed": frozenset({"auth"})},
            "belongs to ticketing-service, which has no address here",
            "BANYAN_UPSTREAM_TICKETING, or insist with --force",
        ),
        ({SEARCH: Flag(shadow=100)}, {"deployed": frozenset()}, "which has no address here", "--force"),
        ({SEARCH: Flag("service")}, {"why": " "}, "why, is kept on record", "--why"),
        ({SEARCH: Flag("service")}, {"expected": 7}, "at version 0, not at 7", "banyan flag history"),
    ],
)
async def test_a_refusal_changes_nothing_and_names_the_next_step(
    connection, redis, wanted, more, reason, next_step
):
    with pytest.raises(ChangeRefused) as refused:
        await change(connection, redis, wanted, **more)
    assert reason in refused.value.reason
    assert next_step in refused.value.next_step
    assert await store.read_table(redis) is None
    assert (await records.load_table(connection)).version == 0


async def test_a_service_that_is_not_there_may_be_insisted_on_and_left(connection, redis):
    await change(connection, redis, {SEARCH: Flag("service")}, deployed=None)
    await change(connection, redis, {SEARCH: Flag()}, deployed=frozenset())
    assert flag_in(await live(redis), SEARCH) == Flag()


async def test_sixty_four_at_once_lose_nothing_and_versions_strictly_increase(database, redis):
    routes = [route.name for route in declared().routes if route.access == "read"]

    async def one(number: int) -> int:
        connection = await records.connect(database, timeout_s=30)
        try:
            name = routes[number % len(routes)]

            def grow(before: Flag) -> Flag:
                return Flag("split", before.share + 1)

            return (
                await change(connection, redis, {name: grow, SEARCH: grow}, why=f"change {number}")
            ).version
        finally:
            await connection.close()

    versions = await asyncio.gather(*(one(number) for number in range(64)))
    assert sorted(versions) == list(range(1, 65))
    table = await live(redis)
    assert table.version == 64
    assert flag_in(table, SEARCH).share == 64
    connection = await records.connect(database)
    try:
        assert await records.load_table(connection) == table
        log = await records.list_changes(connection, route=SEARCH, limit=100)
    finally:
        await connection.close()
    assert [record.version for record in log] == list(range(64, 0, -1))
    assert [record.after["percent"] for record in log] == [number / 100 for number in range(64, 0, -1)]


async def test_the_compare_and_set_takes_one_of_two_writers_from_the_same_version(redis):
    await store.replace(redis, FlagTable(3, "home"), announcement={})

    async def write(name: str) -> bool:
        return await store.compare_and_set(
            redis,
            expected=3,
            version=4,
            lineage="home",
            change=store.Change({name: b'{"mode":"service"}'}),
            announcement={},
        )

    assert sorted(await asyncio.gather(*(write(f"GET /{n}") for n in range(64)))) == [False] * 63 + [True]
    table = await live(redis)
    assert (table.version, len(table.flags)) == (4, 1)


async def test_the_compare_and_set_can_change_flags_and_groups_at_once_and_take_entries_away(redis):
    await store.replace(redis, FlagTable(3, "home", {"GET /a": b"{}"}), announcement={})
    change_ = store.Change(
        {"GET /a": None, "GET /b": b'{"mode":"service"}'}, {"bookings": b'{"owner":"service"}'}
    )
    assert await store.compare_and_set(
        redis, expected=3, version=4, lineage="home", change=change_, announcement={}
    )
    assert await live(redis) == FlagTable(
        4, "home", {"GET /b": b'{"mode":"service"}'}, {"bookings": b'{"owner":"service"}'}
    )
    assert not await store.compare_and_set(
        redis, expected=4, version=5, lineage="away", change=change_, announcement={}
    )


# ── the record is the truth ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "statement",
    ["UPDATE flag_changes SET who = 'nobody'", "DELETE FROM flag_changes", "TRUNCATE flag_changes"],
)
async def test_the_log_cannot_be_rewritten(connection, redis, statement):
    await change(connection, redis, {SEARCH: Flag("service")})
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await connection.execute(statement)
    assert len(await records.list_changes(connection)) == 1


async def test_an_emptied_redis_is_refilled_from_the_record(connection, redis):
    await change(connection, redis, {SEARCH: Flag("service")})
    await connection.execute("INSERT INTO group_owners VALUES ('bookings', 'service', 4, 1)")
    await redis.flushdb()
    assert await restore_if_empty(redis, connection)
    table = await live(redis)
    assert (table.version, flag_in(table, SEARCH)) == (1, Flag("service"))
    assert compiled(table).groups["bookings"].epoch == 4
    assert not await restore_if_empty(redis, connection)


async def test_a_redis_that_lost_its_last_changes_is_brought_up_to_the_record(connection, redis):
    await change(connection, redis, {SEARCH: Flag("split", 100)})
    old = await live(redis)
    await change(connection, redis, {SEARCH: Flag("split", 200)})
    await store.replace(redis, old, announcement={}, force=True)
    changed = await change(connection, redis, {PLACES: Flag("service")})
    assert changed.version == 3
    table = await live(redis)
    assert (flag_in(table, SEARCH).share, flag_in(table, PLACES).mode) == (200, "service")


async def test_a_change_into_an_emptied_redis_brings_the_rest_along(connection, redis):
    await change(connection, redis, {SEARCH: Flag("service")})
    await redis.flushdb()
    await change(connection, redis, {PLACES: Flag("service")})
    assert await live(redis) == await records.load_table(connection)


async def test_the_table_of_another_database_is_not_overwritten_unless_told_to(connection, redis):
    foreign = FlagTable(9, "another", {SEARCH: b'{"mode":"service"}'})
    await store.replace(redis, foreign, announcement={})
    with pytest.raises(ChangeRefused, match="does not come from this database"):
        await change(connection, redis, {PLACES: Flag("service")})
    with pytest.raises(ChangeRefused, match="restore --force"):
        await restore(connection, redis, declared(), who="asha", why="x")
    assert not await restore_if_empty(redis, connection)
    assert await live(redis) == foreign
    await restore(connection, redis, declared(), who="asha", why="it is ours", force=True)
    assert await live(redis) == await records.load_table(connection)


async def test_going_back_to_an_older_record_is_a_new_version_with_its_lines_in_the_log(connection, redis):
    await change(connection, redis, {SEARCH: Flag("split", 100)})
    ahead = replace(await live(redis), version=8, flags={SEARCH: b'{"mode":"service"}'})
    await store.replace(redis, ahead, announcement={})
    with pytest.raises(ChangeRefused, match="at version 8 and the record ends at 1"):
        await restore(connection, redis, declared(), who="asha", why="x")
    table, needed = await restore(connection, redis, declared(), who="asha", why="backup", force=True)
    assert (table.version, needed) == (9, True)
    assert await live(redis) == table
    (newest, _) = await records.list_changes(connection, route=SEARCH)
    assert (newest.version, newest.before["mode"], newest.after["percent"], newest.why) == (
        9,
        "service",
        1,
        "backup",
    )


async def test_with_redis_away_nothing_is_changed(connection, valkey):
    client = store.connect(valkey.url)
    valkey.kill()
    with pytest.raises(ChangeRefused, match="Redis does not answer"):
        await change(connection, client, {SEARCH: Flag("service")})
    assert (await records.load_table(connection)).version == 0
    await client.aclose()


async def test_a_change_that_redis_did_not_take_is_on_record_and_made_live_by_a_restore(connection, valkey):
    client = store.connect(valkey.url)
    await change(connection, client, {SEARCH: Flag("split", 100)})
    await client.config_set("min-replicas-to-write", "1")  # it answers, but takes no writes
    with pytest.raises(NotLive, match="Version 2 is on record but not live"):
        await change(connection, client, {SEARCH: Flag("service")})
    with pytest.raises(ChangeRefused, match="does not take the flag table"):
        await change(connection, client, {PLACES: Flag("service")})
    assert flag_in(await live(client), SEARCH) == Flag("split", 100)
    await client.config_set("min-replicas-to-write", "0")
    assert await restore_if_empty(client, connection)
    assert flag_in(await live(client), SEARCH) == Flag("service")
    assert (await live(client)).version == 2
    await client.aclose()


async def test_redis_is_kept_filled_while_servers_come_and_go(connection, database, valkey):
    client = store.connect(valkey.url)
    keeper = asyncio.create_task(keep_filled(valkey.url, database, every_s=0.02))
    try:
        await change(connection, client, {SEARCH: Flag("service")})
        await client.flushall()

        async def is_back() -> bool:
            found = await store.read_version(client)
            return found is not None and found[0] == 1

        await until(is_back, "refilled after FLUSHALL")
        valkey.kill()
        await valkey.start()
        await until(is_back, "refilled after a restart")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await client.flushall()
        await until(is_back, "refilled after the database's connection was cut")
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await client.aclose()
