"""Holding seats over the API, one client at a time; the crowd is in test_crowd."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient

    from common.database import Pool
    from tests.integration.services.ticketing.world import Trip, User, World


def order(trip: Trip, *seats: str, from_seq: int = 0, to_seq: int = 3, **more: Any) -> dict[str, Any]:
    passengers = [{"seat": seat, "name": f"Rider {seat}"} for seat in seats]
    return {
        "trip_id": str(trip.id),
        "from_seq": from_seq,
        "to_seq": to_seq,
        "passengers": passengers,
        **more,
    }


async def hold(client: TestClient, world: World, user: User, body: dict[str, Any], **headers: str) -> Any:
    answer = await client.post("/api/bookings", json=body, headers={**world.bearer(user), **headers})
    return answer.status, await answer.json()


async def test_seats_are_held_at_the_price_of_stretch_and_class(client, world) -> None:
    company = await world.company()
    trip = await world.trip(
        company,
        route=await world.route(company, leg_fares=[10000, 15000, 3333]),
        layout=await world.layout(company, rows=3, front_rows=1),
    )
    user = await world.user()
    status, booking = await hold(client, world, user, order(trip, "2A", "1A", from_seq=1))
    assert status == 201
    assert [ticket["seat"] for ticket in booking["tickets"]] == ["2A", "1A"]
    assert [ticket["price"]["amount"] for ticket in booking["tickets"]] == [18333, 22000]
    assert booking["total"] == {"amount": 40333, "currency": "INR"}
    assert booking["status"] == "held"
    assert booking["contact"] == {"email": user.email, "phone": None}
    seen = await (await client.get(f"/api/bookings/{booking['id']}", headers=world.bearer(user))).json()
    assert seen == booking


async def test_taken_seats_are_named_and_nothing_is_kept(client, world, pool: Pool) -> None:
    trip = await world.trip()
    await world.booking(trip, seats=["1B", "1D"], from_seq=1, to_seq=2)
    status, problem = await hold(client, world, await world.user(), order(trip, "1A", "1B", "1C", "1D"))
    assert (status, problem["type"], problem["seats"]) == (
        409,
        "urn:banyan:problem:seats-taken",
        ["1B", "1D"],
    )
    assert await pool.fetchval("SELECT count(*) FROM bookings") == 1
    assert await pool.fetchval("SELECT count(*) FROM seat_claims") == 2


async def test_each_change_of_a_hold_is_noted_so_that_the_other_side_can_follow(
    client, world, pool: Pool
) -> None:
    _, booking = await hold(client, world, await world.user(), order(await world.trip(), "1A"))
    noted = "SELECT tbl, op, coalesce(row, old) ->> 'status' AS status FROM banyan.outbox ORDER BY seq"
    assert [tuple(row) for row in await pool.fetch(noted)] == [
        ("bookings", "insert", "held"),
        ("tickets", "insert", "held"),
    ]
    await pool.execute("UPDATE tickets SET status = 'expired' WHERE booking_id = $1", booking["id"])
    await pool.execute("DELETE FROM tickets")
    assert [tuple(row) for row in await pool.fetch(noted)][2:] == [
        ("tickets", "update", "expired"),
        ("tickets", "delete", "expired"),
    ]


async def test_a_seat_sells_again_on_the_next_stretch(client, world) -> None:
    trip = await world.trip()
    await world.booking(trip, seats=["1A"], from_seq=1, to_seq=2)
    user = await world.user()
    assert (await hold(client, world, user, order(trip, "1A", to_seq=1)))[0] == 201
    assert (await hold(client, world, user, order(trip, "1A", from_seq=2)))[0] == 201
    assert (await hold(client, world, await world.user(), order(trip, "1A")))[0] == 409


async def test_a_stale_hold_gives_way_as_a_whole_and_at_once(client, world, pool: Pool) -> None:
    trip = await world.trip()
    past = datetime.now(UTC) - timedelta(seconds=1)
    stale = await world.booking(trip, seats=["1A", "1B"], status="held", expires_at=past)
    status, _ = await hold(client, world, await world.user(), order(trip, "1A"))
    assert status == 201
    assert await pool.fetchval("SELECT status FROM bookings WHERE id = $1", stale.id) == "expired"
    tickets = await pool.fetch("SELECT status FROM tickets WHERE booking_id = $1", stale.id)
    claims = await pool.fetch("SELECT status FROM seat_claims WHERE booking_id = $1", stale.id)
    assert {row["status"] for row in (*tickets, *claims)} == {"expired"}


async def test_a_stale_hold_that_is_paid_for_keeps_its_seats(client, world) -> None:
    trip = await world.trip()
    past = datetime.now(UTC) - timedelta(seconds=1)
    paid = await world.booking(trip, seats=["1A"], status="held", expires_at=past)
    await world.payment(paid)
    assert (await hold(client, world, await world.user(), order(trip, "1A")))[0] == 409


async def test_what_costs_nothing_is_confirmed_and_told(client, world, pool: Pool) -> None:
    company = await world.company()
    trip = await world.trip(company, route=await world.route(company, leg_fares=[0, 0, 0]))
    user = await world.user(locale="hi")
    status, booking = await hold(client, world, user, order(trip, "1A", "1B"))
    assert (status, booking["status"], booking["expires_at"]) == (201, "confirmed", None)
    sold = await pool.fetch("SELECT sold FROM tickets WHERE status = 'confirmed'")
    assert [row["sold"] for row in sold] == [True, True]
    assert await pool.fetchval("SELECT count(*) FROM mails WHERE recipient = $1", user.email) == 1


async def test_a_user_holds_three_bookings_and_twelve_seats_of_a_trip(client, world, pool: Pool) -> None:
    user, trip = await world.user(), await world.trip(rows=6)
    await world.booking(trip, user, seats=["1A", "1B", "1C", "1D", "2A", "2B", "2C", "2D"])
    assert (await hold(client, world, user, order(trip, "3A", "3B", "3C", "3D", "4A")))[1]["type"].endswith(
        "too-many-holds"
    )
    assert (await hold(client, world, user, order(trip, "3A", "3B", "3C", "3D")))[0] == 201
    assert (await hold(client, world, user, order(trip, "4A")))[0] == 409
    for _ in range(2):
        assert (await hold(client, world, user, order(await world.trip(), "1A")))[0] == 201
    assert (await hold(client, world, user, order(await world.trip(), "1A")))[0] == 409
    await pool.execute("UPDATE bookings SET expires_at = now() WHERE status = 'held'")
    assert (await hold(client, world, user, order(await world.trip(), "1A")))[0] == 201


@pytest.mark.parametrize("how", ["cancelled", "departed", "suspended"])
async def test_nothing_is_sold_of_a_trip_that_is_closed(client, world, pool: Pool, how: str) -> None:
    now = datetime.now(UTC)
    trip = await world.trip(
        departs_at=now - timedelta(minutes=1) if how == "departed" else now + timedelta(days=1),
        status="cancelled" if how == "cancelled" else "scheduled",
    )
    if how == "suspended":
        await world.change(trip.company, status="suspended")
    status, problem = await hold(client, world, await world.user(), order(trip, "1A"))
    assert (status, problem["type"]) == (409, "urn:banyan:problem:trip-closed")


async def test_a_late_bus_can_still_be_booked_and_so_can_its_later_stops(client, world) -> None:
    gone = datetime.now(UTC) - timedelta(minutes=10)
    late = await world.trip(departs_at=gone, delay_min=30)
    assert (await hold(client, world, await world.user(), order(late, "1A")))[0] == 201
    on_time = await world.trip(departs_at=gone)
    assert (await hold(client, world, await world.user(), order(on_time, "1A")))[0] == 409
    assert (await hold(client, world, await world.user(), order(on_time, "1A", from_seq=1)))[0] == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from_seq": 3}, "from_seq"),
        ({"from_seq": 2, "to_seq": 1}, "to_seq"),
        ({"to_seq": 4}, "to_seq"),
        ({"trip_id": str(uuid4())}, "trip_id"),
        ({"passengers": [{"seat": "9Z", "name": "Asha"}]}, "passengers.0.seat"),
        (
            {"passengers": [{"seat": "1A", "name": "Asha"}, {"seat": "1A", "name": "Ravi"}]},
            "passengers.1.seat",
        ),
        ({"passengers": [{"seat": "1A", "name": "Asha", "age": 121}]}, "passengers.0.age"),
        ({"passengers": [{"seat": "1A", "name": "Asha\nRao"}]}, "passengers.0.name"),
        ({"passengers": []}, "passengers"),
        ({"contact": {"phone": "+919845012345"}}, "contact.email"),
    ],
)
async def test_a_wrong_order_is_refused_by_field(client, world, change: dict[str, Any], field: str) -> None:
    trip = await world.trip()
    status, problem = await hold(client, world, await world.user(), {**order(trip, "1A"), **change})
    assert status == 422
    assert field in problem["errors"]


async def test_the_same_key_holds_once_and_answers_twice(client, world, pool: Pool) -> None:
    trip, user = await world.trip(), await world.user()
    key = {"Idempotency-Key": "hold-1"}
    first = await client.post("/api/bookings", json=order(trip, "1A"), headers={**world.bearer(user), **key})
    again = await client.post("/api/bookings", json=order(trip, "1A"), headers={**world.bearer(user), **key})
    assert (first.status, again.status) == (201, 201)
    assert await first.json() == await again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert await pool.fetchval("SELECT count(*) FROM bookings") == 1
    other = await client.post("/api/bookings", json=order(trip, "1B"), headers={**world.bearer(user), **key})
    assert other.status == 422


async def test_who_is_not_logged_in_holds_nothing(client, world) -> None:
    answer = await client.post("/api/bookings", json=order(await world.trip(), "1A"))
    assert answer.status == 401


async def test_a_key_that_met_taken_seats_may_be_used_again(client, world, pool: Pool) -> None:
    trip, user = await world.trip(), await world.user()
    taken = await world.booking(trip, seats=["1A"])
    assert (await hold(client, world, user, order(trip, "1A"), **{"Idempotency-Key": "k"}))[0] == 409
    await pool.execute("UPDATE seat_claims SET status = 'cancelled' WHERE booking_id = $1", taken.id)
    assert (await hold(client, world, user, order(trip, "1A"), **{"Idempotency-Key": "k"}))[0] == 201


async def test_a_key_that_met_an_unknown_departure_is_used_up(client, world, pool: Pool) -> None:
    unknown, trip = await world.trip(known=False), await world.trip()
    user = await world.user()
    headers = {**world.bearer(user), "Idempotency-Key": "k"}
    first = await client.post("/api/bookings", json=order(unknown, "1A"), headers=headers)
    again = await client.post("/api/bookings", json=order(unknown, "1A"), headers=headers)
    assert (first.status, again.status) == (422, 422)
    assert (await first.json())["errors"] == {"trip_id": ["There is no such departure."]}
    assert await first.read() == await again.read()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    status, problem = await hold(client, world, user, order(trip, "1A"), **{"Idempotency-Key": "k"})
    assert (status, problem["type"]) == (422, "urn:banyan:problem:idempotency-key-reused")
    assert await pool.fetchval("SELECT count(*) FROM bookings") == 0


@pytest.mark.parametrize(
    ("currency", "fares"), [("INR", [10001, 3333, 7]), ("JPY", [101, 33, 7]), ("KWD", [1230, 3330, 70])]
)
async def test_a_seat_costs_what_the_seat_map_said(client, world, currency: str, fares: list[int]) -> None:
    company = await world.company(currency=currency)
    trip = await world.trip(
        company,
        route=await world.route(company, leg_fares=fares),
        layout=await world.layout(company, rows=2, front_rows=1),
    )
    for from_seq, to_seq in ((0, 1), (0, 3), (1, 2), (2, 3)):
        answer = await client.get(f"/api/trips/{trip.id}/seats", params={"from": from_seq, "to": to_seq})
        prices = {seat["seat"]: seat["price"] for seat in (await answer.json())["seats"]}
        _, booking = await hold(
            client, world, await world.user(), order(trip, "1A", "2A", from_seq=from_seq, to_seq=to_seq)
        )
        assert {ticket["seat"]: ticket["price"] for ticket in booking["tickets"]} == {
            "1A": prices["1A"],
            "2A": prices["2A"],
        }
        path = f"/api/bookings/{booking['id']}/cancel"
        assert (await client.post(path, headers=world.bearer(await world.user("admin")))).status == 200


async def test_a_booking_remembers_its_journey_as_the_wire_writes_it(client, world, pool: Pool) -> None:
    trip = await world.trip(departs_at=datetime(2031, 5, 1, 4, 30, 0, 250_000, tzinfo=UTC))
    _, booking = await hold(client, world, await world.user(), order(trip, "1A", from_seq=1))
    journey = await pool.fetchval("SELECT journey FROM bookings")
    assert journey["from"] == booking["from"]
    assert journey["to"] == booking["to"]
    assert journey["departs_at"] == "2031-05-01T04:30:00.250Z"
    assert journey["company_name"] == booking["company_name"]
    assert await pool.fetchval("SELECT seats FROM bookings") == 1
