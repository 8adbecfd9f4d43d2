"""Single tickets and seat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from common.database import Pool


async def test_a_ticket_stands_alone(client, world) -> None:
    booking = await world.booking(await world.trip(), seats=["1A", "1B"], from_seq=1, to_seq=2)
    path = f"/api/tickets/{booking.ticket_ids[1]}"
    answer = await client.get(path, headers=world.bearer(booking.user))
    ticket = await answer.json()
    assert (ticket["seat"], ticket["booking_reference"]) == ("1B", booking.reference)
    assert (ticket["from"]["city"], ticket["to"]["city"]) == ("Mysuru", "Madikeri")
    headers = {**world.bearer(booking.user), "If-None-Match": answer.headers["ETag"]}
    assert (await client.get(path, headers=headers)).status == 304
    assert (await client.get(path, headers=world.bearer(await world.user()))).status == 404


async def test_there_is_an_end_to_reissuing(client, world, pool: Pool) -> None:
    booking = await world.booking(await world.trip())
    await pool.execute("UPDATE tickets SET qr_serial = 255")
    path = f"/api/tickets/{booking.ticket_ids[0]}/reissue"
    answer = await client.post(path, json={}, headers=world.bearer(booking.user))
    assert (answer.status, (await answer.json())["type"]) == (409, "urn:banyan:problem:reissued-too-often")


class TestSeatMap:
    async def test_states_and_prices_are_of_the_stretch(self, client, world) -> None:
        company = await world.company()
        trip = await world.trip(company, layout=await world.layout(company, rows=2, front_rows=1))
        await world.booking(trip, seats=["1A"], from_seq=0, to_seq=2)
        await world.booking(trip, seats=["2B"], from_seq=1, to_seq=2, status="held")
        answer = await client.get(f"/api/trips/{trip.id}/seats", params={"from": 1, "to": 3})
        found = await answer.json()
        states = {seat["seat"]: seat["state"] for seat in found["seats"]}
        assert {seat: state for seat, state in states.items() if state != "free"} == {
            "1A": "sold",
            "2B": "held",
        }
        prices = {seat["seat"]: seat["price"]["amount"] for seat in found["seats"]}
        assert (prices["1B"], prices["2A"]) == (24000, 20000)
        assert (found["from"], found["to"], found["seats_left"]) == (1, 3, 6)
        after = await client.get(f"/api/trips/{trip.id}/seats", params={"from": 2})
        assert {seat["state"] for seat in (await after.json())["seats"]} == {"free"}

    async def test_unchanged_is_304_and_right_the_moment_a_hold_ends(self, client, world, pool: Pool) -> None:
        trip = await world.trip()
        await world.booking(trip, status="held")
        path = f"/api/trips/{trip.id}/seats"
        first = await client.get(path)
        assert first.headers["Cache-Control"] == "no-cache"
        etag = {"If-None-Match": first.headers["ETag"]}
        assert (await client.get(path, headers=etag)).status == 304
        await pool.execute("UPDATE seat_claims SET expires_at = now()")
        after = await client.get(path, headers=etag)
        assert after.status == 200
        assert (await after.json())["seats_left"] == 12

    @pytest.mark.parametrize(
        "stretch", ["from=2&to=1", "from=1&to=1", "to=4", "from=3", "from=-1", "from=x", "to=0", "seat=1A"]
    )
    async def test_what_is_no_stretch_is_refused(self, client, world, stretch: str) -> None:
        trip = await world.trip()
        assert (await client.get(f"/api/trips/{trip.id}/seats?{stretch}")).status == 422

    async def test_no_trip_is_404(self, client) -> None:
        assert (await client.get("/api/trips/019c0000-0000-7000-8000-000000000000/seats")).status == 404
