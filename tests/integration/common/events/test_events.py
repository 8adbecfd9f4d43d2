"""What a source commits, its listeners show: once, in the end, and whatever dies or is wiped in between."""

from __future__ import annotations

import asyncio

import asyncpg

from common.events import letters
from common.events import relay as relay_module
from common.events.app import Events
from common.events.consumer import LOCK as CONSUMER_LOCK
from common.events.relay import LOCK as RELAY_LOCK
from tests.integration.common.events.conftest import until


async def test_a_change_is_shown_and_the_sweep_that_it_concerns_is_woken(shop, window):
    async with shop.relaying(), window.listening():
        thing = await shop.put("lamp")
        await window.shows_what(shop)
        await shop.rename(thing, "lantern")
        await window.shows_what(shop)
    assert window.woken == ["dress"] * len(window.woken)
    assert len(window.applied) == 2


async def test_what_is_rolled_back_or_not_said_is_not_heard(shop, window):
    async with shop.relaying(), window.listening():
        await shop.put("a secret", secret=True)
        connection = await asyncpg.connect(shop.dsn)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("INSERT INTO things VALUES (gen_random_uuid(), 'never', false)")
        await transaction.rollback()
        await connection.close()
        await shop.put("lamp")
        await window.shows_what(shop)
    assert [event.data["name"] for event in window.applied] == ["lamp"]


async def test_a_transaction_that_takes_its_time_holds_nobody_up_and_is_heard_when_it_commits(shop, window):
    connection = await asyncpg.connect(shop.dsn)
    async with shop.relaying(), window.listening():
        slow = connection.transaction()
        await slow.start()
        await connection.execute("INSERT INTO things VALUES (gen_random_uuid(), 'slow', false)")
        await shop.put("quick")
        await window.shows_what(shop)
        await slow.commit()
        await window.shows_what(shop)
    await connection.close()


async def test_a_transaction_that_began_after_one_it_numbered_before_is_waited_for(shop, window):
    """The snapshot's xmax is no bound for it: it says which transactions have ended, not which have begun."""
    early, late = await asyncpg.connect(shop.dsn), await asyncpg.connect(shop.dsn)
    async with shop.relaying() as relay, window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)

        async def is_saved() -> bool:
            return await shop.pool.fetchval("SELECT low FROM banyan.relay") == 1

        await until(is_saved, "quiet")
        first, second = early.transaction(), late.transaction()
        await first.start()
        await early.execute("SELECT pg_current_xact_id()")
        await second.start()
        await late.execute("INSERT INTO things VALUES (gen_random_uuid(), 'numbered first', false)")
        await early.execute("INSERT INTO things VALUES (gen_random_uuid(), 'numbered second', false)")
        await first.commit()
        for _ in range(3):
            await relay.flushed()
        await window.shows_what(shop)
        await second.commit()
        await window.shows_what(shop)
    await early.close()
    await late.close()


async def test_things_that_were_there_before_anybody_listened_are_shown(shop, window):
    async with shop.relaying():
        for number in range(30):
            await shop.put(f"thing {number}")
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)


async def test_a_wiped_redis_under_load_loses_nothing_and_repeats_nothing(shop, window, wire):
    async def load() -> None:
        for number in range(300):
            await shop.put(f"thing {number}")

    async with shop.relaying(), window.listening():
        loading = asyncio.create_task(load())
        while not loading.done():
            await wire.flushdb()
            await asyncio.sleep(0.02)
        await loading
        await wire.flushdb()
        await window.shows_what(shop)
    assert await window.pool.fetchval("SELECT count(*) = count(DISTINCT seq) FROM told")


async def test_a_redis_that_is_wiped_while_all_is_quiet_is_noticed_too(shop, window, wire):
    async with window.listening():
        async with shop.relaying():
            await shop.put("lamp")
            await window.shows_what(shop)
        await shop.put("told to nobody")
    async with shop.relaying():
        await until(lambda: wire.xlen("events:shop"), "the entry")
    await wire.flushdb()
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)


async def test_a_consumer_that_dies_with_entries_in_hand_has_a_successor_that_applies_them(
    shop, window, wire
):
    async with shop.relaying(), window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
    async with shop.relaying():
        for number in range(5):
            await shop.put(f"thing {number}")
        await until(lambda: _length_is(wire, 6), "all entries")
    given = await wire.xreadgroup("window", "worker", {"events:shop": ">"}, count=3)  # and never acknowledged
    assert len(given[0][1]) == 3
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)
        await until(lambda: _nothing_is_pending(wire), "the last acknowledgement")


async def test_a_relay_that_dies_publishes_again_and_nothing_is_applied_twice(shop, window):
    async with window.listening():
        for number in range(20):
            async with shop.relaying() as relay:
                await shop.put(f"thing {number}")
                await relay.flushed()
        await window.shows_what(shop)
    assert await window.pool.fetchval("SELECT count(*) = count(DISTINCT seq) FROM told")


async def test_of_two_relays_and_two_consumers_one_each_is_at_work(shop, window):
    async with shop.relaying(), shop.relaying(), window.listening(), window.listening():
        for number in range(20):
            await shop.put(f"thing {number}")
        await window.shows_what(shop)
        for dsn, lock in ((shop.dsn, RELAY_LOCK), (window.dsn, CONSUMER_LOCK)):
            connection = await asyncpg.connect(dsn)
            assert not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock)
            await connection.close()
    assert await window.pool.fetchval("SELECT count(*) = count(DISTINCT seq) FROM told")


async def test_a_stream_cut_short_is_noticed_and_made_good(shop, window, wire):
    async with shop.relaying(), window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
    async with shop.relaying() as relay:
        for number in range(10):
            await shop.put(f"thing {number}")
        await relay.flushed()
    await wire.xtrim("events:shop", maxlen=2, approximate=False)
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)


async def test_what_the_outbox_has_forgotten_is_emitted_anew_from_the_tables(shop, window):
    for number in range(1200):
        await shop.put(f"thing {number}")
    await shop.pool.execute("DELETE FROM banyan.outbox")
    await shop.pool.execute("UPDATE banyan.relay SET low = 1200, forgotten = 1200")
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)


async def test_a_source_can_be_published_again_from_its_start(shop, window, wire):
    async with shop.relaying(), window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
        await window.pool.execute("DELETE FROM shown")
        await wire.hset("events:shop:wanted", "somebody", "-1")
        await window.shows_what(shop)


async def test_an_older_event_that_comes_late_changes_nothing(shop, window, wire):
    async with shop.relaying(), window.listening():
        thing = await shop.put("lamp")
        await shop.rename(thing, "lantern")
        await window.shows_what(shop)
        await wire.hset("events:shop:wanted", "somebody", "0")
        await window.pool.execute("UPDATE banyan.heard SET low = 0")
        await shop.put("another")
        await window.shows_what(shop)


async def test_an_event_that_fails_is_put_aside_and_tried_again_while_the_others_go_on(shop, window):
    window.refused.add("bad")
    async with shop.relaying(), window.listening():
        await shop.put("bad")
        await shop.put("good")

        async def good_is_shown() -> bool:
            return set((await window.names()).values()) == {"good"}

        await until(good_is_shown, "the good one")
        window.refused.clear()
        await window.shows_what(shop)
        assert await window.pool.fetchval("SELECT count(*) FROM banyan.failures") == 0


async def test_a_dead_event_is_shown_and_replayed_by_hand(shop, window, wire):
    window.refused.add("bad")
    async with shop.relaying(), window.listening():
        thing = await shop.put("bad")

        async def is_aside() -> bool:
            return await window.pool.fetchval("SELECT count(*) FROM banyan.failures") == 1

        await until(is_aside, "the failure")
        await window.pool.execute(
            "UPDATE banyan.failures SET attempts = $1, next_at = now()", letters.DEAD_AFTER - 1
        )
        await until(lambda: wire.hlen("events:dead:window"), "the dead letter")
        await wire.flushdb()
        await until(lambda: wire.hlen("events:dead:window"), "the dead letter, once more")
        window.refused.clear()
        await wire.rpush("events:replay:window", "*")
        await window.shows_what(shop)
        assert (await window.names())[thing] == "bad"

        async def is_forgotten() -> bool:
            return not await wire.hlen("events:dead:window")

        await until(is_forgotten, "that nothing is dead any more")


async def test_a_relay_that_begins_again_does_not_skip_what_one_listener_misses_for_another(
    shop, window, wire
):
    """It died just after it went back for the window; now somebody who has heard more wants something too."""
    async with shop.relaying(), window.listening():
        for number in range(10):
            await shop.put(f"thing {number}")
        await window.shows_what(shop)
        await until(lambda: _low_is(shop, 10), "its note of that")
    await window.pool.execute("TRUNCATE shown")
    await window.pool.execute("UPDATE banyan.heard SET low = 0")
    await shop.pool.execute("UPDATE banyan.relay SET low = 0")
    await wire.hset("events:shop:wanted", "somebody", "10")
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)


async def test_what_redis_lost_of_a_streams_end_is_noticed_by_who_had_not_heard_it(shop, window, wire):
    async with shop.relaying() as relay, window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
    async with shop.relaying() as relay:
        await shop.put("published, and lost")
        await relay.flushed()
        await until(lambda: _low_is(shop, 2), "its note of that")
    last = await wire.xrevrange("events:shop", count=10)
    for entry_id, fields in last:
        if b"and lost" in fields[b"e"]:
            await wire.xdel("events:shop", entry_id)
            break
        await wire.xdel("events:shop", entry_id)
    async with shop.relaying(), window.listening():
        await shop.put("after that")
        await window.shows_what(shop)


async def test_tables_that_are_emitted_anew_are_so_to_the_end_whoever_dies_meanwhile(
    shop, window, monkeypatch
):
    monkeypatch.setattr(relay_module, "EMITTED_AT_ONCE", 5)
    for number in range(20):
        await shop.put(f"thing {number}")
    await shop.pool.execute("DELETE FROM banyan.outbox")
    await shop.pool.execute("UPDATE banyan.relay SET low = 20, forgotten = 20")
    # the first to emit the fifteenth thing dies of it
    await shop.pool.execute(
        """
        CREATE SEQUENCE deaths;
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.row ->> 'name' = 'thing 15' AND nextval('deaths') = 1 THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER die BEFORE INSERT ON banyan.outbox FOR EACH ROW EXECUTE FUNCTION die();
        """
    )
    async with shop.relaying(), window.listening():
        await window.shows_what(shop)


async def test_a_listener_that_is_lapped_by_what_it_asked_for_asks_again(shop, window, wire, monkeypatch):
    """The start of what is published again is cut off the stream before it has been read."""
    monkeypatch.setattr(relay_module, "KEPT_ENTRIES", 120)
    monkeypatch.setattr(relay_module, "BATCH", 15)
    await shop.pool.execute(
        "INSERT INTO things SELECT gen_random_uuid(), 'thing', false FROM generate_series(1, 270)"
    )
    async with shop.relaying() as relay:
        await relay.flushed()
        async with window.listening():
            await window.shows_what(shop)

            async def nothing_is_missing() -> bool:
                return not await window.pool.fetchval("SELECT hole FROM banyan.heard")

            await until(nothing_is_missing, "all of it")
    assert await window.pool.fetchval("SELECT count(*) = count(DISTINCT seq) FROM told")


async def test_a_listener_that_is_lapped_before_it_has_read_anything_asks_again(shop, window, wire):
    """Even the entry that says from where it is published again was cut off."""
    async with shop.relaying():
        for number in range(10):
            await shop.put(f"thing {number}")
        await until(lambda: _low_is(shop, 10), "its note of that")
    async with window.listening():
        await until(lambda: wire.hdel("events:shop:wanted", "window"), "its wish, which is granted in vain")
        async with shop.relaying():
            await window.shows_what(shop)


async def test_a_large_transaction_that_commits_late_is_read_in_parts(shop, window, monkeypatch):
    monkeypatch.setattr(relay_module, "BATCH", 7)
    connection = await asyncpg.connect(shop.dsn)
    async with shop.relaying() as relay, window.listening():
        large = connection.transaction()
        await large.start()
        await connection.execute(
            "INSERT INTO things SELECT gen_random_uuid(), 'one of many', false FROM generate_series(1, 50)"
        )
        await shop.put("quick")
        await relay.flushed()
        await large.commit()
        await window.shows_what(shop)
        await until(lambda: _low_is(shop, 51), "the end of it")
    await connection.close()


async def test_what_is_no_event_is_passed_over(shop, window, wire):
    async with shop.relaying(), window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
        await wire.xadd("events:shop", {"e": b"no JSON"})
        await wire.xadd("events:shop", {"other": b"field"})
        await shop.put("lantern")
        await window.shows_what(shop)
        await wire.xadd("events:shop", {"e": b"[]"})
    async with shop.relaying(), window.listening():
        await shop.put("candle")
        await window.shows_what(shop)


async def test_a_writer_can_wait_until_its_listeners_have_applied_what_it_wrote(shop, window, wire):
    async with shop.relaying() as relay, window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
        events = Events(wire, "shop", relay)
        for number in range(10):
            await shop.put(f"thing {number}")
            assert await events.until_seen()
            assert await window.names() == await shop.names()


async def test_whoever_waits_until_all_have_heard_does_not_wait_for_those_who_do_not_want_to(
    shop, window, wire
):
    async with shop.relaying() as relay, window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
        events = Events(wire, "shop", relay)
        for number in range(10):
            await shop.put(f"whisper {number}")
            assert await events.until_seen()


async def test_the_bell_rings_for_whom_an_event_concerns_and_stays_rung_once(shop, wire):
    await wire.hset("events:shop:listeners", "window", "shop.thing.changed shop.thing.removed")
    async with shop.relaying() as relay:
        await relay.flushed()
        await wire.delete("events:bell:window")
        await shop.put("whisper")
        await relay.flushed()
        assert not await wire.exists("events:bell:window")
        for name in ("lamp", "candle"):
            await shop.put(name)
            await relay.flushed()
            assert await wire.llen("events:bell:window") == 1


async def test_more_than_fits_into_one_reading_is_heard_for_one_ring(shop, window, wire, monkeypatch):
    monkeypatch.setattr("common.events.bells.WAIT_S", 3600)  # nobody looks by themselves
    monkeypatch.setattr("common.events.consumer.BATCH", 10)
    async with shop.relaying() as relay, window.listening():
        await shop.put("lamp")
        await window.shows_what(shop)
        for kind in ("thing", "whisper"):
            await shop.pool.execute(
                "INSERT INTO things SELECT gen_random_uuid(), $1 || n, false FROM generate_series(1, 95) n",
                kind,
            )
            assert await Events(wire, "shop", relay, seen_within_s=20).until_seen()
        shown = [name for name in (await window.names()).values() if name.startswith("thing")]
        assert len(shown) == 95


async def _nothing_is_pending(wire) -> bool:
    return (await wire.xpending("events:shop", "window"))["pending"] == 0


async def _low_is(shop, low: int) -> bool:
    return await shop.pool.fetchval("SELECT low FROM banyan.relay") == low


async def _length_is(wire, length: int) -> bool:
    return await wire.xlen("events:shop") >= length
