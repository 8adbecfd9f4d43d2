"""What is told of rows as the database captures them, and what is kept of what others tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from common.database import transaction
from common.events import Change, Event
from services.company.events import HANDLERS, PUBLISHES, translate
from services.company.repository import mirrors

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DOCUMENTED = {event.type: event.fields for event in PUBLISHES}


@pytest.fixture
def hear(pool):
    """Applies events, given as (type, seq, data), in one batch, as the consumer does."""

    async def apply(*said: tuple[str, int, dict[str, Any]]) -> None:
        events = [
            Event("test", seq, name, 1, str(data.get("id", data.get("user_id"))), NOW, data)
            for name, seq, data in said
        ]
        async with transaction(pool) as conn:
            for handler in HANDLERS:
                mine = [event for event in events if event.type in handler.types]
                if mine:
                    await handler.apply(conn, mine)

    return apply


async def told(pool) -> list[Any]:
    rows = await pool.fetch("SELECT seq, tbl, op, key, row, old, at FROM banyan.outbox ORDER BY seq")
    return [translate(Change(*row)) for row in rows]


def account(user_id: UUID, company_id: UUID | None, **given: Any) -> dict[str, Any]:
    return {
        "id": str(user_id), "email": "ravi@example.org", "role": "driver" if company_id else "passenger",
        "company_id": str(company_id) if company_id else None, "status": "active", "full_name": "Ravi Kumar",
        "phone": None, "locale": "en", "created_at": "2030-01-01T00:00:00+00:00",
        "updated_at": "2030-01-01T00:00:00+00:00", **given,
    }  # fmt: skip


def ticket(ticket_id: UUID, trip_id: UUID, seat: str, status: str = "confirmed") -> dict[str, Any]:
    return {
        "id": str(ticket_id), "booking_id": str(uuid4()), "trip_id": str(trip_id), "company_id": str(uuid4()),
        "user_id": str(uuid4()), "seat": seat, "seat_class": "seater", "deck": "lower", "from_seq": 0,
        "to_seq": 1, "passenger_name": "Asha Rao", "passenger_age": 30, "passenger_gender": None,
        "price_minor": 10_000, "refund_due_minor": 0, "status": status, "sold": True, "qr_serial": 1,
        "updated_at": "2030-01-01T00:00:00+00:00",
    }  # fmt: skip


async def test_every_row_that_is_made_is_told_with_all_that_is_documented(world, pool):
    company = await world.company()
    layout = await world.layout(company)
    bus, driver = await world.bus(layout), await world.driver(company)
    trip = await world.trip(company, layout=layout, bus_id=bus, driver_id=driver)
    messages = await told(pool)
    by_type = {message.type: message for message in messages}
    assert by_type.keys() == {name for name in DOCUMENTED if name.endswith(".changed")}
    for message in messages:
        assert list(message.data) == list(DOCUMENTED[message.type])
    said = by_type["company.trip.changed"].data
    assert (said["id"], said["bus_id"], said["layout_id"]) == (str(trip.id), str(bus), str(layout.id))
    assert datetime.fromisoformat(said["departs_at"]) == trip.departs_at
    calls = by_type["company.route.changed"].data["calls"]
    assert [call["fare_sum_minor"] for call in calls] == [0, 10_000, 20_000, 30_000]
    assert calls[0].keys() == {"seq", "stop_id", "arrive_s", "depart_s", "leg_fare_minor", "fare_sum_minor"}


async def test_a_change_over_the_api_is_told_once(client, world, pool):
    company = await world.company()
    before = len(await told(pool))
    async with client.patch(
        f"/api/companies/{company.id}", json={"status": "suspended"}, headers=world.admin()
    ) as answer:
        assert answer.status == 200
    (message,) = (await told(pool))[before:]
    assert (message.type, message.data["status"]) == ("company.company.changed", "suspended")


async def test_staff_are_known_from_their_accounts_and_passengers_are_not_kept(hear, pool):
    driver, passenger, company = uuid4(), uuid4(), uuid4()
    await hear(
        ("auth.user.changed", 1, account(driver, company)),
        ("auth.user.changed", 2, account(passenger, None)),
    )
    assert await mirrors.works_for(pool, driver, company)
    assert not await mirrors.works_for(pool, driver, uuid4())
    assert await pool.fetchval("SELECT count(*) FROM users") == 1


async def test_who_leaves_the_company_is_its_staff_no_more_whatever_comes_late(hear, pool):
    driver, company = uuid4(), uuid4()
    await hear(("auth.user.changed", 3, account(driver, company)))
    await hear(
        ("auth.user.changed", 3, account(driver, company)), ("auth.user.changed", 5, account(driver, None))
    )
    await hear(("auth.user.changed", 4, account(driver, company)))
    assert not await mirrors.works_for(pool, driver, company)


async def test_who_left_before_they_were_heard_to_have_come_is_no_staff(hear, pool):
    user_id, company_id = uuid4(), uuid4()
    await hear(("auth.user.changed", 9, account(user_id, None, updated_at="2030-02-01T00:00:00+00:00")))
    await hear(("auth.user.changed", 5, account(user_id, company_id)))
    assert not await mirrors.works_for(pool, user_id, company_id)


async def test_an_account_that_was_read_from_its_owner_gives_way_to_its_event(hear, pool):
    driver, company = uuid4(), uuid4()
    read = account(driver, company) | {"id": driver, "company_id": company}
    await mirrors.keep_member_of_staff(pool, read)
    await mirrors.keep_member_of_staff(pool, read)
    assert await mirrors.works_for(pool, driver, company)
    await hear(("auth.user.changed", 1, account(driver, None)))
    assert not await mirrors.works_for(pool, driver, company)


async def test_staff_are_called_what_their_profile_says(hear, pool):
    driver, company = uuid4(), uuid4()
    await hear(("auth.user.changed", 1, account(driver, company)))
    profile = {"user_id": str(driver), "full_name": "Ravi K.", "phone": None, "locale": "hi"}
    await hear(
        ("user.profile.changed", 8, profile), ("user.profile.changed", 7, {**profile, "full_name": "Old"})
    )
    await hear(("auth.user.changed", 2, account(driver, company, status="suspended")))
    row = await pool.fetchrow("SELECT full_name, status FROM users")
    assert tuple(row) == ("Ravi K.", "suspended")


async def test_seats_are_sold_while_their_ticket_is_good(hear, pool):
    trip, first, second = uuid4(), uuid4(), uuid4()
    await hear(
        ("ticketing.ticket.confirmed", 1, ticket(first, trip, "1A")),
        ("ticketing.ticket.confirmed", 2, ticket(second, trip, "1B")),
    )
    await hear(("ticketing.ticket.cancelled", 9, ticket(second, trip, "1B", "cancelled")))
    await hear(("ticketing.ticket.confirmed", 2, ticket(second, trip, "1B")))
    assert await mirrors.sold_seats(pool, trip) == ["1A"]


async def test_who_is_on_board_is_known_from_check_ins_even_if_they_come_before_the_ticket(hear, pool):
    trip, on_board, waiting = uuid4(), uuid4(), uuid4()
    check_in = {
        "id": str(uuid4()), "ticket_id": str(on_board), "trip_id": str(trip), "company_id": str(uuid4()),
        "scanned_at": "2030-01-01T06:00:00+00:00", "scanned_by": str(uuid4()),
        "recorded_at": "2030-01-01T06:00:01+00:00",
    }  # fmt: skip
    await hear(("qr.check_in.recorded", 1, check_in), ("qr.check_in.recorded", 1, check_in))
    await hear(
        ("ticketing.ticket.confirmed", 1, ticket(on_board, trip, "1A")),
        ("ticketing.ticket.confirmed", 2, ticket(waiting, trip, "1B")),
    )
    sales = (await mirrors.sales_of_trips(pool, [trip]))[trip]
    assert (sales["confirmed"], sales["checked_in"]) == (2, 1)
