"""Dashboards, reckoned over bookings whose numbers can be added up by hand."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

IST = ZoneInfo("Asia/Kolkata")
NOW = datetime.now(UTC).replace(microsecond=0)


def inr(rupees):
    return {"amount": rupees * 100, "currency": "INR"}


async def sold_at(pool, booking, at):
    await pool.execute("UPDATE bookings SET created_at = $2 WHERE id = $1", booking.id, at)


async def give_code(pool, booking):
    """As confirming does; so that what is cancelled later is known to have been good once."""
    await pool.execute("UPDATE tickets SET qr_code = 'x' WHERE booking_id = $1", booking.id)


async def cancel(pool, booking, refund):
    """All its tickets, after it was paid for, with a refund that has been paid out."""
    await give_code(pool, booking)
    payment_id = await pool.fetchval(
        """
        INSERT INTO payments (id, booking_id, user_id, company_id, provider, status, amount, currency)
        SELECT gen_random_uuid(), id, user_id, company_id, 'sandbox', 'succeeded', total, currency
        FROM bookings WHERE id = $1 RETURNING id
        """,
        booking.id,
    )
    await pool.execute("UPDATE tickets SET status = 'cancelled' WHERE booking_id = $1", booking.id)
    await pool.execute(
        "UPDATE bookings SET status = 'cancelled', payment_id = $2, refund_due = $3 WHERE id = $1",
        booking.id,
        payment_id,
        Decimal(refund),
    )
    if refund:
        await pool.execute(
            """
            INSERT INTO refunds (id, payment_id, amount, status, reason)
            VALUES (gen_random_uuid(), $1, $2, 'succeeded', 'cancelled')
            """,
            payment_id,
            Decimal(refund),
        )


class TestUser:
    async def test_journeys_and_spending(self, client, world, pool):
        asha = await world.user()
        company = await world.company()
        past = await world.trip(company, departs_at=NOW - timedelta(days=40))
        soon = await world.trip(company, departs_at=NOW + timedelta(days=2))
        later = await world.trip(company, departs_at=NOW + timedelta(days=9))
        await world.booking(past, asha, seats=("1A", "1B"))
        ahead = await world.booking(soon, asha, seats=("2B", "2A"), from_seq=1, to_seq=3)
        await world.booking(later, asha)
        gone = await world.booking(soon, asha, seats=("1C",))
        await cancel(pool, gone, 270)
        await world.booking(soon, asha, seats=("1D",), status="expired")
        dropped = await world.booking(soon, asha, seats=("3D",), status="cancelled")
        await world.booking(soon, await world.user(), seats=("3A",))

        seen = await (await client.get("/api/users/me/dashboard", headers=world.bearer(asha))).json()
        assert (seen["trips_taken"], seen["trips_upcoming"], seen["cancelled"]) == (1, 2, 1)
        assert dropped.total == 300
        # 600 and 400 and 300, and of the cancelled one what was kept
        assert seen["spend"] == [inr(600 + 400 + 300 + 30)]
        first = seen["upcoming"][0]
        assert first["booking_id"] == str(ahead.id)
        assert first["seats"] == ["2A", "2B"]
        assert (first["from"], first["to"]) == ("Mysuru Bus Stand", "Mangaluru Bus Stand")
        boards_at = soon.departs_at + timedelta(seconds=soon.route.depart_s[1])
        assert first["departs_at"] == boards_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert sum(month["trips"] for month in seen["by_month"]) == 3
        assert sum(month["spend"]["amount"] for month in seen["by_month"]) == 133000
        month = (past.departs_at.astimezone(IST)).strftime("%Y-%m")
        assert seen["by_month"][0] == {"month": month, "trips": 1, "spend": inr(600)}

    async def test_a_late_bus_has_not_left(self, client, world):
        asha = await world.user()
        trip = await world.trip(departs_at=NOW - timedelta(minutes=20), delay_min=60)
        await world.booking(trip, asha)
        seen = await (await client.get("/api/users/me/dashboard", headers=world.bearer(asha))).json()
        assert (seen["trips_taken"], seen["trips_upcoming"]) == (0, 1)

    async def test_currencies_do_not_add_up(self, client, world):
        asha = await world.user()
        for currency in ("INR", "LKR"):
            trip = await world.trip(await world.company(currency=currency))
            await world.booking(trip, asha)
        seen = await (await client.get("/api/users/me/dashboard", headers=world.bearer(asha))).json()
        assert seen["spend"] == [inr(300), {"amount": 30000, "currency": "LKR"}]

    async def test_the_page_shows_them(self, client, world):
        asha = await world.user()
        page = await (await client.get("/dashboard", headers=world.browser(asha))).text()
        assert "You have no trip ahead" in page
        trip = await world.trip()
        booking = await world.booking(trip, asha)
        page = await (await client.get("/dashboard", headers=world.browser(asha))).text()
        assert f'href="/bookings/{booking.id}"' in page
        assert booking.reference in page
        assert "₹300" in page


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
        self, client, world, pool, company, operator
    ):
        trip = await world.trip(company)
        midnight = datetime(2026, 3, 2, tzinfo=IST)
        for seat, at in (("1A", midnight - timedelta(seconds=1)), ("1B", midnight), ("1C", midnight)):
            await sold_at(pool, await world.booking(trip, seats=(seat,)), at)
        for seat, at in (
            ("2A", midnight - timedelta(days=1, seconds=1)),
            ("2B", midnight + timedelta(days=1)),
        ):
            await sold_at(pool, await world.booking(trip, seats=(seat,)), at)
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
        await world.booking(trip, seats=("1D",), status="held")
        await world.trip(company, departs_at=NOW, route=trip.route, layout=trip.layout, status="cancelled")
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["load_factor"] == round(8 / 36, 4)
        (route,) = seen["by_route"]
        assert (route["departures"], route["tickets"], route["load_factor"]) == (1, 4, round(8 / 36, 4))
        assert route["revenue"] == inr(600 + 100 + 100)
        # a second departure that nobody wanted halves it
        await world.trip(company, departs_at=NOW, route=trip.route, layout=trip.layout)
        seen = await self.seen(client, world, operator, company)
        assert seen["totals"]["load_factor"] == round(8 / 72, 4)

    async def test_cancellations_and_refunds(self, client, world, pool, company, operator):
        trip = await world.trip(company)
        kept = await world.booking(trip, seats=("1A", "1B", "1C"))
        await give_code(pool, kept)
        await cancel(pool, await world.booking(trip, seats=("2A",)), 270)
        await world.booking(trip, seats=("3A",), status="cancelled")  # given up before it was paid for
        await world.booking(trip, seats=("3B",), status="expired")
        seen = await self.seen(client, world, operator, company)
        totals = seen["totals"]
        assert (totals["bookings"], totals["tickets"]) == (2, 4)
        assert totals["cancellation_rate"] == pytest.approx(0.25)
        assert totals["revenue"] == inr(1200)
        assert totals["refunds"] == inr(270)
        assert seen["by_day"][-1]["refunds"] == inr(270)

    async def test_a_seat_given_up_before_paying_was_never_sold(self, client, world, pool, company, operator):
        booking = await world.booking(await world.trip(company), seats=("1A", "1B"))
        await pool.execute(
            "UPDATE tickets SET qr_code = CASE seat WHEN '1A' THEN 'x' END,"
            " status = CASE seat WHEN '1A' THEN 'confirmed' ELSE 'cancelled' END"
        )
        await pool.execute("UPDATE bookings SET total = 300, payment_id = $1", booking.id)
        totals = (await self.seen(client, world, operator, company))["totals"]
        assert (totals["tickets"], totals["revenue"], totals["cancellation_rate"]) == (1, inr(300), 0)

    async def test_check_ins_are_of_passengers_whose_bus_has_left(
        self, client, world, pool, company, operator
    ):
        gone = await world.trip(company, departs_at=NOW - timedelta(days=1))
        booking = await world.booking(gone, seats=("1A", "1B", "1C", "1D"))
        await pool.execute("UPDATE tickets SET scanned_at = now() WHERE id = $1", booking.ticket_ids[0])
        await world.booking(await world.trip(company), seats=("1A",))
        assert (await self.seen(client, world, operator, company))["totals"][
            "check_in_rate"
        ] == pytest.approx(0.25)

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

    @pytest.mark.parametrize(
        ("params", "field"),
        [
            ({"from": "2026-02-01", "to": "2026-01-01"}, "to"),
            ({"from": "2024-01-01", "to": "2026-01-01"}, "to"),
            ({"from": "yesterday"}, "from"),
            ({"from": "0001-01-01", "to": "0001-01-05"}, "from"),
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

    async def test_the_page_shows_them_and_says_when_there_are_none(self, client, world, company, operator):
        browser = world.browser(operator)
        page = await (await client.get("/operator/sales", headers=browser)).text()
        assert "Nothing was sold in these days" in page
        await world.booking(await world.trip(company, departs_at=NOW), seats=("1A",))
        page = await (await client.get("/operator/sales?utm_source=mail", headers=browser)).text()
        assert "<svg" in page
        assert "style=" not in page
        assert "₹300" in page
        bad = await client.get("/operator/sales?from=2026-02-01&to=2026-01-01", headers=browser)
        assert bad.status == 422
        text = await bad.text()
        assert 'id="to-error"' in text
        assert 'value="2026-02-01"' in text

    async def test_an_admin_chooses_a_company(self, client, world, company):
        admin = world.browser(await world.user(role="admin"))
        page = await (await client.get(f"/operator/sales?company_id={company.id}", headers=admin)).text()
        assert re.search(rf'<option value="{company.id}" selected>', page)
        assert (await client.get("/operator/sales?company_id=x", headers=admin)).status == 404


class TestPlatform:
    async def test_everything_is_added_up(self, client, world, pool):
        admin = await world.user(role="admin")
        one, two = await world.company("Ananda Bus"), await world.company("Zebra Lines", currency="LKR")
        trip = await world.trip(one, departs_at=NOW)
        await world.booking(trip, seats=("1A", "1B"))
        await cancel(pool, await world.booking(trip, seats=("2A",)), 100)
        await world.booking(await world.trip(two, departs_at=NOW), seats=("1A",))
        seen = await (await client.get("/api/dashboard", headers=world.bearer(admin))).json()
        totals = seen["totals"]
        assert (totals["companies"], totals["departures"]) == (2, 2)
        assert (totals["bookings"], totals["tickets"]) == (3, 4)
        assert totals["users"] == await pool.fetchval("SELECT count(*) FROM users")
        assert totals["revenue"] == [inr(900), {"amount": 30000, "currency": "LKR"}]
        assert totals["refunds"] == [inr(100), {"amount": 0, "currency": "LKR"}]
        assert [(each["name"], each["tickets"]) for each in seen["by_company"]] == [
            ("Ananda Bus", 3),
            ("Zebra Lines", 1),
        ]
        assert sum(day["tickets"] for day in seen["by_day"]) == 4
        page = await (await client.get("/admin", headers=world.browser(admin))).text()
        assert "Zebra Lines" in page
        assert "<svg" in page

    async def test_it_is_for_admins(self, client, world):
        passenger = await world.user()
        assert (await client.get("/api/dashboard", headers=world.bearer(passenger))).status == 403
        assert (await client.get("/admin", headers=world.browser(passenger))).status == 403

    async def test_an_empty_platform_is_shown_too(self, client, world):
        admin = await world.user(role="admin")
        page = await (await client.get("/admin", headers=world.browser(admin))).text()
        assert "There is no company yet" in page
