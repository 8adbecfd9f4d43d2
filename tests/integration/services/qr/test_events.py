"""What others say is kept: once, twice, late or in any order, the newest stays."""

from __future__ import annotations

from itertools import permutations

import pytest

from common.encoding import dump_json
from common.events import Change
from common.ids import uuid7
from services.qr.events import translate
from tests.integration.services.qr.world import event, stop_data, ticket_data, trip_data


async def told(pool, table, columns="*"):
    return [tuple(row) for row in await pool.fetch(f"SELECT {columns} FROM {table} ORDER BY id")]


@pytest.mark.parametrize("order", list(permutations((0, 1, 2))))
async def test_a_ticket_ends_as_its_last_event_says_in_whatever_order_they_come(world, pool, order):
    booking = await world.booking(await world.trip(tell=False), tell=False)
    history = [
        event("ticketing.ticket.confirmed", 11, ticket_data(booking)),
        event("ticketing.ticket.confirmed", 12, ticket_data(booking, qr_serial=1)),
        event("ticketing.ticket.cancelled", 13, ticket_data(booking, qr_serial=1, status="cancelled")),
    ]
    for place in order:
        await world.tell_all([history[place]])
        await world.tell_all([history[place]])
    assert await told(pool, "tickets", "status, qr_serial, source_seq") == [("cancelled", 1, 13)]
    await pool.execute("DELETE FROM tickets")
    await world.tell_all([history[place] for place in order])  # the same as one batch
    assert await told(pool, "tickets", "status, qr_serial, source_seq") == [("cancelled", 1, 13)]


async def test_a_child_may_come_before_its_parent(world, gate, client):
    trip = await world.trip(gate.trip.company, departs_at=gate.trip.departs_at, tell=False)
    booking = await world.booking(trip, tell=False)
    await world.ticket(booking)
    token = gate.token(ticket_id=booking.ticket_ids[0], trip_id=trip.id)
    assert (await gate.verify(token))["reason"] == "ok"
    await world.trip_changed(trip, status="cancelled")
    assert (await gate.verify(token))["reason"] == "cancelled"


async def test_what_is_removed_is_not_brought_back_by_an_older_event(world, pool):
    stop_id = uuid7()

    async def tell(kind, seq, city="Mysuru") -> None:
        data = {"id": stop_id} if kind == "removed" else {"id": stop_id, **stop_data(city)}
        await world.tell(f"company.stop.{kind}", data, seq=seq)

    await tell("removed", 8)
    await tell("changed", 7)
    assert await told(pool, "stops", "removed, source_seq") == [(True, 8)]
    await tell("changed", 9, "Hassan")
    await tell("removed", 10)
    assert await told(pool, "stops", "name, removed") == [("Hassan Bus Stand", True)]


async def test_a_route_that_is_removed_still_tells_where_its_departures_called(world, client, gate):
    await world.tell("company.route.removed", {"id": gate.trip.route_id})
    async with client.get(f"/tickets/{gate.ticket_id}", headers=world.browser(gate.booking.user)) as answer:
        assert "Mangaluru Bus Stand" in await answer.text()


async def test_a_delay_is_known_when_it_is_told(world, client, gate):
    await world.trip_changed(gate.trip, delay_min=25)
    async with client.get(f"/tickets/{gate.ticket_id}", headers=world.browser(gate.booking.user)) as answer:
        assert "25 mins late" in await answer.text()


async def test_a_departure_moves_with_its_last_event(world, pool):
    trip = await world.trip(tell=False)
    for seq, delay in ((5, 10), (7, 30), (6, 20)):
        await world.tell("company.trip.changed", trip_data(trip, delay_min=delay), seq=seq)
    assert await told(pool, "trips", "delay_min, source_seq") == [(30, 7)]


async def test_a_check_in_is_in_the_outbox_with_the_scan(gate, pool):
    _, made = await gate.check_in()
    row = await pool.fetchrow("SELECT * FROM banyan.outbox WHERE tbl = 'scans'")
    change = Change(row["seq"], row["tbl"], row["op"], row["key"], row["row"], row["old"], row["at"])
    message = translate(change)
    assert message.type == "qr.check_in.recorded"
    assert message.data["ticket_id"] == made["ticket_id"]
    assert message.data["company_id"] == str(gate.trip.company.id)
    assert dump_json(message.data)
