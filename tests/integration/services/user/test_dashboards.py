"""Dashboards, reckoned over bookings whose numbers can be added up by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.integration.services.user.world import LEG_S, text

IST = ZoneInfo("Asia/Kolkata")
NOW = datetime.now(UTC).replace(microsecond=0)


def inr(rupees):
    return {"amount": rupees * 100, "currency": "INR"}


class TestUser:
    async def seen(self, client, world, user):
        answer = await client.get("/api/users/me/dashboard", headers=world.bearer(user))
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def test_journeys_and_spending(self, client, world):
        asha = await world.user()
        past = await world.trip(departs_at=NOW - timedelta(days=40))
        soon = await world.trip(departs_at=NOW + timedelta(days=2))
        later = await world.trip(departs_at=NOW + timedelta(days=9))
        await world.booking(past, asha, seats=("1A", "1B"))
        ahead = await world.booking(soon, asha, seats=("2B", "2A"), from_seq=1, to_seq=3)
        await world.booking(later, asha)
        await world.cancel(await world.booking(soon, asha, seats=("1C",)), 27000)
        await world.give_up(soon, asha)
        await world.booking(soon, await world.user(), seats=("3A",))

        seen = await self.seen(client, world, asha)
        assert (seen["trips_taken"], seen["trips_upcoming"], seen["cancelled"]) == (1, 2, 1)
        # 600 and 400 and 300, and of the cancelled one what was kept
        assert seen["spend"] == [inr(600 + 400 + 300 + 30)]
        boards_at = soon.departs_at + timedelta(seconds=LEG_S)
        assert seen["upcoming"][0] == {
            "booking_id": str(ahead.id),
            "reference": ahead.reference,
            "trip_id": str(soon.id),
            "from": "Mysuru Bus Stand",
            "to": "Mangaluru Bus Stand",
            "departs_at": boards_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "time_zone": "Asia/Kolkata",
            "seats": ["2A", "2B"],
        }
        assert sum(month["trips"] for month in seen["by_month"]) == 3
        assert sum(month["spend"]["amount"] for month in seen["by_month"]) == 133000
        month = past.departs_at.astimezone(IST).strftime("%Y-%m")
        assert seen["by_month"][0] == {"month": month, "trips": 1, "spend": inr(600)}

    async def test_a_new_passenger_sees_nothing_yet(self, client, world):
        seen = await self.seen(client, world, world.stranger())
        assert seen == {
            "trips_taken": 0,
            "trips_upcoming": 0,
            "cancelled": 0,
            "spend": [],
            "upcoming": [],
            "by_month": [],
        }

    async def test_a_late_bus_has_not_left(self, client, world):
        asha = await world.user()
        trip = await world.trip(departs_at=NOW - timedelta(minutes=20), delay_min=60)
        await world.booking(trip, asha)
        seen = await self.seen(client, world, asha)
        assert (seen["trips_taken"], seen["trips_upcoming"]) == (0, 1)

    async def test_currencies_do_not_add_up(self, client, world):
        asha = await world.user()
        for currency in ("LKR", "INR"):
            await world.booking(await world.trip(await world.company(currency=currency)), asha)
        seen = await self.seen(client, world, asha)
        assert seen["spend"] == [inr(300), {"amount": 30000, "currency": "LKR"}]

    async def test_five_journeys_ahead_are_named_and_all_counted(self, client, world):
        asha = await world.user()
        trips = [await world.trip(departs_at=NOW + timedelta(days=n)) for n in (7, 3, 5, 1, 6, 2)]
        for trip in trips:
            await world.booking(trip, asha)
        seen = await self.seen(client, world, asha)
        assert seen["trips_upcoming"] == 6
        order = [trips[index].id for index in (3, 5, 1, 2, 4)]
        assert [UUID(each["trip_id"]) for each in seen["upcoming"]] == order

    async def test_until_the_trip_is_heard_of_the_journey_speaks_as_it_was_sold(self, client, world, pool):
        asha = await world.user()
        trip = await world.trip()
        boards_at = trip.departs_at + timedelta(hours=2)
        journey = {
            "route_id": str(trip.route_id),
            "from": {"name": "Stand 4", "city": "Mysuru", "time_zone": "Asia/Kolkata"},
            "to": {"name": "Goa Kadamba", "city": "Goa", "time_zone": "Asia/Kolkata"},
        }
        journey["from"]["departs_at"] = text(boards_at)
        await world.booking(trip, asha, from_seq=1, to_seq=2, journey=journey)
        for table in ("trips", "routes", "stops"):
            await pool.execute(f"DELETE FROM {table}")
        seen = await self.seen(client, world, asha)
        (ahead,) = seen["upcoming"]
        assert (ahead["from"], ahead["to"]) == ("Stand 4, Mysuru", "Goa Kadamba")
        assert ahead["departs_at"] == boards_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert seen["spend"] == [inr(100)]


class TestCompany:
    @pytest.fixture
    async def company(self, world):
        return await world.company()

    @pytest.fixture
    async def operator(self, world, company):
        return await world.user(role="operator", company=company)

    async def seen(self, client, world, operator, company, **params: Any):
        answer = await client.get(
            f"/api/companies/{company.id}/dashboard", params=params, headers=world.bearer(operator)
        )
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def test_sales_are_of_the_day_on_which_they_were_made_where_the_company_is(
        self, client, world, company, operator
    ):
        trip = await world.trip(company, departs_at=datetime(2026, 4, 1, tzinfo=UTC))
        midnight = datetime(2026, 3, 2, tzinfo=IST)
        for seat, at in (("1A", midnight - timedelta(seconds=1)), ("1B", midnight), ("1C", midnight)):
            await world.booking(trip, seats=(seat,), made_at=at)
        for seat, at in (
            ("2A", midnight - timedelta(days=1, seconds=1)),
            ("2B", midnight + timedelta(days=1)),
        ):
            await world.booking(trip, seats=(seat,), made_at=at)
        seen = await self.seen(client, world, operator, company, **{"from": "2026-03-01", "to": "2026-03-02"})
        assert [(day["date"], day["tickets"], day["revenue"]) for day in seen["by_day"]] == [
            ("2026-03-01", 1, inr(300)),
            ("2026-03-02", 2, inr(600)),
        ]
        assert seen["totals"]["revenue"] == inr(900)
        assert seen["totals"]["load_factor"] is None  # nothing left in those days

    async def test_load_factor_is_seat_legs_sold_of_seat_legs_there_were(
        self, client, world, company, operator
    ):
        # three legs and twelve seats: 36 seat-legs
        trip = await world.trip(company, departs_at=NOW)
        await world.booking(trip, seats=("1A", "1B"), from_seq=0, to_seq=3)
        await world.booking(trip, seats=("1C",), from_seq=1, to_seq=2)
        await world.booking(trip, seats=("1C",), from_seq=2, to_seq=3)
        await world.trip(like=trip, departs_at=NOW, status="cancelled")
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["load_factor"] == round(8 / 36, 4)
        (route,) = seen["by_route"]
        assert (route["departures"], route["tickets"], route["load_factor"]) == (1, 4, round(8 / 36, 4))
        assert route["revenue"] == inr(600 + 100 + 100)
        # a second departure that nobody wanted halves it
        await world.trip(like=trip, departs_at=NOW)
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["load_factor"] == round(8 / 72, 4)

    async def test_cancellations_and_refunds(self, client, world, company, operator):
        trip = await world.trip(company)
        await world.booking(trip, seats=("1A", "1B", "1C"))
        gone = await world.booking(trip, seats=("2A",))
        await world.cancel(gone, 27000)
        await world.refund(gone, 100, "failed")
        await world.give_up(trip)
        seen = await self.seen(client, world, operator, company)
        totals = seen["totals"]
        assert (totals["bookings"], totals["tickets"]) == (2, 4)
        assert totals["cancellation_rate"] == pytest.approx(0.25)
        assert totals["revenue"] == inr(1200)
        assert totals["refunds"] == inr(270)
        assert seen["by_day"][-1]["refunds"] == inr(270)

    async def test_a_seat_given_up_before_paying_was_never_sold(self, client, world, company, operator):
        booking = await world.booking(await world.trip(company), seats=("1A", "1B"))
        given_up = booking.tickets[1]
        data = {**given_up, "status": "cancelled", "sold": False}
        await world.tell("ticketing.ticket.cancelled", given_up["id"], data)
        await world.tell("ticketing.booking.confirmed", booking.id, {**booking.data, "total_minor": 30000})
        totals = (await self.seen(client, world, operator, company))["totals"]
        assert (totals["tickets"], totals["revenue"], totals["cancellation_rate"]) == (1, inr(300), 0)

    async def test_what_was_free_is_a_sale_also_when_it_is_cancelled(self, client, world, company, operator):
        booking = await world.booking(await world.trip(company))
        free = {**booking.data, "status": "cancelled", "total_minor": 0, "payment_id": None}
        await world.tell("ticketing.booking.cancelled", booking.id, free)
        ticket = booking.tickets[0]
        await world.tell("ticketing.ticket.cancelled", ticket["id"], {**ticket, "status": "cancelled"})
        totals = (await self.seen(client, world, operator, company))["totals"]
        assert (totals["bookings"], totals["tickets"], totals["revenue"]) == (1, 1, inr(0))
        assert totals["cancellation_rate"] == 1

    async def test_check_ins_are_of_passengers_whose_bus_has_left(self, client, world, company, operator):
        gone = await world.trip(company, departs_at=NOW - timedelta(days=1))
        booking = await world.booking(gone, seats=("1A", "1B", "1C", "1D"))
        await world.check_in(booking)
        await world.booking(await world.trip(company), seats=("1A",))
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["check_in_rate"] == pytest.approx(0.25)

    async def test_of_todays_departures_those_that_have_left_count(self, client, world, company):
        # where it is a minute past noon, so that both departures are of one day
        offset = 12 - NOW.hour
        zone = f"Etc/GMT{-offset:+d}" if offset else "Etc/UTC"
        company = await world.company(time_zone=zone)
        operator = await world.user(role="operator", company=company)
        left = await world.trip(company, departs_at=NOW - timedelta(seconds=60))
        first = await world.booking(left, seats=("1A", "1B"))
        second = await world.booking(await world.trip(like=left, departs_at=NOW + timedelta(hours=2)))
        await world.check_in(first)
        await world.check_in(second)
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["check_in_rate"] == pytest.approx(0.5)

    async def test_other_companies_do_not_count(self, client, world, company, operator):
        other = await world.trip()
        await world.booking(other)
        totals = (await self.seen(client, world, operator, company))["totals"]
        assert totals["tickets"] == 0
        assert totals["cancellation_rate"] is None
        assert totals["revenue"] == inr(0)
        foreign = f"/api/companies/{other.company.id}/dashboard"
        assert (await client.get(foreign, headers=world.bearer(operator))).status == 404
        passenger = world.bearer(await world.user())
        assert (await client.get(foreign, headers=passenger)).status == 403
        assert (await client.get(foreign)).status == 401

    @pytest.mark.parametrize(
        ("params", "field"),
        [
            ({"from": "2026-02-01", "to": "2026-01-01"}, "to"),
            ({"from": "2024-01-01", "to": "2026-01-01"}, "to"),
            ({"from": "yesterday"}, "from"),
            ({"from": "1999-12-30", "to": "1999-12-31"}, "from"),
            ({"until": "2026-01-01"}, "until"),
        ],
    )
    async def test_a_period_that_cannot_be_is_named(self, client, world, company, operator, params, field):
        path = f"/api/companies/{company.id}/dashboard"
        answer = await client.get(path, params=params, headers=world.bearer(operator))
        assert answer.status == 422
        assert field in (await answer.json())["errors"]

    async def test_the_usual_period_is_thirty_days(self, client, world, company, operator):
        seen = await self.seen(client, world, operator, company)
        assert len(seen["by_day"]) == 30
        assert seen["to"] == datetime.now(IST).date().isoformat()
        first, last = date.fromisoformat(seen["from"]), date.fromisoformat(seen["to"])
        assert last - first == timedelta(days=29)

    async def test_a_company_not_heard_of_yet_is_asked_for(self, client, world, pool, site):
        company = await world.company()
        operator = await world.user(role="operator", company=company)
        await pool.execute("DELETE FROM companies")
        site.answers[f"/api/companies/{company.id}"] = {
            "id": str(company.id),
            "name": company.name,
            "slug": "a",
            "time_zone": "Asia/Colombo",
            "currency": "LKR",
            "status": "active",
        }
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["revenue"] == {"amount": 0, "currency": "LKR"}
        await self.seen(client, world, operator, company)
        assert [path for path, _ in site.asked] == [f"/api/companies/{company.id}"]

    async def test_one_that_is_nowhere_is_not_found(self, client, world, site):
        admin = await world.user(role="admin")
        path = "/api/companies/01980000-0000-7000-8000-000000000000/dashboard"
        assert (await client.get(path, headers=world.bearer(admin))).status == 404
        site.answers[path.removesuffix("/dashboard")] = 503
        assert (await client.get(path, headers=world.bearer(admin))).status == 503


class TestPlatform:
    async def test_everything_is_added_up(self, client, world):
        admin = await world.user(role="admin")
        one, two = await world.company("Ananda Bus"), await world.company("Zebra Lines", currency="LKR")
        trip = await world.trip(one, departs_at=NOW)
        await world.booking(trip, seats=("1A", "1B"))
        await world.cancel(await world.booking(trip, seats=("2A",)), 10000)
        await world.booking(await world.trip(two, departs_at=NOW), seats=("1A",))
        answer = await client.get("/api/dashboard", headers=world.bearer(admin))
        seen = await answer.json()
        totals = seen["totals"]
        assert (totals["companies"], totals["departures"]) == (2, 2)
        assert (totals["bookings"], totals["tickets"]) == (3, 4)
        assert totals["users"] == 1
        assert totals["revenue"] == [inr(900), {"amount": 30000, "currency": "LKR"}]
        assert totals["refunds"] == [inr(100), {"amount": 0, "currency": "LKR"}]
        assert [(each["name"], each["tickets"], each["revenue"]) for each in seen["by_company"]] == [
            ("Ananda Bus", 3, inr(900)),
            ("Zebra Lines", 1, {"amount": 30000, "currency": "LKR"}),
        ]
        assert sum(day["tickets"] for day in seen["by_day"]) == 4
        assert answer.headers["Cache-Control"] == "no-store"

    async def test_it_is_for_admins(self, client, world):
        passenger = await world.user()
        assert (await client.get("/api/dashboard", headers=world.bearer(passenger))).status == 403
        assert (await client.get("/admin", headers=world.browser(passenger))).status == 403

    async def test_a_platform_without_companies_is_empty(self, client, world):
        admin = await world.user(role="admin")
        seen = await (await client.get("/api/dashboard", headers=world.bearer(admin))).json()
        assert seen["by_company"] == seen["by_day"] == []
        answer = await client.get("/operator/sales", headers=world.browser(admin), allow_redirects=False)
        assert answer.headers["Location"] == "/admin"
