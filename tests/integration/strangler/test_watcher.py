from __future__ import annotations

from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from strangler.routing import store
from strangler.routing.flags import Flag
from strangler.routing.saved import FILE_NAME, load_saved, save
from strangler.routing.snapshot import FlagTable
from strangler.routing.watcher import FlagWatcher
from tests.integration.strangler.servers import until
from tests.unit.strangler.tables import declared

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SEARCH = "GET /api/search"
SERVICE = b'{"mode":"service"}'
NEVER_S = 3600.0


def at(version: int, search: bytes = SERVICE, lineage: str = "home") -> FlagTable:
    return FlagTable(version, lineage, {SEARCH: search})


async def put(client: Redis, table: FlagTable) -> None:
    await store.replace(client, table, announcement={"version": table.version}, force=True)


async def put_quietly(client: Redis, table: FlagTable) -> None:
    """As if the message on the channel had been lost."""
    async with client.pipeline(transaction=True) as together:
        together.hset(store.FLAGS, mapping=dict(table.flags))
        together.set(store.VERSION, table.version)
        together.set(store.LINEAGE, table.lineage or "")
        await together.execute()


@pytest.fixture
async def client(valkey):
    made = Redis.from_url(valkey.url)
    yield made
    await made.aclose()


@pytest.fixture
def watching(valkey, tmp_path):
    @asynccontextmanager
    async def watch(poll_s: float = 0.02) -> AsyncGenerator[FlagWatcher, None]:
        watcher = FlagWatcher(
            table=declared(), redis_url=valkey.url, state_dir=tmp_path, poll_s=poll_s, timeout_s=1.0
        )
        async with watcher:
            yield watcher

    return watch


def search(watcher: FlagWatcher) -> Flag:
    compiled = watcher.snapshot.match(b"GET", b"/api/search")
    assert compiled is not None
    return compiled.flag


def alarms(watcher: FlagWatcher) -> str:
    return "\n".join(watcher.state["alarms"])


async def test_a_system_that_has_never_had_a_flag_is_on_legacy_and_well(watching):
    async with watching() as watcher:
        state = watcher.state
        assert (state["redis"], state["version"], state["source"], state["alarms"]) == (
            True,
            0,
            "defaults",
            [],
        )
        assert search(watcher) == Flag()


async def test_the_table_is_there_from_the_first_moment(client, watching):
    await put(client, at(7))
    async with watching(NEVER_S) as watcher:
        state = watcher.state
        assert (state["redis"], state["version"], state["source"]) == (True, 7, "redis")
        assert state["age_s"] < 5
        assert search(watcher) == Flag("service")


async def test_a_change_is_heard_on_the_channel_at_once(client, watching):
    await put(client, at(1, b'{"mode":"legacy"}'))
    async with watching(NEVER_S) as watcher:

        async def listens() -> bool:
            return (await client.pubsub_numsub(store.CHANNEL))[0][1] == 1

        await until(listens, "the watcher listens")
        before = watcher.snapshot
        await put(client, at(2))
        await until(lambda: watcher.snapshot.version == 2, "version 2")
        assert search(watcher) == Flag("service")
        assert before.version == 1  # swapped whole: who holds the old one keeps it unchanged


async def test_a_change_whose_message_is_lost_is_found_by_polling(client, watching):
    await put(client, at(1, b'{"mode":"legacy"}'))
    async with watching() as watcher:
        await put_quietly(client, at(2))
        await until(lambda: watcher.snapshot.version == 2, "version 2")
        assert search(watcher) == Flag("service")


async def test_with_redis_gone_it_goes_on_and_takes_up_again_by_itself(client, valkey, watching):
    await put(client, at(3))
    async with watching() as watcher:
        valkey.kill()
        await until(lambda: not watcher.state["redis"], "Redis is missed")
        assert search(watcher) == Flag("service")
        assert "Redis does not answer; version 3 stays in use" in alarms(watcher)
        await valkey.start()
        await until(lambda: watcher.state["redis"], "Redis is back")
        assert search(watcher) == Flag("service")
        assert "Redis has lost the flag table; version 3 stays in use" in alarms(watcher)
        await put(client, at(4, b'{"mode":"legacy"}'))
        await until(lambda: watcher.snapshot.version == 4, "version 4")
        await until(lambda: watcher.state["alarms"] == [], "no alarm")
        assert search(watcher) == Flag()


async def test_a_start_without_redis_goes_by_the_disk(client, valkey, watching):
    await put(client, at(5))
    async with watching():
        pass
    valkey.kill()
    began = monotonic()
    async with watching() as watcher:
        assert monotonic() - began < 5
        state = watcher.state
        assert (state["redis"], state["version"], state["source"]) == (False, 5, "disk")
        assert search(watcher) == Flag("service")
        await valkey.start()
        await put(client, at(6, b'{"mode":"legacy"}'))
        await until(lambda: watcher.snapshot.version == 6, "version 6")
        assert watcher.state["source"] == "redis"


async def test_an_emptied_redis_loses_nothing_also_across_a_start(client, watching):
    await put(client, at(5))
    async with watching() as watcher:
        await client.flushall()
        await until(lambda: "Redis has lost the flag table" in alarms(watcher), "the loss is noticed")
        assert search(watcher) == Flag("service")
    async with watching() as watcher:
        assert "Redis has lost the flag table; version 5 stays in use" in alarms(watcher)
        assert "banyan flag restore" in alarms(watcher)
        assert search(watcher) == Flag("service")
        await put(client, at(5))
        await until(lambda: watcher.state["source"] == "redis", "confirmed")
        assert watcher.state["alarms"] == []


async def test_a_redis_that_went_back_in_time_is_not_followed(client, watching):
    await put(client, at(5))
    async with watching() as watcher:
        await put(client, at(4, b'{"mode":"legacy"}'))
        await until(lambda: "went back from version 5 to 4" in alarms(watcher), "the step back is noticed")
        assert search(watcher) == Flag("service")


async def test_the_table_of_a_database_made_anew_is_followed_whatever_its_version(client, watching):
    await put(client, at(5))
    async with watching() as watcher:
        await put(client, at(1, b'{"mode":"legacy"}', lineage="anew"))
        await until(lambda: watcher.snapshot.version == 1, "version 1")
        assert search(watcher) == Flag()
        assert watcher.state["alarms"] == []


async def test_a_malformed_flag_keeps_its_last_good_value_also_across_a_start(client, watching):
    await put(client, at(5))
    async with watching() as watcher:
        await put(client, at(6, b'{"mode":"srevice"}'))
        await until(lambda: watcher.snapshot.version == 6, "version 6")
        assert search(watcher) == Flag("service")
        assert "'srevice' is none of legacy, service, split" in alarms(watcher)
        assert "stays at: service" in alarms(watcher)
    async with watching() as watcher:
        assert watcher.snapshot.version == 6
        assert search(watcher) == Flag("service")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 2}',
        b'{"format": 1, "version": "7", "lineage": null, "flags": {}, "groups": {}}',
    ],
)
async def test_a_corrupted_file_is_left_out_and_told(client, watching, tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    await put(client, at(2))
    async with watching() as watcher:
        assert watcher.state["source"] == "redis"
        assert search(watcher) == Flag("service")
    saved = load_saved(tmp_path)
    assert saved is not None
    assert saved.version == 2
    async with watching() as watcher:
        assert watcher.state["alarms"] == []


async def test_a_corrupted_file_and_no_redis_is_legacy_with_two_alarms(valkey, watching, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"\x00\xff")
    valkey.kill()
    async with watching() as watcher:
        assert watcher.state["source"] == "defaults"
        assert search(watcher) == Flag()
        assert len(watcher.state["alarms"]) == 2
    await valkey.start()


async def test_a_folder_that_cannot_be_written_is_told_and_nothing_more(client, valkey, tmp_path):
    (tmp_path / "file").write_text("in the way")
    await put(client, at(2))
    watcher = FlagWatcher(table=declared(), redis_url=valkey.url, state_dir=tmp_path / "file" / "state")
    async with watcher:
        assert search(watcher) == Flag("service")
        assert "cannot be" in alarms(watcher)


async def test_something_that_is_no_table_is_told_and_not_followed(client, watching):
    await put(client, at(5))
    async with watching() as watcher:
        await client.set(store.VERSION, "many")
        await until(lambda: "holds no usable flag table" in alarms(watcher), "it is noticed")
        await client.set(store.FLAGS, "not a hash")
        await client.set(store.VERSION, "6")
        await until(lambda: "WRONGTYPE" in alarms(watcher), "it is noticed")
        assert search(watcher) == Flag("service")
        await client.flushall()
        await put(client, at(6, b'{"mode":"legacy"}'))
        await until(lambda: watcher.snapshot.version == 6, "version 6")
        await until(lambda: watcher.state["alarms"] == [], "no alarm")


def test_a_saved_table_is_read_as_it_was_saved_and_leaves_no_other_file(tmp_path):
    table = FlagTable(7, "home", {SEARCH: SERVICE}, {"bookings": b'{"owner":"service","epoch":2}'})
    save(tmp_path / "deep" / "er", table)
    save(tmp_path / "deep" / "er", table)
    assert load_saved(tmp_path / "deep" / "er") == table
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == [FILE_NAME]
    assert load_saved(tmp_path) is None
